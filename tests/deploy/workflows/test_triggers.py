"""What starts what: above all, that nothing the release writes is ever built."""

import dataclasses

import pytest

from deploy.release.images import overlay
from tests.deploy.release.house import DENIED, House
from tests.deploy.workflows.expressions import truth, value
from tests.deploy.workflows.files import Workflow, workflows
from tests.deploy.workflows.triggers import Event, jobs, matches, started, starts

ALL = ["ours", "test", "build", "pin"]
PATHS = """    paths-ignore:
      - deploy/overlays/**
      - deploy/evidence/**
      - deploy/denylist.txt
      - docs/**
      - "**.md"
"""


def main(**edits: str) -> Workflow:
    """The workflow that builds, as it stands or with parts of its text replaced."""
    text = workflows()["main.yml"].text
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    return Workflow("main.yml", text)


def pushed(home: House, commit: str = "main") -> Event:
    """The push of one commit of the house's main."""
    return Event("push", files=tuple(home.files_of(commit)), message=home.message(commit))


def pin(home: House) -> Event:
    """`pin` moves staging."""
    image = home.image(12, home.commit("Round as the law says"))
    done = home.run("pin", "--image", str(image))
    assert done.status == 0, done.err
    return pushed(home)


def evidence(home: House) -> Event:
    """`verify` writes down what it saw."""
    image = home.image(12, home.commit("Round as the law says"))
    home.move("staging", image)
    home.prove(image)
    return pushed(home)


def rollback(home: House) -> Event:
    """`rollback` takes prod back, and denies what was bad, in one commit."""
    for run in (11, 12):
        image = home.image(run, home.commit(f"Change number {run}"))
        home.prove(image)
        home.move("prod", image)
    done = home.run("rollback", "prod", "--reason", "Totals are wrong")
    assert done.status == 0, done.err
    assert sorted(home.files_of()) == [DENIED, overlay("prod")]
    return pushed(home)


def promotion(home: House) -> Event:
    """Somebody merges the pull request of a promotion."""
    image = home.image(12, home.commit("Round as the law says"))
    home.prove(image)
    text = home.with_image("prod", image)
    home.branch("promote/run-12", {overlay("prod"): text}, "Promote run-12 to prod")
    home.merge("promote/run-12")
    return pushed(home)


WRITTEN = {"pin": pin, "evidence": evidence, "rollback": rollback, "promotion": promotion}
DIRECTLY = ["pin", "evidence", "rollback"]  # a promotion comes by a pull request, whose checks must run


def unsaid(event: Event) -> Event:
    """The same push, if nobody had written [skip ci]."""
    return dataclasses.replace(event, message=event.message.replace(" [skip ci]", ""))


@pytest.mark.parametrize("what", WRITTEN)
def test_what_the_release_writes_is_not_built(what: str, home: House) -> None:
    assert started(workflows(), WRITTEN[what](home)) == {}


@pytest.mark.parametrize("what", WRITTEN)
def test_the_paths_alone_are_enough(what: str, home: House) -> None:
    event = unsaid(WRITTEN[what](home))
    assert not starts(main(), event)
    assert starts(main(**{PATHS: ""}), event), "the control: without them it would have started"


@pytest.mark.parametrize("what", DIRECTLY)
def test_the_message_alone_is_enough(what: str, home: House) -> None:
    event = WRITTEN[what](home)
    assert "[skip ci]" in event.message.splitlines()[0]
    assert not starts(main(**{PATHS: ""}), event)
    assert starts(main(**{PATHS: ""}), unsaid(event)), "the control: without it it would have started"


@pytest.mark.parametrize("what", WRITTEN)
def test_the_content_alone_is_enough(what: str, home: House) -> None:
    event = unsaid(WRITTEN[what](home))
    home.renew()
    done = home.run("ours", "--base", "main~1", "--head", "main", GITHUB_TOKEN="")
    assert (done.status, done.out.strip()) == (0, "true"), done.err
    said = {"ours": {"ours": done.out.strip()}}
    assert jobs(main(**{PATHS: ""}), event, outputs=said) == ["ours"]
    deaf = main(**{PATHS: "", "    if: needs.ours.outputs.ours == 'false'\n": ""})
    assert jobs(deaf, event, outputs=said) == ALL, "the control: who does not listen builds"


def test_a_change_of_ours_is_built(home: House) -> None:
    home.commit("Round as the law says")
    done = home.run("ours", "--base", "main~1", "--head", "main")
    assert done.out.strip() == "false"
    assert jobs(main(), pushed(home), outputs={"ours": {"ours": "false"}}) == ALL


def test_a_change_beside_a_pin_is_built(home: House) -> None:
    event = Event("push", files=(overlay("staging"), "financetracker/wsgi.py"))
    assert jobs(main(), event, outputs={"ours": {"ours": "false"}}) == ALL


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (Event("push", files=("docs/glossary.md", "README.md")), "words alone"),
        (Event("push", branch="work", files=("manage.py",)), "another branch"),
        (Event("push", files=("manage.py",), message="Try something\n\n[no ci]"), "asked not to"),
        (Event("push", files=("manage.py",), message="Try something\n\nskip-checks: true"), "asked not to"),
    ],
)
def test_what_else_is_not_built(event: Event, why: str) -> None:
    assert started(workflows(), event) == {}, why


