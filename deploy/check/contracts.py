"""Which changes of a schema the program that still runs could stumble over.

Old and new program run side by side while a release rolls out, and the old one alone again after a rollback.
What it does not know cannot hurt it: new tables, new columns that fill themselves, new functions, more rights.
Everything else contracts.
"""

import re
from collections.abc import Iterator
from typing import Any

from deploy.check.catalogue import Catalogue, Key, called

INSIDE = ("column", "constraint", "index", "trigger", "rule", "policy", "right", "sequence")
WIDER = {("smallint", "integer"), ("smallint", "bigint"), ("integer", "bigint"), ("character varying", "text")}
EVERYBODY = "everybody"
RESTRICTS = {
    "trigger": "a trigger",
    "policy": "a policy",
    "rule": "a rule",
    "constraint": "a constraint",
    "index": "a unique index",
}


def contractions(base: Catalogue, before: Catalogue, after: Catalogue) -> Iterator[str]:
    """What went from `before` to `after` and is known to the program of `base`: each as `drops the table x`."""
    for key in sorted(before.keys() - after.keys()):
        if key in base and not goes_with_its_owner(key, before, after) and not kept_by_name(key, base, after):
            verb = "revokes" if key[0] == "right" else "drops"
            yield f"{verb} {called(key)}"
    for key in sorted(after.keys() - before.keys()):
        if key not in base:
            yield from added(key, base, after)
        elif base[key] != after[key]:
            yield f"brings back {called(key)} as something else"
    for key in sorted(before.keys() & after.keys()):
        if key in base and before[key] != after[key]:
            yield from changed(key, before[key], after[key])


def goes_with_its_owner(key: Key, before: Catalogue, after: Catalogue) -> bool:
    """Whether a thing vanished only because the table, function or column it belongs to did."""
    kind, relation, _ = key
    if kind not in INSIDE:
        return False
    owners = [(owner, relation, "") for owner in ("table", "view", "function", "sequence") if owner != kind]
    if kind == "sequence":
        owners = [("table", str(before[key].get("owner")), "")]
    if any(owner in before and owner not in after for owner in owners):
        return True
    columns = before[key].get("columns") or ()
    return any(("column", relation, column) not in after for column in columns)


def kept_by_name(key: Key, base: Catalogue, after: Catalogue) -> bool:
    """Whether a right was taken from everybody and each role that the base gives any right has it by its name."""
    kind, relation, name = key
    what, _, who = name.rpartition(" to ")
    if kind != "right" or who != EVERYBODY:
        return False
    roles = {other[2].rpartition(" to ")[2] for other in base if other[0] == "right"} - {EVERYBODY}
    return bool(roles) and all((kind, relation, f"{what} to {role}") in after for role in roles)


def added(key: Key, base: Catalogue, after: Catalogue) -> Iterator[str]:
    """What contracts by being there: more to obey for whoever writes a table that the old program knows."""
    kind, relation, name = key
    made = after[key]
    if kind == "function":
        short = made["short"]
        if any(other[0] == "function" and base[other]["short"] == short for other in base):
            yield f"adds {called(key)} beside one of its name: calls may become ambiguous or go elsewhere"
    elif not any((owner, relation, "") in base for owner in ("table", "view")):
        return
    elif kind == "column":
        if made["required"] and not (made["default"] or made["identity"] or made["generated"]):
            yield f"adds {called(key)} NOT NULL without a default of the database"
    elif kind in ("constraint", "index"):
        if (kind == "constraint" or made["unique"]) and not concerns_new_columns_alone(key, base, after):
            yield f"adds {RESTRICTS[kind]} to a table that is in use: {name} on {relation}"
    elif kind in RESTRICTS:
        yield f"adds {RESTRICTS[kind]} to a table that is in use: {name} on {relation}"


def concerns_new_columns_alone(key: Key, base: Catalogue, after: Catalogue) -> bool:
    """Whether what the old program writes passes: it leaves the new columns to their defaults."""
    kind, relation, _ = key
    made = after[key]
    columns = [("column", relation, column) for column in made["columns"]]
    if not columns or made.get("expression") or any(column in base for column in columns):
        return False
    if kind == "constraint" and made["kind"] in ("c", "f"):
        return True
    # Unique: rows that the old program adds must not collide.
    apart = [
        after[column]["identity"] or "(" in (after[column]["default"] or "")
        for column in columns
        if after[column]["default"] or after[column]["identity"]
    ]
    empty = any(not after[column]["default"] and not after[column]["required"] for column in columns)
    return any(apart) or (empty and "NULLS NOT DISTINCT" not in made["definition"])


def changed(key: Key, before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """What contracts by being otherwise than before."""
    kind = key[0]
    if kind == "column":
        yield from changed_column(key, before, after)
        return
    other = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    if kind == "constraint" and other == {"validated"} and after["validated"]:
        return  # it bound every new row before
    if kind == "table" and other <= {"secured", "forced"}:
        yield f"turns row security {'on' if after['secured'] else 'off'} for {called(key)}"
        return
    what = "the body of " if kind == "function" and other <= {"body", "definition"} else ""
    yield f"changes {what}{called(key)}"


def changed_column(key: Key, before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """A column may become wider, optional, or get a default; nothing else."""
    if before["type"] != after["type"] and not widened(before["type"], after["type"]):
        yield f"changes {called(key)} from {before['type']} to {after['type']}"
    if after["required"] and not before["required"]:
        yield f"makes {called(key)} NOT NULL"
    if before["default"] and before["default"] != after["default"]:
        verb = "takes the default from" if after["default"] is None else "changes the default of"
        yield f"{verb} {called(key)}"
    for name in ("identity", "generated", "collation"):
        if before[name] != after[name]:
            yield f"changes {called(key)}: {name} is {after[name] or 'none'}, was {before[name] or 'none'}"


def widened(before: str, after: str) -> bool:
    """Whether every value of the one type is one of the other, and reads the same."""
    name, limits = sized(before)
    new_name, new_limits = sized(after)
    if (name, new_name) in WIDER:
        return True
    if name != new_name or name not in ("character varying", "numeric") or not limits:
        return False
    if not new_limits:
        return name == "character varying"
    if name == "numeric":  # the same number of decimals, and at least as many before them
        return limits[1:] == new_limits[1:] and new_limits[0] >= limits[0]
    return new_limits[0] >= limits[0]


def sized(type_name: str) -> tuple[str, list[int]]:
    """A type's name and the numbers in its brackets."""
    found = re.fullmatch(r"(.*?)(?:\(([0-9,]+)\))?", type_name)
    assert found
    return found[1], [int(number) for number in (found[2] or "").split(",") if number]
