"""The image an environment is pinned to: how it is written, read from an overlay and moved by kustomize."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from deploy.release.access import SECRETS
from deploy.release.problems import CouldNot, Problem
from deploy.release.programs import program

LONGEST = 120  # seconds to render an environment; it takes less than one
NAME = "financetracker"  # what base/ calls the image; overlays say what stands behind it
ENVIRONMENTS = ("staging", "prod")
TAG = re.compile(r"run-(?P<run>[0-9]+)-(?P<commit>[0-9a-f]{7,40})")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PARTS = {"newName": r"[a-z0-9][a-z0-9._/:-]*", "newTag": r"[A-Za-z0-9_][A-Za-z0-9._-]*", "digest": DIGEST.pattern}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where libyaml is there
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
        whole = yaml.load(text, Loader=LOADER)  # noqa: S506  a safe one
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    entries = whole.get("images") if isinstance(whole, dict) else None
    listed = entries if isinstance(entries, list) else []
    ours = [one for one in listed if isinstance(one, dict) and one.get("name") == NAME]
    if len(ours) != 1 or not {"newName", "newTag", "digest"} <= set(ours[0]):
        return None
    return Image(str(ours[0]["newName"]), str(ours[0]["newTag"]), str(ours[0]["digest"]))


def images_part(text: str) -> str:
    """The lines of an overlay about images, if they can be told without parsing it; else all of it.

    For overlays that stand on main: a history of thousands would take a minute otherwise.
    """
    found = re.findall(r"^images:\n(?:[ -].*\n)*", text, re.MULTILINE)
    return found[0] if len(found) == text.count("images") == 1 else text


def moved(before: str, after: str) -> Image | None:
    """The image in an overlay's text `after` if that is `before` to the letter besides it; None otherwise.

    `before` must be trusted and is parsed; of `after`, which may be anything, only the letters are looked at.
    """
    spans = places(before)
    if spans is None:
        return None
    pattern, end = "", 0
    for start, stop, key in sorted((*span, key) for key, span in spans.items()):
        pattern += re.escape(before[end:start]) + f"(?P<{key}>{PARTS[key]})"
        end = stop
    found = re.fullmatch(pattern + re.escape(before[end:]), after)
    return Image(found["newName"], found["newTag"], found["digest"]) if found else None


def places(text: str) -> dict[str, tuple[int, int]] | None:
    """Where the three parts of the image stand in an overlay's text; None where they are not each in one place."""
    try:
        whole = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return None
    entries = [entry for node in values(whole, "images") for entry in getattr(node, "value", [])]
    ours = [entry for entry in entries if [node.value for node in values(entry, "name")] == [NAME]]
    if len(ours) != 1:
        return None
    found = {key: values(ours[0], key) for key in PARTS}
    if any(len(nodes) != 1 or not isinstance(nodes[0], yaml.ScalarNode) for nodes in found.values()):
        return None
    return {key: (nodes[0].start_mark.index, nodes[0].end_mark.index) for key, nodes in found.items()}


def values(node: yaml.Node | None, key: str) -> list[yaml.Node]:
    """What a mapping holds under a key, as often as it says so; nothing for what is no mapping."""
    if not isinstance(node, yaml.MappingNode):
        return []
    return [value for name, value in node.value if name.value == key]


def set_image(folder: Path, environment: str, image: Image) -> None:
    """Pins an environment in a work tree. Raises Problem if that would change anything but the image."""
    path = folder / overlay(environment)
    if not path.is_file():
        raise Problem(f"There is no environment {environment!r}: {overlay(environment)} does not exist.")
    before = path.read_bytes()
    done = subprocess.run(
        [program("kustomize"), "edit", "set", "image", f"{NAME}={image}"],
        cwd=path.parent, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Problem(f"kustomize could not set the image of {environment}: {done.stderr.strip()[-300:]}")
    if moved(before.decode(), path.read_bytes().decode()) != image:
        path.write_bytes(before)
        raise Problem(
            f"kustomize would change more than the image of {environment}: its overlay is not canonical."
        )


def render(folder: Path, environment: str) -> str:
    """What an environment is made of, as Argo CD renders it. Raises Problem if kustomize refuses.

    The manifests may be a stranger's: kustomize knows none of our secrets, and does not get for ever.
    """
    env = {name: value for name, value in os.environ.items() if name not in SECRETS}
    try:
        done = subprocess.run(
            [program("kustomize"), "build", str(folder / "deploy" / "overlays" / environment)],
            env=env, capture_output=True, text=True, timeout=LONGEST, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise CouldNot(f"{environment} was not rendered within {LONGEST} s.") from error
    if done.returncode:
        why = " ".join(done.stderr.replace(f"{folder}/", "").split())[-300:]
        raise Problem(f"{environment} does not render: {why}")
    return done.stdout
