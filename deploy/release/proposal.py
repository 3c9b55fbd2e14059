"""The text of a promotion: what a person wants to know before he lets a build into prod."""

from dataclasses import dataclass

from deploy.release.desk import Desk
from deploy.release.evidence import CHECKS, Evidence
from deploy.release.history import CONTRACTS, DENIED, EVIDENCE, contracts_between
from deploy.release.images import Image, overlay, render, set_image
from deploy.release.markdown import fenced, plain, shortened
from deploy.release.render import difference

LONGEST = 65536  # characters that GitHub takes
COMMITS = 100  # more than that, nobody reads here
MIGRATIONS = "financetracker/*/migrations/[0-9]*_*.py"
# A commit that touches nothing besides these is the release's own, and no change to what runs.
BOOKKEEPING = [
    *(f":(exclude){overlay(one)}" for one in ("staging", "prod")), f":(exclude){EVIDENCE}", f":(exclude){DENIED}"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Commit:
    """One change between what prod runs and what it shall run."""

    commit: str
    author: str
    subject: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """All that the text says. `before` is None, and `since` empty, while prod has never run anything we know."""

    image: Image
    before: Image | None
    since: str
    evidence: Evidence
    commits: list[Commit]
    count: int
    migrations: list[str]
    contracts: list[str]
    diff: str


def collect(at: Desk, image: Image, before: Image | None, evidence: Evidence) -> Proposal:
    """Reads everything from the desk, and leaves prod's overlay there as it shall be."""
    rendered = render(at.folder, "prod")
    set_image(at.folder, "prod", image)
    diff = difference(rendered, render(at.folder, "prod"), context=2)
    since = (at.commit_of(before.short) if before and before.short else None) or ""
    span = f"{since}..{evidence.source}" if since else evidence.source
    which = ["--no-merges", "--full-history", span, "--", ".", *BOOKKEEPING]
    log = at.git("log", "-n", str(COMMITS), "--format=%H%x1f%an%x1f%s%x1f.", *which)
    commits = [Commit(*line.split("\x1f")[:3]) for line in log.split("\n") if line]
    count = int(at.git("rev-list", "--count", *which))
    made: list[str] = []
    if since:
        made = at.git(
            "diff", "--no-renames", "--name-only", "--diff-filter=A", since, evidence.source, "--", MIGRATIONS
        ).splitlines()  # fmt: skip
    contracts = contracts_between(at, since, evidence.source) if since else []
    return Proposal(image, before, since, evidence, commits, count, made, contracts, diff)


def title(image: Image) -> str:
    return f"Promote {image.tag} to prod"


def text(proposal: Proposal, pages: str) -> str:
    """The whole text, never longer than GitHub takes; `pages` is the repository's address in a browser."""
    for most in (COMMITS, COMMITS // 2, COMMITS // 4, 0):
        parts = [
            "Merging this is the promotion: Argo CD then brings this very build to prod. The branch is the "
            "release's own and is written anew when main moves on; what anybody else pushes onto it is lost.",
            images_table(proposal, pages),
            "### Changes\n" + changes(proposal, pages, most),
            "### Migrations\n" + migrations(proposal, most),
            "### Seen in staging\n" + evidence_table(proposal.evidence),
            "### Going back\n" + going_back(proposal),
        ]
        rest = LONGEST - len("\n\n".join(parts)) - 500
        if rest > LONGEST // 4:
            break
    diff, missing = shortened(proposal.diff, rest)
    note = (
        f"\n\n{missing} more lines do not fit here: `python deploy/release render --base main`." if missing else ""
    )
    parts.insert(
        -1,
        "<details><summary>What changes in prod, rendered</summary>\n\n"
        f"{fenced(diff, 'diff')}{note}\n\n</details>",
    )
    return "\n\n".join(parts) + "\n"


def images_table(proposal: Proposal, pages: str) -> str:
    rows = ["| | build | commit | digest |", "| --- | --- | --- | --- |"]
    for word, image, source in (
        ("from", proposal.before, proposal.since),
        ("to", proposal.image, proposal.evidence.source),
    ):
        if image is None:
            rows.append(f"| {word} | nothing yet | | |")
            continue
        commit = (
            f"[`{source[:7]}`]({pages}/commit/{source})" if source else f"`{image.short}`, not in main any more"
        )
        build = f"[`{image.tag}`]({pages}/actions/runs/{image.run})"
        rows.append(f"| {word} | {build} | {commit} | `{image.digest}` |")
    return "\n".join(rows)


def changes(proposal: Proposal, pages: str, most: int) -> str:
    if not proposal.commits:
        return "None: the same code, built anew."
    lines = [
        f"- [`{one.commit[:7]}`]({pages}/commit/{one.commit}) {plain(one.subject, 120)} ({plain(one.author, 60)})"
        for one in proposal.commits[:most]
    ]
    if proposal.since:
        compare = f"{pages}/compare/{proposal.since}...{proposal.evidence.source}"
        lines.append(f"\n[Compare all {proposal.count}]({compare}).")
    if proposal.count > most:
        lines.append(f"\nThe newest {most} of {proposal.count}.")
    return "\n".join(lines)


def migrations(proposal: Proposal, most: int) -> str:
    if not proposal.since:
        return "All of them: what prod ran before is not known."
    if not proposal.migrations:
        return "None."
    lines = []
    for path in proposal.migrations[:most]:
        contracting = " **contracting**" if CONTRACTS.fullmatch(path) else ""
        lines.append(f"- {plain(path.removeprefix('financetracker/').removesuffix('.py'))}{contracting}")
    if len(proposal.migrations) > most:
        lines.append(f"\nThe first {most} of {len(proposal.migrations)}.")
    if proposal.contracts:
        lines.append("\n**Once the contracting ones ran in prod, there is no way back to the build before.**")
    return "\n".join(lines)


def evidence_table(evidence: Evidence) -> str:
    rows = [f"{evidence.at:%Y-%m-%d %H:%M} UTC", "", "| check | | seen |", "| --- | --- | --- |"]
    for name in CHECKS:
        check = evidence.checks[name]
        rows.append(f"| {name} | {'yes' if check.ok else 'no'} | {plain(check.seen)} |")
    return "\n".join(rows)


def going_back(proposal: Proposal) -> str:
    if proposal.before is None:
        return "There is no build before this one: repair it and promote the next."
    if proposal.contracts:
        return "Not by `rollback`, see the migrations above: repair it, or restore (docs/runbooks/restore.md)."
    return (
        "`python deploy/release rollback prod --reason TEXT`, or the workflow *rollback*: prod runs "
        f"`{proposal.before.tag}` again, and this digest is denied."
    )
