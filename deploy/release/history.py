"""What ran where and when, read from the overlays' own history: nobody has to keep a list."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from deploy.release.desk import Desk
from deploy.release.images import Image, overlay, pinned
from deploy.release.problems import Problem

DENIED = "deploy/denylist.txt"
EVIDENCE = "deploy/evidence"
CONTRACTS = re.compile(r"financetracker/[a-z_]+/migrations/[0-9]{4}_contract_\w+\.py")


@dataclass(frozen=True, slots=True)
class Pin:
    """One move of an environment: the commit on main that made it, and the image from then on."""

    environment: str
    commit: str
    at: datetime
    who: str
    image: Image
    trailers: dict[str, str]

    @property
    def rollback_of(self) -> str:
        """The digest that this pin took back; empty for a step forward."""
        return self.trailers.get("Rollback-Of", "")


def trailers(message: str) -> dict[str, str]:
    """The `Name: value` lines of a message's last paragraph."""
    last = message.strip().rpartition("\n\n")[2]
    return dict(re.findall(r"^([A-Z][A-Za-z-]+): (.+)$", last, re.MULTILINE))


def pins(at: Desk, environment: str, until: str = "HEAD") -> list[Pin]:
    """Every move of an environment on main, the newest first; the placeholder of the beginning is none.

    Only the main line counts: what a merge brought happened when it was merged. One `git log`, and one
    `git show` a commit that touched the overlay.
    """
    log = at.git(
        "log", "--first-parent", "--format=%H%x1f%ct%x1f%an%x1f%B%x1e", until, "--", overlay(environment)
    )  # fmt: skip
    found: list[Pin] = []
    for entry in reversed([part for part in log.split("\x1e") if part.strip()]):
        commit, when, who, message = entry.strip("\n").split("\x1f")
        image = pinned(at.text_at(commit, overlay(environment)) or "")
        if image is None or image.placeholder or (found and found[-1].image == image):
            continue
        moment = datetime.fromtimestamp(int(when), UTC)
        found.append(Pin(environment, commit, moment, who, image, trailers(message)))
    return found[::-1]


def source_of(at: Desk, image: Image) -> str:
    """The whole commit that an image was built from. Raises Problem if this repository has none of that name."""
    commit = at.commit_of(image.short) if image.short else None
    if commit is None:
        raise Problem(
            f"{image.tag} was built from {image.short or 'nothing known'}, which is not in this repository."
        )
    return commit


def denied(at: Desk, commit: str = "HEAD") -> dict[str, str]:
    """The digests that must not be released again, each with the reason that stands behind it."""
    found = {}
    for line in (at.text_at(commit, DENIED) or "").splitlines():
        word, _, reason = line.partition("#")
        if word.strip():
            found[word.strip()] = reason.strip()
    return found


def contracts_between(at: Desk, older: str, newer: str) -> list[str]:
    """The contracting migrations that `newer` has and `older` has not: what forbids going back to `older`."""
    return [
        path for path in at.changed(older, newer) if CONTRACTS.fullmatch(path) and at.text_at(older, path) is None
    ]
