"""The gate behind the scanner: reads Grype's report of an image and decides whether the image may go on.

Kept back is what a newer version would cure and what is High, Critical or of unknown severity: nobody has said
yet that an Unknown is harmless. What has no fix does not keep a build back; it is counted.
"""

import argparse
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.release.command import Command
from deploy.release.findings import IGNORES, Finding, close, judge, now, waiting
from deploy.release.images import digest
from deploy.release.problems import Refused
from deploy.release.reports import entries, load, part, words

WHAT = "The scanner's report"
HARMLESS = ("negligible", "low", "medium")
GRAVE = ("high", "critical", "unknown")
STATES = ("fixed", "not-fixed", "wont-fix", "unknown", "")
OLDEST = timedelta(days=5)  # a new database comes daily; Grype itself stops at five days
AHEAD = timedelta(hours=1)  # between the clocks of two machines


def findings(report: dict[str, Any]) -> list[Finding]:
    """Everything Grype found, one a place it was found in. Raises Refused where an entry cannot be read."""
    return [finding(match) for match in part(report, "matches", kind=list, what=WHAT)]


def finding(match: Any) -> Finding:
    severity = part(match, "vulnerability", "severity", kind=str, what=WHAT)
    name = part(match, "vulnerability", "id", kind=str, what=WHAT)
    state = part(match, "vulnerability", "fix", "state", kind=str, what=WHAT)
    versions = words(match, "vulnerability", "fix", "versions", what=WHAT)
    if severity.lower() not in HARMLESS + GRAVE:
        raise Refused(f"{WHAT} calls {name} {severity!r}, which is no severity that we know.")
    if state not in STATES:
        raise Refused(f"{WHAT} says of {name} that its fix is {state!r}, which we do not know.")
    # A version that cures it is a fix, whatever the state says beside it.
    cured = versions or (["a version it does not name"] if state == "fixed" else [])
    related = entries(match, "relatedVulnerabilities", what=WHAT)
    return Finding(
        name,
        part(match, "artifact", "name", kind=str, what=WHAT),
        part(match, "artifact", "version", kind=str, what=WHAT),
        severity.capitalize(),
        tuple(cured),
        tuple(part(one, "id", kind=str, what=WHAT) for one in related),
    )


def right_report(report: dict[str, Any], wanted: str | None, at: datetime) -> tuple[str, datetime]:
    """The digest that was scanned and the day of the database. Raises Refused for any other report than wanted."""
    tool = part(report, "descriptor", "name", kind=str, what=WHAT)
    if tool != "grype":
        raise Refused(f"{WHAT} is {tool}'s, expected Grype's.")
    if part(report, "source", "type", kind=str, what=WHAT) != "image":
        raise Refused(f"{WHAT} is not about an image.")
    scanned = words(report, "source", "target", "repoDigests", what=WHAT)
    known = {part(report, "source", "target", "manifestDigest", kind=str, what=WHAT)}
    known |= {name.rpartition("@")[2] for name in scanned}
    if wanted and wanted not in known:
        raise Refused(f"{WHAT} is about {', '.join(sorted(known))}, not about {wanted}.")
    if not part(report, "distro", "name", kind=str, what=WHAT):
        raise Refused(f"{WHAT} does not know the distribution inside: its packages were not looked up.")
    look_away(report)
    return wanted or min(known), database(report, at)


def look_away(report: dict[str, Any]) -> None:
    """Refuses a report of a Grype that was told what not to see: deploy/scan/ignores.yaml alone decides that."""
    told = ("descriptor", "configuration")
    rules = [
        rule
        for rule in entries(report, *told, "ignore", what=WHAT)
        # Grype's own rules: headers of a kernel that no image runs.
        if not isinstance(rule, dict) or rule.get("match-type") != "exact-indirect-match"
    ]
    left_out = entries(report, *told, "vex-documents", what=WHAT) + entries(report, *told, "exclude", what=WHAT)
    if rules or left_out:
        raise Refused(f"{WHAT} leaves out what Grype was told not to see; ignores belong in {IGNORES}.")


def database(report: dict[str, Any], at: datetime) -> datetime:
    """When Grype's database was built. Raises Refused for an old or broken one."""
    kept = part(report, "descriptor", "db", kind=dict, what=WHAT)
    status = kept["status"] if isinstance(kept.get("status"), dict) else kept
    written = part(status, "built", kind=str, what=WHAT)
    try:
        built = datetime.fromisoformat(written)
        age = at - built
    except (ValueError, TypeError) as error:
        raise Refused(f"{WHAT} names no moment for its database: {written!r}.") from error
    if status.get("error") or status.get("valid") is False:
        raise Refused(f"{WHAT} was made with a broken database: {status.get('error') or 'not valid'}.")
    if age > OLDEST:
        raise Refused(f"{WHAT} was made with a database of {built:%Y-%m-%d}: {age.days} days old, 5 are allowed.")
    if age < -AHEAD:
        raise Refused(f"{WHAT} was made with a database of {built:%Y-%m-%d %H:%M}, which is yet to come.")
    return built


def run(given: argparse.Namespace) -> int:
    """Judges one report."""
    at = now()
    wanted = digest(given.digest) if given.digest else None
    ignores = waiting(given, "image", at.date())
    report = load(given.report, WHAT)
    scanned, built = right_report(report, wanted, at)
    found = findings(report)
    grave = [one for one in found if one.severity.lower() in GRAVE]
    fixable = [one for one in grave if one.fixed_in]
    unfixed = sorted({one.id for one in grave if not one.fixed_in})
    seen = (
        f"{len(found)} findings in {scanned[:19]}, {len(grave)} of them grave, {len(unfixed)} without a fix yet;"
        f" database of {built:%Y-%m-%d %H:%M}."
    )
    facts = {"digest": scanned, "database": built.isoformat(), "found": len(found), "without_fix": unfixed}
    return close(given, judge(fixable, ignores, at.date()), seen, **facts)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("report", type=Path, help="what `grype -o json` wrote")
    parser.add_argument("--digest", help="the image that it must be about: sha256:…")
    parser.add_argument("--ignores", type=Path, help="decisions to wait (default: deploy/scan/ignores.yaml)")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the lines go to stderr")


COMMAND = Command("judge a vulnerability scan of an image", options, run)
