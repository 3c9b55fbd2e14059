"""`guard`: refuses a pull request that does what only the release may do, or a promotion that is more than that.

An environment's image, the evidence and the deny list decide what runs in prod. The release writes the first two
itself; a person may propose two things: to move prod to a build that is proven, and to change the deny list,
each with nothing else beside it. What is true of a build is read from main as it is now, never from the
proposal. The proposal is data: none of it is run, and of its overlays only the letters are compared.
"""

import argparse
import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from deploy.release import evidence
from deploy.release.command import Command
from deploy.release.desk import Desk, at_the_desk
from deploy.release.history import DENIED, EVIDENCE, contracts_between, denied, pin_ahead, pins, source_of
from deploy.release.images import (
    DIGEST,
    ENVIRONMENTS,
    LOADER,
    NAME,
    TAG,
    Image,
    moved,
    overlay,
    pinned,
    places,
    render,
)
from deploy.release.messages import one_line
from deploy.release.problems import DONE, REFUSED, Problem

FILE = "100644"
MANIFESTS = ("deploy/base/", "deploy/components/", "deploy/overlays/")
REASONED = re.compile(rf"\s*(#.*)?|{DIGEST.pattern}\s+#\s*\S.*")


@dataclass(slots=True)
class Judgement:
    """What was found: `findings` refuse; `notes` are for whoever reviews; `promotes` is the build proposed."""

    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    promotes: Image | None = None

    def refuse(self, what: str) -> None:
        self.findings.append(what)


def judge(at: Desk, fork: str, head: str) -> Judgement:
    """Judges what lies between a commit of main and a proposal, on a desk that stands on main."""
    found = Judgement()
    changed = at.changed(fork, head)
    for environment in ENVIRONMENTS:
        if overlay(environment) in changed:
            judge_overlay(at, environment, fork, head, found)
    kept = [path for path in changed if path == EVIDENCE or path.startswith(f"{EVIDENCE}/")]
    for path in kept:
        found.refuse(f"{path}: evidence is what the release itself has seen: a pull request cannot bring it.")
    if DENIED in changed:
        judge_deny_list(at, head, found)
    what, alone = ("promotion", overlay("prod")) if found.promotes else ("change of the deny list", DENIED)
    if alone in changed and (found.promotes or alone == DENIED):
        for path in changed:
            if path != alone and path not in kept:
                found.refuse(f"{path}: does not belong into a {what}: propose it on its own.")
    if found.promotes:
        judge_build(at, found.promotes, found)
    elif not found.findings and any(path.startswith(MANIFESTS) for path in changed):
        judge_rendered(at, fork, head, found)
    return found


def judge_overlay(at: Desk, environment: str, fork: str, head: str, found: Judgement) -> None:
    """What became of an overlay: prod's image alone may move, and the rest of it only while the image stays."""
    path = overlay(environment)
    before, after = at.text_at(fork, path), at.text_at(head, path)
    if after is None or at.mode_at(head, path) != FILE:
        found.refuse(f"{path}: must stay an ordinary file of that name and mode.")
        return
    if before is None:
        found.refuse(f"{path}: a new environment is set up by an administrator, not by a pull request.")
        return
    old, now = pinned(before), moved(before, after)
    if now is None:
        if old is None or pinned(after) != old or places(after) is None:
            found.refuse(f"{path}: more than tag and digest of the image changes: move the image on its own.")
    elif now == old or (old and old.placeholder and now.placeholder):
        return  # before the first release, an administrator says here where images are kept
    elif environment == "prod":
        found.promotes = now
    else:
        found.refuse(f"{path}: {environment} is moved by `pin`, never by a pull request.")


def judge_deny_list(at: Desk, head: str, found: Judgement) -> None:
    """Whether every line can be read: one that cannot would deny nothing, and nobody would notice."""
    text = at.text_at(head, DENIED)
    if text is None or at.mode_at(head, DENIED) != FILE:
        found.refuse(f"{DENIED}: must stay an ordinary file of that name and mode.")
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not REASONED.fullmatch(line):
            found.refuse(f"{DENIED}:{number}: is no `sha256:… # reason (who, when)`.")
    for digest in sorted(denied(at).keys() - denied(at, head).keys()):
        found.notes.append(f"takes {digest[:19]}… off the deny list")


def judge_build(at: Desk, image: Image, found: Judgement) -> None:
    """Whether prod may have a build: proven, of main, not denied, and newer than what runs."""
    if not (TAG.fullmatch(image.tag) and not image.placeholder):
        found.refuse(
            f"{image.tag}@{image.digest[:19]}… is no build of ours: expected run-<run id>-<short commit>."
        )
        return
    if image.digest in (why := denied(at)):
        found.refuse(f"{image.tag} is on the deny list: {why[image.digest] or 'no reason is given'}.")
    now = pinned(at.text_at("HEAD", overlay("prod")) or "")
    if now and not now.placeholder and now.name != image.name:
        found.refuse(f"{overlay('prod')}: prod takes its images from {now.name}, not from {image.name}.")
    try:
        source = source_of(at, image)
        judge_evidence(at, image, source, found)
    except Problem as problem:
        found.refuse(str(problem))
        return
    if not at.is_ancestor(source, "HEAD"):
        found.refuse(f"{image.tag} was built from {source[:7]}, which {at.branch} does not have (any more).")
    elif now and not now.placeholder:
        judge_step(at, now, image, source, found)


