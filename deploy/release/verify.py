"""Collects what has to be seen of the build in staging before prod may have it, and keeps it on main.

Nothing is believed that can be looked up: the digest comes from main, not from whoever starts this; it is asked
of the running release, of the registry's signatures and of Argo CD. Only the integration tests and the speed come
from a file, that of `accept`, and only where it is about this digest, this address and the time since the pin.
"""

import argparse
import base64
import json
import os
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.release import argo, cosign, github
from deploy.release.accept import TESTS
from deploy.release.command import Command
from deploy.release.desk import Change, Desk, at_the_desk, publish
from deploy.release.evidence import CHECKS, Check, Evidence, of_digest, path_of
from deploy.release.history import Pin, denied, pins
from deploy.release.images import Image, digest, overlay, pinned
from deploy.release.messages import SKIP, message, trailers_of
from deploy.release.pin import source_on_main
from deploy.release.problems import DONE, REFUSED, Problem, Refused
from deploy.release.reports import entries, load, part
from deploy.release.site import PATIENCE, Browser, address, settled

ENVIRONMENT = "staging"
IN_A_ROW = 6  # questions to /version: enough that every pod of staging has answered one
ACCEPTED = "The file of `accept`"
CYCLONEDX = "https://cyclonedx.org/bom"
AHEAD = timedelta(minutes=2)  # between the clocks of two machines


def newest_pin(at: Desk, wanted: str) -> Pin:
    """The pin of staging on the newest main. Raises Refused if it is not the digest that was asked for."""
    found = pins(at, ENVIRONMENT)
    now = pinned(at.text_at("HEAD", overlay(ENVIRONMENT)) or "")
    if not found or now != found[0].image:
        raise Problem(f"{ENVIRONMENT} pins no build yet.")
    if wanted and wanted != found[0].image.digest:
        raise Refused(
            f"{ENVIRONMENT} has moved on to {found[0].image.tag}: there is nothing to verify of {wanted}."
        )
    reason = denied(at).get(found[0].image.digest)
    if reason is not None:
        raise Refused(f"{found[0].image.tag} is on the deny list: {reason}.")
    return found[0]


def answered(browser: Browser, image: Image) -> Check:
    """Whether every pod that was asked runs this digest. Raises CouldNot where nobody answers."""
    seen = settled(browser, IN_A_ROW)
    if seen == [image.digest]:
        return Check(ok=True, seen=f"{browser.there} answered it {IN_A_ROW} times in a row")
    words = [word[:19] if word.startswith("sha256:") else word for word in seen]
    return Check(ok=False, seen=f"{browser.there} answered {' and '.join(words)}")


def signature(image: Image, who: list[str], whose: str) -> Check:
    """Whether the digest is signed by whom we trust."""
    try:
        cosign.verify(image, who)
    except Refused as error:
        return Check(ok=False, seen=str(error))
    return Check(ok=True, seen=f"signed by {whose}")


def contents(image: Image, who: list[str]) -> Check:
    """Whether a list of contents is signed with the digest, is about it, and lists something."""
    try:
        said = cosign.verify_contents(image, who)
    except Refused as error:
        return Check(ok=False, seen=str(error))
    for line in said.splitlines():
        try:
            statement = json.loads(base64.b64decode(json.loads(line)["payload"]))
            about = [one["digest"].get("sha256") for one in statement["subject"]]
            listed = len(statement["predicate"]["components"])
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        if image.digest.removeprefix("sha256:") in about and statement["predicateType"] == CYCLONEDX and listed:
            return Check(ok=True, seen=f"{listed} components, in CycloneDX")
    return Check(ok=False, seen="what is attested lists no contents of this digest")


def accepted(path: Path, browser: Browser, pin: Pin, now: datetime) -> tuple[Check, Check]:
    """What `accept` wrote of integration and speed. Raises Refused where the file is about something else."""
    whole = load(path, ACCEPTED)
    about = part(whole, "digest", kind=str, what=ACCEPTED)
    if about != pin.image.digest:
        raise Refused(
            f"{ACCEPTED} is about {about[:19] or 'no digest'}, {ENVIRONMENT} pins {pin.image.digest[:19]}."
        )
    if part(whole, "url", kind=str, what=ACCEPTED) != str(browser.there):
        raise Refused(f"{ACCEPTED} is about {whole['url']}, not about {browser.there}.")
    written = part(whole, "at", kind=str, what=ACCEPTED)
    try:
        moment = datetime.fromisoformat(written)
        if moment < pin.at:
            raise Refused(f"{ACCEPTED} is of {written}, before {ENVIRONMENT} was pinned: test it again.")
        if moment > now + AHEAD:
            raise Refused(f"{ACCEPTED} is of {written}, which is yet to come.")
    except (ValueError, TypeError) as error:
        raise Refused(f"{ACCEPTED} has no moment: {written!r}.") from error
    return integration(whole), speed(whole)


