"""A personal finance tracker: double entry in PostgreSQL, a Django admin in front of it."""
