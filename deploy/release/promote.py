"""`promote`: proposes a proven build for prod, in one pull request that takes the place of older ones."""

import argparse
import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from deploy.release import github, proposal
from deploy.release.command import Command
from deploy.release.desk import Desk, at_the_desk
from deploy.release.evidence import Evidence, of_digest
from deploy.release.history import Pin, denied, pin_ahead, pins
from deploy.release.images import TAG, Image, digest, overlay
from deploy.release.messages import message, trailers_of
from deploy.release.pin import current, source_on_main
from deploy.release.problems import DONE, CouldNot, Problem, Refused

PREFIX = "promote/"
OPENED = "opened"
UPDATED = "updated"
UNCHANGED = "unchanged"
ALREADY = "already"
SUPERSEDED = "superseded"
WOULD = "would-propose"


@dataclass(slots=True)
class Outcome:
    """How it ended: the pull request of this build, and the ones that were closed for it."""

    image: str
    status: str = ""
    branch: str = ""
    commit: str = ""
    number: int = 0
    url: str = ""
    closed: list[int] = field(default_factory=list)
    reason: str = ""


def chosen(at: Desk, wanted: str) -> Image:
    """The build that is meant: of a digest, or what staging runs. Raises Problem where nobody knows it."""
    if not wanted:
        found = current(at, "staging")
        if found.placeholder:
            raise Problem("staging runs nothing yet: there is nothing to promote.")
        return found
    evidence = of_digest(at, digest(wanted))
    if evidence is not None:
        return evidence.image
    known = [pin.image for pin in pins(at, "staging") if pin.image.digest == wanted]
    if not known:
        raise Problem(f"{wanted} is no build of ours: staging has never run it.")
    return known[0]


def proven(at: Desk, image: Image) -> Evidence:
    """The complete evidence for a build. Raises Refused where something is missing, denied, or from elsewhere."""
    refused = denied(at)
    if image.digest in refused:
        raise Refused(f"{image.tag} is on the deny list: {refused[image.digest]}")
    evidence = of_digest(at, image.digest)
    if evidence is None:
        raise Refused(f"There is no evidence for {image.tag}: it has to be verified in staging first.")
    if missing := evidence.missing:
        seen = [f"{name} ({evidence.checks[name].seen})" if name in evidence.checks else name for name in missing]
        raise Refused(f"The evidence for {image.tag} is not complete: {', '.join(seen)}.")
    if evidence.image != image:
        raise Refused(f"The evidence for {image.digest[:19]} names {evidence.image.tag}, staging {image.tag}.")
    source_on_main(at, image, evidence.source)
    return evidence


def as_pin(tag: str, image: Image) -> Pin:
    """A proposal as if it were a pin, so that the one rule of what is older decides about it too."""
    return Pin("prod", "", datetime.now(UTC), "", Image(image.name, tag, ""), {})


def proposals(hub: github.GitHub, base: str) -> dict[str, dict[str, Any]]:
    """The open pull requests of the release by their branch; a fork's are none, whatever it calls its branch."""
    found = {}
    for pull in hub.every("/pulls", state="open", base=base):
        head = pull["head"]
        ours = (head.get("repo") or {}).get("full_name", "").lower() == hub.repository.lower()
        if ours and head["ref"].startswith(PREFIX) and TAG.fullmatch(head["ref"].removeprefix(PREFIX)):
            found[str(head["ref"])] = pull
    return found


def branches(at: Desk) -> dict[str, str]:
    """The branches of proposals that the remote has, with their commits."""
    listed = at.git("ls-remote", at.remote, f"refs/heads/{PREFIX}*").splitlines()
    named = (line.split("\trefs/heads/") for line in listed)
    return {name: commit for commit, name in named if TAG.fullmatch(name.removeprefix(PREFIX))}


def stands(at: Desk, tip: str, branch: str, said: str) -> bool:
    """Whether a branch is our one commit, on a main whose overlay is today's: then it need not be made anew."""
    path = overlay("prod")
    got = at.try_git(
        "fetch", "-q", "--no-tags", "--no-write-fetch-head", "--refmap=", at.remote, f"refs/heads/{branch}"
    )
    if got.returncode or at.commit_of(tip) is None:
        return False
    parents = at.git("log", "-1", "--format=%P", tip).split()
    return (
        len(parents) == 1
        and at.is_ancestor(parents[0], at.head)
        and at.changed(parents[0], tip) == [path]
        and at.text_at(parents[0], path) == at.text_at("HEAD", path)
        and at.text_at(tip, path) == (at.folder / path).read_text(encoding="utf-8")
        and at.git("log", "-1", "--format=%B", tip).strip() == said.strip()
    )


def remove(at: Desk, branch: str, commit: str) -> None:
    """Deletes a branch unless somebody moved it meanwhile; one that stays harms nobody."""
    name = f"refs/heads/{branch}"
    at.try_git("push", "-q", f"--force-with-lease={name}:{commit}", at.remote, f":{name}")


def propose(at: Desk, hub: github.GitHub, outcome: Outcome, made: proposal.Proposal, pages: str) -> None:
    """Brings the branch and its pull request up to date; each step that is done already is left out."""
    image, branch = made.image, outcome.branch
    seen = branches(at).get(branch, "")
    said = message(f"deploy(prod): {image.tag}", trailers_of(image, made.evidence.source))
    if seen and stands(at, seen, branch, said):
        outcome.commit = seen
    else:
        outcome.commit = at.commit(said, [overlay("prod")])
        if not at.push(outcome.commit, branch, f"--force-with-lease=refs/heads/{branch}:{seen}"):
            raise CouldNot(f"Somebody else moved {branch} at this moment: try again.")
    try:
        publish(
            hub,
            outcome,
            at.branch,
            proposal.title(image),
            proposal.text(made, pages),
            moved=outcome.commit != seen,
        )
    except CouldNot as problem:
        raise CouldNot(f"{branch} is pushed, its pull request not yet right: {problem} Try again.") from problem
    except Problem:
        if not seen:
            remove(at, branch, outcome.commit)
        raise


