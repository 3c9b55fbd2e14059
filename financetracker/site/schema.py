"""Whether the tables of a database suit this code, told from the names of its migrations alone."""

from collections.abc import Set
from functools import cache

from django.db.migrations.loader import MigrationLoader

# (app, migration)
Name = tuple[str, str]

# A migration that old code could stumble over has this in its name.
CONTRACTS = "_contract_"


@cache
def _code() -> MigrationLoader:
    """What this code brings along. No query."""
    return MigrationLoader(None, ignore_no_migrations=True)


def missing(applied: Set[Name]) -> list[Name]:
    """Return the migrations of this code that a database lacks, in the order of their names."""
    code = _code()
    return sorted(name for name in code.graph.nodes if name not in applied and not _squashed(name, applied))


def contracted(applied: Set[Name]) -> list[Name]:
    """Return the contracting migrations of newer code that a database has.

    Any other migration that this code does not know was made so that this code still works.
    """
    return [name for name in unknown(applied) if CONTRACTS in name[1]]


def unknown(applied: Set[Name]) -> list[Name]:
    """Return the migrations of newer code that a database has, in the order of their names."""
    migrations = _code().disk_migrations
    known = {*migrations, *(name for migration in migrations.values() for name in migration.replaces)}
    return sorted(applied - known)


def _squashed(name: Name, applied: Set[Name]) -> bool:
    """Whether a migration stands for several older ones that were all applied."""
    replaced = set(_code().disk_migrations[name].replaces)
    return bool(replaced) and replaced <= applied
