"""The stand-in for GitHub's API refuses what the real one refuses, in its words and with its status."""

import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.e2e.github.server import Fault, StandIn
from deploy.e2e.github.world import PERMISSIONS, SETTINGS, Token
from tests.deploy.repository import commit, git

NAME = "ana/books"
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of a bare repository with main, and with a branch `promote/a` that is one commit ahead."""
    bare, clone = tmp_path / "bare.git", tmp_path / "clone"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    git(tmp_path, "clone", "-q", str(bare), str(clone))
    git(clone, "checkout", "-q", "-b", "main")
    (clone / "prod").write_text("one\n")
    (clone / ".github" / "workflows").mkdir(parents=True)
    (clone / ".github" / "workflows" / "promote.yml").write_text(
        "on: {workflow_dispatch: {inputs: {digest: {required: true}}}}\njobs: {}\n"
    )
    (clone / ".github" / "workflows" / "main.yml").write_text("on: push\njobs: {}\n")
    commit(clone, "Begin")
    git(clone, "push", "-q", "origin", "main")
    branch(clone, "promote/a", "two\n")
    return clone


def branch(clone: Path, name: str, text: str, start: str = "main") -> str:
    """Pushes a branch on which the one file says something else; returns its commit."""
    git(clone, "checkout", "-q", "-B", name, start)
    (clone / "prod").write_text(text)
    made = commit(clone, f"Say {text}")
    git(clone, "push", "-q", "-f", "origin", name)
    git(clone, "checkout", "-q", "main")
    return made


@pytest.fixture
def hub(clone: Path) -> Iterator[StandIn]:
    past = datetime.now(UTC) - timedelta(seconds=1)
    tokens = {
        "t-app": Token(),
        "t-ana": Token("ana"),
        "t-reader": Token("reader", {"contents": "read", "pull_requests": "read"}),
        "t-owner": Token("owner", PERMISSIONS | {"administration": "write"}),
        "t-expired": Token(expires=past),
    }
    with StandIn(clone.parent / "bare.git", NAME, tokens) as stand_in:
        yield stand_in


class Answer:
    def __init__(self, status: int, body: Any, headers: Any) -> None:
        self.status, self.body, self.headers = status, body, headers

    @property
    def said(self) -> tuple[int, str]:
        """Status and message, or what was wrong with the request in one of GitHub's lists."""
        errors = [one.get("message") or f"{one.get('field')} {one['code']}" for one in self.body.get("errors", [])]
        return self.status, ", ".join(errors) or self.body["message"]


def ask(hub: StandIn, method: str, path: str, body: Any = None, *, by: str = "t-app") -> Answer:
    """One request about the repository, with a token unless `by` is empty."""
    return ask_at(hub.url, method, f"/repos/{NAME}{path}", body, **headers_of(by))


def headers_of(token: str) -> dict[str, str]:
    return {"User-Agent": "tests"} | ({"Authorization": f"Bearer {token}"} if token else {})


def ask_at(url: str, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, sent, headers)
        answer = connection.getresponse()
        text = answer.read()
        return Answer(answer.status, json.loads(text) if text else None, answer.headers)


def wanted(head: str = "promote/a", **more: Any) -> dict[str, Any]:
    return {"title": "Promote a", "head": head, "base": "main", "body": "why"} | more


def proven(hub: StandIn, sha: str) -> None:
    for context in ("gate", "guard"):
        assert ask(hub, "POST", f"/statuses/{sha}", {"state": "success", "context": context}).status == 201


@pytest.mark.parametrize(
    ("token", "method", "path", "said"),
    [
        ("", "GET", "/pulls", (401, "Requires authentication")),
        ("t-nobody", "GET", "/pulls", (401, "Bad credentials")),
        ("t-expired", "GET", "/pulls", (401, "Bad credentials")),
        ("t-reader", "POST", "/pulls", (403, "Resource not accessible by integration")),
        ("t-reader", "POST", "/dispatches", (403, "Resource not accessible by integration")),
        ("t-reader", "GET", "/actions/secrets", (403, "Resource not accessible by integration")),
        ("t-app", "GET", "/pulls/99", (404, "Not Found")),
        ("t-app", "GET", "/nothing", (404, "Not Found")),
        ("t-app", "DELETE", "/pulls", (404, "Not Found")),
    ],
)
def test_who_may_not_is_refused(hub: StandIn, token: str, method: str, path: str, said: tuple[int, str]) -> None:
    assert ask(hub, method, path, {} if method == "POST" else None, by=token).said == said


