"""Applies migrations one at a time and shows the catalogue after each; run in the folder of some revision.

Reads a JSON object from stdin: `targets`, a list of [app, name] up to which to go, or null for all that there are;
`queries`, name to SQL. Prints one JSON object a line: first where it began (`migration` null), then each migration
that was applied. Knows nothing but Django, because the program it runs in can be an old one.
"""

import json
import os
import sys
from typing import Any

sys.path[0] = os.getcwd()

import django  # noqa: E402


def main() -> None:
    """Goes from what the database has to the targets."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "financetracker.settings")
    django.setup()
    from django.db import connections  # noqa: PLC0415  the settings are read only now
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    asked = json.load(sys.stdin)
    connection = connections["owner"]
    executor = MigrationExecutor(connection)
    graph = executor.loader.graph
    targets = graph.leaf_nodes() if asked["targets"] is None else [tuple(node) for node in asked["targets"]]
    lost = [f"{app}.{name}" for app, name in targets if (app, name) not in graph.nodes]
    if lost:
        sys.exit(f"{lost[0]} is not there any more")
    show(None, connection, asked["queries"])
    # Not the executor's own plan: it would go back from a target that others are built on.
    applied = set(executor.loader.applied_migrations)
    plan = dict.fromkeys(node for target in targets for node in graph.forwards_plan(target) if node not in applied)
    for node in plan:
        migration = graph.nodes[node]
        executor = MigrationExecutor(connection)
        lines = executor.loader.collect_sql([(migration, False)])
        executor.migrate([node])
        show(migration, connection, asked["queries"], "\n".join(lines))


def show(migration: Any, connection: Any, queries: dict[str, str], sql: str = "") -> None:
    """Prints what a migration is, what it ran, and the catalogue after it."""
    found = {}
    with connection.cursor() as cursor:
        for kind, query in queries.items():
            cursor.execute(query)
            names = [column.name for column in cursor.description]
            found[kind] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    said = {
        "migration": migration and [migration.app_label, migration.name],
        "expanded_by": getattr(migration, "expanded_by", None),
        "module": migration and type(migration).__module__,
        "sql": sql,
        "catalogue": found,
    }
    print(json.dumps(said, default=str), flush=True)


if __name__ == "__main__":
    main()
