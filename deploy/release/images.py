"""The image an environment is pinned to: how it is written, read from an overlay and moved by kustomize."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from deploy.release.problems import Problem
from deploy.tools import get

NAME = "financetracker"  # what base/ calls the image; overlays say what stands behind it
ENVIRONMENTS = ("staging", "prod")
TAG = re.compile(r"run-(?P<run>[0-9]+)-(?P<commit>[0-9a-f]{7,40})")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
WRITTEN = re.compile(r"(?P<name>[a-z0-9][a-z0-9._/:-]*?):(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]*)@(?P<digest>[^@]+)")


@dataclass(frozen=True, slots=True)
class Image:
    """One build: `repository:run-<run id>-<short commit>@sha256:…`. The digest decides, the tag is for people."""

    name: str
    tag: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name}:{self.tag}@{self.digest}"

    @property
    def run(self) -> int:
        """The id of the workflow run that built it; 0 before anything was built."""
        found = TAG.fullmatch(self.tag)
        return int(found["run"]) if found else 0

    @property
    def short(self) -> str:
        """The first digits of the commit it was built from."""
        found = TAG.fullmatch(self.tag)
        return found["commit"] if found else ""

    @property
    def placeholder(self) -> bool:
        """Whether this is what an overlay holds before its first pin."""
        return not self.digest.removeprefix("sha256:").strip("0")


def parse(written: str) -> Image:
    """Reads `repository:run-1-abcdef0@sha256:…`. Raises Problem where a part is missing or malformed."""
    if "@" not in written:
        raise Problem(f"{written!r} has no digest: give repository:tag@sha256:…, a tag alone can be moved.")
    found = WRITTEN.fullmatch(written)
    if found is None:
        raise Problem(f"{written!r} is no image: expected repository:tag@sha256:….")
    if not TAG.fullmatch(found["tag"]):
        raise Problem(f"The tag {found['tag']!r} is none of ours: expected run-<run id>-<short commit>.")
    return Image(found["name"], found["tag"], digest(found["digest"]))


def digest(written: str) -> str:
    """A digest as it was given. Raises Problem if it is none."""
    if not DIGEST.fullmatch(written):
        raise Problem(f"{written!r} is no digest: expected sha256: and 64 hexadecimal digits.")
    return written


def overlay(environment: str) -> str:
    """The file that pins an environment, from the top of the repository."""
    return f"deploy/overlays/{environment}/kustomization.yaml"


def pinned(text: str) -> Image | None:
    """The image that an overlay's text pins; None where it pins none in full."""
    try:
        entries = (yaml.safe_load(text) or {}).get("images") or []
    except yaml.YAMLError:
        return None
    ours = [entry for entry in entries if entry.get("name") == NAME]
    if len(ours) != 1 or not {"newName", "newTag", "digest"} <= set(ours[0]):
        return None
    return Image(str(ours[0]["newName"]), str(ours[0]["newTag"]), str(ours[0]["digest"]))


def other_parts(text: str) -> object:
    """All of an overlay besides its image: equal before and after a pin."""
    whole = yaml.safe_load(text) or {}
    rest = [entry for entry in whole.get("images") or [] if entry.get("name") != NAME]
    return {**whole, "images": rest}


def kustomize() -> str:
    """The pinned kustomize if it is there, else the one on the PATH. Raises Problem without any."""
    if get.current("kustomize"):
        return str(get.program("kustomize"))
    found = shutil.which("kustomize")
    if found is None:
        raise Problem("kustomize is not here: `python3 dev.py tools` gets the pinned one.")
    return found


def set_image(folder: Path, environment: str, image: Image) -> None:
    """Pins an environment in a work tree. Raises Problem if that would change anything but the image."""
    path = folder / overlay(environment)
    if not path.is_file():
        raise Problem(f"There is no environment {environment!r}: {overlay(environment)} does not exist.")
    before = path.read_text(encoding="utf-8")
    done = subprocess.run(
        [kustomize(), "edit", "set", "image", f"{NAME}={image}"],
        cwd=path.parent, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Problem(f"kustomize could not set the image of {environment}: {done.stderr.strip()[-300:]}")
    after = path.read_text(encoding="utf-8")
    if pinned(after) != image or other_parts(after) != other_parts(before):
        path.write_text(before, encoding="utf-8")
        raise Problem(
            f"kustomize would change more than the image of {environment}: its overlay is not canonical."
        )


def render(folder: Path, environment: str) -> str:
    """What an environment is made of, as Argo CD renders it. Raises Problem if kustomize refuses."""
    done = subprocess.run(
        [kustomize(), "build", str(folder / "deploy" / "overlays" / environment)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Problem(f"{environment} does not render: {done.stderr.strip()[-300:]}")
    return done.stdout