def test_another_repository_is_not_there(hub: StandIn) -> None:
    for path in ("/repos/ana/other/pulls", f"/repos/{NAME}x", "/user"):
        assert ask_at(hub.url, "GET", path, **headers_of("t-app")).said == (404, "Not Found")


def test_somebody_without_a_name_is_refused(hub: StandIn) -> None:
    assert ask_at(hub.url, "GET", f"/repos/{NAME}", Authorization="Bearer t-app").status == 403


def test_a_pull_request_is_opened_listed_and_changed(hub: StandIn, clone: Path) -> None:
    made = ask(hub, "POST", "/pulls", wanted())
    assert (made.status, made.body["number"], made.body["state"]) == (201, 1, "open")
    assert made.body["head"]["sha"] == git(clone, "rev-parse", "promote/a")
    assert made.body["user"] == {"login": "financetracker-release[bot]"}
    assert [one["number"] for one in ask(hub, "GET", "/pulls?head=ana:promote/a").body] == [1]
    assert ask(hub, "GET", "/pulls?head=ana:promote/b").body == []
    # As on GitHub: a head without its owner is no filter at all.
    assert len(ask(hub, "GET", "/pulls?head=promote/b").body) == 1
    assert ask(hub, "PATCH", "/pulls/1", {"title": "Other", "body": "x"}).body["title"] == "Other"
    assert ask(hub, "PATCH", "/pulls/1", {"state": "closed"}).body["state"] == "closed"
    assert ask(hub, "GET", "/pulls").body == []
    assert len(ask(hub, "GET", "/pulls?state=all").body) == 1
    assert ask(hub, "PATCH", "/pulls/1", {"state": "open"}).body["state"] == "open"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"title": None}, "title missing_field"),
        ({"title": "x" * 257}, "title is too long (maximum is 256 characters)"),
        ({"title": 7}, "Invalid request.\n\nFor 'properties/title', 7 is not a string."),
        ({"body": "x" * 65537}, "body is too long (maximum is 65536 characters)"),
        ({"head": "promote/none"}, "head invalid"),
        ({"base": "none"}, "base invalid"),
        ({"head": "main"}, "No commits between main and main"),
    ],
)
def test_a_pull_request_that_makes_no_sense_is_refused(hub: StandIn, body: dict[str, Any], said: str) -> None:
    assert ask(hub, "POST", "/pulls", wanted(**body)).said == (422, said)
    assert hub.world.pulls == {}


def test_the_longest_text_is_taken(hub: StandIn) -> None:
    assert ask(hub, "POST", "/pulls", wanted(body="€" * 65536)).status == 201


def test_a_second_one_of_the_same_branch_is_refused(hub: StandIn) -> None:
    assert ask(hub, "POST", "/pulls", wanted()).status == 201
    said = "A pull request already exists for ana:promote/a."
    assert ask(hub, "POST", "/pulls", wanted(title="Again")).said == (422, said)


@pytest.mark.parametrize("body", [b"{", b"[]"])
def test_what_is_no_json_object_is_refused(hub: StandIn, body: bytes) -> None:
    assert ask(hub, "POST", "/pulls", body).status == 400


