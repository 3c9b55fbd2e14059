"""What stands beside commits: statuses, check runs, branches, runs of workflows, and dispatches."""

import re
from typing import Any

import yaml

from deploy.e2e.github.calls import Call, Route, route
from deploy.e2e.github.world import Refusal, invalid, now

STATES = ("error", "failure", "pending", "success")


def commit_of(call: Call) -> str:
    sha = call.world.commit(call.parts["ref"])
    if not sha:
        raise Refusal(422, f"No commit found for SHA: {call.parts['ref']}")
    return sha


def status_made(call: Call) -> tuple[int, Any]:
    if not re.fullmatch(r"[0-9a-f]{40}", call.parts["ref"]):
        raise Refusal(422, f"No commit found for SHA: {call.parts['ref']}")
    state = call.body.get("state")
    if state not in STATES:
        raise invalid("Status", "custom", "state", "state is not included in the list")
    status = {
        "id": call.world.next_number(), "sha": commit_of(call), "state": state, "created_at": now(),
        "context": call.text("context", "Status", longest=255, required=False) or "default",
        "description": call.text("description", "Status", longest=140, required=False) or None,
        "target_url": call.body.get("target_url"), "creator": {"login": call.token.login},
    }  # fmt: skip
    call.world.statuses.append(status)
    return 201, status


def statuses(call: Call) -> tuple[int, Any]:
    """Every status of a commit, the newest first."""
    sha = commit_of(call)
    return 200, [one for one in reversed(call.world.statuses) if one["sha"] == sha]


def combined(call: Call) -> tuple[int, Any]:
    """The newest status of each context, and the worst of them."""
    sha = commit_of(call)
    last = {one["context"]: one for one in call.world.statuses if one["sha"] == sha}
    words = {one["state"] for one in last.values()}
    worst = "failure" if words & {"failure", "error"} else "success" if words == {"success"} else "pending"
    return 200, {"sha": sha, "state": worst, "statuses": list(last.values()), "total_count": len(last)}


def check_made(call: Call) -> tuple[int, Any]:
    sha = str(call.body.get("head_sha", ""))
    if not re.fullmatch(r"[0-9a-f]{40}", sha) or not call.world.commit(sha):
        raise Refusal(422, f"No commit found for SHA: {sha}")
    check = {
        "id": call.world.next_number(), "name": call.text("name", "CheckRun", longest=255), "head_sha": sha,
        "status": "completed" if call.body.get("conclusion") else "in_progress",
        "conclusion": call.body.get("conclusion"),
    }  # fmt: skip
    call.world.checks.append(check)
    return 201, check


def checks(call: Call) -> tuple[int, Any]:
    sha = commit_of(call)
    found = [one for one in call.world.checks if one["head_sha"] == sha]
    return 200, {"check_runs": found}


def ref_shown(call: Call) -> tuple[int, Any]:
    sha = call.world.branch(call.parts["branch"])
    if not sha:
        raise Refusal(404, "Not Found")
    return 200, {"ref": f"refs/heads/{call.parts['branch']}", "object": {"sha": sha, "type": "commit"}}


def ref_deleted(call: Call) -> tuple[int, Any]:
    name = call.parts["branch"]
    if not call.world.branch(name):
        raise Refusal(422, "Reference does not exist")
    if any(rule["type"] == "deletion" for rule in call.world.rules(name)):
        raise Refusal(422, "Repository rule violations found\n\nCannot delete this branch")
    call.world.git("update-ref", "-d", f"refs/heads/{name}")
    return 204, None


def runs(call: Call) -> tuple[int, Any]:
    """The recorded runs, the newest first; `event`, `branch`, `status` and `head_sha` narrow them."""
    wanted: dict[str, str] = {key: call.query[key] for key in ("event", "head_sha") if key in call.query}
    wanted |= {"head_branch": call.query["branch"]} if "branch" in call.query else {}
    wanted |= {"path": f".github/workflows/{call.parts['file']}"} if "file" in call.parts else {}
    found = [run for run in reversed(call.world.runs) if all(run.get(key) == wanted[key] for key in wanted)]
    if "status" in call.query:
        found = [run for run in found if call.query["status"] in (run.get("status"), run.get("conclusion"))]
    return 200, {"workflow_runs": found}


def run_shown(call: Call) -> tuple[int, Any]:
    found = [run for run in call.world.runs if str(run.get("id")) == call.parts["id"]]
    if not found:
        raise Refusal(404, "Not Found")
    return 200, found[0]


def workflow_dispatched(call: Call) -> tuple[int, Any]:
    """Records a run, after looking at the file as it stands at the ref: its trigger and its inputs."""
    ref = call.text("ref", "Workflow", longest=255)
    if not call.world.branch(ref.removeprefix("refs/heads/")):
        raise Refusal(422, f"No ref found for: {ref}")
    path = f".github/workflows/{call.parts['file']}"
    done = call.world.try_git("show", f"refs/heads/{ref.removeprefix('refs/heads/')}:{path}")
    if done.returncode:
        raise Refusal(404, "Not Found")
    # YAML 1.1 reads a bare `on` as true.
    whole = yaml.safe_load(done.stdout) or {}
    triggers = whole.get("on", whole.get(True)) or {}
    if "workflow_dispatch" not in triggers:
        raise Refusal(422, "Workflow does not have 'workflow_dispatch' trigger")
    known = ((triggers["workflow_dispatch"] if isinstance(triggers, dict) else None) or {}).get("inputs") or {}
    given = call.body.get("inputs") or {}
    if unexpected := set(given) - set(known):
        raise Refusal(422, f"Unexpected inputs provided: {sorted(unexpected)}")
    for name, one in known.items():
        if one.get("required") and "default" not in one and name not in given:
            raise Refusal(422, f"Required input '{name}' not provided")
    call.world.runs.append({
        "id": call.world.next_number(), "path": path, "event": "workflow_dispatch", "status": "queued",
        "conclusion": None, "head_branch": ref, "head_sha": call.world.commit(ref), "created_at": now(),
        "inputs": given,
    })  # fmt: skip
    return 204, None


def dispatched(call: Call) -> tuple[int, Any]:
    event = call.text("event_type", "Dispatch", longest=100)
    payload = call.body.get("client_payload", {})
    if not isinstance(payload, dict) or len(payload) > 10:
        raise Refusal(422, "Invalid request.\n\nNo more than 10 properties are allowed in client_payload.")
    call.world.dispatches.append({"event_type": event, "client_payload": payload, "at": now()})
    return 204, None


ROUTES: list[Route] = [
    route("POST", "/statuses/{ref}", "statuses:write", status_made),
    route("GET", "/commits/{ref...}/statuses", "statuses:read", statuses),
    route("GET", "/commits/{ref...}/status", "statuses:read", combined),
    route("GET", "/commits/{ref...}/check-runs", "checks:read", checks),
    route("POST", "/check-runs", "checks:write", check_made),
    route("GET", "/git/ref/heads/{branch...}", "contents:read", ref_shown),
    route("DELETE", "/git/refs/heads/{branch...}", "contents:write", ref_deleted),
    route("GET", "/actions/runs", "actions:read", runs),
    route("GET", "/actions/runs/{id}", "actions:read", run_shown),
    route("GET", "/actions/workflows/{file}/runs", "actions:read", runs),
    route("POST", "/actions/workflows/{file}/dispatches", "actions:write", workflow_dispatched),
    route("POST", "/dispatches", "contents:write", dispatched),
]
