"""How fast the ledger is, as a share of a floor that was measured in the same minute on the same machine."""