def judge_evidence(at: Desk, image: Image, source: str, found: Judgement) -> None:
    """Whether main holds complete evidence of just this build."""
    proof = evidence.of_digest(at, image.digest)
    if proof is None:
        found.refuse(f"{image.tag} has no evidence on {at.branch}: let staging run it and verify it first.")
        return
    for name in proof.missing:
        seen = proof.checks[name].seen if name in proof.checks else "was not looked at"
        found.refuse(f"{image.tag} is not proven: {name}: {seen}")
    if proof.image != image:
        found.refuse(f"The evidence is about {proof.image}, and {image} is proposed.")
    if proof.source != source:
        found.refuse(f"The evidence is about commit {proof.source[:7]}, and {image.tag} names {source[:7]}.")


def judge_step(at: Desk, now: Image, image: Image, source: str, found: Judgement) -> None:
    """Whether prod can go from what runs to a build: forwards, and with no migration that breaks what runs."""
    if ahead := pin_ahead(at, image, source, pins(at, "prod")[:1]):
        found.refuse(f"{image.tag} is older than {ahead.image.tag}, which prod runs: going back is `rollback`.")
        return
    old = source_of(at, now)
    for path in contracts_between(at, old, source):
        made_safe = expanded_by(at.text_at(source, path) or "")
        step = f"financetracker/{made_safe[0]}/migrations/{made_safe[1]}.py" if made_safe else ""
        if not made_safe:
            found.refuse(f"{path} contracts and does not say in expanded_by what made it safe.")
        elif at.text_at(old, step) is None:
            found.refuse(
                f"{path} contracts, and {now.tag}, which prod runs, does not have {'.'.join(made_safe)}:"
                " promote a build between the two first."
            )
        else:
            found.notes.append(f"{path} contracts: there is no rollback past it, only a way forward")


def expanded_by(text: str) -> tuple[str, str] | None:
    """What a migration says made it safe, as app and name; None where it says nothing of use. Nothing is run."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and [getattr(one, "id", "") for one in node.targets] == ["expanded_by"]:
            parts = [getattr(part, "value", None) for part in getattr(node.value, "elts", [])]
            if len(parts) == 2 and all(isinstance(part, str) and re.fullmatch(r"\w+", part) for part in parts):
                return str(parts[0]), str(parts[1])
    return None


def judge_rendered(at: Desk, fork: str, head: str, found: Judgement) -> None:
    """Whether each environment goes on running what it is pinned to, whichever screw in the manifests was turned.

    An image can be moved without touching its entry: by a patch, a component, another entry for the same name.
    """
    standing = at.head
    for environment in ENVIRONMENTS:
        before = images_in(at, environment, fork)
        try:
            after = images_in(at, environment, head)
        except Problem as problem:
            found.refuse(str(problem))
            continue
        old, now = (pinned(at.text_at(commit, overlay(environment)) or "") for commit in (fork, head))
        for place, image in after.items():
            was_ours = before.get(place) == str(old) or image.startswith(f"{old.name}:" if old else NAME)
            if was_ours and image != str(now):
                found.refuse(f"{environment}: {place} would run {image}, which is not what is pinned.")
    at.stand_on(standing)


def images_in(at: Desk, environment: str, commit: str) -> dict[str, str]:
    """The image of every container of an environment as it stood at a commit. Leaves the desk there."""
    at.stand_on(commit)
    found: dict[str, str] = {}
    for document in yaml.load_all(render(at.folder, environment), Loader=LOADER):
        name = f"{document.get('kind')}/{document.get('metadata', {}).get('name')}"
        found |= {f"{name}/{container}": image for container, image in containers(document)}
    return found


def containers(part: object) -> Iterator[tuple[str, str]]:
    """Name and image of every container in a document, wherever a pod is described in it."""
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else []:
        yield from containers(value)
    if isinstance(part, dict) and isinstance(part.get("image"), str) and "name" in part:
        yield str(part["name"]), part["image"]


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--base", required=True, metavar="SHA", help="the commit of main that is proposed to")
    parser.add_argument(
        "--head", required=True, metavar="SHA", help="the commit that is proposed; fetched, not run"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(given: argparse.Namespace) -> int:
    """Judges, and says why not: one line for each finding."""
    with at_the_desk(given) as at:
        base, head = at.commit_of(given.base), at.commit_of(given.head)
        for name, commit in ((given.base, base), (given.head, head)):
            if commit is None:
                raise Problem(f"There is no commit {name} here: fetch it first.")
        assert base
        assert head
        # Where the base is no commit of main, as in a queue of merges, all that main does not have is judged.
        trunk = base if at.is_ancestor(base, at.head) else at.head
        fork = at.try_git("merge-base", trunk, head).stdout.strip()
        if not fork:
            raise Problem(f"{given.head[:12]} has no commit in common with {at.branch}: fetch its whole history.")
        found = judge(at, fork, head)
    return tell(found, as_json=given.json)


def tell(found: Judgement, *, as_json: bool) -> int:
    """Prints a judgement, and returns the exit status."""
    findings, notes = ([one_line(line) for line in lines] for lines in (found.findings, found.notes))
    promotes = str(found.promotes) if found.promotes else None
    if as_json:
        status = "refused" if findings else "passed"
        print(json.dumps({"status": status, "promotes": promotes, "findings": findings, "notes": notes}))
        return REFUSED if findings else DONE
    # Never at the beginning of a line: a name in the proposal could be a command to the runner that reads this.
    for line in findings:
        print(f"refused: {line}")
    for line in notes:
        print(f"note: {line}")
    if not findings:
        print(f"passed: promotes {promotes}" if promotes else "passed: nothing of the release moves")
    return REFUSED if findings else DONE


COMMAND = Command("refuse what a pull request must not do to environments and evidence", options, run)
