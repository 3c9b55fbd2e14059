"""The gate behind the audit of Python packages: reads pip-audit's report and decides whether all is well.

pip-audit says "no known vulnerabilities" and exits 0 also when it could ask about none of the packages. So a
report with a skipped package refuses, and one that leaves out a package of a lock it is said to cover. It grades
nothing: whatever has a fix keeps the build back.
"""

import argparse
import re
from pathlib import Path
from typing import Any

from deploy.release.command import Command
from deploy.release.findings import Finding, close, judge, now, waiting
from deploy.release.problems import Problem, Refused
from deploy.release.reports import load, part, words

WHAT = "The audit's report"
PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==([^\s;\\]+)[ \t]*([^\n\\]*)", re.MULTILINE)


def canonical(name: str) -> str:
    """A package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(lock: Path) -> dict[str, str]:
    """What a lock pins: versions by name. What it pins for Windows alone is left out: no audit of ours asks."""
    try:
        text = lock.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{lock} cannot be read: {error}.") from error
    found = {canonical(name): version for name, version, rest in PINNED.findall(text) if "win32" not in rest}
    if not found:
        raise Problem(f"{lock} pins nothing.")
    return found


def audited(report: dict[str, Any]) -> tuple[dict[str, str], list[Finding]]:
    """The packages that were asked about, and what is known of them. Raises Refused where one was skipped."""
    asked, skipped, found = {}, [], []
    for one in part(report, "dependencies", kind=list, what=WHAT):
        name = canonical(part(one, "name", kind=str, what=WHAT))
        if "skip_reason" in one:
            skipped.append(name)
            continue
        version = part(one, "version", kind=str, what=WHAT)
        asked[name] = version
        found += [finding(name, version, known) for known in part(one, "vulns", kind=list, what=WHAT)]
    if skipped:
        raise Refused(f"{WHAT} could not ask about {len(skipped)} packages: {', '.join(sorted(skipped)[:5])}.")
    if not asked:
        raise Refused(f"{WHAT} asked about no package at all.")
    return asked, found


def finding(name: str, version: str, known: Any) -> Finding:
    return Finding(
        part(known, "id", kind=str, what=WHAT),
        name,
        version,
        "",
        tuple(words(known, "fix_versions", what=WHAT)),
        tuple(words(known, "aliases", what=WHAT)),
    )


def whole(asked: dict[str, str], locks: list[Path]) -> None:
    """Refuses a report that leaves out something that a lock pins, or saw it in another version."""
    for lock in locks:
        for name, version in pinned(lock).items():
            if asked.get(name) != version:
                said = f"{name} {asked[name]}" if name in asked else f"nothing of {name}"
                raise Refused(f"{WHAT} does not cover {lock.name}: that pins {name} {version}, it says {said}.")


def run(given: argparse.Namespace) -> int:
    """Judges one report."""
    today = now().date()
    ignores = waiting(given, "dependencies", today)
    asked, found = audited(load(given.report, WHAT))
    whole(asked, given.lock)
    unfixed = sorted({one.id for one in found if not one.fixed_in})
    seen = f"{len(asked)} packages, {len(found)} findings, {len(unfixed)} without a fix yet."
    made = judge([one for one in found if one.fixed_in], ignores, today)
    return close(given, made, seen, packages=len(asked), found=len(found), without_fix=unfixed)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("report", type=Path, help="what `pip-audit --format json` wrote")
    parser.add_argument(
        "--lock", type=Path, action="append", default=[], help="a lock that the report must cover; may be repeated"
    )
    parser.add_argument("--ignores", type=Path, help="decisions to wait (default: deploy/scan/ignores.yaml)")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the lines go to stderr")


COMMAND = Command("judge an audit of the Python packages", options, run)
