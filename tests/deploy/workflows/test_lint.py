"""actionlint, shellcheck and zizmor find nothing; and each finds what is planted: so nothing means something."""

import shutil
from pathlib import Path

import pytest

from deploy.check import workflows
from deploy.check.problems import Problem
from tests.deploy.conftest import needed
from tests.deploy.workflows.files import PROJECT

GOOD = "run: python3 dev.py check\n"
PLANTED = {
    "a job that is not there": ("needs: [test, build]", "needs: [test, buld]", 'job "buld"', "main.yml"),
    "an output that is not there": (
        "needs.build.outputs.image",
        "needs.build.outputs.imgae",
        '"imgae"',
        "main.yml",
    ),
    "a word unquoted": (GOOD, "run: rm -rf $HOME/$1\n", "SC2086", "pull-request.yml"),
    "an input that is not there": ("tools: crane", "tool: crane", '"tool"', "build.yml"),
    "a key of no meaning": ("timeout-minutes: 5", "timeout-minute: 5", '"timeout-minute"', "pull-request.yml"),
    "a cron of no day": ('"23 2 * * *"', '"23 25 * * *"', "invalid CRON", "nightly.yml"),
    "an action by its version": (
        "kind-action@ef37e7f390d99f746eb8b610417061a60e82a6cc",
        "kind-action@v1",
        "[unpinned-uses]",
        "e2e.yml",
    ),
    "rights for everybody": (
        "permissions: {}\n",
        "permissions: write-all\n",
        "[excessive-permissions]",
        "promote.yml",
    ),
    "a title in a script": (
        GOOD,
        "run: echo ${{ github.event.pull_request.title }}\n",
        "[template-injection]",
        "pull-request.yml",
    ),
    "a token that stays": (
        "          persist-credentials: false\n          fetch-depth: 0\n          ref",
        "          ref",
        "[artipacked]",
        "promote.yml",
    ),
    "a trigger for strangers": (
        "  pull_request:\n",
        "  pull_request_target:\n",
        "[dangerous-triggers]",
        "pull-request.yml",
    ),
}


def findings(root: Path) -> list[str]:
    return [*workflows.mistakes(root), *workflows.dangers(root)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    needed("actionlint", "shellcheck", "zizmor")
    shutil.copytree(PROJECT / ".github", tmp_path / ".github")
    (tmp_path / ".git").mkdir()  # by which actionlint knows where local actions are looked for
    return tmp_path


def test_nothing_is_found(copy: Path) -> None:
    assert findings(copy) == []


@pytest.mark.parametrize("what", PLANTED)
def test_what_is_planted_is_found(what: str, copy: Path) -> None:
    good, bad, said, name = PLANTED[what]
    path = copy / ".github" / "workflows" / name
    text = path.read_text("utf-8")
    assert good in text, "there is nothing left to spoil"
    path.write_text(text.replace(good, bad), "utf-8")
    found = findings(copy)
    assert any(said in line and name in line for line in found), found


def test_it_says_how_many(copy: Path) -> None:
    path = copy / ".github" / "workflows" / "promote.yml"
    path.write_text(path.read_text("utf-8").replace("permissions: {}\n", ""), "utf-8")
    said: list[str] = []
    count = workflows.check(copy, say=said.append)
    assert count >= 1
    assert said[-1] == f"zizmor: {count} to correct"


def test_where_there_is_none_it_does_not_say_that_all_is_well(tmp_path: Path) -> None:
    needed("actionlint", "shellcheck", "zizmor")
    with pytest.raises(Problem, match="holds no workflow"):
        workflows.check(tmp_path)
