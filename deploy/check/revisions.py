"""The revision that the work tree is compared with, and its files in a folder of their own."""

import io
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from deploy.check.problems import NO_BASE, Problem
from deploy.check.programs import run

PROD = Path("deploy/overlays/prod/kustomization.yaml")
# What the pipeline names an image: the run that built it, and seven digits of the commit it was built from.
TAG = re.compile(r"run-[0-9]+-([0-9a-f]{7,40})")


@dataclass(frozen=True)
class Revision:
    """A commit, and why it is the one to compare with."""

    commit: str
    reason: str

    def __str__(self) -> str:
        return f"{self.commit[:7]} ({self.reason})"


def commit_of(root: Path, name: str) -> str | None:
    """The commit that a name stands for; None if this clone has none of that name."""
    done = run(["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"], cwd=root)
    return done.stdout.strip() or None


def pinned_in_prod(root: Path) -> str | None:
    """The commit from which the image pinned in prod was built; None before the first promotion."""
    path = root / PROD
    if not path.is_file():
        return None
    images = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("images") or []
    found = [TAG.fullmatch(str(image.get("newTag"))) for image in images if image.get("name") == "financetracker"]
    short = found[0][1] if found and found[0] else None
    if short is None or not short.strip("0"):
        return None
    commit = commit_of(root, short)
    if commit is None:
        raise Problem(
            f"prod runs {short}, which this clone does not have: fetch the whole history (git fetch --unshallow)."
        )
    return commit


def base(root: Path, named: str | None = None) -> Revision:
    """The revision that was named, else the one that prod runs, else the last tag.

    Raises Problem with status NO_BASE if there is none of these.
    """
    if named is not None:
        commit = commit_of(root, named)
        if commit is None:
            raise Problem(f"{named} is no revision of this repository.")
        return Revision(commit, f"named {named}")
    commit = pinned_in_prod(root)
    if commit is not None:
        return Revision(commit, "pinned in prod")
    tag = run(["git", "describe", "--tags", "--abbrev=0"], cwd=root).stdout.strip()
    commit = commit_of(root, tag) if tag else None
    if commit is None:
        raise Problem("Prod pins no image yet and there is no tag: nothing to compare with.", NO_BASE)
    return Revision(commit, f"tag {tag}")


@contextmanager
def files_of(root: Path, commit: str) -> Iterator[Path]:
    """The files of a commit in a temporary folder."""
    done = subprocess.run(["git", "archive", "--format=tar", commit], cwd=root, capture_output=True, check=False)
    if done.returncode:
        raise Problem(f"{commit[:7]} cannot be read: {done.stderr.decode(errors='replace').strip()}")
    with tempfile.TemporaryDirectory(prefix="ft-base-") as folder:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)
