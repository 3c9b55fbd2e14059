"""Writing to the main branch from a work tree of one's own, whoever else writes at the same moment."""

import argparse
import base64
import os
import re
import secrets
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.release.problems import CouldNot, Problem, Refused

TRIES = 6
RACED = re.compile(
    r"non-fast-forward|fetch first|cannot lock ref|incorrect old value|stale info|failed to update ref"
)
DECLINED = re.compile(
    r"hook declined|GH006|GH013|protected branch|denied to|not permitted|permission", re.IGNORECASE
)


@dataclass
class Desk:
    """A detached work tree on the newest main, which is thrown away at the end.

    What a person has lying about in the clone is neither used nor touched. `remote` is a name or an address;
    `token` is sent to it as an App's installation token, and is in no argument and no message.
    """

    clone: Path
    folder: Path
    remote: str = "origin"
    branch: str = "main"
    token: str = ""
    pause: float = 1.0
    say: Callable[[str], None] = print
    env: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> str:
        """The commit that the desk stands on."""
        return self.git("rev-parse", "HEAD")

    def try_git(self, *arguments: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Runs Git and leaves it to the caller to look at the status; never asks a person anything."""
        env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **self.env}
        if self.token:
            word = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
            env |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "http.extraheader",
                "GIT_CONFIG_VALUE_0": f"Authorization: Basic {word}",
            }
        argv = ["git", "-c", "commit.gpgsign=false", *arguments]
        return subprocess.run(argv, cwd=at or self.folder, env=env, capture_output=True, text=True, check=False)

    def git(self, *arguments: str, at: Path | None = None) -> str:
        """What Git printed. Raises CouldNot with its last line if it failed."""
        done = self.try_git(*arguments, at=at)
        if done.returncode:
            raise CouldNot(f"git {arguments[0]}: {last_line(done.stderr or done.stdout)}")
        return done.stdout.strip()

    def renew(self) -> str:
        """Puts the desk on the newest commit of the branch and returns it."""
        got = self.try_git("fetch", "-q", "--no-tags", self.remote, f"refs/heads/{self.branch}", at=self.clone)
        if got.returncode:
            if "couldn't find remote ref" in got.stderr:
                raise Problem(f"{self.remote} has no branch {self.branch}.")
            raise CouldNot(f"The branch {self.branch} could not be fetched: {last_line(got.stderr)}")
        newest = self.git("rev-parse", "FETCH_HEAD", at=self.clone)
        self.git("reset", "-q", "--hard", newest)
        self.git("clean", "-qfdx")
        return newest

    def commit_of(self, name: str) -> str | None:
        """The commit that a name stands for; None if there is none."""
        done = self.try_git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return done.stdout.strip() or None

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether everything in `older` is in `newer`; a commit is its own ancestor."""
        done = self.try_git("merge-base", "--is-ancestor", older, newer)
        if done.returncode > 1:
            raise CouldNot(f"git merge-base: {last_line(done.stderr)}")
        return done.returncode == 0

    def text_at(self, commit: str, path: str) -> str | None:
        """A file as it stood at a commit; None where it did not exist."""
        done = self.try_git("show", f"{commit}:{path}")
        return done.stdout if done.returncode == 0 else None

    def changed(self, base: str, head: str) -> list[str]:
        """The files that differ between two commits, renames as two."""
        return self.git("diff", "--no-renames", "--name-only", base, head).splitlines()

    def commit(self, message: str, paths: list[str]) -> str:
        """Commits these paths, which must be all that changed. Raises Problem otherwise."""
        self.git("add", "-A")
        staged = self.git("diff", "--cached", "--no-renames", "--name-only").splitlines()
        if sorted(staged) != sorted(paths):
            raise Problem(f"More would change than asked: {', '.join(staged)}; expected {', '.join(paths)}.")
        who = []
        for key, value in (
            ("user.name", "financetracker release"),
            ("user.email", "release@users.noreply.invalid"),
        ):
            if self.try_git("config", key).returncode:
                who += ["-c", f"{key}={value}"]
        self.git(*who, "commit", "-q", "-m", message)
        return self.head

    def push(self, commit: str, to: str = "", *options: str) -> bool:
        """Pushes a commit to a branch (default: main); False if somebody else was first. Never overwrites."""
        done = self.try_git("push", "-q", *options, self.remote, f"{commit}:refs/heads/{to or self.branch}")
        if done.returncode == 0:
            return True
        if RACED.search(done.stderr):
            return False
        if DECLINED.search(done.stderr):
            raise Refused(f"{self.remote} refuses the push to {to or self.branch}: {last_line(done.stderr)}")
        raise CouldNot(f"The push to {to or self.branch} did not go through: {last_line(done.stderr)}")


def last_line(said: str) -> str:
    """What a program said that a person can use: its last line that is no hint."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("hint:")]
    telling = [
        line for line in lines if re.match(r"(fatal|error|remote|!)", line) and "failed to push" not in line
    ]
    return (telling or lines or ["it said nothing"])[-1][:300]


@contextmanager
def desk(
    clone: Path, *, remote: str = "origin", branch: str = "main", token: str = "", pause: float = 1.0,
    say: Callable[[str], None] = print, writing: bool = False,
) -> Iterator[Desk]:  # fmt: skip
    """A desk on the newest main of a clone with its whole history. Raises Problem where that is no clone.

    With `writing`, the clone must stand on main and deploy/ must be as it was committed: what moves an
    environment is the program that was reviewed.
    """
    with tempfile.TemporaryDirectory(prefix="ft-release-") as folder:
        made = Desk(clone, clone, remote, branch, token, pause, say)
        done = made.try_git("rev-parse", "--is-shallow-repository")
        if done.returncode:
            raise Problem(f"{clone} is no Git repository.")
        if done.stdout.strip() == "true":
            got = made.try_git("fetch", "-q", "--unshallow", "--no-tags", remote, branch)
            if got.returncode:
                raise CouldNot(f"This clone is shallow and could not be completed: {last_line(got.stderr)}")
        made.git("worktree", "prune")
        made.git("worktree", "add", "-q", "--detach", "--no-checkout", f"{folder}/desk", "HEAD")
        made.folder = Path(folder) / "desk"
        try:
            newest = made.renew()
            if writing:
                stand_on_main(made, newest)
            yield made
        finally:
            made.try_git("worktree", "remove", "--force", str(made.folder), at=clone)


def token() -> str:
    """What this process may write with: an App's installation token, from the environment alone."""
    return os.environ.get("RELEASE_TOKEN") or os.environ.get("GITHUB_TOKEN") or ""


def at_the_desk(given: argparse.Namespace, *, writing: bool = False) -> AbstractContextManager[Desk]:
    """The desk that the options of a command ask for."""
    return desk(given.clone, remote=given.remote, branch=given.branch, token=token(), writing=writing)


def stand_on_main(at: Desk, newest: str) -> None:
    """Refuses to write with a program that main does not have."""
    edited = at.git("status", "--porcelain", "--", "deploy", at=at.clone).splitlines()
    if edited:
        raise Problem(f"deploy/ has changes that are not committed ({edited[0][3:]}): commit or stash them first.")
    mine = at.git("rev-parse", "HEAD", at=at.clone)
    if not at.is_ancestor(mine, newest):
        name = at.git("rev-parse", "--abbrev-ref", "HEAD", at=at.clone)
        raise Problem(
            f"This clone stands on {name} ({mine[:7]}), which {at.branch} does not have: switch to it first."
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A commit to be made: its message and exactly the files that it touches."""

    message: str
    paths: list[str]


def publish(at: Desk, edit: Callable[[Desk], Change | None], *, dry_run: bool = False) -> str | None:
    """Brings one change onto main and returns its commit; None where `edit` found nothing left to do.

    `edit` is called on the newest main, again after every lost race and every push whose fate is unknown, so
    that it decides anew each time; it must do nothing but write files on the desk. A commit is never rebased:
    two pins touch the same lines. Raises CouldNot when others were faster TRIES times, or the remote is away.
    """
    trouble = "others pushed first each time"
    for attempt in range(TRIES):
        if attempt:
            time.sleep(at.pause * (attempt + secrets.randbelow(1000) / 1000))
        try:
            at.renew()
            change = edit(at)
            if change is None:
                return None
            commit = at.commit(change.message, change.paths)
            if dry_run:
                at.say(at.git("show", "--format=%B", commit))
                return None
            if at.push(commit):
                return commit
        except CouldNot as problem:
            trouble = str(problem).rstrip(".")
    raise CouldNot(f"Nothing was changed on {at.branch} after {TRIES} tries: {trouble}.")
