"""Databases for one check: made by the owner, used by some revision's program, dropped at the end."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from deploy.check.problems import Problem

APP, OWNER = "DATABASE_URL", "DATABASE_OWNER_URL"
PREFIX = "ft_check_"


def owner() -> psycopg.Connection:
    """A connection as the owner, who may make databases. Raises Problem where that cannot be had."""
    try:
        return psycopg.connect(os.environ[OWNER], autocommit=True)
    except KeyError as error:
        raise Problem(f"{OWNER} is not set: run this through `python3 dev.py deploy check`.") from error
    except psycopg.Error as error:
        raise Problem(f"the database of {OWNER} cannot be used: {str(error).strip().splitlines()[0]}") from error


def address(variable: str, name: str) -> str:
    """The address in a variable, for another database on the same server."""
    return urlunsplit(urlsplit(os.environ[variable])._replace(path=f"/{name}"))


def environment(name: str) -> dict[str, str]:
    """What a program needs to use a database as its own."""
    return {APP: address(APP, name), OWNER: address(OWNER, name), "ENVIRONMENT": "development"}


@contextmanager
def database(purpose: str) -> Iterator[str]:
    """Makes an empty database of a name that nobody else has, and drops it and its copies afterwards."""
    name = f"{PREFIX}{os.getpid()}_{purpose}"
    with owner() as connection:
        sweep(connection)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield name
        finally:
            for made in names(connection):
                if made == name or re.fullmatch(rf"{name}_gw[0-9]+", made):
                    drop(connection, made)


def copy(name: str, to: str) -> None:
    """Makes a database with all that another one holds."""
    with owner() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(to), sql.Identifier(name))
        )


def names(connection: psycopg.Connection) -> list[str]:
    """The databases that checks made, of this process and of others."""
    found = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
    return [row[0] for row in found.fetchall()]


def sweep(connection: psycopg.Connection) -> None:
    """Drops what killed checks left behind."""
    for name in names(connection):
        try:
            os.kill(int(name.removeprefix(PREFIX).split("_")[0]), 0)
        except ProcessLookupError:
            drop(connection, name)
        except (PermissionError, ValueError):
            continue


def drop(connection: psycopg.Connection, name: str) -> None:
    """Drops a database. The owner may not end the app role's sessions: those that are closing get a moment."""
    for _ in range(100):
        with suppress(psycopg.errors.ObjectInUse):
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
            return
        time.sleep(0.1)
    raise Problem(f"{name} is still in use and stays; the next check drops it.")
