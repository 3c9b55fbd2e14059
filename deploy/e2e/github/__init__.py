"""A stand-in for GitHub's API over a real bare repository: it refuses what the real one refuses.

`python -m deploy.e2e.github --repository BARE --port P --token T`, or `StandIn` (server.py) in a test.
"""
