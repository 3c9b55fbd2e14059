"""`rollback`: takes an environment back to the build before, and keeps the bad one from coming back.

Both in one commit: the overlay pins the newest earlier build that is not denied, the deny list gets the bad
digest. Argo CD goes on syncing by itself; nothing has to be paused.

Given again, it does not go back another step. Without --bad, what is bad is what runs, unless it runs because of
a rollback and nothing was released since: then all is done already. To go one further back, name what runs as
bad (--bad) or where to go (--to). What is bad is decided once, before the first try: if somebody else releases
in the same moment, that release is not taken for the bad one, and nothing is done.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from deploy.release.command import Command
from deploy.release.desk import Change, Desk, at_the_desk, publish
from deploy.release.history import DENIED, Pin, contracts_between, denied, pins
from deploy.release.images import ENVIRONMENTS, TAG, digest, overlay, set_image
from deploy.release.messages import SKIP, message, one_line, trailers_of
from deploy.release.pin import current
from deploy.release.problems import DONE, CouldNot, Problem, Refused
from deploy.release.serving import wait_for

ROLLED_BACK = "rolled-back"
ALREADY = "already"
WOULD = "would-roll-back"
PREVIOUS = "previous"
FORWARD = "go forward with a repair (a new commit on main), or restore a backup (docs/runbooks/restore.md)"


@dataclass(slots=True)
class Outcome:
    """How it ended: `bad` was taken back, `image` runs instead, and answered after so many seconds (`serving`)."""

    environment: str
    bad: str = ""
    image: str = ""
    status: str = ""
    commit: str | None = None
    reason: str = ""
    serving: float | None = None


def bad_one(known: list[Pin], named: str, to: str, before: str) -> str:
    """The digest to take back, by every pin, by the options and by what an earlier try decided; empty for none.

    Raises Problem where what was named does not run, Refused where somebody released since the earlier try.
    """
    now = known[0]
    if to in (now.image.digest, now.image.tag):
        return ""
    bad = named or before or ("" if now.rollback_of and to == PREVIOUS else now.image.digest)
    if not bad or bad == now.image.digest:
        return bad
    if any(pin.rollback_of == bad for pin in known):
        return ""
    if before:
        raise Refused(
            f"{now.environment} was moved to {now.image.tag} in this moment: look whether that one is good."
        )
    raise Problem(
        f"{now.environment} does not run {bad[:19]}…, it runs {now.image.tag}: there is nothing to take back."
    )


def target(at: Desk, known: list[Pin], bad: str, to: str) -> Pin:
    """The pin to go back to. Raises Problem or Refused where there is none."""
    kept_out = denied(at)
    where = known[0].environment
    if to == PREVIOUS:
        for pin in known:
            if pin.image.digest != bad and pin.image.digest not in kept_out:
                return pin
        raise Refused(f"{where} has no earlier build that is not denied: {FORWARD}.")
    for pin in known:
        if to in (pin.image.digest, pin.image.tag):
            if pin.image.digest in kept_out:
                raise Refused(f"{pin.image.tag} is on the deny list: {kept_out[pin.image.digest]}.")
            return pin
    raise Problem(f"{to[:19]} never ran in {where}: `audit` says what did.")


def survives(at: Desk, known: list[Pin], chosen: Pin) -> str:
    """The whole source commit of a pin, once it is sure that no migration since forbids to go back to it."""
    source = at.commit_of(chosen.source)
    if source is None:
        raise Refused(
            f"{chosen.image.tag} was built from {chosen.source}, which is not in this repository: {FORWARD}."
        )
    for number, pin in enumerate(known[: known.index(chosen)]):
        later = at.commit_of(pin.source)
        if later is None and number == 0:
            raise Refused(
                f"{pin.image.tag} was built from {pin.source}, which is not in this repository: {FORWARD}."
            )
        if later and (paths := contracts_between(at, source, later)):
            raise Refused(f"{paths[0]} ran since, and {chosen.image.tag} would fail on its tables: {FORWARD}.")
    return source


def deny(at: Desk, bad: str, reason: str) -> list[str]:
    """Puts a digest on the deny list; returns what that changed."""
    if bad in denied(at):
        return []
    name = at.try_git("config", "user.name").stdout.strip()
    who = os.environ.get("GITHUB_ACTOR") or name or "the release"
    text = at.text_at("HEAD", DENIED) or ""
    line = f"{bad}  # {reason} ({one_line(who)}, {datetime.now(UTC):%Y-%m-%d})"
    (at.folder / DENIED).write_text(f"{text.rstrip()}\n{line}\n".lstrip(), encoding="utf-8")
    return [DENIED]


def run(given: argparse.Namespace) -> int:
    """Goes back, withdraws what proposes the bad build, and waits until the old one answers."""
    to = given.to if given.to in ("", PREVIOUS) or TAG.fullmatch(given.to) else digest(given.to)
    named = digest(given.bad) if given.bad else ""
    reason = one_line(given.reason)
    if not reason:
        raise Problem("--reason says nothing: a sentence that will stand in the history.")
    outcome = Outcome(given.environment, reason=reason)

    def edit(at: Desk) -> Change | None:
        now = current(at, given.environment)
        known = pins(at, given.environment)
        if now.placeholder or not known:
            raise Problem(f"Nothing was released to {given.environment} yet.")
        bad = bad_one(known, named, to or PREVIOUS, outcome.bad)
        if not bad:
            outcome.status, outcome.image, outcome.commit = ALREADY, str(now), known[0].commit
            outcome.bad = known[0].rollback_of
            return None
        outcome.bad = bad
        chosen = target(at, known, bad, to or PREVIOUS)
        source = survives(at, known, chosen)
        set_image(at.folder, given.environment, chosen.image)
        also = deny(at, bad, reason)
        outcome.status, outcome.image = WOULD, str(chosen.image)
        subject = f"deploy({given.environment}): roll back to {chosen.image.tag}{SKIP}"
        more = {"Rollback-Of": bad, "Reason": reason}
        said = message(subject, trailers_of(chosen.image, source) | more)
        return Change(said, [overlay(given.environment), *also])

    with at_the_desk(given, writing=True) as at:
        commit = publish(at, edit, dry_run=given.dry_run)
        if commit:
            outcome.status, outcome.commit = ROLLED_BACK, commit
        if not given.dry_run:
            withdraw(at, given.environment, outcome.bad)
    if given.url and not given.dry_run:
        wait(outcome, given.url, given.wait)
    tell(outcome, as_json=given.json)
    return DONE


def withdraw(at: Desk, environment: str, bad: str) -> None:
    """Deletes the branch that proposes the bad build, whose checks passed before that. Failing is a warning."""
    for tag in {pin.image.tag for pin in pins(at, environment) if pin.image.digest == bad}:
        name = f"refs/heads/promote/{tag}"
        if at.try_git("ls-remote", "--exit-code", at.remote, name).returncode == 0:
            done = at.try_git("push", "-q", at.remote, f":{name}")
            if done.returncode:
                print(f"release rollback: promote/{tag} is still there: close its pull request.", file=sys.stderr)


def wait(outcome: Outcome, url: str, seconds: float) -> None:
    """Waits until the address answers what runs now."""
    try:
        outcome.serving = round(wait_for(url, outcome.image.partition("@")[2], seconds), 1)
    except CouldNot as problem:
        raise CouldNot(
            f"{outcome.environment} is pinned to {outcome.image.partition('@')[0].rpartition(':')[2]}, but"
            f" {problem} See docs/runbooks/break-glass.md; given again, this goes on waiting."
        ) from problem


def tell(outcome: Outcome, *, as_json: bool) -> None:
    """Prints how it ended."""
    if as_json:
        print(json.dumps(asdict(outcome)))
        return
    tag = outcome.image.partition("@")[0].rpartition(":")[2]
    where, bad = outcome.environment, outcome.bad[:19]
    print(
        {
            ROLLED_BACK: f"{where} is back on {tag} ({(outcome.commit or '')[:7]}), and {bad}… is denied.",
            WOULD: f"{where} would go back to {tag}, and {bad}… would be denied.",
            ALREADY: f"{where} is on {tag} already, by {(outcome.commit or '')[:7]};"
            " to go further back, say what is bad (--bad) or where to go (--to).",
        }[outcome.status]
    )
    if outcome.serving is not None:
        print(f"It answers since {outcome.serving} s.")


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("environment", choices=ENVIRONMENTS)
    parser.add_argument("--reason", required=True, help="why, in a sentence that will stand in the history")
    parser.add_argument(
        "--to",
        default=PREVIOUS,
        help="a digest or tag that ran there before (default: previous, the newest good one)",
    )
    parser.add_argument("--bad", default="", metavar="DIGEST", help="what to take back (default: what runs)")
    parser.add_argument("--url", default="", help="wait until this address answers the old build")
    parser.add_argument("--wait", type=float, default=120, metavar="SECONDS", help="how long (default: 120)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


COMMAND = Command("take an environment back to the build before, and deny the bad one", options, run)
