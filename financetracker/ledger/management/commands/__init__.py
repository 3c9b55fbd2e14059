"""One command a module; each opens its own scope or snapshot."""
