"""How a person writes numbers and days: the decimal mark, what groups digits, in which order a day is written.

Knows no Django: amounts are read and shown far below it. Who the person is, the site says once a request (`use`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

# Between digits they group thousands wherever a person lives.
SPACES = " \u00a0\u202f\u2009'\u2019"


@dataclass(frozen=True, slots=True)
class Locale:
    """`decimal` is "." or ","; `group` stands between thousands; `order` is "dmy", "mdy" or "ymd"."""

    code: str = ""
    decimal: str = "."
    group: str = "\u00a0"
    order: str = "dmy"

    @property
    def other(self) -> str:
        """The one of point and comma that is not the decimal mark."""
        return "," if self.decimal == "." else "."


# Where nobody said how: what files, commands and tests are written in.
PLAIN = Locale()

_active: ContextVar[Locale] = ContextVar("locale", default=PLAIN)


def active() -> Locale:
    """Return how the person of the running request writes."""
    return _active.get()


@contextmanager
def use(locale: Locale) -> Iterator[None]:
    """Read and show as `locale` says, inside the block."""
    token = _active.set(locale)
    try:
        yield
    finally:
        _active.reset(token)
