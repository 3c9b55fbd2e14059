"""`pin`: moves staging to a build, unless a newer one got there first."""

import argparse
import json
import re
import sys
from dataclasses import asdict, dataclass

from deploy.release.command import Command
from deploy.release.desk import Change, Desk, at_the_desk, publish
from deploy.release.history import denied, pin_ahead, pins, source_of
from deploy.release.images import ENVIRONMENTS, Image, overlay, parse, pinned, set_image
from deploy.release.messages import SKIP, message, trailers_of
from deploy.release.problems import DONE, REFUSED, Problem, Refused

PINNED = "pinned"
ALREADY = "already"
SUPERSEDED = "superseded"
REFUSED_AS_DENIED = "denied"
WOULD = "would-pin"


@dataclass(slots=True)
class Outcome:
    """How it ended. `commit` is the one that pinned it: made now, or long ago."""

    environment: str
    image: str
    status: str = ""
    commit: str | None = None
    reason: str = ""


def source_on_main(at: Desk, image: Image, named: str = "") -> str:
    """The whole commit that an image was built from. Raises Refused where main does not have it (any more)."""
    if named and not (re.fullmatch("[0-9a-f]{40}", named) and named.startswith(image.short)):
        raise Problem(f"{named!r} is not the commit that {image.tag} names: give all 40 digits.")
    source = at.commit_of(named) if named else source_of(at, image)
    if source is None:
        raise Problem(f"{image.tag} was built from {named[:12]}, which is not in this repository.")
    if not at.is_ancestor(source, "HEAD"):
        raise Refused(f"{image.tag} was built from {source[:7]}, which {at.branch} does not have (any more).")
    return source


def current(at: Desk, environment: str) -> Image:
    """What an environment is pinned to on the desk. Raises Problem where that cannot be read."""
    text = at.text_at("HEAD", overlay(environment))
    if text is None:
        raise Problem(f"There is no environment {environment!r}: {at.branch} has no {overlay(environment)}.")
    found = pinned(text)
    if found is None:
        raise Problem(f"{overlay(environment)} does not pin one image with newName, newTag and digest.")
    return found


def decide(at: Desk, image: Image, named_source: str, outcome: Outcome) -> str | None:
    """Says in `outcome` what becomes of a build on the newest main; returns its commit if it is to be pinned."""
    if image.digest in (why := denied(at)):
        outcome.status = REFUSED_AS_DENIED
        outcome.reason = f"it is on the deny list: {why[image.digest] or 'no reason is given'}"
        return None
    now = current(at, outcome.environment)
    if now.name != image.name and not now.placeholder:
        raise Refused(f"{outcome.environment} takes its images from {now.name}, not from {image.name}.")
    source = source_on_main(at, image, named_source)
    known = pins(at, outcome.environment)
    if now.digest == image.digest:
        outcome.status, outcome.commit = ALREADY, known[0].commit if known else None
        return None
    if ahead := pin_ahead(at, image, source, known):
        outcome.status, outcome.commit = SUPERSEDED, ahead.commit
        outcome.reason = f"{ahead.image.tag} is newer and was pinned on {ahead.at:%Y-%m-%d %H:%M} UTC"
        return None
    return source


def run(given: argparse.Namespace) -> int:
    """Pins, and says what came of it."""
    image = parse(given.image)
    if given.environment != "staging":
        raise Refused("prod is moved by a promotion (promote) or taken back (rollback), never pinned.")
    outcome = Outcome(given.environment, str(image))

    def edit(at: Desk) -> Change | None:
        source = decide(at, image, given.source_commit, outcome)
        if source is None:
            return None
        set_image(at.folder, given.environment, image)
        outcome.status = WOULD
        subject = f"deploy({given.environment}): {image.tag}{SKIP}"
        said = message(subject, trailers_of(image, source) | {"Run-Url": given.run_url})
        return Change(said, [overlay(given.environment)])

    with at_the_desk(given, writing=True) as at:
        commit = publish(at, edit, dry_run=given.dry_run)
    if commit:
        outcome.status, outcome.commit, outcome.reason = PINNED, commit, ""
    return tell(outcome, image, as_json=given.json)


def tell(outcome: Outcome, image: Image, *, as_json: bool) -> int:
    """Prints how it ended, and returns the exit status."""
    where = outcome.environment
    sentence = {
        PINNED: f"{where} is pinned to {image.tag} ({(outcome.commit or '')[:7]}).",
        WOULD: f"{where} would be pinned to {image.tag}.",
        ALREADY: f"{where} is pinned to {image.tag} already.",
        SUPERSEDED: f"{where} stays as it is: {outcome.reason}.",
        REFUSED_AS_DENIED: f"{image.tag} is not pinned: {outcome.reason}.",
    }[outcome.status]
    refused = outcome.status == REFUSED_AS_DENIED
    if as_json:
        print(json.dumps(asdict(outcome)))
    if refused:
        print(f"release pin: {sentence}", file=sys.stderr)
    elif not as_json:
        print(sentence)
    return REFUSED if refused else DONE


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image", required=True, help="repository:run-<run id>-<short commit>@sha256:…")
    parser.add_argument("--environment", choices=ENVIRONMENTS, default="staging")
    parser.add_argument("--source-commit", default="", metavar="SHA", help="the whole commit it was built from")
    parser.add_argument("--run-url", default="", metavar="URL", help="where the run that built it can be read")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


COMMAND = Command("move staging to a build, unless a newer one got there first", options, run)
