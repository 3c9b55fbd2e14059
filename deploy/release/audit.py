"""`audit`: from a commit to what ran where and when, and from what runs back to the commit."""

import argparse
import json
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from deploy.release.command import Command
from deploy.release.desk import Desk, at_the_desk
from deploy.release.evidence import Evidence, of_digest
from deploy.release.history import EVIDENCE, Pin, denied, pins
from deploy.release.images import DIGEST, ENVIRONMENTS, TAG, Image
from deploy.release.problems import DONE, Problem

PULL = re.compile(r"^Merge pull request #(\d+)|\(#(\d+)\)$")


@dataclass(frozen=True, slots=True)
class Stay:
    """A time that a build ran somewhere: brought by `commit`, proposed by `pull`; until None, it still does."""

    environment: str
    since: datetime
    until: datetime | None
    how: str
    who: str
    commit: str
    pull: int | None
    rollback_of: str
    reason: str


@dataclass(slots=True)
class Build:
    """One image: what it was built from, what is known of it, and where it ran."""

    image: Image
    source: str
    subject: str = ""
    committed: datetime | None = None
    evidence: str = "none"
    proven: datetime | None = None
    denied: str | None = None
    stays: list[Stay] = field(default_factory=list)


Moves = list[tuple[Pin, datetime | None]]


def moves(at: Desk) -> Moves:
    """Every pin of both environments with the moment at which the next one took over."""
    found: Moves = []
    for environment in ENVIRONMENTS:
        known = pins(at, environment)
        ends = [None, *(pin.at for pin in known)]
        found += zip(known, ends, strict=False)
    return found


def proofs(at: Desk) -> dict[str, Evidence | str]:
    """All evidence on main by its digest; where it cannot be read, why not."""
    found: dict[str, Evidence | str] = {}
    for path in at.git("ls-tree", "--name-only", "HEAD", f"{EVIDENCE}/").splitlines():
        digest = f"sha256:{path.removeprefix(f'{EVIDENCE}/').removesuffix('.json')}"
        if DIGEST.fullmatch(digest):
            try:
                found[digest] = of_digest(at, digest) or "none"
            except Problem as problem:
                found[digest] = str(problem)
    return found


def builds(moved: Moves, proven: dict[str, Evidence | str]) -> list[Build]:
    """Every build that ever was pinned or proven, the newest first, without what has to be looked up for each."""
    found = {pin.image: Build(pin.image, pin.source) for pin, _ in moved}
    for proof in proven.values():
        if isinstance(proof, Evidence):
            found.setdefault(proof.image, Build(proof.image, proof.source))
    return sorted(found.values(), key=lambda build: build.image.run, reverse=True)


def completed(at: Desk, build: Build, moved: Moves, proven: dict[str, Evidence | str]) -> Build:
    """A build with all that is known of it."""
    proof = proven.get(build.image.digest)
    if isinstance(proof, Evidence):
        build.evidence = f"not complete: {', '.join(proof.missing)}" if proof.missing else "complete"
        build.proven = proof.at
    elif proof:
        build.evidence = proof
    build.denied = denied(at).get(build.image.digest)
    if at.commit_of(build.source):
        when, _, build.subject = at.git("log", "-1", "--format=%cI %s", build.source).partition(" ")
        build.committed = datetime.fromisoformat(when)
    build.stays = sorted(
        (stay(at, pin, until) for pin, until in moved if pin.image == build.image), key=lambda one: one.since
    )
    return build


def stay(at: Desk, pin: Pin, until: datetime | None) -> Stay:
    """What a pin began."""
    found = PULL.search(at.git("log", "-1", "--format=%s", pin.commit))
    pull = int(found[1] or found[2]) if found else None
    how = "rolled back to" if pin.rollback_of else "promoted" if pin.environment == "prod" else "pinned"
    reason = pin.trailers.get("Reason", "")
    return Stay(pin.environment, pin.at, until, how, pin.who, pin.commit, pull, pin.rollback_of, reason)


def meant(at: Desk, asked: str, known: list[Build], moved: Moves) -> tuple[list[Build], str]:
    """The builds that were asked for, and how they belong to it. Raises Problem where nobody knows it."""
    if DIGEST.fullmatch(asked) or TAG.fullmatch(asked):
        found = [build for build in known if asked in (build.image.digest, build.image.tag)]
        if not found:
            raise Problem(f"{asked} is unknown here: no environment ran it and nothing was proven of it.")
        return found, "the build itself"
    commit = at.commit_of(asked)
    if commit is None:
        raise Problem(f"{asked!r} is no commit, digest or tag that is known here.")
    if found := [build for build in known if build.source == commit]:
        return found, "built from it"
    brought = {pin.image for pin, _ in moved if pin.commit == commit}
    if found := [build for build in known if build.image in brought]:
        return found, "brought by it"
    if not at.is_ancestor(commit, "HEAD"):
        raise Problem(f"{commit[:7]} is not on {at.branch}, and nothing was built from it.")
    # The first build of each environment that has it: what was pushed together is built once.
    later = set(at.git("rev-list", "--ancestry-path", f"{commit}..HEAD").split())
    first: dict[str, Image] = {}
    for pin, _ in sorted(moved, key=lambda move: move[0].at, reverse=True):
        if pin.source in later:
            first[pin.environment] = pin.image
    return [build for build in known if build.image in first.values()], "the first that contain it"


def run(given: argparse.Namespace) -> int:
    """Prints all that is known."""
    with at_the_desk(given) as at:
        moved, proven = moves(at), proofs(at)
        found, how = meant(at, given.what, builds(moved, proven), moved)
        whole = [completed(at, build, moved, proven) for build in found]
    if given.json:
        told = [asdict(one) | {"image": str(one.image)} for one in whole]
        print(json.dumps({"asked": given.what, "how": how, "builds": told}, default=written))
    elif not whole:
        print(f"{given.what} is on {given.branch}; no environment has run a build that contains it yet.")
    for build in whole if not given.json else []:
        print("\n".join(lines(build, how)))
    return DONE


def written(moment: object) -> str:
    """A moment as JSON has it."""
    return moment.isoformat() if isinstance(moment, datetime) else str(moment)


def at_minute(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else "now"


def lines(build: Build, how: str) -> list[str]:
    """A build for a person to read; times are UTC."""
    when = f", {at_minute(build.committed)}" if build.committed else ""
    proven = f", {at_minute(build.proven)}" if build.proven else ""
    found = [
        f"{build.image.tag} ({how})",
        f"  image     {build.image}",
        f"  source    {build.source}{when} {build.subject}".rstrip(),
        f"  evidence  {build.evidence}{proven}",
    ]
    if build.denied is not None:
        found.append(f"  denied    {build.denied or 'no reason is given'}")
    for one in build.stays:
        pull = f" by #{one.pull}" if one.pull else ""
        why = f": {one.reason}" if one.reason else ""
        found.append(
            f"  {one.environment:<8}  {at_minute(one.since)} to {at_minute(one.until)},"
            f" {one.how}{pull} in {one.commit[:7]} by {one.who}{why}"
        )
    return found if build.stays else [*found, "  it never ran"]


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="COMMIT|DIGEST|TAG")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


COMMAND = Command("say what was built of a commit, and what ran where and when", options, run)