def test_merging_needs_the_required_checks_on_the_newest_commit(hub: StandIn, clone: Path) -> None:
    ask(hub, "POST", "/pulls", wanted())
    squash = {"merge_method": "squash"}
    assert ask(hub, "PUT", "/pulls/1/merge", squash).said == (405, 'Required status check "gate" is expected.')
    proven(hub, git(clone, "rev-parse", "promote/a"))
    newer = branch(clone, "promote/a", "three\n")
    assert ask(hub, "PUT", "/pulls/1/merge", squash).status == 405
    proven(hub, newer)
    ask(hub, "POST", f"/statuses/{newer}", {"state": "failure", "context": "guard"})
    assert ask(hub, "PUT", "/pulls/1/merge", squash).said == (405, 'Required status check "guard" is expected.')
    ask(hub, "POST", "/check-runs", {"name": "guard", "head_sha": newer, "conclusion": "success"})
    done = ask(hub, "PUT", "/pulls/1/merge", squash)
    assert (done.status, done.body["merged"]) == (200, True)
    git(clone, "fetch", "-q", "--prune", "origin")
    assert git(clone, "rev-parse", "origin/main") == done.body["sha"]
    assert git(clone, "show", "origin/main:prod") == "three"
    assert git(clone, "log", "-1", "--format=%s %P", "origin/main").startswith("Say three (#1) ")
    assert "promote" not in git(clone, "branch", "-r")
    shown = ask(hub, "GET", "/pulls/1").body
    assert (shown["state"], shown["merged"], shown["merge_commit_sha"]) == ("closed", True, done.body["sha"])
    assert ask(hub, "PUT", "/pulls/1/merge", squash).said == (405, "Pull Request is not mergeable")
    assert ask(hub, "PATCH", "/pulls/1", {"state": "open"}).said == (422, "state cannot be changed. is merged")


def test_a_merge_commit_is_refused_where_history_is_linear(hub: StandIn, clone: Path) -> None:
    ask(hub, "POST", "/pulls", wanted())
    proven(hub, git(clone, "rev-parse", "promote/a"))
    said = (405, "Merge commits are not allowed on this repository.")
    assert ask(hub, "PUT", "/pulls/1/merge", {}).said == said
    assert ask(hub, "PUT", "/pulls/1/merge", {"merge_method": "fast"}).status == 422


def test_a_merge_without_rules_is_git_s_own(hub: StandIn, clone: Path) -> None:
    hub.world.settings["rulesets"] = []
    head = git(clone, "rev-parse", "promote/a")
    ask(hub, "POST", "/pulls", wanted())
    sha = ask(hub, "PUT", "/pulls/1/merge", {}).body["sha"]
    git(clone, "fetch", "-q", "origin")
    assert git(clone, "log", "-1", "--format=%P", sha).split()[1] == head


def test_a_head_that_moved_is_not_merged(hub: StandIn, clone: Path) -> None:
    ask(hub, "POST", "/pulls", wanted())
    seen = git(clone, "rev-parse", "promote/a")
    proven(hub, branch(clone, "promote/a", "three\n"))
    said = "Head branch was modified. Review and try the merge again."
    assert ask(hub, "PUT", "/pulls/1/merge", {"merge_method": "squash", "sha": seen}).said == (409, said)


def test_a_conflict_is_known_at_the_second_look_and_not_merged(hub: StandIn, clone: Path) -> None:
    ask(hub, "POST", "/pulls", wanted())
    proven(hub, git(clone, "rev-parse", "promote/a"))
    assert ask(hub, "GET", "/pulls/1").body["mergeable"] is True  # it was looked at when it was opened
    branch(clone, "main", "other\n")
    assert [ask(hub, "GET", "/pulls/1").body["mergeable"] for _ in range(2)] == [None, False]
    before = git(clone, "ls-remote", "origin", "main")
    assert ask(hub, "PUT", "/pulls/1/merge", {"merge_method": "squash"}).said[0] == 405
    assert git(clone, "ls-remote", "origin", "main") == before


