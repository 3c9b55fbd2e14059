"""What ran where and when, read from the overlays' own history: nobody has to keep a list."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from deploy.release.desk import Desk
from deploy.release.images import Image, images_part, overlay, pinned
from deploy.release.problems import Problem

DENIED = "deploy/denylist.txt"
EVIDENCE = "deploy/evidence"
WHOLE = re.compile("[0-9a-f]{40}")
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
    built_from: str = ""

    @property
    def source(self) -> str:
        """The whole commit that the image was built from; its first digits where the repository has none."""
        return self.built_from or self.image.short

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

    Only the main line counts: what a merge brought happened when it was merged. Three processes of Git in all,
    however many pins.
    """
    log = at.git(
        "log", "--first-parent", "--format=%H%x1f%ct%x1f%an%x1f%B%x1e", until, "--", overlay(environment)
    )  # fmt: skip
    entries = [part.strip("\n").split("\x1f") for part in log.split("\x1e") if part.strip()][::-1]
    texts = at.texts_at([commit for commit, *_ in entries], overlay(environment))
    found: list[Pin] = []
    for (commit, when, who, message), text in zip(entries, texts, strict=True):
        image = pinned(images_part(text or ""))
        if image is None or image.placeholder or (found and found[-1].image == image):
            continue
        moment = datetime.fromtimestamp(int(when), UTC)
        found.append(Pin(environment, commit, moment, who, image, trailers(message)))
    sources = at.commits_of([named_source(pin) for pin in found])
    return [replace(pin, built_from=sources.get(named_source(pin), "")) for pin in reversed(found)]


def named_source(pin: Pin) -> str:
    """What a pin says about the commit of its build: the trailer, if it agrees with the tag, else the tag."""
    named = pin.trailers.get("Source-Commit", "")
    return named if WHOLE.fullmatch(named) and named.startswith(pin.image.short) else pin.image.short or "0" * 40


def source_of(at: Desk, image: Image) -> str:
    """The whole commit that an image was built from. Raises Problem if this repository has none of that name."""
    commit = at.commit_of(image.short) if image.short else None
    if commit is None:
        raise Problem(
            f"{image.tag} was built from {image.short or 'nothing known'}, which is not in this repository."
        )
    return commit


def pin_ahead(at: Desk, image: Image, source: str, known: list[Pin]) -> Pin | None:
    """The first of some pins that makes a build an older one; None if it is the newest of them.

    A build is older than one of a later commit. Of one commit, or where neither commit came out of the other
    or one is gone from the branch, the run with the lower id is. Two processes of Git, however many pins.
    """
    later = set(at.git("rev-list", "--ancestry-path", f"{source}..HEAD").split())
    earlier = set(at.git("rev-list", source).split()) - {source}
    for pin in known:
        theirs = pin.source if WHOLE.fullmatch(pin.source) else at.commit_of(pin.source)
        if theirs in later or (theirs not in earlier and image.run < pin.image.run):
            return pin
    return None


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
