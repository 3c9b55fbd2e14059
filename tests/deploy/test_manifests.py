"""The manifests as the tools see them, and the checks themselves with something wrong in front of them."""

import json
import os
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from deploy.check import manifests, programs, revisions
from deploy.check.problems import NO_BASE, Problem
from deploy.check.world import World, graceful_timeout, render
from deploy.tools import get
from tests.deploy.changes import put
from tests.deploy.repository import commit, git

WEB = "Deployment/web"


@pytest.fixture
def copied(project: Path, tmp_path: Path, tools: Path) -> Path:
    """The part of the project that the manifests' check reads, in a Git repository of its own."""
    shutil.copytree(project / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(project / "gunicorn.conf.py", tmp_path)
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path, "All")
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


# --- Everything as it is


def test_nothing_is_to_correct(project: Path, tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert manifests.check(project) == 0
    said = capsys.readouterr().out
    assert "checkov: nothing to correct" in said
    assert "schemas: nothing to correct" in said


# --- Schemas


@pytest.mark.parametrize(
    ("render", "wanted", "path", "said"),
    [
        ("prod", WEB, "spec strategy rollingUpdate maxUnavailble", "properties 'maxUnavailble' not allowed"),
        ("prod", WEB, "metadata lables", "'lables' not allowed"),
        ("prod", "Cluster/database", "spec instnces", "at '/spec': additional properties 'instnces' not allowed"),
        ("prod", "ExternalSecret/django", "spec refreshIntervall", "'refreshIntervall' not allowed"),
        ("prod", "ObjectStore/database", "spec configuration wall", "'wall' not allowed"),
        ("prod", "NetworkPolicy/web", "spec policyTyps", "'policyTyps' not allowed"),
        ("prod", "CronJob/backup", "spec jobTemplate spec backofLimit", "'backofLimit' not allowed"),
        (
            "argocd",
            "Application/financetracker-prod",
            "spec syncPolicy automated selfHeel",
            "'selfHeel' not allowed",
        ),
        ("argocd", "AppProject/financetracker-prod", "spec destination", "'destination' not allowed"),
    ],
)
def test_an_unknown_key_fails(rendered: World, render: str, wanted: str, path: str, said: str) -> None:
    broken = deepcopy(rendered)
    put(render, wanted, path, 1)(broken)
    (found,) = manifests.wrong_types(broken)
    assert found.startswith(f"{render}: {wanted}: ")
    assert said in found


def test_an_unknown_kind_fails(rendered: World) -> None:
    broken = deepcopy(rendered)
    put("prod", "Ingress/web", "kind", "Ingres")(broken)
    assert list(manifests.wrong_types(broken)) == [
        "prod: Ingres/web: could not find schema for Ingres. [schema]",
    ]


def test_each_schema_is_closed_and_of_a_named_version(project: Path) -> None:
    folder = project / "deploy" / "tools" / "schemas"
    versions = (folder / "VERSIONS").read_text().split()
    assert "k8s.io/kubernetes@v1.34.4" in versions
    for path in folder.glob("*.json"):
        schema = json.loads(path.read_text())
        assert schema["additionalProperties"] is False, path.name
        assert {"apiVersion", "kind", "metadata"} <= set(schema["required"]), path.name


def test_kustomize_refuses_an_unknown_key(copied: Path) -> None:
    path = copied / "deploy" / "overlays" / "prod" / "kustomization.yaml"
    path.write_text(path.read_text() + "namSpace: x\n")
    with pytest.raises(Problem, match=r'prod does not render: .*unknown field "namSpace"'):
        render(path.parent)


# --- checkov


def test_checkov_sees_a_pod_without_limits_and_probes(rendered: World) -> None:
    container = {"name": "c", "image": "books"}
    bare = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "bare", "namespace": "n"},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}},
        },
    }
    found = list(manifests.policy_findings(World({"prod": [bare]}, {}, [], 0)))
    assert any("prod: Deployment.n.bare" in line and "[checkov CKV_K8S_13]" in line for line in found), found


# --- The image's block


