"""The pinned tools: got by name, made anew when their pins change, and watched by Dependabot."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from deploy.tools import get

PROJECT = Path(__file__).resolve().parents[2]
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


@pytest.fixture
def elsewhere(tmp_path: Path) -> ModuleType:
    """The same program in a project where nothing was got yet."""
    without = shutil.ignore_patterns("schemas", "__pycache__")
    shutil.copytree(PROJECT / "deploy" / "tools", tmp_path / "deploy" / "tools", ignore=without)
    spec = importlib.util.spec_from_file_location("get_elsewhere", tmp_path / "deploy" / "tools" / "get.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def put(there: ModuleType, name: str) -> None:
    """A program where a tool belongs, made from today's pins."""
    path = there.program(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    there.stamp(name).write_bytes(there.pins(name))


def test_what_is_there_and_made_from_todays_pins_is_not_got_again(elsewhere: ModuleType) -> None:
    assert elsewhere.missing() == [*get.BUILT, *get.INSTALLED]
    for name in elsewhere.missing():
        put(elsewhere, name)
    assert elsewhere.missing() == []
    assert elsewhere.main(["cosign", "syft"]) == 0, "there is nothing to do, so nothing is asked for"


@pytest.mark.parametrize(
    ("file", "stale"),
    [
        ("cosign/go.sum", ["cosign"]),
        ("go.mod", ["kustomize", "kubeconform", "actionlint", "crane"]),
        ("locks/syft.txt", ["syft"]),
    ],
)
def test_what_was_made_from_other_pins_is_made_anew(file: str, stale: list[str], elsewhere: ModuleType) -> None:
    for name in elsewhere.missing():
        put(elsewhere, name)
    with (elsewhere.HERE / file).open("a", encoding="utf-8") as pins:
        pins.write("\n")
    assert elsewhere.missing() == stale
    assert elsewhere.missing("crane", "syft") == [name for name in ("crane", "syft") if name in stale]


def test_a_name_that_is_none_of_ours_gets_nothing(elsewhere: ModuleType) -> None:
    argv = [sys.executable, elsewhere.__file__, "syft", "trivy"]
    done = subprocess.run(argv, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("trivy is none of kustomize, ")
    assert not elsewhere.PLACE.exists()


@pytest.mark.parametrize("name", [*get.INSTALLED, "go"])
def test_every_lock_has_hashes(name: str) -> None:
    text = (get.HERE / "locks" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    assert [entry for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)] == []


def test_the_release_program_runs_on_what_the_tests_ran_on() -> None:
    ours = dict(PINNED.findall((PROJECT / "deploy/release/requirements.txt").read_text(encoding="utf-8")))
    theirs = dict(PINNED.findall((PROJECT / "requirements-dev.txt").read_text(encoding="utf-8")))
    assert set(ours) == {"pyyaml", "uv"}
    assert ours == {name: theirs[name] for name in ours}


def watched() -> list[tuple[str, str, dict[str, Any]]]:
    """Each folder that Dependabot looks at, with the kind of pins it looks for there."""
    whole = yaml.safe_load((PROJECT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    return [
        (update["package-ecosystem"], folder, update)
        for update in whole["updates"]
        for folder in update.get("directories", [update.get("directory")])
    ]


def test_everything_that_is_pinned_is_watched() -> None:
    pins = {("docker", "/"), ("github-actions", "/"), ("github-actions", "/.github/actions/*")}
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for path in map(Path, listed.splitlines()):
        folder = "/" if str(path.parent) == "." else f"/{path.parent}"
        if path.name == "go.mod":
            pins.add(("gomod", folder))
        if path.suffix == ".txt" and "--hash=sha256:" in (PROJECT / path).read_text(encoding="utf-8")[:2000]:
            pins.add(("pip", folder))
    assert {(kind, folder) for kind, folder, _ in watched()} == pins


def test_a_new_version_waits_a_week() -> None:
    for kind, folder, update in watched():
        assert update["cooldown"]["default-days"] >= 7, (kind, folder)
        assert update["schedule"]["interval"] == "weekly"


def test_what_moves_builds_has_owners_of_its_own() -> None:
    lines = (PROJECT / ".github" / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    owned = dict([*line.split(), ""][:2] for line in lines if line and not line.startswith("#"))
    for path in ("/.github/", "/deploy/", "/.ci/", "/Dockerfile"):
        assert owned[path] == "@financetracker/release"
    assert owned["/deploy/overlays/prod/kustomization.yaml"] == ""
