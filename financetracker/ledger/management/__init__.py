"""What the ledger offers at the command line."""
