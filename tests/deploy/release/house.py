"""A small house that releases: a bare repository with branch rules, a clone of it, commits with dates, pins."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.release.evidence import CHECKS, Check, Evidence, path_of
from deploy.release.images import Image, overlay, parse, set_image

PROJECT = Path(__file__).resolve().parents[3]
REPOSITORY = "docker.io/financetracker/financetracker"
DENIED = "deploy/denylist.txt"
BEGINNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

# Main belongs to the pipeline's App, and nobody but an administrator overwrites it. Who pushes is the user that
# an HTTP server authenticated, else the variable PUSHER.
UPDATE = """#!/bin/sh
who=${REMOTE_USER:-${PUSHER:-nobody}}
[ "$who" = administrator ] && exit 0
refuse() {
  echo "error: GH013: Repository rule violations found for $1." >&2
  echo "- $2" >&2
  exit 1
}
if [ "$1" = refs/heads/main ]; then
  case $3 in 0000000*) refuse "$1" "Cannot delete this branch" ;; esac
  git merge-base --is-ancestor "$2" "$3" || refuse "$1" "Cannot force-push to this branch"
  [ "$who" = bot ] || refuse "$1" "Changes must be made through a pull request."
fi
exit 0
"""
PRE_RECEIVE = """#!/bin/sh
if [ -e closed ]; then
  echo "error: GH006: This repository is archived and takes no pushes." >&2
  exit 1
