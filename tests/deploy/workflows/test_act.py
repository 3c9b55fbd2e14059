"""The workflow files from a commit to prod and back, run by act on this machine; nothing in them is edited.

Real: Git over HTTP with branch rules, the image by buildah, a registry, syft, signatures with a key, the release
program, kustomize, the built image run by podman on PostgreSQL behind TLS. Stand-ins: GitHub's API, Slack, Grype
(a recorded report), Argo CD (it runs what main pins), and the test suite, in which this is itself a test.
"""

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from deploy.image.trial import PODMAN
from deploy.release.evidence import CHECKS, path_of
from deploy.release.github import Refused
from deploy.release.history import trailers
from deploy.release.images import Image, overlay
from deploy.tools import get
from tests.deploy.conftest import needed
from tests.deploy.workflows import act
from tests.deploy.workflows.files import actions, workflows
from tests.deploy.workflows.ground import NAME, NOTHING
from tests.deploy.workflows.town import Town, town
from tests.deploy.workflows.triggers import Event, started

# One town for all of them: it takes minutes to build.
pytestmark = pytest.mark.slow

STAGING, PROD = "argocd/financetracker-staging", "argocd/financetracker-prod"
BUILT = {
    "Main/ours": "success", "test/Test/suite": "success", "build/Build/build": "success",
    "build/Build/scan": "success", "build/Build/publish": "success", "Main/pin": "success",
}  # fmt: skip
PROVEN = {"Deployed/verify": "success", "promote/Promote/promote": "success"}
CHECKED = {
    f"Pull request/{name}": "success" for name in ("checks", "migrations", "image", "diff", "guard", "gate")
} | {"tests/Test/suite": "success"}  # fmt: skip


def can_build() -> str:
    """Why images cannot be built and run here; empty where they can."""
    if missing := [name for name in ("buildah", "podman", "runc", "openssl", "node") if not shutil.which(name)]:
        return f"no {', '.join(missing)} here"
    base = [*PODMAN, "image", "exists", "docker.io/library/debian:trixie-slim"]
    if subprocess.run(base, capture_output=True, check=False).returncode:
        return "no debian:trixie-slim here: `.ci/run base_image` makes it"
    return ""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    needed(*get.BUILT, *get.INSTALLED)
    if why := can_build():
        pytest.skip(f"the workflows run where root can build images: {why}")
    with town(tmp_path_factory.mktemp("town")) as made:
        yield made
        print(*(f"{seconds:6.1f} s  {what}" for what, seconds in made.times), sep="\n")


def built(place: Town, message: str) -> Image:
    """Commits a change and runs what a push to main starts; returns what staging is pinned to then."""
    before, after = place.change(message, {"financetracker/rounding.py": f'"""{message}."""\n'})
    ran = place.run("main.yml", "push", place.pushed(before, after))
    assert (ran.status, ran.jobs) == (0, BUILT), ran.log
    image = place.pinned("staging")
    assert (image.name, image.tag) == (place.repository, f"run-{place.runs}-{after[:7]}")
    assert trailers(place.message()) == {
        "Source-Commit": after, "Image": str(image), "Image-Digest": image.digest, "Run-Id": str(place.runs),
        "Run-Url": f"https://github.com/{NAME}/actions/runs/{place.runs}",
    }  # fmt: skip
    assert place.message().splitlines()[0] == f"deploy(staging): {image.tag} [skip ci]"
    assert place.files_of() == [overlay("staging")]
    assert place.token not in ran.log
    return image


