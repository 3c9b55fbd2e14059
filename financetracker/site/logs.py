"""One JSON object a line, with nothing in it that belongs to the books.

What our own code says is written by us and holds no values. What a library says may hold anything: a path, a
query, a header, the DETAIL of a database's error. Of that only the template is kept, with whole numbers and the
classes of exceptions filled in. An exception is its class, SQLSTATE, constraint and the places it went through,
never its message.
"""

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

OURS = "financetracker"
HIDDEN = "…"
FRAMES, CAUSES = 40, 5
PROJECT = f"{Path(__file__).resolve().parents[2]}/"

_request_id: ContextVar[str] = ContextVar("request_id", default="")


@contextmanager
def request_id(value: str) -> Iterator[None]:
    """Let every line of a block carry this id."""
    token = _request_id.set(value)
    try:
        yield
    finally:
        _request_id.reset(token)


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON. Never raises: what it cannot read it leaves out.

    gunicorn is believed in the process that made this object, which is its master: that one speaks of processes
    and sockets alone, while workers repeat what clients sent.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._master = os.getpid()

    def format(self, record: logging.LogRecord) -> str:
        believed = self._believes(record)
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message(record, believed=believed),
        }
        if found := _request_id.get():
            line["request_id"] = found
        if believed:
            line |= getattr(record, "fields", {})
        else:
            line["at"] = place(record.pathname, record.lineno, record.funcName)
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = exception(record.exc_info[1])
        return json.dumps(line, default=harmless)

    def _believes(self, record: logging.LogRecord) -> bool:
        if record.name == "gunicorn.error":
            return record.process == self._master
        return record.name.partition(".")[0] == OURS


def message(record: logging.LogRecord, *, believed: bool) -> str:
    """Return what is said, with the values in it only where they are known to be harmless."""
    if believed:
        try:
            return record.getMessage()
        except (TypeError, ValueError):
            return str(record.msg)
    if not record.args:
        return HIDDEN  # it may have been put together before it came here
    template = str(record.msg)
    values = record.args if isinstance(record.args, tuple) else ()
    try:
        return template % tuple(harmless(value) for value in values)
    except (TypeError, ValueError):
        return template


def harmless(value: object) -> int | str:
    """Return a whole number as it is, an exception as its class, and of everything else nothing."""
    if isinstance(value, int):
        return value
    if isinstance(value, BaseException):
        return name_of(value)
    return HIDDEN


def exception(error: BaseException, depth: int = 0) -> dict[str, Any]:
    """Describe an exception and what led to it, without a word of its message."""
    found: dict[str, Any] = {"type": name_of(error)}
    diagnosis = getattr(error, "diag", None)
    for key, value in (
        ("sqlstate", getattr(error, "sqlstate", None)),
        ("constraint", getattr(diagnosis, "constraint_name", None)),
    ):
        if value:
            found[key] = value
    frames = traceback.walk_tb(error.__traceback__)
    places = [place(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in frames]
    found["trace"] = places[-FRAMES:]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and depth < CAUSES:
        found["cause"] = exception(cause, depth + 1)
    return found


def name_of(error: BaseException) -> str:
    """Return the full name of an exception's class."""
    return f"{type(error).__module__}.{type(error).__qualname__}"


def place(path: str, line: int, function: str | None) -> str:
    """Return `file:line:function`, the file from its package on."""
    short = path.rpartition("/site-packages/")[2].removeprefix(PROJECT)
    return f"{short}:{line}:{function}"


def catch_strays() -> None:
    """Let also warnings, and what ends a thread, be said in this form: Python prints them with their messages."""
    logging.captureWarnings(capture=True)
    logger = logging.getLogger(f"{OURS}.stray")

    def thread_failed(stray: threading.ExceptHookArgs) -> None:
        logger.error("A thread failed.", exc_info=stray.exc_value)

    def unraisable(stray: "sys.UnraisableHookArgs") -> None:
        logger.error("An exception could not be raised.", exc_info=stray.exc_value)

    threading.excepthook = thread_failed
    sys.unraisablehook = unraisable