def test_a_check_that_must_come_from_actions_is_not_a_status(hub: StandIn, clone: Path) -> None:
    rules = {rule["type"]: rule.get("parameters", {}) for rule in hub.world.settings["rulesets"][0]["rules"]}
    for check in rules["required_status_checks"]["required_status_checks"]:
        check["integration_id"] = 15368
    ask(hub, "POST", "/pulls", wanted())
    head = git(clone, "rev-parse", "promote/a")
    proven(hub, head)
    squash = {"merge_method": "squash"}
    assert ask(hub, "PUT", "/pulls/1/merge", squash).said == (405, 'Required status check "gate" is expected.')
    for name in ("gate", "guard"):
        ask(hub, "POST", "/check-runs", {"name": name, "head_sha": head, "conclusion": "success"})
    assert ask(hub, "PUT", "/pulls/1/merge", squash).status == 200


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("COMMIT_MESSAGES", "Promote a (#1)\n\n* Say two\n\n* More\n\nRun-Id: 2"),
        ("PR_BODY", "Promote a (#1)\n\nwhy"),
        ("BLANK", "Promote a (#1)"),
    ],
)
def test_the_message_of_a_squash(hub: StandIn, clone: Path, how: str, message: str) -> None:
    hub.world.settings["squash_merge_commit_message"] = how
    git(clone, "checkout", "-q", "promote/a")
    (clone / "more").write_text("x")
    commit(clone, "More\n\nRun-Id: 2")
    git(clone, "push", "-q", "origin", "promote/a")
    ask(hub, "POST", "/pulls", wanted())
    proven(hub, git(clone, "rev-parse", "promote/a"))
    assert ask(hub, "PUT", "/pulls/1/merge", {"merge_method": "squash"}).status == 200
    git(clone, "fetch", "-q", "origin")
    assert git(clone, "log", "-1", "--format=%B", "origin/main") == message


def test_reviews_and_an_old_base_can_be_asked_for(hub: StandIn, clone: Path) -> None:
    rules = {rule["type"]: rule.get("parameters", {}) for rule in hub.world.settings["rulesets"][0]["rules"]}
    rules["pull_request"]["required_approving_review_count"] = 1
    rules["required_status_checks"]["strict_required_status_checks_policy"] = True
    ask(hub, "POST", "/pulls", wanted())
    proven(hub, git(clone, "rev-parse", "promote/a"))
    squash = {"merge_method": "squash"}
    approve = {"event": "APPROVE"}
    assert "approving review" in ask(hub, "PUT", "/pulls/1/merge", squash).said[1]
    assert "your own" in ask(hub, "POST", "/pulls/1/reviews", approve).said[1]
    assert ask(hub, "POST", "/pulls/1/reviews", approve, by="t-ana").status == 200
    (clone / "other").write_text("x")
    commit(clone, "Go on")
    git(clone, "push", "-q", "origin", "main")
    assert "out-of-date" in ask(hub, "PUT", "/pulls/1/merge", squash).said[1]
    proven(hub, branch(clone, "promote/a", "three\n"))
    assert "approving review" in ask(hub, "PUT", "/pulls/1/merge", squash).said[1]  # it was for the old commit
    ask(hub, "POST", "/pulls/1/reviews", approve, by="t-ana")
    assert ask(hub, "PUT", "/pulls/1/merge", squash).status == 200


def test_pushes_close_and_merge_pull_requests(hub: StandIn, clone: Path) -> None:
    for name in ("promote/b", "promote/c"):
        branch(clone, name, f"{name}\n")
        ask(hub, "POST", "/pulls", wanted(name))
    git(clone, "push", "-q", "-f", "origin", "main:promote/c")
    assert ask(hub, "GET", "/pulls/2").body["state"] == "closed"
    ask(hub, "POST", "/pulls", wanted())
    git(clone, "push", "-q", "origin", "--delete", "promote/a")
    git(clone, "push", "-q", "origin", "promote/b:main")
    shown = [ask(hub, "GET", f"/pulls/{number}").body for number in (3, 1)]
    assert [(one["state"], one["merged"]) for one in shown] == [("closed", False), ("closed", True)]
    said = "state cannot be changed. The promote/a branch has been deleted."
    assert ask(hub, "PATCH", "/pulls/3", {"state": "open"}).said == (422, said)


def test_comments(hub: StandIn) -> None:
    ask(hub, "POST", "/pulls", wanted())
    made = ask(hub, "POST", "/issues/1/comments", {"body": "see #2"})
    assert made.status == 201
    assert ask(hub, "POST", "/issues/1/comments", {"body": ""}).said == (422, "body missing_field")
    assert ask(hub, "POST", "/issues/9/comments", {"body": "x"}).status == 404
    assert ask(hub, "PATCH", f"/issues/comments/{made.body['id']}", {"body": "other"}).status == 200
    assert [one["body"] for one in ask(hub, "GET", "/issues/1/comments").body] == ["other"]


