"""Writing to the main branch from a work tree of one's own, whoever else writes at the same moment."""

import argparse
import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.release.access import authorisation, redacted, token
from deploy.release.answers import RACED, last_line, problem
from deploy.release.problems import CouldNot, Problem

TRIES = 6
LONGEST = 300  # seconds that Git may take for one thing; a remote that says nothing must not hold a rollback
PREFIX = "ft-release-"
# A hook of the person's, a pager, colours or a fetch inside a hook must not change what the release does or reads.
SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.autocrlf": "false",
    "core.quotePath": "false",
    "color.ui": "false",
    "commit.gpgSign": "false",
    "log.showSignature": "false",
}
INHERITED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")


@dataclass
class Desk:
    """A detached work tree on the newest main, which is thrown away at the end.

    What a person has lying about in the clone is neither used nor touched, its branches and FETCH_HEAD included.
    `remote` is a name or an address; `env` holds what Git needs beside, such as the token's header.
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

    def raw(
        self, *arguments: str, at: Path | None = None, said: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs Git and leaves it to the caller to look at the status; never asks a person anything."""
        inherited = {key: value for key, value in os.environ.items() if key not in INHERITED}
        env = inherited | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"} | self.env
        argv = ["git", *(part for pair in SETTINGS.items() for part in ("-c", "=".join(pair))), *arguments]
        try:
            return subprocess.run(
                argv, cwd=at or self.folder, env=env, input=said, capture_output=True, timeout=LONGEST, check=False
            )
        except FileNotFoundError as error:
            if shutil.which("git"):
                raise Problem(f"{at or self.folder} is not there.") from error
            raise Problem("git is not here: install it with the system's own package manager.") from error
        except subprocess.TimeoutExpired as error:
            raise CouldNot(f"git {arguments[0]} took longer than {LONGEST} s.") from error

    def try_git(self, *arguments: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
        """The same with what it said as text; bytes that are none stay visible as escapes."""
        done = self.raw(*arguments, at=at)
        out, err = (said.decode("utf-8", "backslashreplace") for said in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def git(self, *arguments: str, at: Path | None = None) -> str:
        """What Git printed. Raises CouldNot with its reason if it failed."""
        done = self.try_git(*arguments, at=at)
        if done.returncode:
            raise CouldNot(f"git {arguments[0]}: {last_line(done.stderr or done.stdout)}")
        return done.stdout.strip()

    def renew(self) -> str:
        """Puts the desk on the newest commit of the branch and returns it."""
        # From the desk, whose FETCH_HEAD is its own; without a refmap, the clone's origin/main stays as it was.
        wanted = f"refs/heads/{self.branch}"
        got = self.try_git("fetch", "-q", "--no-tags", "--refmap=", self.remote, wanted)
        if got.returncode:
            if "couldn't find remote ref" in got.stderr:
                raise Problem(f"{redacted(self.remote)} has no branch {self.branch}.")
            raise problem(got.stderr, self.remote, f"the fetch of {self.branch}")
        newest = self.git("rev-parse", "FETCH_HEAD")
        self.stand_on(newest)
        return newest

    def stand_on(self, commit: str) -> None:
        """Puts the desk's files on a commit, and nothing beside them."""
        self.git("reset", "-q", "--hard", commit)
        self.git("clean", "-qffdx")

    def commit_of(self, name: str) -> str | None:
        """The commit that a name stands for; None if there is none."""
        done = self.try_git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return done.stdout.strip() or None

    def commits_of(self, names: list[str]) -> dict[str, str]:
        """The commits that many names stand for, without those that stand for none. One process."""
        asked = "".join(f"{name}^{{commit}}\n" for name in names).encode()
        told = self.raw("cat-file", "--batch-check", said=asked).stdout.decode().splitlines()
        words = (line.split() for line in told)
        return {name: one[0] for name, one in zip(names, words, strict=True) if one[1:2] == ["commit"]}

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether everything in `older` is in `newer`; a commit is its own ancestor."""
        done = self.try_git("merge-base", "--is-ancestor", older, newer)
        if done.returncode > 1:
            raise CouldNot(f"git merge-base: {last_line(done.stderr)}")
        return done.returncode == 0

    def texts_at(self, commits: list[str], path: str) -> list[str | None]:
        """A file as it stood at each of some commits, to the byte; None where there was no file. One process."""
        asked = "".join(f"{commit}:{path}\n" for commit in commits).encode()
        rest = self.raw("cat-file", "--batch", said=asked).stdout
        found: list[str | None] = []
        while rest:
            head, _, rest = rest.partition(b"\n")
            if head.endswith((b" missing", b" ambiguous")):
                found.append(None)
                continue
            kind, size = head.split(b" ")[-2:]
            content, rest = rest[: int(size)], rest[int(size) + 1 :]
            found.append(content.decode("utf-8", "backslashreplace") if kind == b"blob" else None)
        return found

    def text_at(self, commit: str, path: str) -> str | None:
        """A file as it stood at a commit; None where it did not exist."""
        return (self.texts_at([commit], path) or [None])[0]

    def mode_at(self, commit: str, path: str) -> str:
        """How Git keeps a path: 100644 for an ordinary file, 120000 for a link; empty where there is nothing."""
        return self.git("ls-tree", commit, "--", path).partition(" ")[0]

    def changed(self, base: str, head: str) -> list[str]:
        """The files that differ between two commits in content or mode, renames as two."""
        found = self.git("diff-tree", "-r", "-z", "--no-renames", "--name-only", base, head)
        return [name for name in found.split("\0") if name]

    def commit(self, message: str, paths: list[str]) -> str:
        """Commits these paths, which must be all that changed. Raises Problem otherwise."""
        self.git("add", "-A", "--force")
        staged = self.git("diff", "--cached", "--no-renames", "--name-only").splitlines()
        if sorted(staged) != sorted(paths):
            raise Problem(f"{', '.join(paths)} was to change, and {', '.join(staged) or 'nothing'} would.")
        who = []
        for key, value in (
            ("user.name", "financetracker release"),
            ("user.email", "release@users.noreply.invalid"),
        ):
            if self.try_git("config", key).returncode:
                who += ["-c", f"{key}={value}"]
        self.git(*who, "commit", "-q", "--cleanup=whitespace", "-m", message)
        return self.head

    def push(self, commit: str, to: str = "", *options: str) -> bool:
        """Pushes a commit to a branch (default: main); False if somebody else was first. Never overwrites.

        Raises Refused where a rule forbids it. After CouldNot it may have arrived all the same.
        """
        target = to or self.branch
        done = self.try_git("push", "-q", *options, self.remote, f"{commit}:refs/heads/{target}")
        if done.returncode == 0:
            return True
        if RACED.search(done.stderr):
            return False
        raise problem(done.stderr, self.remote, f"the push to {target}")


@contextmanager
def desk(
    clone: Path, *, remote: str = "origin", branch: str = "main", token: str = "", pause: float = 1.0,
    say: Callable[[str], None] = print, writing: bool = False,
) -> Iterator[Desk]:  # fmt: skip
    """A desk on the newest main of a clone with its whole history. Raises Problem where that is no clone.

    With `writing`, the clone must stand on main and deploy/ must be as it was committed: what moves an
    environment is the program that was reviewed.
    """
    made = reader(clone, remote=remote, branch=branch, token=token, pause=pause, say=say)
    if made.git("rev-parse", "--is-shallow-repository") == "true":
        got = made.try_git("fetch", "-q", "--unshallow", "--no-tags", "--refmap=", made.remote, branch)
        if got.returncode:
            raise problem(got.stderr, made.remote, "completing this shallow clone")
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder, lock(Path(folder)):
        sweep(made)
        made.folder = Path(folder) / "desk"
        made.git("worktree", "add", "-q", "--detach", "--no-checkout", str(made.folder), "HEAD", at=clone)
        try:
            newest = made.renew()
            if writing:
                stand_on_main(made, newest)
            yield made
        finally:
            made.try_git("worktree", "remove", "--force", str(made.folder), at=clone)


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Marks a folder as in use for as long as this process lives, however it ends."""
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def sweep(at: Desk) -> None:
    """Removes the desks of processes that were killed, and leaves those that somebody sits at."""
    for line in at.git("worktree", "list", "--porcelain", at=at.clone).splitlines():
        path = Path(line.removeprefix("worktree "))
        if line.startswith("worktree ") and path.parent.name.startswith(PREFIX):
            with suppress(OSError), (path.parent / "lock").open() as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                at.try_git("worktree", "remove", "--force", str(path), at=at.clone)
                shutil.rmtree(path.parent, ignore_errors=True)
    at.git("worktree", "prune", at=at.clone)


def reader(
    clone: Path, *, remote: str = "origin", branch: str = "main", token: str = "", pause: float = 1.0,
    say: Callable[[str], None] = print,
) -> Desk:  # fmt: skip
    """Git at work in a clone as it lies: no fetch, no work tree of its own. Nothing may be written with it."""
    made = Desk(clone, clone, remote, branch, token, pause, say)
    if made.try_git("rev-parse", "--git-dir").returncode:
        raise Problem(f"{clone} is no Git repository.")
    known = made.try_git("remote", "get-url", remote).stdout.strip()
    if (clone / (known or remote)).exists():
        made.remote = str((clone / (known or remote)).resolve())  # the desk stands in another folder
    pushes = made.try_git("remote", "get-url", "--push", remote).stdout.strip()
    made.env |= authorisation({known or remote, pushes or remote}, token)
    return made


def at_the_desk(given: argparse.Namespace, *, writing: bool = False) -> AbstractContextManager[Desk]:
    """The desk that the options of a command ask for; with --json, what it says goes to stderr."""
    say = (lambda text: print(text, file=sys.stderr)) if getattr(given, "json", False) else print
    return desk(given.clone, remote=given.remote, branch=given.branch, token=token(), writing=writing, say=say)


def stand_on_main(at: Desk, newest: str) -> None:
    """Refuses to write with a program that main does not have."""
    edited = at.git("status", "--porcelain", "--", "deploy", at=at.clone).splitlines()
    if edited:
        first = edited[0].split(maxsplit=1)[-1]
        raise Problem(f"deploy/ has changes that are not committed ({first}): commit or stash them first.")
    mine = at.git("rev-parse", "HEAD", at=at.clone)
    if not at.is_ancestor(mine, newest):
        name = at.git("rev-parse", "--abbrev-ref", "HEAD", at=at.clone).replace("HEAD", "no branch")
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
    two pins touch the same lines. A push that was not answered and arrived all the same is found on main and
    returned. Raises CouldNot when others were faster TRIES times, or the remote is away.
    """
    trouble = "others pushed first each time"
    sent: list[str] = []
    lost = 0
    for attempt in range(TRIES):
        if attempt:
            time.sleep(at.pause * (attempt + secrets.randbelow(1000) / 1000))
        try:
            newest = at.renew()
            if arrived := next((commit for commit in sent if at.is_ancestor(commit, newest)), None):
                return arrived
            change = edit(at)
            if change is None:
                return None
            commit = at.commit(change.message, change.paths)
            if dry_run:
                at.say(at.git("show", "--no-ext-diff", "--format=%B", commit))
                return None
            sent.append(commit)
            if at.push(commit):
                return commit
            lost += 1
        except CouldNot as problem:
            trouble = str(problem).rstrip(".")
    if len(sent) > lost:
        raise CouldNot(f"Whether {at.branch} was changed is not known after {TRIES} tries: {trouble}. Try again.")
    raise CouldNot(f"Nothing was changed on {at.branch} after {TRIES} tries: {trouble}.")