def proven(place: Town, image: Image) -> int:
    """Waits until staging runs an image, and runs what Argo CD's word on that starts; returns the pull request."""
    commit = place.main()
    place.wait_for("staging", 120, lambda: place.words(commit, STAGING) == ["success"])
    ran = place.run("deployed.yml", "status", {"context": STAGING, "state": "success", "sha": commit})
    assert (ran.status, ran.jobs) == (0, PROVEN), ran.log
    found = place.evidence(image)
    assert found["image"] == str(image)
    assert {name: check["ok"] for name, check in found["checks"].items()} == dict.fromkeys(CHECKS, True)
    assert place.message().splitlines()[0] == f"evidence: {image.tag} [skip ci]"
    assert place.files_of() == [path_of(image.digest)]
    (pull,) = place.api.every("/pulls", state="open")
    assert (pull["head"]["ref"], pull["title"]) == (f"promote/{image.tag}", f"Promote {image.tag} to prod")
    return int(pull["number"])


def checked(place: Town, number: int, image: Image) -> None:
    """Runs a pull request's checks, and tells GitHub what became of those that are required."""
    payload = place.proposed(number)
    head = payload["pull_request"]["head"]["sha"]
    with pytest.raises(Refused, match="expected"):
        place.api.send("PUT", f"/pulls/{number}/merge", {"merge_method": "squash"})
    ran = place.run("pull-request.yml", "pull_request", payload, commit=head)
    assert (ran.status, ran.jobs) == (0, CHECKED), ran.log
    (comment,) = [
        one for one in place.api.every(f"/issues/{number}/comments") if "financetracker: diff" in one["body"]
    ]
    assert f"@{image.digest}" in comment["body"]
    for name in ("gate", "guard"):
        place.said(head, name, ran.jobs[f"Pull request/{name}"])


def merged(place: Town, number: int, image: Image) -> None:
    """Merges a pull request, and waits until prod runs it."""
    place.api.send("PUT", f"/pulls/{number}/merge", {"merge_method": "squash"})
    assert place.pinned("prod") == image
    assert place.files_of() == [overlay("prod")]
    commit = place.main()
    place.wait_for("prod", 120, lambda: place.words(commit, PROD) == ["success"])
    ran = place.run(
        "deployed.yml", "status", {"context": PROD, "state": "success", "sha": commit}, environment="prod"
    )
    assert (ran.status, ran.jobs) == (0, {"Deployed/deployed": "success"}), ran.log


def nothing_starts(place: Town) -> bool:
    """Whether the newest commit on main, pushed by the App, starts no workflow."""
    return not started(workflows(), Event("push", files=tuple(place.files_of()), message=place.message()))


def test_there_is_a_stub_for_every_action() -> None:
    texts = [workflow.text for workflow in workflows().values()] + list(actions().values())
    used = {match[1] + match[2] for text in texts for match in act.REMOTE.finditer(text)}
    there = {str(path.parent.relative_to(act.STUBS)) for path in act.STUBS.rglob("action.yml")}
    assert used - there == {"helm/kind-action"}, "which e2e.yml alone uses, and that needs a cluster"
    assert there <= used


def test_a_commit_reaches_prod_and_is_taken_back(place: Town) -> None:
    assert place.pinned("staging") == place.pinned("prod") == NOTHING
    first = built(place, "Round as the law says")
    assert nothing_starts(place)
    assert place.pinned("prod") == NOTHING
    assert place.tags() == [first.tag]
    assert '"name":"django"' in place.signed(first).lower()
    attested = (place.folder / "stand-in" / "attested").read_text("utf-8").split()
    assert attested == [f"index.{first.name}@{first.digest}"]

    number = proven(place, first)
    assert nothing_starts(place)
    assert place.answers("staging")["digest"] == first.digest
    checked(place, number, first)
    merged(place, number, first)
    assert nothing_starts(place)
    assert place.answers("prod")["digest"] == first.digest

    second = built(place, "Round as the law says now")
    assert second.digest != first.digest
    number = proven(place, second)
    for name in ("gate", "guard"):  # as above: they need not run twice
        place.said(place.proposed(number)["pull_request"]["head"]["sha"], name, "success")
    merged(place, number, second)
    assert place.answers("prod")["digest"] == second.digest

    reason = 'Totals are "wrong"; $(touch /tmp/ft-act-injected) `id`'
    asked = {"environment": "prod", "reason": reason, "to": "previous"}
    ran = place.run("rollback.yml", "workflow_dispatch", {"inputs": asked}, environment="prod", inputs=asked)
    assert (ran.status, ran.jobs) == (0, {"Roll back/rollback": "success"}), ran.log
    assert place.pinned("prod") == first
    assert place.answers("prod")["digest"] == first.digest
    assert sorted(place.files_of()) == ["deploy/denylist.txt", overlay("prod")]
    assert nothing_starts(place)
    noted = trailers(place.message())
    assert (noted["Rollback-Of"], noted["Image-Digest"]) == (second.digest, first.digest)
    assert reason in place.message()
    assert second.digest in place.at("deploy/denylist.txt")
    assert place.slack.refused == []
    told = [" ".join(one["text"].split()[1:3]) for one in place.slack.taken]
    assert told == ["staging runs", "prod runs", "staging runs", "prod runs", "prod was"]

    # What was taken back is not proposed again, by nobody and from nowhere.
    before = place.main()
    asked = {"digest": second.digest}
    ran = place.run("promote.yml", "workflow_dispatch", {"inputs": asked}, inputs=asked)
    assert ran.jobs == {"Promote/promote": "failure"}, ran.log
    assert (place.main(), list(place.api.every("/pulls", state="open"))) == (before, [])


