"""A folder of backups that does not grow for ever."""

import datetime
from pathlib import Path

from django.core.management.base import CommandError

from financetracker.site.backup import DISAGREE, Saved, save

STAMP = "%Y-%m-%dT%H%M%SZ"


def put(folder: Path, prefix: str, keep: int) -> tuple[Path, Saved]:
    """Save the database as `PREFIX-TIME.backup`, and remove the oldest of that prefix beyond `keep`.

    Nothing is removed unless the new one is whole, nor where its books disagree: damage that goes on must not push
    out the last good one. What a killed run left goes too. Other files in the folder are nobody's business.
    Raises CommandError.
    """
    now = datetime.datetime.now(datetime.UTC).strftime(STAMP)
    path = folder / f"{prefix}-{now}.backup"
    for part in folder.glob(f"{prefix}-????-??-??T??????Z.backup.part"):
        part.unlink()
    saved = save(str(path))
    if saved.manifest["verdict"] == DISAGREE:
        return path, saved
    try:
        for old in sorted(folder.glob(f"{prefix}-????-??-??T??????Z.backup"))[:-keep]:
            old.unlink()
    except OSError as error:
        raise CommandError(
            f"{path} was saved, but an older one stays: {error.filename}: {error.strerror}."
        ) from error
    return path, saved
