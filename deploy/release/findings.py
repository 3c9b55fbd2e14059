"""Known weaknesses of what we ship: which of them keep a build back, and who decided that some may wait."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from deploy.release.problems import DONE, REFUSED, Problem

IGNORES = "deploy/scan/ignores.yaml"
LISTS = ("image", "dependencies")
LONGEST = 90  # days that a decision to wait may hold before somebody must look again


@dataclass(frozen=True, slots=True)
class Finding:
    """One weakness in one package. `severity` is empty where the report knows none; `fixed_in` may be empty."""

    id: str
    package: str
    version: str
    severity: str
    fixed_in: tuple[str, ...]
    aliases: tuple[str, ...] = ()

    def __str__(self) -> str:
        grade = f" ({self.severity})" if self.severity else ""
        return f"{self.id}{grade} in {self.package} {self.version}, fixed in {', '.join(self.fixed_in)}"


@dataclass(frozen=True, slots=True)
class Ignore:
    """A decision to ship in spite of one finding; it holds to the end of the day `until`, UTC."""

    id: str
    package: str
    reason: str
    until: date

    def covers(self, finding: Finding) -> bool:
        named = self.id in (finding.id, *finding.aliases)
        return named and self.package.lower() == finding.package.lower()

    def __str__(self) -> str:
        return f"{self.id} in {self.package}, until {self.until}"


@dataclass
class Judgement:
    """What became of the findings that matter; a build passes where `refused` is empty."""

    refused: list[Finding] = field(default_factory=list)
    ignored: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Strict(yaml.SafeLoader):
    """YAML whose keys stand once each: PyYAML takes the last of two without a word."""


def mapping(loader: Strict, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    if len(set(map(str, keys))) != len(keys):
        raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
    return loader.construct_mapping(node, deep=True)


Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def ignores(path: Path, which: str, today: date) -> list[Ignore]:
    """One list of the file of ignores, expired ones included. Raises Problem where the file breaks its rules."""
    try:
        whole = yaml.load(path.read_text(encoding="utf-8"), Strict)  # noqa: S506 - a SafeLoader, only stricter
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror or error}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Problem(f"{path} is no YAML that can be trusted: {' '.join(str(error).split())}.") from error
    if not isinstance(whole, dict) or set(whole) != set(LISTS):
        raise Problem(f"{path} must hold the lists {' and '.join(LISTS)}, and nothing else.")
    for name in LISTS:
        if not isinstance(whole[name], list):
            raise Problem(f"{path}: {name} is no list.")
    found = [ignore(f"{path}: {which} {place}", entry, today) for place, entry in enumerate(whole[which], 1)]
    keys = [(one.id, one.package) for one in found]
    for one in found:
        if keys.count((one.id, one.package)) > 1:
            raise Problem(f"{path}: {one.id} in {one.package} stands there twice.")
    return found


def ignore(where: str, entry: Any, today: date) -> Ignore:
    """One entry of the file. Raises Problem where something is missing, or it would hold too long."""
    if not isinstance(entry, dict) or set(entry) != {"id", "package", "reason", "until"}:
        raise Problem(f"{where}: expected id, package, reason and until, and nothing else.")
    for name in ("id", "package", "reason"):
        if not isinstance(entry[name], str) or not entry[name].strip():
            raise Problem(f"{where}: {name} is empty or no text.")
    until = entry["until"]
    if not isinstance(until, date) or isinstance(until, datetime):
        raise Problem(f"{where}: until is no day, expected YYYY-MM-DD.")
    ahead = (until - today).days
    if ahead > LONGEST:
        raise Problem(f"{where}: until {until} is {ahead} days ahead, at most {LONGEST} are allowed.")
    return Ignore(entry["id"].strip(), entry["package"].strip(), entry["reason"].strip(), until)


def judge(findings: Iterable[Finding], waiting: list[Ignore], today: date) -> Judgement:
    """Which of the findings keep a build back. Expired and unused ignores are named, to be removed."""
    made, used = Judgement(), set()
    for finding in sorted(set(findings), key=lambda one: (one.package, one.id, one.version)):
        covering = [one for one in waiting if one.covers(finding)]
        used |= set(covering)
        if any(one.until >= today for one in covering):
            made.ignored.append(finding)
        else:
            made.refused.append(finding)
    for one in waiting:
        if one.until < today:
            made.notes.append(f"The ignore of {one} has expired: remove it, or decide anew.")
        elif one not in used:
            made.notes.append(f"The ignore of {one} is not needed any more: remove it.")
    return made


def waiting(given: Namespace, which: str, today: date) -> list[Ignore]:
    """The ignores that a command was given; by default the repository's own, if it has any."""
    path = given.ignores or given.clone / IGNORES
    return ignores(path, which, today) if given.ignores or path.exists() else []


def close(given: Namespace, made: Judgement, seen: str, **facts: Any) -> int:
    """Prints a judgement, a line each or as one JSON object, and returns the exit status."""
    status = REFUSED if made.refused else DONE
    lines = [f"refused: {finding}" for finding in made.refused]
    lines += [f"ignored: {finding}" for finding in made.ignored]
    lines += made.notes
    lines.append(f"{len(made.refused)} keep it back. {seen}" if made.refused else f"Passed. {seen}")
    print("\n".join(lines), file=sys.stderr if given.json else sys.stdout)
    if given.json:
        whole = {"status": "refused" if made.refused else "passed", **facts, **asdict(made)}
        print(json.dumps(whole, indent=2, sort_keys=True))
    return status


def now() -> datetime:
    return datetime.now(UTC)
