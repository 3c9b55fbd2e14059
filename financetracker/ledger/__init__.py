"""Transactions and everything that hangs on them."""
