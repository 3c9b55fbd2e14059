"""Tells people in Slack what became of a release: who, what, how long, and where to look.

Always ends well: a deployment does not fail because nobody could be told of it. What went wrong is one line that
begins with `warning:`. The address of the channel is in SLACK_WEBHOOK_URL and in nothing that is printed.
"""

import argparse
import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

from deploy.release import slack
from deploy.release.command import Command
from deploy.release.desk import Desk, at_the_desk
from deploy.release.history import pins, source_of
from deploy.release.images import ENVIRONMENTS
from deploy.release.problems import DONE, Problem

NAME = "financetracker release"  # who commits where nobody configured a name: see desk.commit
EVENTS = {
    "deployed": ":white_check_mark: {environment} runs {what}",
    "failed": ":x: {environment} failed: {what}",
    "rolled-back": ":rewind: {environment} was rolled back to {what}",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a release, in words; empty where it is not."""

    what: str = ""
    who: str = ""
    took: str = ""
    reason: str = ""


def lasting(seconds: float) -> str:
    """A time as people say it: `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = max(0, round(seconds))
    for size, unit, smaller, part in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit} {rest} {part}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def from_history(given: argparse.Namespace) -> Told:
    """What the newest move of the environment tells. Of this clone where main cannot be fetched, but no rollback:
    the clone may be older than that, and would name the build that was taken back. Nothing where nothing is known.
    """
    try:
        with at_the_desk(given) as at:
            return newest_move(at, given)
    except Problem:
        pass
    try:
        return Told() if given.event == "rolled-back" else newest_move(Desk(given.clone, given.clone), given)
    except (Problem, OSError):
        return Told()


def newest_move(at: Desk, given: argparse.Namespace) -> Told:
    """The build in words, whose it is and who moved it, and how long ago: its commit and its pin."""
    moved = pins(at, given.environment)
    if not moved:
        return Told()
    pin, source, now = moved[0], source_of(at, moved[0].image), datetime.now(UTC)
    when, author, subject = at.git("show", "-s", "--format=%ct%x1f%an%x1f%s", source).split("\x1f")
    committed = datetime.fromtimestamp(int(when), UTC)
    took = f"{lasting((now - pin.at).total_seconds())} since the pin"
    if given.event == "deployed":
        took += f", {lasting((now - committed).total_seconds())} since the commit"
    mover = "" if pin.who in (author, NAME) else f", moved by {pin.who}"
    reason = pin.trailers.get("Reason", "") if given.event == "rolled-back" else ""
    return Told(f"{pin.image.tag}: {subject}", author + mover, took, reason)


def told(given: argparse.Namespace) -> Told:
    """What the options say; what they leave open is asked of history, and of the workflow's own variables."""
    took = lasting(given.seconds) if given.seconds is not None else ""
    # Who rolls back is who started the run, not who wrote what came back.
    started = os.environ.get("GITHUB_ACTOR", "")
    known = Told(given.what, given.who or (started if given.event == "rolled-back" else ""), took, given.reason)
    # History knows the newest pin: of a build that was named it may know nothing, and tell of another.
    asked = Told() if given.what else from_history(given)
    return Told(
        known.what or asked.what,
        known.who or asked.who or started,
        took or asked.took,
        known.reason or asked.reason,
    )


def run_address() -> str:
    """The page of the workflow run that this is; empty outside of one."""
    server, name, run = (os.environ.get(f"GITHUB_{word}", "") for word in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return f"{server}/{name}/actions/runs/{run}" if server and name and run else ""


def run(given: argparse.Namespace) -> int:
    """Sends one message, or says in one line why it could not."""
    known = told(given)
    title = EVENTS[given.event].format(environment=given.environment, what=known.what or "an unknown build")
    facts = {"Environment": given.environment, "What": known.what, "Who": known.who, "How long": known.took}
    body = slack.message(title, facts, reason=known.reason, url=given.url or run_address())
    if given.dry_run:
        print(json.dumps(body, indent=2, ensure_ascii=False))
        return DONE
    url = os.environ.get("SLACK_WEBHOOK_URL", "").strip()
    wrong = slack.wrong_form(url) if url else "it is not set"
    trouble = f"SLACK_WEBHOOK_URL cannot be used: {wrong}" if wrong else slack.send(url, body)
    if trouble:
        print(f"warning: nobody was told that {given.environment} {given.event}: {trouble}.", file=sys.stderr)
    else:
        print(f"told Slack: {given.environment} {given.event}")
    return DONE


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("event", choices=EVENTS, metavar="EVENT", help=", ".join(EVENTS))
    parser.add_argument("--environment", choices=ENVIRONMENTS, required=True)
    parser.add_argument(
        "--what", default="", help="the build in words (default: what main pins, and all about it)"
    )
    parser.add_argument("--who", default="", help="whose doing it is (default: main's authors, else GITHUB_ACTOR)")
    parser.add_argument("--seconds", type=float, help="how long it took (default: since the pin and the commit)")
    parser.add_argument("--reason", default="", help="why, where something failed or was taken back")
    parser.add_argument("--url", default="", help="where to look (default: the workflow's run)")


COMMAND = Command("tell people in Slack what became of a release", options, run)