def test_statuses_are_of_whole_commits_and_known_words(hub: StandIn, clone: Path) -> None:
    sha = git(clone, "rev-parse", "main")
    ok = {"state": "success", "context": "argocd/financetracker-staging"}
    assert ask(hub, "POST", f"/statuses/{sha}", ok | {"state": "pending"}).status == 201
    assert ask(hub, "POST", f"/statuses/{sha}", ok).status == 201
    assert [one["state"] for one in ask(hub, "GET", f"/commits/{sha}/statuses").body] == ["success", "pending"]
    assert ask(hub, "GET", "/commits/main/status").body["state"] == "success"
    assert ask(hub, "POST", f"/statuses/{sha[:7]}", ok).said == (422, f"No commit found for SHA: {sha[:7]}")
    assert ask(hub, "POST", f"/statuses/{'0' * 40}", ok).status == 422
    said = "state is not included in the list"
    assert ask(hub, "POST", f"/statuses/{sha}", ok | {"state": "good"}).said == (422, said)
    long = "description is too long (maximum is 140 characters)"
    assert ask(hub, "POST", f"/statuses/{sha}", ok | {"description": "x" * 141}).said == (422, long)


def test_branches_are_deleted_but_not_main(hub: StandIn, clone: Path) -> None:
    assert ask(hub, "DELETE", "/git/refs/heads/promote/a").status == 204
    assert ask(hub, "DELETE", "/git/refs/heads/promote/a").said == (422, "Reference does not exist")
    assert ask(hub, "DELETE", "/git/refs/heads/main").said[0] == 422
    assert ask(hub, "GET", "/git/ref/heads/promote/a").status == 404
    assert ask(hub, "GET", "/git/ref/heads/main").body["object"]["sha"] == git(clone, "rev-parse", "main")


@pytest.mark.parametrize(
    ("file", "body", "said"),
    [
        ("promote.yml", {"inputs": {"digest": "x"}}, (422, "ref missing_field")),
        ("promote.yml", {"ref": "none"}, (422, "No ref found for: none")),
        ("promote.yml", {"ref": "main"}, (422, "Required input 'digest' not provided")),
        ("promote.yml", {"ref": "main", "inputs": {"x": "y"}}, (422, "Unexpected inputs provided: ['x']")),
        ("main.yml", {"ref": "main"}, (422, "Workflow does not have 'workflow_dispatch' trigger")),
        ("none.yml", {"ref": "main"}, (404, "Not Found")),
    ],
)
def test_a_workflow_that_cannot_be_started_is_not(
    hub: StandIn, file: str, body: dict[str, Any], said: tuple[int, str]
) -> None:
    assert ask(hub, "POST", f"/actions/workflows/{file}/dispatches", body).said == said
    assert hub.world.runs == []


def test_runs_and_dispatches_are_recorded(hub: StandIn) -> None:
    body = {"ref": "main", "inputs": {"digest": "x"}}
    assert ask(hub, "POST", "/actions/workflows/promote.yml/dispatches", body).status == 204
    (run,) = ask(hub, "GET", "/actions/workflows/promote.yml/runs").body["workflow_runs"]
    assert (run["event"], run["inputs"], run["status"]) == ("workflow_dispatch", {"digest": "x"}, "queued")
    assert ask(hub, "GET", f"/actions/runs/{run['id']}").body == run
    assert ask(hub, "GET", "/actions/runs?status=success").body == {"total_count": 0, "workflow_runs": []}
    assert ask(hub, "GET", "/actions/runs/999").status == 404
    assert ask(hub, "POST", "/dispatches", {"event_type": "x", "client_payload": {"a": 1}}).status == 204
    assert hub.world.dispatches[0]["client_payload"] == {"a": 1}
    assert ask(hub, "POST", "/dispatches", {}).said == (422, "event_type missing_field")
    many = {str(number): 1 for number in range(11)}
    assert ask(hub, "POST", "/dispatches", {"event_type": "x", "client_payload": many}).status == 422


def test_lists_come_in_pages(hub: StandIn) -> None:
    hub.world.runs = [{"id": number, "path": "x"} for number in range(70)]
    first = ask(hub, "GET", "/actions/runs")
    assert (first.body["total_count"], len(first.body["workflow_runs"])) == (70, 30)
    address = f"{hub.url}/repos/{NAME}/actions/runs"
    assert first.headers["Link"] == f'<{address}?page=2>; rel="next", <{address}?page=3>; rel="last"'
    last = ask(hub, "GET", "/actions/runs?page=3&per_page=30")
    assert (len(last.body["workflow_runs"]), last.headers["Link"]) == (10, None)
    assert len(ask(hub, "GET", "/actions/runs?per_page=1000").body["workflow_runs"]) == 70


