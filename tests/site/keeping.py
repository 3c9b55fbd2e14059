"""Databases of a test's own beside the suite's, and commands that run on them as programs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.db import connections

from financetracker.site import archive

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = {"ft_app": "DATABASE_URL", "ft_owner": "DATABASE_OWNER_URL", "ft_auditor": "DATABASE_AUDITOR_URL"}


def suites_database() -> str:
    """The name of the database that the tests of this process share."""
    return str(connections["owner"].settings_dict["NAME"])


def address(role: str, database: str) -> str:
    """Where a role finds a database."""
    if role == "ft_auditor" and ADDRESS[role] not in os.environ:
        pytest.skip("no address of the auditor's: DATABASE_AUDITOR_URL is not set")
    return urlunsplit(urlsplit(os.environ[ADDRESS[role]])._replace(path=f"/{database}"))


def manage(database: str, *command: str, stdin: Any = None, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run a management command on a database, to its end."""
    with started(database, *command, stdin=stdin, **env) as child:
        out, err = child.communicate(timeout=300)
    return subprocess.CompletedProcess(command, child.returncode, out, err)


@contextmanager
def started(database: str, *command: str, stdin: Any = None, **env: str) -> "Iterator[subprocess.Popen[str]]":
    """Run a management command on a database while a block goes on."""
    addresses = {ADDRESS[role]: address(role, database) for role in ("ft_app", "ft_owner")}
    child = subprocess.Popen(
        [sys.executable, "manage.py", *command],
        cwd=ROOT, env={**os.environ, **addresses, **env}, text=True,
        stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.communicate()


def refusal(done: "subprocess.CompletedProcess[str]") -> str:
    """The one line that a command ended with."""
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    return line.removeprefix("CommandError: ")


@contextmanager
def session(role: str, database: str) -> "Iterator[psycopg.Connection[Any]]":
    """A connection of a role, each statement a transaction of its own."""
    with psycopg.connect(address(role, database), autocommit=True) as connection:
        yield connection


def run(role: str, database: str, sql: str) -> list[tuple[Any, ...]]:
    """Run SQL as a role and return what it says."""
    with session(role, database) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def holds_anything(database: str) -> bool:
    """Whether anything was made in a database."""
    sql = """SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace)
               OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
               OR EXISTS (SELECT FROM pg_default_acl)"""
    return bool(run("ft_owner", database, sql)[0][0])


@contextmanager
def new_database(suffix: str) -> Iterator[str]:
    """An empty database of the owner's; dropped after the block."""
    name = f"{suites_database()}_{suffix}"
    with session("ft_owner", suites_database()) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield name
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def manifest_of(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return archive.read(file).manifest


def sealed_anew(source: Path, target: Path, **changes: Any) -> Path:
    """The same backup with another manifest, and sums that fit it."""
    with source.open("rb") as file, target.open("w+b") as new:
        old = archive.read(file)
        writer = archive.Writer(new)
        writer.take(BytesIO(b"".join(old.dump())))
        writer.finish({**old.manifest, **changes})
    return target
