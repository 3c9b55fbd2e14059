"""Reading what another program wrote, so that half a report or somebody else's is never taken for a good one."""

import json
from pathlib import Path
from typing import Any

from deploy.release.problems import Problem, Refused


def load(path: Path, what: str) -> dict[str, Any]:
    """The JSON object in a file. Raises Problem without the file, Refused where it is cut off, empty or no object.

    A key that stands twice refuses too: readers differ in which of the two they believe.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Problem(f"{what} cannot be read: {path}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{what} is no text: {path}.") from error
    if not text.strip():
        raise Refused(f"{what} is empty: {path}. Whatever should have written it did not.")
    try:
        whole = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{what} is no whole JSON document: {path}: {error}.") from error
    if not isinstance(whole, dict):
        raise Refused(f"{what} is no JSON object: {path}.")
    return whole


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand once each."""
    made = dict(pairs)
    if len(made) != len(pairs):
        twice = next(key for key, _ in pairs if [name for name, _ in pairs].count(key) > 1)
        raise ValueError(f"{twice!r} stands in it twice")
    return made


def part[T](whole: Any, *path: str, kind: type[T], what: str) -> T:
    """The value at a path of keys, of the kind that must stand there. Raises Refused for anything else."""
    found = whole
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, kind):
        raise Refused(f"{what} is not what it should be: {'.'.join(path)} is missing or of another kind.")
    return found


def entries(whole: Any, *path: str, what: str) -> list[Any]:
    """The list at a path of keys, where null and nothing are an empty one. Raises Refused for anything else."""
    found = whole
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, list | None):
        raise Refused(f"{what} is not what it should be: {'.'.join(path)} is no list.")
    return found or []


def words(whole: Any, *path: str, what: str) -> list[str]:
    """The list of texts at a path of keys; else as entries()."""
    found = entries(whole, *path, what=what)
    if any(not isinstance(word, str) for word in found):
        raise Refused(f"{what} is not what it should be: {'.'.join(path)} holds something else than texts.")
    return found
