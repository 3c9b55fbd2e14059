"""The end-to-end program's own parts: what it makes of the manifests, and what it makes of answers."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.e2e.books import described, failures
from deploy.e2e.load import hidden
from deploy.e2e.report import Report
from deploy.e2e.repository import Adaptation, Repository
from deploy.e2e.tools import Missed, Refused, run, wait

IMAGE = f"registry.example.org/books:run-1-abc@sha256:{'2' * 64}"
POSTGRES = f"registry.example.org/postgres:17@sha256:{'1' * 64}"


def adapted(**more: Any) -> Adaptation:
    given: dict[str, Any] = {
        "storage_class": "",
        "pull_secret": "",
        "autoscaler": False,
        "ingress_class": "",
        "load_namespace": "people",
    }
    return Adaptation(postgres_image=POSTGRES, **(given | more))


@pytest.fixture
def repository(tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A clone that pushes to a bare repository of this machine."""
    monkeypatch.setenv("PATH", f"{tools / 'bin'}{os.pathsep}{os.environ['PATH']}")
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", remote], check=True)
    return Repository(tmp_path / "clone", str(remote), "https://git.example.org/books.git")


def rendered(repository: Repository, name: str) -> dict[tuple[str, str], dict[str, Any]]:
    text = run("kustomize", "build", repository.overlay(name))
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)}


def test_the_real_overlays_are_run_with_a_database_and_secrets_of_their_own(repository: Repository) -> None:
    repository.prepare(adapted(storage_class="fast", pull_secret="registry"))
    repository.pin("staging", IMAGE)
    made = rendered(repository, "staging")
    kinds = {kind for kind, _ in made}
    assert {"StatefulSet", "Deployment", "NetworkPolicy", "CronJob"} <= kinds
    assert not kinds & {"Cluster", "ExternalSecret", "ObjectStore", "Ingress", "HorizontalPodAutoscaler"}
    database = made["StatefulSet", "database"]["spec"]
    assert database["template"]["spec"]["containers"][0]["image"] == POSTGRES
    assert database["volumeClaimTemplates"][0]["spec"]["storageClassName"] == "fast"
    assert made["PersistentVolumeClaim", "backups"]["spec"]["storageClassName"] == "fast"
    assert made["ServiceAccount", "web"]["imagePullSecrets"] == [{"name": "registry"}]
    assert made["Deployment", "web"]["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE
    ingress = made["NetworkPolicy", "web"]["spec"]["ingress"][0]["from"][0]["namespaceSelector"]
    assert ingress == {"matchLabels": {"kubernetes.io/metadata.name": "people"}}


def test_what_the_cluster_has_is_tested_with_it(repository: Repository) -> None:
    repository.prepare(adapted(autoscaler=True, ingress_class="nginx"))
    made = rendered(repository, "prod")
    assert ("HorizontalPodAutoscaler", "web") in made
    assert "replicas" not in made["Deployment", "web"]["spec"]
    assert made["Ingress", "web"]["spec"]["ingressClassName"] == "nginx"


def test_a_pin_moves_one_environment_and_a_revert_brings_it_back(repository: Repository) -> None:
    first = repository.prepare(adapted())
    before = (repository.overlay("staging") / "kustomization.yaml").read_text()
    pinned = repository.pin("staging", IMAGE)
    changed = repository.git("diff", "--name-only", first, pinned)
    assert changed == "deploy/overlays/staging/kustomization.yaml"
    reverted = repository.revert()
    assert (repository.overlay("staging") / "kustomization.yaml").read_text() == before
    assert repository.git("ls-remote", repository.push_url, repository.branch).split()[0] == reverted
    repository.remove()
    assert repository.git("ls-remote", repository.push_url) == ""


def test_applications_look_at_this_remote_and_branch_and_tell_nobody(repository: Repository) -> None:
    documents = list(yaml.safe_load_all(repository.applications(("staging",), "argocd")))
    project, application = documents
    assert project["spec"]["sourceRepos"] == ["https://git.example.org/books.git"]
    assert application["spec"]["source"]["repoURL"] == "https://git.example.org/books.git"
    assert application["spec"]["source"]["targetRevision"] == repository.branch
    assert application["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    assert not [name for name in application["metadata"]["annotations"] if "notifications" in name]
    assert {one["metadata"]["namespace"] for one in documents} == {"argocd"}


def test_a_request_counts_as_failed_unless_a_person_got_what_he_asked_for() -> None:
    lines = [
        {"what": "list", "status": 200},
        {"what": "transaction", "status": 302},
        {"what": "list", "status": 503},
        {"what": "list", "status": 503},
        {"what": "form", "status": 0, "why": "ConnectionRefusedError: refused"},
    ]
    bad = failures(lines)
    assert len(bad) == 3
    assert described(bad) == "1 x form ConnectionRefusedError: refused, 2 x list 503"


def test_the_load_sends_back_what_the_page_hides() -> None:
    page = (
        '<input type="hidden" name="csrf" value="a&amp;b"><input name="date" value="x">'
        '<input name="id" type="hidden">'
    )
    assert hidden(page) == {"csrf": "a&b", "id": ""}


def test_a_figure_above_its_limit_fails_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("abc", "release", {"Kubernetes": "v1"})
    report.check("the version answers", True)
    report.measure("failed requests", 0, limit=0)
    report.measure("seconds", 12.34, "s", limit=10, detail="slow | slower")
    assert [one.name for one in report.failed] == ["seconds"]
    assert report.closing() == "2 passed, 1 failed"
    said = capsys.readouterr().out.splitlines()
    assert [line[:4] for line in said] == ["ok  ", "ok  ", "FAIL"]
    assert "12.3 s (at most 10)" in said[2]
    report.write_json(tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text())
    assert (written["passed"], len(written["verdicts"]), written["revision"]) == (False, 3, "abc")
    report.write_page(tmp_path / "report.md")
    assert "| **failed** | seconds (slow / slower) | 12.3 s | 10 |" in (tmp_path / "report.md").read_text()


def test_on_a_noisy_machine_a_time_is_slow_and_a_lost_request_still_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report("abc", "release", noisy=True)
    report.measure("synced", 12.34, "s", limit=10)
    report.measure("failed requests", 1, limit=0)
    assert [one.name for one in report.failed] == ["failed requests"]
    assert report.closing() == "1 passed, 1 failed, 1 of them slow"
    assert [line[:4] for line in capsys.readouterr().out.splitlines()] == ["slow", "FAIL"]
    report.write_page(tmp_path / "report.md")
    assert "| slow | synced | 12.3 s | 10 |" in (tmp_path / "report.md").read_text()


def test_waiting_ends_with_what_was_seen_last() -> None:
    with pytest.raises(Missed, match=r"pods ready: not within 0 s \(last seen: 1 of 2\)"):
        wait("pods ready", 0, lambda: "1 of 2")
    assert wait("at once", 5, lambda: True) < 5


def test_a_missing_program_and_a_failing_one_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no-such-program is needed and is not on the PATH"):
        run("no-such-program")
    with pytest.raises(Missed, match=r"git rev-parse HEAD … failed: fatal: "):
        run("git", "rev-parse", "HEAD", cwd=tmp_path)