fi
exit 0
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command of the release program ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object that it printed."""
        made: dict[str, Any] = json.loads(self.out)
        return made


@dataclass
class House:
    """Everything under one folder: `remote` (bare), `clone` (somebody's, on main, clean)."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    now: datetime = BEGINNING

    @property
    def remote(self) -> Path:
        return self.folder / "origin.git"

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    def environment(self, **more: str) -> dict[str, str]:
        """The variables of a process of this house: nobody's own settings, and no token but the ones given."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "RELEASE_"))}
        for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_ACTOR", "SLACK_WEBHOOK_URL"):
            kept.pop(name, None)
        quiet = {"HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8"}
        return kept | quiet | self.env | more

    def git(self, *arguments: str, at: Path | None = None, who: str = "bot", **env: str) -> str:
        """Runs Git in the clone, as Ana and now, and returns what it printed; it must succeed."""
        moment = self.now.isoformat()
        named = {
            "GIT_AUTHOR_NAME": "Ana", "GIT_AUTHOR_EMAIL": "ana@example.org", "GIT_AUTHOR_DATE": moment,
            "GIT_COMMITTER_NAME": "Ana", "GIT_COMMITTER_EMAIL": "ana@example.org", "GIT_COMMITTER_DATE": moment,
        }  # fmt: skip
        done = subprocess.run(
            ["git", *arguments], cwd=at or self.clone, env=self.environment(PUSHER=who, **named, **env),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    def later(self, minutes: float = 10) -> datetime:
        """Lets the house's clock go on."""
        self.now += timedelta(minutes=minutes)
        return self.now

    # What others do to main

    def write(self, files: Mapping[str, str | None], at: Path | None = None) -> None:
        """Writes files into a work tree, by their paths from the top; None removes one."""
        for name, text in files.items():
            path = (at or self.clone) / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")

    def commit(self, message: str, files: Mapping[str, str | None] | None = None) -> str:
        """Brings a change onto main, ten minutes after the one before; returns the commit."""
        self.renew()
        self.later()
        default = {"financetracker/ledger/task.py": f"# {message} at {self.now}\n"}
        self.write(default if files is None else files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.git("push", "-q", "origin", "main")
        return self.git("rev-parse", "HEAD")

    def renew(self) -> str:
        """Puts the clone on the newest main, as `git pull` would."""
        self.git("checkout", "-q", "main")
        self.git("fetch", "-q", "origin")
        self.git("reset", "-q", "--hard", "origin/main")
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, files: Mapping[str, str | None], message: str = "A proposal") -> str:
        """Proposes a change of files on a branch off the newest main, as anybody may; returns its commit."""
        self.renew()
        self.write(files)
        return self.proposed(name, message)

    def proposed(self, name: str, message: str = "A proposal") -> str:
        """Pushes what lies in the work tree as a branch of its own, and puts the clone back on main."""
        self.later(1)
        self.git("checkout", "-q", "-B", name)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.git("push", "-q", "-f", "origin", name, who="ana")
        commit = self.git("rev-parse", "HEAD")
        self.git("checkout", "-q", "main")
        return commit

    def merge(self, name: str) -> str:
        """Merges a branch into main with a merge commit, as the button of a pull request does."""
        self.renew()
        self.later(1)
        self.git("merge", "-q", "--no-ff", "-m", f"Merge pull request #1 from house/{name}", f"origin/{name}")
        self.git("push", "-q", "origin", "main")
        return self.git("rev-parse", "HEAD")

    def force(self, commit: str) -> None:
        """An administrator puts main somewhere else."""
        self.git("push", "-q", "-f", "origin", f"{commit}:refs/heads/main", who="administrator")

    # What the pipeline knows

    def image(self, run: int, commit: str, build: str = "") -> Image:
        """The image that a run built of a commit; another `build` of the same has another digest."""
        made = hashlib.sha256(f"{commit}{build}".encode()).hexdigest()
        return parse(f"{REPOSITORY}:run-{run}-{commit[:7]}@sha256:{made}")

    def move(self, environment: str, image: Image) -> str:
        """Moves an environment by hand, straight on main, with the trailers of a pin; returns the commit."""
        self.renew()
        set_image(self.clone, environment, image)
        self.later(2)
        source = self.git("rev-parse", image.short)
        self.git("add", "-A")
        self.git(
            "commit", "-q", "-m", f"deploy({environment}): {image.tag} [skip ci]", "-m",
            f"Source-Commit: {source}\nImage: {image}\nImage-Digest: {image.digest}\nRun-Id: {image.run}",
        )  # fmt: skip
        self.git("push", "-q", "origin", "main")
        return self.git("rev-parse", "HEAD")

    def proof(self, image: Image, **failed: str) -> Evidence:
        """Complete evidence for an image, but for the checks that are named with what was seen instead."""
        checks = {name: Check(name not in failed, failed.get(name, "as it should be")) for name in CHECKS}
        return Evidence(image, self.git("rev-parse", image.short), self.now, checks)

    def prove(self, image: Image, **failed: str) -> str:
        """Keeps evidence on main, as `verify` does; returns the commit."""
        proof = self.proof(image, **failed)
        return self.commit(f"evidence: {image.tag} [skip ci]", {path_of(image.digest): proof.text()})

    def with_image(self, environment: str, image: Image) -> str:
        """The text of an environment's overlay on main once it is moved to an image."""
        self.renew()
        set_image(self.clone, environment, image)
        text = (self.clone / overlay(environment)).read_text(encoding="utf-8")
        self.git("checkout", "-q", "--", ".")
        return text

    # What is there

    def at(self, path: str, commit: str = "main") -> str:
        """A file as the remote has it."""
        done = subprocess.run(
            ["git", "cat-file", "-p", f"{commit}:{path}"], cwd=self.remote, capture_output=True, check=False
        )
        return done.stdout.decode() if done.returncode == 0 else ""

    def message(self, commit: str = "main") -> str:
        """The message of a commit that the remote has."""
        return self.git("log", "-1", "--format=%B", commit, at=self.remote)

    def files_of(self, commit: str = "main") -> list[str]:
        """What a commit changed."""
        return self.git("diff", "--name-only", f"{commit}~1", commit, at=self.remote).splitlines()

    def everything(self) -> dict[str, str]:
        """Every ref of the remote and the clone, where the clone stands, and what is not committed in it."""
        found = {}
        for where in (self.remote, self.clone):
            for line in self.git("for-each-ref", "--format=%(refname) %(objectname)", at=where).splitlines():
                name, _, commit = line.partition(" ")
                found[f"{where.name} {name}"] = commit
        found["stands"] = self.git("rev-parse", "--abbrev-ref", "HEAD")
        found["work tree"] = self.git("status", "--porcelain", "--untracked-files=all")
        found["work trees"] = self.git("worktree", "list", "--porcelain")
        return found

    # The program

    def argv(self, command: str, *arguments: str) -> list[str]:
        """The command line of the release program, from the project's own tree, for this house's clone."""
        return [
            sys.executable,
            str(PROJECT / "deploy" / "release"),
            command,
            "--clone",
            str(self.clone),
            *arguments,
        ]

    def run(self, command: str, *arguments: str, who: str = "bot", **env: str) -> Done:
        """Runs a command of the release program to its end, as the pipeline's App if nobody else is named."""
        done = subprocess.run(
            self.argv(command, *arguments), cwd=self.folder, env=self.environment(PUSHER=who, **env),
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, command: str, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Starts a command beside whatever else goes on; whoever starts it waits for it."""
        return subprocess.Popen(
            self.argv(command, *arguments), cwd=self.folder, env=self.environment(**{"PUSHER": "bot", **env}),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


def hook(bare: Path, name: str, text: str) -> None:
    """Puts a hook into a bare repository."""
    path = bare / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def house(folder: Path) -> House:
    """Builds a house whose main holds the project's manifests, three migrations and no pin. 0.3 s."""
    made = House(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made.git("init", "-q", "--bare", "-b", "main", str(made.remote), at=folder)
    made.git("config", "http.receivepack", "true", at=made.remote)
    made.git("config", "receive.denyDeleteCurrent", "ignore", at=made.remote)
    made.git("clone", "-q", str(made.remote), str(made.clone), at=folder)
    made.git("checkout", "-q", "-b", "main")
    for part in ("base", "components", "overlays"):
        shutil.copytree(
            PROJECT / "deploy" / part, made.clone / "deploy" / part, ignore=shutil.ignore_patterns("__pycache__")
        )
    hook(made.remote, "update", UPDATE)
    hook(made.remote, "pre-receive", PRE_RECEIVE)
    made.write(
        {
            "README.md": "A house that releases.\n",
            DENIED: "# Digests that must not be released again.\n",
            "deploy/evidence/README.md": "What is known of each build.\n",
            "financetracker/ledger/migrations/0001_initial.py": "# The beginning\n",
            "financetracker/ledger/migrations/0002_rules.py": "# Rules\n",
        }
    )
    for environment in ("staging", "prod"):
        # A project that has released long ago still begins at nothing here.
        nothing = parse(f"{REPOSITORY}:run-0-0000000@sha256:{'0' * 64}")
        set_image(made.clone, environment, nothing)
    made.git("add", "-A")
    made.git("commit", "-q", "-m", "The beginning")
    made.git("push", "-q", "-u", "origin", "main", who="administrator")
    return made


def moved_to(built: Path, folder: Path) -> House:
    """A copy of a house in another folder. Its clock goes on a day after the beginning."""
    shutil.copytree(built, folder, symlinks=True)
    made = House(folder, now=BEGINNING + timedelta(days=1))
    made.git("remote", "set-url", "origin", str(made.remote))
    return made
