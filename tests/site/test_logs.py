"""A line of the log: whole, on one line, and without what a library put into its message."""

import json
import logging
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from financetracker.site.logs import JsonFormatter, request_id

SECRET = "Müllers Bakery 12.50"


def line(
    name: str, template: object, *args: Any, exc: BaseException | None = None, **extra: Any
) -> dict[str, Any]:
    """What becomes of a record; it must be one line."""
    info = (type(exc), exc, exc.__traceback__) if exc else None
    record = logging.LogRecord(name, logging.ERROR, "/x/site-packages/lib/a.py", 7, template, args, info, "called")
    vars(record).update(extra)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    return json.loads(text)


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_our_own_words_are_kept() -> None:
    with request_id("7a" * 16):
        found = line("financetracker.access", "%s done", "GET", fields={"status": 200})
    assert (found["message"], found["status"], found["request_id"]) == ("GET done", 200, "7a" * 16)
    assert found["time"].endswith("+00:00")
    assert "request_id" not in line("financetracker.access", "x")


@pytest.mark.parametrize(
    ("template", "args", "message"),
    [
        ("%s: %s", ("Not Found", f"/{SECRET}"), "…: …"),
        (f"Invalid HTTP_HOST header: {SECRET}", (), "…"),
        ("status %d of %s", (404, SECRET), "status 404 of …"),
        ("took %.2f", (12.5,), "took %.2f"),
        ("%s", (Decimal("12.50"),), "…"),
        ("failed: %s", (ValueError(SECRET),), "failed: builtins.ValueError"),
        ("%(name)s", ({"name": SECRET},), "%(name)s"),
        ("%s and %s", (1,), "%s and %s"),
        (ValueError(SECRET), (), "…"),
    ],
)
@pytest.mark.parametrize("name", ["django.security", "allauth", "gunicorn.http", "financetrackers"])
def test_of_a_library_the_template_is_kept(name: str, template: object, args: Any, message: str) -> None:
    found = line(name, template, *args, fields={"leak": SECRET}, process=-1)
    assert found["message"] == message
    assert found["at"] == "lib/a.py:7:called"
    assert "Bakery" not in json.dumps(found)


def test_gunicorn_is_believed_in_its_master_alone() -> None:
    assert (
        line("gunicorn.error", "Listening at: %s", "http://0.0.0.0")["message"] == "Listening at: http://0.0.0.0"
    )
    assert line("gunicorn.error", "Error handling request %s", SECRET, process=-1)["message"].endswith(" …")


def test_an_exception_is_where_and_what_and_never_why() -> None:
    error = raised(ValueError(SECRET))
    error.__cause__ = raised(KeyError(SECRET))
    found = line("financetracker.site", "It broke.", exc=error)["exception"]
    assert (found["type"], found["cause"]["type"]) == ("builtins.ValueError", "builtins.KeyError")
    (place,) = found["trace"]
    assert place.startswith("tests/site/test_logs.py:")
    assert place.endswith(":raised")
    assert "Bakery" not in json.dumps(found)


def test_a_chain_of_exceptions_ends() -> None:
    first = raised(ValueError("a"))
    first.__cause__ = second = raised(ValueError("b"))
    second.__cause__ = first
    assert json.dumps(line("financetracker.x", "x", exc=first)).count("builtins.ValueError") == 6


def test_what_ends_a_thread_is_said_in_the_same_form(project: Path) -> None:
    """Python itself would print it with its message: without us it does."""
    program = (
        "import logging, sys, threading, warnings\n"
        "from financetracker.site import logs\n"
        "handler = logging.StreamHandler(); handler.setFormatter(logs.JsonFormatter())\n"
        "logging.basicConfig(handlers=[handler])\n"
        "if sys.argv[1] == 'caught': logs.catch_strays()\n"
        "def fail(): raise ValueError('Bakery')\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join()\n"
        "warnings.warn('Bakery')\n"
    )

    def run(how: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program, how], cwd=project, capture_output=True, text=True, check=True
        )
        return done.stderr

    said = run("caught")
    assert "Bakery" not in said
    assert [json.loads(text)["logger"] for text in said.splitlines()] == ["financetracker.stray", "py.warnings"]
    assert run("loose").count("Bakery") >= 2
