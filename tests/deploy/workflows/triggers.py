"""What GitHub would start for an event: the filters, the commits that skip, and the conditions of jobs.

act starts every workflow that names an event, whatever its filters say, so nothing else here would notice.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.deploy.workflows.expressions import truth, value
from tests.deploy.workflows.files import Workflow, needs

SKIPS = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]")
TRAILER = re.compile(r"^skip-checks: ?true$", re.MULTILINE)
SKIPPING = ("push", "pull_request")  # the events for which a message counts
STATUS_FUNCTIONS = re.compile(r"\b(always|failure|cancelled|success)\(")


@dataclass(frozen=True)
class Event:
    """What happened: `branch` is where to; `files` and `message` are the push's or the head commit's."""

    name: str
    branch: str = "main"
    files: tuple[str, ...] = ()
    message: str = ""
    event: Mapping[str, Any] = field(default_factory=dict)  # the payload: github.event
    inputs: Mapping[str, str] = field(default_factory=dict)


def pattern(glob: str) -> re.Pattern[str]:
    """GitHub's filter patterns: `*` stays within a folder, `**` does not; `?` and `+` repeat."""
    parts = re.findall(r"\*\*/?|\*|\?|\+|\[[^\]]*\]|\\.|.", glob)
    made = ""
    for part in parts:
        if part == "**/":
            made += "(?:.*/)?"
        elif part == "**":
            made += ".*"
        elif part == "*":
            made += "[^/]*"
        elif part in ("?", "+") or part.startswith("["):
            made += part
        else:
            made += re.escape(part[-1])
    return re.compile(made)


def matches(globs: list[str], name: str) -> bool:
    """Whether the last pattern that says something about a name is not a `!` one."""
    result = False
    for glob in globs:
        if pattern(glob.removeprefix("!")).fullmatch(name):
            result = not glob.startswith("!")
    return result


def passes(filters: Mapping[str, Any], event: Event) -> bool:
    """Whether an event gets through the filters of one trigger."""
    if "branches" in filters and not matches(filters["branches"], event.branch):
        return False
    if "branches-ignore" in filters and matches(filters["branches-ignore"], event.branch):
        return False
    if "paths" in filters and not any(matches(filters["paths"], name) for name in event.files):
        return False
    return "paths-ignore" not in filters or any(not matches(filters["paths-ignore"], name) for name in event.files)


def skipped(event: Event) -> bool:
    """Whether the message of the head commit keeps everything from starting."""
    said = SKIPS.search(event.message) or TRAILER.search(event.message)
    return event.name in SKIPPING and said is not None


def starts(workflow: Workflow, event: Event) -> bool:
    """Whether an event starts a workflow at all."""
    filters = workflow.triggers.get(event.name)
    return filters is not None and not skipped(event) and passes(filters, event)


def jobs(
    workflow: Workflow, event: Event, results: Mapping[str, str] | None = None,
    outputs: Mapping[str, Mapping[str, str]] | None = None,
) -> list[str]:  # fmt: skip
    """The jobs that run, in their order, if each ends as `results` says (success, where it says nothing)."""
    if not starts(workflow, event):
        return []
    ended: dict[str, str] = {}
    waiting = dict(workflow.jobs)
    while waiting:
        ready = [name for name, job in waiting.items() if set(needs(job)) <= set(ended)]
        assert ready, f"{workflow.name}: {', '.join(waiting)} wait for each other"
        for name in ready:
            runs = wanted(waiting.pop(name), event, ended, outputs or {})
            ended[name] = (results or {}).get(name, "success") if runs else "skipped"
    return [name for name, result in ended.items() if result != "skipped"]


def wanted(
    job: dict[str, Any], event: Event, ended: Mapping[str, str], outputs: Mapping[str, Mapping[str, str]]
) -> bool:
    """Whether a job runs once those that it waits for have ended."""
    before = [ended[name] for name in needs(job)]
    condition = str(job.get("if", "success()"))
    if not STATUS_FUNCTIONS.search(condition):
        condition = f"success() && ({re.sub(r'^ *[$][{][{](.*)[}][}] *$', r'\1', condition)})"
    contexts = {
        "github": {"event_name": event.name, "ref": f"refs/heads/{event.branch}", "event": event.event},
        "inputs": event.inputs,
        "needs": {name: {"result": ended[name], "outputs": outputs.get(name, {})} for name in needs(job)},
    }
    functions = {
        "success": lambda: all(result == "success" for result in before),
        "failure": lambda: "failure" in before,
        "cancelled": lambda: "cancelled" in before,
        "always": lambda: True,
        "startsWith": lambda text, head: str(text or "").lower().startswith(str(head).lower()),
        "contains": lambda text, part: str(part).lower() in str(text or "").lower(),
    }
    return truth(value(condition, contexts, functions))


def started(all_of_them: Mapping[str, Workflow], event: Event, **more: Any) -> dict[str, list[str]]:
    """Each workflow that an event starts, with the jobs that run."""
    found = {
        name: jobs(workflow, event, **more) for name, workflow in all_of_them.items() if starts(workflow, event)
    }
    return {name: names for name, names in found.items() if names}