def test_settings_are_shown_as_far_as_one_may_see_them(hub: StandIn) -> None:
    hub.world.settings["environments"]["prod"] = ["SLACK_WEBHOOK_URL"]
    assert [rule["type"] for rule in ask(hub, "GET", "/rules/branches/main").body][-1] == "required_status_checks"
    assert ask(hub, "GET", "/rules/branches/other").body == []
    assert "rules" not in ask(hub, "GET", "/rulesets").body[0]
    assert "bypass_actors" not in ask(hub, "GET", "/rulesets/1").body
    assert ask(hub, "GET", "/rulesets/1", by="t-owner").body["bypass_actors"][0]["actor_id"] == 4711
    assert ask(hub, "GET", "/rulesets/2").status == 404
    assert ask(hub, "GET", "/environments/prod/secrets").body["secrets"] == [{"name": "SLACK_WEBHOOK_URL"}]
    assert ask(hub, "GET", "/environments/none/secrets").status == 404
    assert ask(hub, "GET", "/environments").body["total_count"] == len(SETTINGS["environments"])
    assert ask(hub, "GET", "/environments/prod").body["deployment_branch_policy"] is None
    hub.world.settings["deployment_branches"] = {"prod": ["main"]}
    assert ask(hub, "GET", "/environments/prod").body["protection_rules"] == [{"type": "branch_policy"}]
    policies = ask(hub, "GET", "/environments/prod/deployment-branch-policies").body["branch_policies"]
    assert policies == [{"name": "main", "type": "branch"}]
    assert ask(hub, "GET", "/codeowners/errors").body == {"errors": []}
    hub.world.settings["owners_errors"] = None
    assert ask(hub, "GET", "/codeowners/errors").status == 404
    assert ask(hub, "GET", "/hooks").body == []
    assert ask(hub, "GET", "/hooks", by="t-reader").status == 403
    assert ask(hub, "GET", "/actions/permissions/workflow").body["default_workflow_permissions"] == "read"


def test_the_hour_s_requests_end(hub: StandIn) -> None:
    hub.remaining = 1
    assert ask(hub, "GET", "/pulls").status == 200
    refused = ask(hub, "GET", "/pulls")
    assert refused.said == (403, "API rate limit exceeded for installation.")
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert int(refused.headers["X-RateLimit-Reset"]) == hub.reset


def test_faults_happen_as_often_as_asked(hub: StandIn) -> None:
    hub.faults = [Fault("POST", ".*/pulls", "done"), Fault("GET", ".*/pulls", "secondary", seconds=7)]
    with pytest.raises(OSError, match="closed connection"):
        ask(hub, "POST", "/pulls", wanted())
    assert len(hub.world.pulls) == 1
    refused = ask(hub, "GET", "/pulls")
    assert (refused.status, refused.headers["Retry-After"]) == (403, "7")
    assert ask(hub, "GET", "/pulls").status == 200
    assert [one["status"] for one in hub.requests] == [201, 403, 200]


def test_it_runs_as_a_program(clone: Path) -> None:
    argv = [sys.executable, "-m", "deploy.e2e.github", "--repository", str(clone.parent / "bare.git")]
    with subprocess.Popen(
        [*argv, "--name", NAME, "--token", "t"], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as run:
        assert run.stdout
        address = run.stdout.readline().strip()
        found = ask_at(address, "GET", f"/repos/{NAME}", **{"User-Agent": "x", "Authorization": "token t"})
        assert found.body["full_name"] == NAME
        asked = ask_at(address, "GET", "/stand-in/requests").body
        assert asked == [{"method": "GET", "path": f"/repos/{NAME}", "status": 200}]
        run.terminate()
        assert run.wait(10) == 0
    argv = [*argv[:-1], str(clone), "--token", "t"]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (2, f"{clone} is no bare Git repository.\n")