def test_what_the_scan_refuses_goes_nowhere(place: Town) -> None:
    # That `failed` runs then is in test_triggers.py: act does not tell a job that the workflow it calls failed.
    tags, pinned = place.tags(), place.pinned("staging")
    place.report = "grype-grave"
    try:
        before, after = place.change("Take a new library", {"financetracker/rounding.py": '"""New."""\n'})
        ran = place.run("main.yml", "push", place.pushed(before, after))
    finally:
        place.report = "grype-clean"
    assert ran.status != 0
    assert ran.jobs["build/Build/scan"] == "failure"
    assert "build/Build/publish" not in ran.jobs
    assert "Main/pin" not in ran.jobs
    assert (place.tags(), place.pinned("staging"), place.main()) == (tags, pinned, after)


def test_a_change_smuggled_into_a_promotion_is_refused(place: Town) -> None:
    image = place.pinned("staging")
    place.git("fetch", "-q", "origin")
    place.git("checkout", "-q", "-B", "promote/smuggled", "origin/main")
    path = place.clone / overlay("prod")
    text = path.read_text("utf-8")
    path.write_text(text.replace("newTag: ", "newTag: run-9-abcdef0 # "), "utf-8")
    place.git("commit", "-q", "-am", f"Promote {image.tag} to prod")
    place.git("push", "-q", "origin", "promote/smuggled")
    place.git("checkout", "-q", "main")
    pull = place.api.send(
        "POST", "/pulls", {"title": "Promote", "head": "promote/smuggled", "base": "main", "body": ""}
    )
    payload = place.proposed(pull["number"])
    ran = place.run("pull-request.yml", "pull_request", payload, commit=payload["pull_request"]["head"]["sha"])
    assert ran.status != 0
    results = {name.partition("/")[2]: result for name, result in ran.jobs.items()}
    assert (results["guard"], results["gate"]) == ("failure", "failure"), ran.log
    assert place.pinned("prod").tag != "run-9-abcdef0"


@pytest.mark.parametrize(
    ("to", "why"), [("sha256:" + "f" * 64, "prod"), ("latest; touch /tmp/ft-act-injected", "is no digest")]
)
def test_a_rollback_to_nowhere_is_refused(to: str, why: str, place: Town) -> None:
    before = place.main()
    asked = {"environment": "prod", "reason": "Totals are wrong", "to": to}
    ran = place.run("rollback.yml", "workflow_dispatch", {"inputs": asked}, environment="prod", inputs=asked)
    assert ran.jobs == {"Roll back/rollback": "failure"}
    assert place.main() == before
    assert place.slack.taken[-1]["text"].startswith(":x: prod failed")
    assert any("release rollback: " in line and why in line for line in ran.said), ran.log