def publish(hub: github.GitHub, outcome: Outcome, base: str, title: str, body: str, *, moved: bool) -> None:
    """Opens the pull request, or changes what it says."""
    pull = proposals(hub, base).get(outcome.branch)
    if pull is None:
        try:
            wanted = {"title": title, "head": outcome.branch, "base": base, "body": body}
            pull, outcome.status = hub.send("POST", "/pulls", wanted), OPENED
        except github.Invalid:
            # GitHub's lists lag a little, and somebody may be doing the same at this moment.
            pull = proposals(hub, base).get(outcome.branch)
            if pull is None:
                raise
    if not outcome.status and (pull["title"], str(pull["body"] or "").strip()) != (title, body.strip()):
        pull, outcome.status = (
            hub.send("PATCH", f"/pulls/{pull['number']}", {"title": title, "body": body}),
            UPDATED,
        )
    outcome.status = outcome.status or (UPDATED if moved else UNCHANGED)
    outcome.number, outcome.url = int(pull["number"]), str(pull["html_url"])


def supersede(at: Desk, hub: github.GitHub, outcome: Outcome, image: Image) -> None:
    """Closes the pull requests of older builds with a word why, and removes branches that nobody proposes."""
    open_ones = proposals(hub, at.branch)
    for branch, pull in open_ones.items():
        if branch == outcome.branch:
            continue
        number = int(pull["number"])
        word = f"Superseded by #{outcome.number}, which proposes {image.tag}."
        if word not in [comment["body"] for comment in hub.every(f"/issues/{number}/comments")]:
            hub.send("POST", f"/issues/{number}/comments", {"body": word})
        hub.send("PATCH", f"/pulls/{number}", {"state": "closed"})
        outcome.closed.append(number)
    for branch, commit in branches(at).items():
        if branch != outcome.branch and (branch in open_ones or older(at, branch, image)):
            remove(at, branch, commit)


def older(at: Desk, branch: str, image: Image) -> bool:
    """Whether a branch proposes an older build; one of a newer build may just be on its way to a proposal."""
    return newer_one(at, [branch], image) is None


def newer_one(at: Desk, names: list[str], image: Image) -> str | None:
    """The first branch of some that proposes a newer build than this."""
    source = source_on_main(at, image)
    known = [as_pin(name.removeprefix(PREFIX), image) for name in names]
    ahead = pin_ahead(at, image, source, known)
    return f"{PREFIX}{ahead.image.tag}" if ahead else None


def refuse_older(at: Desk, image: Image, source: str) -> None:
    """Prod goes forward by promotion alone: back is another command, which asks for a reason."""
    if ahead := pin_ahead(at, image, source, pins(at, "prod")[:1]):
        raise Refused(
            f"prod runs {ahead.image.tag}, which is newer than {image.tag}: going back is `rollback prod`."
        )


def work(at: Desk, hub: github.GitHub, given: argparse.Namespace) -> Outcome:
    """Decides on the newest main, then proposes."""
    image = chosen(at, given.digest)
    outcome = Outcome(str(image), branch=PREFIX + image.tag)
    before = current(at, "prod")
    if before.digest == image.digest:
        outcome.status, outcome.branch = ALREADY, ""
        return outcome
    evidence = proven(at, image)
    refuse_older(at, image, evidence.source)
    open_ones = proposals(hub, at.branch)
    others = [name for name in open_ones if name != outcome.branch]
    if newer := newer_one(at, others, image):
        number = int(open_ones[newer]["number"])
        outcome.status, outcome.branch, outcome.number = SUPERSEDED, "", number
        outcome.reason = f"{newer.removeprefix(PREFIX)} is newer and proposed in #{number}"
        return outcome
    made = proposal.collect(at, image, None if before.placeholder else before, evidence)
    pages = f"{os.environ.get('GITHUB_SERVER_URL') or 'https://github.com'}/{hub.repository}"
    if given.dry_run:
        outcome.status = WOULD
        outcome.closed = [int(open_ones[name]["number"]) for name in others]
        at.say(f"{proposal.title(image)}\n\n{proposal.text(made, pages)}")
        return outcome
    propose(at, hub, outcome, made, pages)
    supersede(at, hub, outcome, image)
    return outcome


def run(given: argparse.Namespace) -> int:
    hub = github.from_environment()
    with at_the_desk(given, writing=True) as at:
        hub.say = at.say
        outcome = work(at, hub, given)
    if given.json:
        print(json.dumps(asdict(outcome)))
    else:
        print(sentence(outcome))
    return DONE


def sentence(outcome: Outcome) -> str:
    tag = outcome.image.rpartition("@")[0].rpartition(":")[2]
    word = "Would be closed" if outcome.status == WOULD else "Closed"
    closed = f" {word}: {', '.join(f'#{number}' for number in outcome.closed)}." if outcome.closed else ""
    return {
        OPENED: f"{tag} is proposed in #{outcome.number}: {outcome.url}",
        UPDATED: f"#{outcome.number} is up to date: {outcome.url}",
        UNCHANGED: f"{tag} is proposed in #{outcome.number} already: {outcome.url}",
        ALREADY: f"prod is pinned to {tag} already.",
        SUPERSEDED: f"Nothing was proposed: {outcome.reason}.",
        WOULD: f"{tag} would be proposed.",
    }[outcome.status] + closed


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--digest", default="", help="the build, by its digest (default: what staging is pinned to)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


COMMAND = Command("propose a proven build for prod, in one pull request", options, run)
