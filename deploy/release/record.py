"""What the API remembers of builds and of Argo CD's words, in one shape, wherever it comes from."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.release.desk import Desk
from deploy.release.github import GitHub
from deploy.release.history import pins
from deploy.release.problems import Problem

WORKFLOW = "main.yml"  # whose runs are the builds
FOLLOWING = 5


@dataclass(frozen=True, slots=True)
class Build:
    """One build of main that ended: when it began, whether it passed, and how long it took in seconds."""

    at: datetime
    ok: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Word:
    """A commit status: what was said of a commit, by whom, and when."""

    context: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """Builds (None: nobody was asked), and the words about each commit."""

    builds: list[Build] | None
    words: dict[str, list[Word]]


def moment(written: str) -> datetime:
    """A moment as GitHub writes it, `2026-03-01T12:00:00Z`."""
    return datetime.fromisoformat(written).astimezone(UTC)


def builds_of(runs: list[dict[str, Any]]) -> list[Build]:
    """The workflow runs that passed or failed; what was cancelled or is still going on says nothing."""
    return [
        Build(
            moment(run["created_at"]),
            run["conclusion"] == "success",
            (moment(run["updated_at"]) - moment(run["created_at"])).total_seconds(),
        )
        for run in runs
        if run["conclusion"] in ("success", "failure", "timed_out", "startup_failure")
    ]


def words_of(statuses: list[dict[str, Any]]) -> list[Word]:
    """The commit statuses of one commit."""
    return [Word(one["context"], one["state"], moment(one["created_at"])) for one in statuses]


def read(path: Path) -> Record:
    """A record kept as `{"runs": [...], "statuses": {commit: [...]}}`, each as the API answers it."""
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        words = {str(commit): words_of(statuses) for commit, statuses in whole["statuses"].items()}
        return Record(builds_of(whole["runs"]), words)
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Problem(f"{path} is no record of runs and statuses: {error}.") from error


def ask(at: Desk, github: GitHub, since: datetime) -> Record:
    """The record as GitHub has it: a request a hundred builds, and one for each commit that may have moved prod.

    Argo CD speaks about the newest commit that it saw, which may be one that came just after the pin: a few of
    those that follow are asked too.
    """
    created = f">={since - timedelta(days=1):%Y-%m-%d}"
    runs = github.every(
        f"/actions/workflows/{WORKFLOW}/runs", "workflow_runs", branch=at.branch, event="push", created=created
    )
    moves = pins(at, "prod")
    words: dict[str, list[Word]] = {}
    newer = "HEAD"
    for pin in moves:
        following = at.git("rev-list", "--first-parent", "--reverse", f"{pin.commit}..{newer}").split()
        for commit in (pin.commit, *following[:FOLLOWING]):
            if commit not in words:
                words[commit] = words_of(list(github.every(f"/commits/{commit}/statuses")))
        newer = pin.commit
        if pin.at < since:
            break  # what went before is of no release in the period
    return Record(builds_of(list(runs)), words)