def test_setting_an_image_changes_the_image_alone(copied: Path) -> None:
    assert list(manifests.unstable_images(copied)) == []


def test_an_overlay_that_kustomize_would_rewrite_is_refused(copied: Path) -> None:
    path = copied / "deploy" / "overlays" / "prod" / "kustomization.yaml"
    edit(path, "- ../../components/cnpg\n", "# The database.\n- ../../components/cnpg\n")
    (found,) = manifests.unstable_images(copied)
    assert found.startswith("prod: kustomization.yaml: `kustomize edit` would rewrite it")
    assert found.endswith("[image-block]")


def test_an_image_without_a_digest_is_refused(copied: Path) -> None:
    path = copied / "deploy" / "overlays" / "staging" / "kustomization.yaml"
    edit(path, "- digest: sha256:" + "0" * 64 + "\n  name: financetracker", "- name: financetracker")
    assert list(manifests.unstable_images(copied)) == [
        "staging: kustomization.yaml: images must hold financetracker once, with newName, newTag and digest."
        " [image-block]"
    ]


# --- The base revision


def test_prod_names_the_base(copied: Path) -> None:
    with pytest.raises(Problem, match="Prod pins no image yet and there is no tag") as none:
        revisions.base(copied)
    assert none.value.status == NO_BASE

    git(copied, "tag", "-a", "v1", "-m", "First")
    assert str(revisions.base(copied)).endswith("(tag v1)")

    released = commit(copied, "Second")
    prod = copied / "deploy" / "overlays" / "prod" / "kustomization.yaml"
    edit(prod, "run-0-0000000", f"run-17-{released[:7]}")
    commit(copied, "Promote")
    assert revisions.base(copied) == revisions.Revision(released, "pinned in prod")
    assert revisions.base(copied, "v1").reason == "named v1"

    edit(prod, released[:7], "abcdef1")
    with pytest.raises(
        Problem, match="prod runs abcdef1, which this clone does not have: fetch the whole history"
    ):
        revisions.base(copied)
    with pytest.raises(Problem, match="--all is no revision"):
        revisions.base(copied, "--all")


def test_a_selector_that_changed_since_the_base_is_found(
    copied: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    git(copied, "tag", "v1")
    base = copied / "deploy" / "base"
    for line in ("  selector:\n    matchLabels:\n", "      labels:\n"):
        edit(base / "deployment.yaml", line, f"{line}{' ' * (len(line) - len(line.lstrip()) + 2)}colour: blue\n")
    text = (
        (base / "deployment.yaml")
        .read_text()
        .replace("    matchLabels:\n    colour", "    matchLabels:\n      colour")
    )
    (base / "deployment.yaml").write_text(text)
    monkeypatch.setattr(manifests, "policy_findings", lambda _: [])
    count = manifests.check(copied)
    said = capsys.readouterr().out
    assert "prod: Deployment/web: spec.selector changed, which the cluster refuses: put it back." in said
    assert count == said.count("[")


# --- Bad input


@pytest.fixture
def no_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(get, "PLACE", tmp_path)


def test_a_missing_tool_is_named(no_tools: None) -> None:
    with pytest.raises(Problem, match=r"kustomize is not there, .* `python3 dev.py tools` gets it"):
        programs.tool("kustomize")


def test_a_grace_that_is_not_a_number_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("threads = 8\n")
    with pytest.raises(Problem, match="sets no graceful_timeout"):
        graceful_timeout(tmp_path)
    (tmp_path / "gunicorn.conf.py").write_text("graceful_timeout = settings.GRACE\n")
    with pytest.raises(Problem, match="write graceful_timeout as a number"):
        graceful_timeout(tmp_path)


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The command as people call it."""
    return subprocess.run(
        [sys.executable, "deploy/check", *arguments],
        cwd=programs.ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_wrong_arguments_are_one_line_and_no_traceback(tools: Path) -> None:
    done = run("manifests", "--base", "no-such-revision")
    assert done.returncode == 2
    assert done.stderr == "check manifests: no-such-revision is no revision of this repository.\n"
    assert run("manifest").returncode == 2
