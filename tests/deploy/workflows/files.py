"""The workflows as data: what stands in .github, read once as text and once as YAML."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[3]
PLACE = ".github/workflows"


@dataclass(frozen=True)
class Workflow:
    """One file: its name, its text, and what the text says. `on` is a word that YAML 1.1 takes for true."""

    name: str
    text: str

    @cached_property
    def whole(self) -> dict[Any, Any]:
        made: dict[Any, Any] = yaml.safe_load(self.text)
        return made

    @property
    def triggers(self) -> dict[str, Any]:
        """Each event that starts it, with its filters; a list or a single word of YAML has none."""
        on = self.whole.get("on", self.whole.get(True))
        if isinstance(on, str):
            return {on: {}}
        if isinstance(on, list):
            return {event: {} for event in on}
        return {event: given or {} for event, given in on.items()}

    @property
    def jobs(self) -> dict[str, dict[str, Any]]:
        made: dict[str, dict[str, Any]] = self.whole["jobs"]
        return made

    def steps(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each step with the name of its job."""
        for name, job in self.jobs.items():
            for step in job.get("steps", []):
                yield name, step


def workflows(root: Path = PROJECT) -> dict[str, Workflow]:
    """Every workflow by the name of its file."""
    return {
        path.name: Workflow(path.name, path.read_text("utf-8")) for path in sorted((root / PLACE).glob("*.yml"))
    }


def actions(root: Path = PROJECT) -> dict[str, str]:
    """The text of each local action by its path."""
    return {
        str(path.relative_to(root)): path.read_text("utf-8")
        for path in sorted((root / ".github/actions").glob("*/action.yml"))
    }


def needs(job: dict[str, Any]) -> list[str]:
    """The jobs that one waits for."""
    named = job.get("needs", [])
    return [named] if isinstance(named, str) else list(named)