def integration(whole: dict[str, Any]) -> Check:
    done = {
        part(test, "name", kind=str, what=ACCEPTED): part(test, "ok", kind=bool, what=ACCEPTED)
        for test in entries(whole, "tests", what=ACCEPTED)
    }
    wrong = sorted({name for name, ok in done.items() if not ok} | {name for name in TESTS if name not in done})
    if wrong:
        return Check(ok=False, seen=f"not seen to hold: {', '.join(wrong)}")
    return Check(ok=True, seen=f"{len(done)} tests held{', entering and voiding too' if 'entry' in done else ''}")


def speed(whole: dict[str, Any]) -> Check:
    ok = part(whole, "speed", "ok", kind=bool, what=ACCEPTED)
    measured = bool(part(whole, "speed", "pages", kind=dict, what=ACCEPTED))
    return Check(ok=ok and measured, seen=part(whole, "speed", "seen", kind=str, what=ACCEPTED))


def collect(given: argparse.Namespace, at: Desk, pin: Pin) -> Evidence:
    """Looks at everything once, what failed included."""
    browser = Browser(address(given.url, given.connect), PATIENCE)
    who = cosign.signer(str(given.key or ""), given.identity, given.issuer)
    whose = f"the key {given.key.name}" if given.key else given.identity or "the workflow that builds"
    now = datetime.now(UTC)
    source = source_on_main(at, pin.image, pin.trailers.get("Source-Commit", ""))
    integrated, fast = accepted(given.accepted, browser, pin, now)
    told = argo.from_file(given.argo, at, pin) if given.argo else argo.from_statuses(
        github.from_environment(), at, pin
    )  # fmt: skip
    checks = {
        "pinned": Check(ok=True, seen=f"by {pin.commit[:7]} at {pin.at.isoformat()}"),
        "version": answered(browser, pin.image),
        "signature": signature(pin.image, who, whose),
        "sbom": contents(pin.image, who),
        "integration": integrated,
        "speed": fast,
        "argo": told,
    }
    return Evidence(pin.image, source, now, {name: checks[name] for name in CHECKS})


def keep(at: Desk, evidence: Evidence, *, dry_run: bool) -> tuple[str, str | None]:
    """Brings complete evidence onto main, unless the same is there: what was done, and the commit if one was made.

    Raises Refused if staging moved on meanwhile.
    """
    status = "already"
    image = evidence.image
    said = message(f"evidence: {image.tag}{SKIP}", trailers_of(image, evidence.source))

    def edit(desk: Desk) -> Change | None:
        nonlocal status
        status = "already"
        newest_pin(desk, image.digest)
        try:
            known = of_digest(desk, image.digest)
        except Refused:
            known = None  # whatever lies there is no evidence: this takes its place
        if known is not None and replace(known, at=evidence.at) == evidence:
            return None
        path = desk.folder / path_of(image.digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(evidence.text(), encoding="utf-8")
        status = "would be kept" if dry_run else "kept"
        return Change(said, [path_of(image.digest)])

    commit = publish(at, edit, dry_run=dry_run)
    return status, commit


def run(given: argparse.Namespace) -> int:
    """Verifies what staging pins. Incomplete evidence is not kept."""
    if given.insecure_registry:
        os.environ["INSECURE_REGISTRY"] = "1"
    wanted = digest(given.digest) if given.digest else ""
    if given.key and not given.key.is_file():
        raise Problem(f"There is no public key at {given.key}.")
    with at_the_desk(given, writing=not given.dry_run) as at:
        if given.json:
            at.say = lambda said: print(said, file=sys.stderr)
        evidence = collect(given, at, newest_pin(at, wanted))
        missing = evidence.missing
        status, commit = ("incomplete", None) if missing else keep(at, evidence, dry_run=given.dry_run)
    for name, check in evidence.checks.items():
        line = f"{'ok     ' if check.ok else 'MISSING'} {name}: {check.seen}"
        print(line, file=sys.stderr if given.json else sys.stdout)
    if given.json:
        whole = {"status": status, "commit": commit, "image": str(evidence.image), "missing": missing}
        print(json.dumps({**whole, "checks": {name: asdict(one) for name, one in evidence.checks.items()}}))
    else:
        print(f"{evidence.image.tag}: {status}{f' by {commit[:7]}' if commit else ''}")
    return REFUSED if missing else DONE


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--digest", help="what staging must still pin: sha256:… (default: what it pins)")
    parser.add_argument("--url", required=True, help="the address of staging: https://HOST")
    parser.add_argument("--connect", default="", metavar="HOST:PORT", help="connect there, as the ingress would")
    parser.add_argument("--accepted", type=Path, required=True, metavar="FILE", help="what `accept` wrote")
    parser.add_argument("--key", type=Path, help="the public key of the signature (default: COSIGN_PUBLIC_KEY)")
    parser.add_argument("--identity", default="", metavar="REGEX", help="who must have signed, without a key")
    parser.add_argument("--issuer", default="", metavar="URL", help="who vouches for that identity")
    parser.add_argument("--insecure-registry", action="store_true", help="the registry speaks plain HTTP")
    parser.add_argument("--argo", type=Path, metavar="FILE", help="the Application as JSON (default: ask GitHub)")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the lines go to stderr")


COMMAND = Command("collect the evidence for the build in staging", options, run)
