"""`render`: what the environments are made of, for a person to read or to compare."""

import argparse
import difflib
import io
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.release import images
from deploy.release.command import Command
from deploy.release.desk import Desk, reader
from deploy.release.images import ENVIRONMENTS
from deploy.release.markdown import fenced
from deploy.release.problems import CouldNot, Problem


@contextmanager
def exported(at: Desk, revision: str) -> Iterator[Path]:
    """A folder with deploy/ as it was at a revision. Raises Problem if there is no such revision."""
    commit = at.commit_of(revision)
    if commit is None:
        raise Problem(f"There is no commit {revision} here: fetch it first.")
    packed = at.raw("archive", "--format=tar", commit, "deploy", at=at.clone)
    if packed.returncode:
        raise Problem(f"{revision} has no deploy/.")
    with tempfile.TemporaryDirectory(prefix="ft-render-") as folder:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


def rendered(folder: Path) -> dict[str, str]:
    """Every environment of a tree by its name."""
    return {name: images.render(folder, name) for name in ENVIRONMENTS}


def difference(before: str, after: str, context: int = 3) -> str:
    """A unified diff of two texts, empty where nothing differs."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "before", "after", lineterm="", n=context
    )  # fmt: skip
    return "\n".join(lines)


def compared(before: dict[str, str], after: dict[str, str]) -> str:
    """What changes in every environment, as Markdown."""
    parts = []
    for name, text in after.items():
        diff = difference(before.get(name, ""), text)
        parts.append(f"### {name}\n\n{fenced(diff, 'diff') if diff else 'Nothing changes.'}\n")
    return "\n".join(parts)


def base(at: Desk, revision: str) -> tuple[dict[str, str], str]:
    """Every environment at a revision, and why one is missing: what did not render must not hide what does."""
    found, notes = {}, ""
    with exported(at, revision) as folder:
        for name in ENVIRONMENTS:
            try:
                found[name] = images.render(folder, name)
            except CouldNot:
                raise
            except Problem as problem:
                notes += f"At the base, {problem}\n\n"
    return found, notes


def run(given: argparse.Namespace) -> int:
    """Prints or writes the environments of the work tree as it lies, or what they change against a revision."""
    at = reader(given.clone)
    now = rendered(given.clone)
    if given.out and given.dry_run:
        print("\n".join(f"would write {given.out / name}.yaml" for name in now))
    elif given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        for name, text in now.items():
            (given.out / f"{name}.yaml").write_text(text, encoding="utf-8")
    if given.base:
        before, notes = base(at, given.base)
        print(notes + compared(before, now), end="")
    elif not given.out:
        print("---\n".join(f"# {name}\n{text}" for name, text in now.items()), end="")
    return 0


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="DIR", help="write staging.yaml and prod.yaml there")
    parser.add_argument("--base", default="", metavar="REV", help="print, as Markdown, what changed since")


COMMAND = Command("show what the environments are made of, or what changes in them", options, run)
