"""What GitHub keeps beside the Git repository: pull requests, comments, statuses, runs and settings."""

import subprocess
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# What an installation of the release's App may do, and what a person with the role "admin" may read besides.
PERMISSIONS = {
    "metadata": "read", "contents": "write", "pull_requests": "write", "issues": "write", "statuses": "write",
    "checks": "write", "actions": "write", "administration": "read", "environments": "read", "secrets": "read",
    "variables": "read", "repository_hooks": "read",
}  # fmt: skip

# A repository with the rules that docs/setup.md asks for, and not yet much else, as the API shows it.
SETTINGS: dict[str, Any] = {
    "merge_methods": ["squash", "merge"],
    "squash_merge_commit_message": "COMMIT_MESSAGES",
    "delete_branch_on_merge": True,
    "rulesets": [
        {
            "id": 1, "name": "main", "target": "branch", "enforcement": "active",
            "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
            "bypass_actors": [{"actor_id": 4711, "actor_type": "Integration", "bypass_mode": "always"}],
            "rules": [
                {"type": "deletion"},
                {"type": "non_fast_forward"},
                {"type": "required_linear_history"},
                {"type": "pull_request", "parameters": {
                    "required_approving_review_count": 0, "dismiss_stale_reviews_on_push": True,
                    "allowed_merge_methods": ["squash"],
                }},
                {"type": "required_status_checks", "parameters": {
                    "strict_required_status_checks_policy": False,
                    "required_status_checks": [{"context": "gate"}, {"context": "guard"}],
                }},
            ],
        },
    ],
    "environments": {"staging": [], "prod": [], "registry": []},
    "environment_variables": {},
    "deployment_branches": {},  # by environment: names, or "protected"; without an entry, every branch may deploy
    "protection_rules": {},
    "hooks": [],
    "owners_errors": [],
    "secrets": [],
    "variables": {},
    "actions": {"enabled": True, "allowed_actions": "selected", "sha_pinning_required": True},
    "workflow": {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False},
}  # fmt: skip


class Refusal(Exception):
    """An answer that is none of 2xx: status, GitHub's own message, and the list of what was wrong."""

    def __init__(self, status: int, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors or []


def invalid(resource: str, code: str, field_name: str = "", message: str = "") -> Refusal:
    """422 in the form that the real API gives it."""
    error = {"resource": resource, "code": code}
    error |= {"field": field_name} if field_name else {}
    error |= {"message": message} if message else {}
    return Refusal(422, "Validation Failed", [error])


@dataclass
class Token:
    """Who calls, what he may do, and until when: GitHub says the same of a wrong token and of an expired one."""

    login: str = "financetracker-release[bot]"
    permissions: dict[str, str] = field(default_factory=lambda: dict(PERMISSIONS))
    expires: datetime | None = None

    def may(self, permission: str, level: str) -> bool:
        has = self.permissions.get(permission)
        return has == "write" or (has == "read" and level == "read") or permission == "metadata"


@dataclass
class Pull:
    """One pull request; the commit at its head is asked of Git each time."""

    number: int
    title: str
    body: str
    head: str
    base: str
    author: str
    created: str
    state: str = "open"
    merged: str = ""  # the commit that brought it onto its base
    closed: str = ""
    sha: str = ""  # the head as it was last seen
    looked_at: str = ""  # for which head and base somebody asked whether it can be merged
    reviews: list[dict[str, str]] = field(default_factory=list)
    fork: str = ""  # the OWNER/NAME that its branch is in, if that is not here


@dataclass
class World:
    """All of one repository. Only one request at a time may look at it or change it: hold `lock`."""

    repository: Path
    name: str
    tokens: dict[str, Token]
    settings: dict[str, Any]
    address: str = ""
    pulls: dict[int, Pull] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    dispatches: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def owner(self) -> str:
        return self.name.partition("/")[0]

    def next_number(self) -> int:
        """Pull requests, comments and runs are numbered; never the same number twice."""
        self.count += 1
        return self.count

    def try_git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        argv = ["git", "-c", "user.name=GitHub", "-c", "user.email=noreply@github.invalid", *arguments]
        return subprocess.run(argv, cwd=self.repository, capture_output=True, text=True, check=False)

    def git(self, *arguments: str) -> str:
        done = self.try_git(*arguments)
        if done.returncode:
            raise Refusal(500, f"git {arguments[0]}: {done.stderr.strip()[-200:]}")
        return done.stdout.strip()

    def commit(self, name: str) -> str:
        """The commit behind a branch or a hash; empty if there is none."""
        for ref in (f"refs/heads/{name}", name):
            done = self.try_git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
            if done.returncode == 0:
                return done.stdout.strip()
        return ""

    def branch(self, name: str) -> str:
        """The commit of a branch; empty if there is no such branch."""
        done = self.try_git("rev-parse", "--verify", "--quiet", f"refs/heads/{name}^{{commit}}")
        return done.stdout.strip()

    def is_ancestor(self, older: str, newer: str) -> bool:
        return self.try_git("merge-base", "--is-ancestor", older, newer).returncode == 0

    def rules(self, branch: str) -> list[dict[str, Any]]:
        """The rules that hold for a branch, each with the ruleset that it comes from."""
        names = {f"refs/heads/{branch}", "~ALL"} | ({"~DEFAULT_BRANCH"} if branch == "main" else set())
        return [
            {**rule, "ruleset_id": ruleset["id"], "ruleset_source": self.name}
            for ruleset in self.settings["rulesets"]
            if ruleset["enforcement"] == "active" and names & set(ruleset["conditions"]["ref_name"]["include"])
            for rule in ruleset["rules"]
        ]

    def follow(self) -> None:
        """What pushes did to pull requests: a deleted head closes one, a head that is on its base is merged."""
        for pull in self.pulls.values():
            if pull.state != "open" or pull.fork:
                continue
            sha, base = self.branch(pull.head), self.branch(pull.base)
            if sha and not (base and self.is_ancestor(sha, base)):
                pull.sha = sha
                continue
            # Merged by a push; or pushed back to where there is nothing left to merge.
            pull.state, pull.closed, pull.merged = "closed", now(), base if sha == pull.sha else ""


def now() -> str:
    """This moment as GitHub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
