"""The database's part of the chart of accounts. Bodies are files; migrations load them with `read`."""

from pathlib import Path


def read(name: str, folder: Path = Path(__file__).parent) -> str:
    """Return the text of an SQL file. A file named by a migration is never edited: a change is a new file."""
    return (folder / f"{name}.sql").read_text(encoding="utf-8")
