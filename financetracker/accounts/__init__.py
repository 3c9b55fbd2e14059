"""Books, who may see them, and their charts of accounts."""
