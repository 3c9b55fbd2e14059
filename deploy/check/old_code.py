"""`old-code`: the tests of the program that still runs, on tables that the new program has migrated."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from psycopg import connect

from deploy.check import databases, interpreters, revisions
from deploy.check.problems import Problem
from deploy.check.programs import ROOT
from deploy.check.schema import migrate

LEFT_OUT = Path(__file__).with_name("old_code.txt")
SIDE_BY_SIDE = min(os.cpu_count() or 1, 4)


def left_out() -> list[str]:
    """What of the base's tests is not run, from the file that gives the reasons."""
    lines = LEFT_OUT.read_text(encoding="utf-8").splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def hide_contractions(name: str, files: Path) -> list[str]:
    """Takes the contracting migrations that the base does not know out of a database's list of migrations.

    The base's program refuses to work on such a database, which would end every test at its start; whether it
    could work there is the question.
    """
    with connect(databases.address(databases.OWNER, name)) as connection:
        found = connection.execute("SELECT app, name FROM django_migrations WHERE name LIKE '%\\_contract\\_%'")
        unknown = [
            (app, migration)
            for app, migration in found.fetchall()
            if not (files / "financetracker" / app / "migrations" / f"{migration}.py").is_file()
        ]
        for app, migration in unknown:
            connection.execute("DELETE FROM django_migrations WHERE app = %s AND name = %s", [app, migration])
    return [f"{app}.{migration}" for app, migration in unknown]


def let_go_of_known_tables(name: str, base: str) -> None:
    """Drops the foreign keys from tables that the base does not know to tables that it does.

    The tests of the base empty its tables with TRUNCATE, whatever rows there are: it is refused for any table
    that one outside the list refers to. The program itself never truncates, and the new tables stay empty here.
    """
    with connect(databases.address(databases.OWNER, base)) as connection:
        known = {
            row[0] for row in connection.execute("SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r'")
        }
    with connect(databases.address(databases.OWNER, name)) as connection:
        keys = connection.execute(
            "SELECT conrelid::regclass::text, confrelid::regclass::text, conname FROM pg_constraint"
            " WHERE contype = 'f'"
        ).fetchall()
        for table, referred, key in keys:
            if table not in known and referred in known:
                connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{key}"'.encode())


def run_tests(files: Path, python: Path, name: str, chosen: list[str]) -> int:
    """Runs the base's tests in a database that is there already; returns pytest's status."""
    for worker in range(SIDE_BY_SIDE):
        databases.copy(name, f"{name}_gw{worker}")
    env = {**os.environ, "ENVIRONMENT": "test", "FT_TEST_DATABASE": name, "CI": ""}  # skips are its own affair
    for variable in ("PYTHONPATH", "PYTEST_ADDOPTS"):
        env.pop(variable, None)
    options = [f"--deselect={path}" for path in left_out()] + [f"--ignore={path}" for path in left_out()]
    argv = [python, "-m", "pytest", "-q", "--reuse-db", "-p", "no:cacheprovider", "-n", SIDE_BY_SIDE, *options]
    return subprocess.run([str(part) for part in (*argv, *chosen)], cwd=files, env=env, check=False).returncode


def check(
    root: Path = ROOT, base: str | None = None, say: Callable[[str], None] = print, chosen: tuple[str, ...] = ()
) -> int:
    """Prints what the tests say; returns 1 if any failed. With `chosen` it runs those tests of the base alone."""
    os.environ.setdefault("SECRET_KEY", "for-checks-only-" * 4)
    revision = revisions.base(root, base)
    with revisions.files_of(root, revision.commit) as files, databases.database("old") as name:
        python = interpreters.of(files, root)
        migrate(root, Path(sys.executable), name)
        with databases.database("base") as base_name:
            migrate(files, python, base_name)
            let_go_of_known_tables(name, base_name)
        hidden = hide_contractions(name, files)
        say(f"the tests of {revision} on tables of the work tree{', without '.join(['', *hidden])}:")
        sys.stdout.flush()
        status = run_tests(files, python, name, list(chosen))
    if status not in (0, 1):
        raise Problem(f"pytest of {revision} ended with status {status}: see above.")
    say(f"old code: {'its tests fail on the new tables' if status else 'nothing to correct'}")
    return status
