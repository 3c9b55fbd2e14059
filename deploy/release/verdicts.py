"""What `doctor` says of one item of docs/setup.md, and what it may look at to find out."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.release.github import Expired, Forbidden, GitHub, NotThere
from deploy.release.problems import CouldNot, Problem

OK = "ok"
WRONG = "wrong"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`unknown` is what cannot be seen from here, or by this token: a person has to look."""

    word: str
    said: str


def fine(said: str) -> Verdict:
    return Verdict(OK, said)


def wrong(said: str) -> Verdict:
    return Verdict(WRONG, said)


def unknown(said: str) -> Verdict:
    return Verdict(UNKNOWN, said)


def judged(faults: list[str], said: str) -> Verdict:
    """Wrong with everything that is, else fine."""
    return wrong("; ".join(faults)) if faults else fine(said)


@dataclass
class Place:
    """Where is looked. `hub` and `cluster` become None with a reason once they turn out not to answer."""

    given: argparse.Namespace
    hub: GitHub | None = None
    no_hub: str = ""
    cluster: str | None = None  # the context of kubectl
    no_cluster: str = ""

    @property
    def clone(self) -> Path:
        return Path(self.given.clone)

    def text(self, path: str) -> str:
        """A file of the clone; empty if there is none."""
        try:
            return (self.clone / path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""


Look = Callable[[Place], Verdict]


@dataclass(frozen=True, slots=True)
class Item:
    """One heading of docs/setup.md. Without `look` nobody but a person can see it; `yourself` says where."""

    id: str
    look: Look | None = None
    yourself: str = ""


def on_github(look: Callable[[Place, GitHub], Verdict]) -> Look:
    """An item that GitHub knows. What the token may not see is unknown, and so is all after it went away."""

    def looked(place: Place) -> Verdict:
        if place.hub is None:
            return unknown(place.no_hub)
        try:
            return look(place, place.hub)
        except (Forbidden, NotThere):
            return unknown("this token may not look: use one of an administrator")
        except CouldNot as problem:
            place.hub, place.no_hub = None, str(problem).rstrip(".")
            return unknown(place.no_hub)
        except Expired as problem:
            place.hub, place.no_hub = None, "GitHub refuses the token"
            return wrong(str(problem).rstrip("."))
        except Problem as problem:
            return wrong(str(problem).rstrip("."))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            return unknown(f"GitHub's answer is not understood ({type(error).__name__})")

    return looked