@pytest.mark.parametrize("failed", ["test", "build"])
def test_what_fails_is_not_pinned(failed: str) -> None:
    event = Event("push", files=("manage.py",))
    ran = jobs(main(), event, {failed: "failure"}, {"ours": {"ours": "false"}})
    assert ran == ["ours", "test", "build", "failed"]


CHECKS = ["tests", "checks", "migrations", "image", "diff", "guard", "gate"]


@pytest.mark.parametrize("name", ["pull_request", "merge_group"])
@pytest.mark.parametrize("files", [("docs/glossary.md",), (overlay("prod"),), ("manage.py",)])
def test_the_required_checks_always_report(name: str, files: tuple[str, ...]) -> None:
    assert started(workflows(), Event(name, files=files)) == {"pull-request.yml": CHECKS}


@pytest.mark.parametrize("failed", CHECKS[:-1])
def test_the_gate_reports_whatever_fails(failed: str) -> None:
    ran = jobs(workflows()["pull-request.yml"], Event("pull_request"), {failed: "failure"})
    assert ran == CHECKS


def test_skip_ci_in_a_pull_request_would_block_it_for_ever() -> None:
    event = Event("pull_request", files=(overlay("prod"),), message="Promote run-12-abcdef0 to prod [skip ci]")
    assert started(workflows(), event) == {}, "which is why promote never writes it"


def status(context: str, state: str) -> Event:
    return Event("status", event={"context": context, "state": state, "branches": [{"name": "main"}]})


@pytest.mark.parametrize(
    ("context", "state", "expected"),
    [
        ("argocd/financetracker-staging", "success", {"deployed.yml": ["verify", "promote"]}),
        ("argocd/financetracker-prod", "success", {"deployed.yml": ["deployed"]}),
        ("argocd/financetracker-staging", "failure", {"deployed.yml": ["failed"]}),
        ("argocd/financetracker-prod", "error", {"deployed.yml": ["failed"]}),
        ("argocd/financetracker-staging", "pending", {}),
        ("argocd/another", "success", {}),
        ("argocd/another", "failure", {}),
        ("coverage", "success", {}),
    ],
)
def test_the_word_of_argo_cd(context: str, state: str, expected: dict[str, list[str]]) -> None:
    assert started(workflows(), status(context, state)) == expected


def test_what_was_not_verified_is_not_proposed() -> None:
    event = status("argocd/financetracker-staging", "success")
    assert jobs(workflows()["deployed.yml"], event, {"verify": "failure"}) == ["verify"]


@pytest.mark.parametrize(
    ("name", "inputs", "expected"),
    [
        ("deployed.yml", {"environment": "staging"}, ["verify", "promote"]),
        ("deployed.yml", {"environment": "prod"}, ["deployed"]),
        ("promote.yml", {}, ["promote"]),
        ("rollback.yml", {"environment": "prod", "reason": "Wrong totals", "to": "previous"}, ["rollback"]),
        ("nightly.yml", {}, ["scan", "dependencies", "figures", "restore", "image"]),
        ("e2e.yml", {}, ["kind"]),
    ],
)
def test_what_a_person_starts(name: str, inputs: dict[str, str], expected: list[str]) -> None:
    assert jobs(workflows()[name], Event("workflow_dispatch", inputs=inputs)) == expected


@pytest.mark.parametrize(
    ("globs", "name", "expected"),
    [
        (["docs/**"], "docs/a/b.md", True),
        (["docs/*"], "docs/a/b.md", False),
        (["docs/*"], "docs/b.md", True),
        (["**.md"], "README.md", True),
        (["**.md"], "docs/a/README.md", True),
        (["*.md"], "docs/README.md", False),
        (["**/x.py"], "x.py", True),
        (["**/x.py"], "a/b/x.py", True),
        (["deploy/overlays/**"], "deploy/overlaysX/a", False),
        (["deploy/denylist.txt"], "deploy/denylistXtxt", False),
        (["**", "!docs/**"], "docs/a.md", False),
        (["!docs/**", "**"], "docs/a.md", True),
        (["v[12].*"], "v1.0", True),
    ],
)
def test_patterns(globs: list[str], name: str, expected: bool) -> None:
    assert matches(globs, name) is expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("github.event.state == 'SUCCESS'", True),
        ("github.event.nothing == ''", True),
        ("github.event.nothing.at.all", False),
        ("!(github.event.state == 'failure')", True),
        ("github.event.state == 'x' || github.event.state == 'success' && true", True),
        ("(github.event.state == 'success' || true) && false", False),
        ("${{ 'it''s' == github.event.word }}", True),
    ],
)
def test_conditions(written: str, expected: bool) -> None:
    contexts = {"github": {"event": {"state": "success", "word": "it's"}}}
    assert truth(value(written, contexts, {})) is expected


@pytest.mark.parametrize(
    "written", ["secrets.A", "hashFiles('a')", "github.event.state ==", "a = b", "(true", "true)"]
)
def test_what_is_not_understood_is_refused(written: str) -> None:
    with pytest.raises(SyntaxError):
        value(written, {"github": {}}, {})
