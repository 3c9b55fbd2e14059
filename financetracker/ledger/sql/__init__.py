"""The database's part of the books. Bodies are files; migrations load them with `accounts.sql.read`."""

from pathlib import Path

FOLDER = Path(__file__).parent
