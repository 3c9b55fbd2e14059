"""Verdicts as they fall, and the report they make: a line each, JSON, and a page for the documentation."""

import json
import platform
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was looked at: what came out, a figure where there is one, and what it may be at most."""

    scenario: str
    name: str
    passed: bool
    value: float | None = None
    unit: str = ""
    limit: float | None = None
    detail: str = ""
    slow: bool = False

    @property
    def mark(self) -> str:
        return "slow" if self.slow else "ok" if self.passed else "FAIL"

    def line(self) -> str:
        number = "" if self.value is None else f"{self.value:,.1f}".removesuffix(".0") + f" {self.unit}".rstrip()
        bound = "" if self.limit is None else f" (at most {self.limit:g})"
        detail = f"  {self.detail}" if self.detail else ""
        return f"{self.mark:<4}  {self.scenario:<16} {self.name:<58} {number}{bound}{detail}"


@dataclass
class Report:
    """Collects verdicts and prints each as it falls.

    On a `noisy` machine a time above its limit is called slow and fails nothing: the time says little there.
    """

    revision: str
    scenario: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    began: float = field(default_factory=time.time)
    noisy: bool = False

    def check(self, name: str, passed: object, detail: str = "") -> None:
        """Note whether something holds."""
        self._add(Verdict(self.scenario, name, bool(passed), detail=detail))

    def measure(
        self, name: str, value: float, unit: str = "", *, limit: float | None = None, detail: str = ""
    ) -> None:
        """Note a figure; above its limit it is a failure."""
        kept = limit is None or value <= limit
        slow = not kept and self.noisy and unit == "s"
        self._add(Verdict(self.scenario, name, kept or slow, value, unit, limit, detail, slow))

    def _add(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)
        print(verdict.line(), flush=True)

    @property
    def failed(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if not verdict.passed]

    def closing(self) -> str:
        slow = sum(verdict.slow for verdict in self.verdicts)
        said = f"{len(self.verdicts) - len(self.failed)} passed, {len(self.failed)} failed"
        return f"{said}, {slow} of them slow" if slow else said

    def write_json(self, path: Path) -> None:
        document = {
            "revision": self.revision,
            "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.began)),
            "seconds": round(time.time() - self.began),
            "facts": self.facts,
            "passed": not self.failed,
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
        }
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

    def write_page(self, path: Path) -> None:
        """A Markdown page: what ran, when, and a table for each scenario."""
        day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(self.began))
        minutes = (time.time() - self.began) / 60
        lines = [
            "# The end-to-end run",
            "",
            f"`python deploy/e2e` at commit `{self.revision}` on {day}: **{self.closing()}**"
            f" in {minutes:.0f} minutes.",
            "",
            *(f"- {name}: {value}" for name, value in {**self.facts, "machine": platform.machine()}.items()),
            "",
            "Times are of one machine that other work shared; what must hold everywhere is the verdict.",
        ]
        for scenario in dict.fromkeys(verdict.scenario for verdict in self.verdicts):
            lines += ["", f"## {scenario}", "", "| | what | measured | at most |", "| --- | --- | ---: | ---: |"]
            for one in self.verdicts:
                if one.scenario == scenario:
                    value = (
                        ""
                        if one.value is None
                        else f"{one.value:,.1f}".removesuffix(".0") + f" {one.unit}".rstrip()
                    )
                    limit = "" if one.limit is None else f"{one.limit:g}"
                    name = one.name + (f" ({one.detail})" if one.detail else "")
                    lines.append(
                        f"| {one.mark if one.passed else '**failed**'} | {name.replace('|', '/')} | {value} |"
                        f" {limit} |"
                    )
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
