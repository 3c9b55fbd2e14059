"""The rules hold of every workflow; and each of them finds what it is there for, where somebody writes it."""

import pytest

from tests.deploy.workflows.files import Workflow, actions, workflows
from tests.deploy.workflows.grants import APP, GRANTS, GROUPS, SECRETS
from tests.deploy.workflows.planted import PLANTED
from tests.deploy.workflows.rules import findings, unpinned


@pytest.mark.parametrize("name", workflows())
def test_every_rule_holds(name: str) -> None:
    assert findings(workflows()[name]) == []


@pytest.mark.parametrize("path", actions())
def test_local_actions_are_pinned_and_take_nothing_into_their_scripts(path: str) -> None:
    text = actions()[path]
    assert list(unpinned(text)) == []
    assert all("${{" not in line for line in text.splitlines() if line.strip().startswith("run:"))


def test_the_tables_name_nothing_that_is_gone() -> None:
    there = {(name, job) for name, workflow in workflows().items() for job in workflow.jobs}
    assert set(GRANTS) == there
    assert set(APP) | set(SECRETS) | set(GROUPS) <= there


def test_an_action_has_one_commit_everywhere() -> None:
    texts = [workflow.text for workflow in workflows().values()] + list(actions().values())
    used = {
        line.partition("uses: ")[2]
        for text in texts
        for line in text.splitlines()
        if "@" in line and "uses: " in line
    }
    names = [one.partition("@")[0] for one in used]
    assert len(names) == len(set(names)), sorted(used)


@pytest.mark.parametrize("what", PLANTED)
def test_a_rule_finds_what_it_is_there_for(what: str) -> None:
    name, good, bad, said = PLANTED[what]
    workflow = workflows()[name]
    assert good in workflow.text, "there is nothing left to spoil"
    found = findings(Workflow(name, workflow.text.replace(good, bad)))
    assert any(said in one for one in found), found
