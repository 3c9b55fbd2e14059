"""What a runbook tells somebody to type at three in the morning: it parses, and it names what there is."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands

from deploy.check.world import World
from deploy.release.program import parser as release_parser

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
KINDS = {"deploy": "Deployment", "deployment": "Deployment", "statefulset": "StatefulSet", "cronjob": "CronJob",
         "externalsecret": "ExternalSecret"}  # fmt: skip
SPACES = ("argocd", "financetracker-staging", "financetracker-prod")


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```\w*\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def calls(text: str) -> Iterator[list[str]]:
    """Each call of kubectl in some lines of shell, as its words."""
    for line in text.splitlines():
        for part in re.split(r" \| ", line):
            words = shlex.split(re.split(r" [<>] ", part)[0])
            if words[:1] == ["kubectl"]:
                yield words[1:]


def after(words: list[str], option: str) -> str | None:
    return words[words.index(option) + 1] if option in words else None


def problems(words: list[str], names: set[tuple[str, str]]) -> list[str]:
    """What is wrong with one call of kubectl."""
    found = []
    space = after(words, "-n")
    if space is not None and space not in SPACES:
        found.append(f"there is no namespace {space}")
    for word in words:
        kind, _, name = word.removeprefix("--from=").partition("/")
        if kind in KINDS and name and word != after(words, "-k") and (KINDS[kind], name) not in names:
            found.append(f"there is no {KINDS[kind]} {name}")
    patch = after(words, "-p")
    if patch is not None and "$(" not in patch:
        found += [f"{word} is no field of an Application" for word in unknown_fields(words, json.loads(patch))]
    if "manage.py" in words:
        command = words[words.index("manage.py") + 1]
        if command not in get_commands():
            found.append(f"there is no command {command}")
    return found


def unknown_fields(words: list[str], patch: Any) -> list[str]:
    """The fields of a patch of an Application that its schema does not know."""
    if "applications.argoproj.io" not in words:
        return []
    schema = json.loads((ROOT / "deploy/tools/schemas/application-argoproj-v1alpha1.json").read_text())
    while isinstance(patch, dict):
        ((name, patch),) = patch.items()
        if name not in schema.get("properties", {}):
            return [name]
        schema = schema["properties"][name]
    return []


@pytest.fixture(scope="module")
def names(rendered: World) -> set[tuple[str, str]]:
    """Kind and name of everything that any environment or try-out has."""
    return {(doc["kind"], doc["metadata"]["name"]) for documents in rendered.renders.values() for doc in documents}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_can_be_typed(page: Path, names: set[tuple[str, str]]) -> None:
    found = blocks(page)
    assert found, "a runbook without a command"
    for block in found:
        if "kubectl" not in block and "python3" not in block:
            continue
        parsed = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
        assert parsed.returncode == 0, parsed.stderr
        for words in calls(block):
            assert problems(words, names) == [], " ".join(words)


def release_calls(text: str) -> Iterator[list[str]]:
    """Each call of the release program in some lines of shell, as the words that it is given."""
    for line in text.splitlines():
        words = shlex.split(line)
        if words[:2] == ["python", "deploy/release"]:
            yield words[2:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_release_program_understands_what_is_typed(page: Path) -> None:
    for block in blocks(page):
        for words in release_calls(block):
            assert release_parser((words[0],)).parse_args(words)


def test_a_wrong_word_for_the_release_program_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    (words,) = release_calls("python deploy/release rollback prod --because x")
    with pytest.raises(SystemExit):
        release_parser((words[0],)).parse_args(words)
    assert "--reason" in capsys.readouterr().err


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_that_is_named_is_there(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("kubectl -n financetracker-live get pods", "there is no namespace financetracker-live"),
        ("kubectl -n argocd rollout undo deployment/website", "there is no Deployment website"),
        ("kubectl create job --from=cronjob/backups now", "there is no CronJob backups"),
        ("kubectl exec deploy/web -- python manage.py verify", "there is no command verify"),
        (
            'kubectl patch applications.argoproj.io x -p \'{"spec":{"syncPolicy":{"automatic":{}}}}\'',
            "automatic is no field of an Application",
        ),
    ],
)
def test_a_wrong_command_is_seen(line: str, said: str, names: set[tuple[str, str]]) -> None:
    assert [problem for words in calls(line) for problem in problems(words, names)] == [said]
