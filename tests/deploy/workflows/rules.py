"""What must hold of every workflow, as functions that say what does not, one sentence each."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from deploy.image.build import CLOCK
from tests.deploy.workflows.files import PROJECT, Workflow, needs
from tests.deploy.workflows.grants import APP, GRANTS, GROUPS, SECRETS

USES = re.compile(r"^\s*(?:- )?uses: *(\S+)(?: +# (\S.*))?$", re.MULTILINE)
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
VERSION = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+")
LATEST = re.compile(r"(?<![\w-])latest(?![\w])|-latest\b")
SECRET = re.compile(r"\bsecrets\.(\w+)")
RELEASES = re.compile(r"deploy/release (pin|promote|rollback|verify)\b")
NO_PLACE = ("pull_request_target", "workflow_run", "issue_comment")

Rule = Callable[[Workflow], Iterator[str]]


def rights(workflow: Workflow) -> Iterator[str]:
    """Nothing by default; each job what grants.py says, no more and no less."""
    if workflow.whole.get("permissions") != {}:
        yield "the workflow does not begin with permissions: {}"
    for name, job in workflow.jobs.items():
        given, granted = job.get("permissions"), GRANTS.get((workflow.name, name))
        if given is None or given != granted:
            yield f"{name} has {given}, and is granted {granted}"


def pinned_actions(workflow: Workflow) -> Iterator[str]:
    """What is not ours is named by its commit, with its version for people."""
    yield from unpinned(workflow.text)


def unpinned(text: str) -> Iterator[str]:
    for name, comment in USES.findall(text):
        if name.startswith("./"):
            continue
        if not PINNED.fullmatch(name):
            yield f"{name} is not pinned to a commit"
        elif not VERSION.fullmatch(comment):
            yield f"{name} does not name its version"
    if len(USES.findall(text)) != len(re.findall(r"\buses\b['\"]?:", text)):
        yield "a uses: is written in a way that is not looked at"


def no_latest(workflow: Workflow) -> Iterator[str]:
    """Nothing that means something else tomorrow."""
    for number, line in enumerate(workflow.text.splitlines(), 1):
        if LATEST.search(line.partition(" # ")[0]) and not line.lstrip().startswith("#"):
            yield f"line {number} says {line.strip()}"


def untrusted(workflow: Workflow) -> Iterator[str]:
    """A script is the same text for everybody: what somebody wrote reaches it as a variable."""
    for job, step in workflow.steps():
        if "${{" in str(step.get("run", "")):
            yield f"{job}: an expression stands in a script: {step['run'].strip()}"
        if "github-script" in str(step.get("uses", "")):
            yield f"{job}: a script in JavaScript"


def inputs(workflow: Workflow) -> Iterator[str]:
    """What a person types is one of a few words where it can be, and else has a type and a description."""
    given = (workflow.triggers.get("workflow_dispatch") or {}).get("inputs") or {}
    for name, one in given.items():
        if one.get("type") not in ("choice", "string", "boolean") or not one.get("description"):
            yield f"the input {name} has no type or no description"
        if name == "environment" and set(one.get("options") or ()) != {"staging", "prod"}:
            yield f"the input {name} is not one of staging and prod"


def secrets(workflow: Workflow) -> Iterator[str]:
    """Secrets belong to an environment, and only the jobs of grants.py may name them."""
    top = {key: part for key, part in workflow.whole.items() if key != "jobs"}
    if SECRET.search(yaml.safe_dump(top)):
        yield "a secret is given to every job"
    for name, job in workflow.jobs.items():
        written = yaml.safe_dump(job)
        used = set(SECRET.findall(written))
        place, allowed = SECRETS.get((workflow.name, name), ("", set()))
        if "secrets" in job or "toJSON(secrets" in written or "secrets[" in written:
            yield f"{name} passes secrets on"
        if used != allowed:
            yield f"{name} uses {sorted(used)}, and is allowed {sorted(allowed)}"
        said = job.get("environment")
        if not place and said is not None:
            yield f"{name} has the environment {said} without a secret that it needs"
        if place and (said is None if place == "either" else said != place):
            yield f"{name} has the environment {said}, and its secrets are in {place}"


def secretless(workflow: Workflow) -> Iterator[str]:
    """What builds and what scans runs code of others: it can write nothing and knows nothing."""
    for name in ("build", "scan", "tests", "test", "suite", "dependencies"):
        job = workflow.jobs.get(name, {})
        if "uses" in job:
            continue  # what it calls is looked at by itself
        if SECRET.search(yaml.safe_dump(job)) or "environment" in job:
            yield f"{name} can reach a secret"
        if "write" in (job.get("permissions") or {}).values():
            yield f"{name} may write"


def checkouts(workflow: Workflow) -> Iterator[str]:
    """The token that checks out is not left behind, where it would beat the App's at the next push."""
    for job, step in workflow.steps():
        keeps = step.get("with", {}).get("persist-credentials") is not False
        if keeps and str(step.get("uses")).startswith("actions/checkout@"):
            yield f"{job} keeps the token of its checkout"


def app_tokens(workflow: Workflow) -> Iterator[str]:
    """What writes does it as the App, narrowed to what the job needs: GITHUB_TOKEN's pushes start no checks."""
    for name, job in workflow.jobs.items():
        made = [step for step in job.get("steps", []) if "create-github-app-token@" in str(step.get("uses"))]
        asked = {
            key.removeprefix("permission-"): level
            for step in made
            for key, level in step["with"].items()
            if key.startswith("permission-")
        }
        if asked != APP.get((workflow.name, name), {}):
            yield f"{name} asks the App for {asked}, and is granted {APP.get((workflow.name, name), {})}"
        for step in job.get("steps", []):
            writes = RELEASES.search(str(step.get("run", "")))
            token = {**job.get("env", {}), **step.get("env", {})}.get("RELEASE_TOKEN")
            if writes and token != "${{ steps.app.outputs.token }}":
                yield f"{name}: {writes[1]} does not write as the App"


def gate(workflow: Workflow) -> Iterator[str]:
    """What a pull request needs always reports, and speaks for every job."""
    if "gate" not in workflow.jobs and "guard" not in workflow.jobs:
        return
    if set(workflow.triggers) != {"pull_request", "merge_group"}:
        yield f"a required check starts on {', '.join(workflow.triggers)}"
    for event, filters in workflow.triggers.items():
        if filters:
            yield f"a required check has a filter on {event}: where it does not start, it is waited for for ever"
    job = workflow.jobs.get("gate", {})
    if str(job.get("if")) != "always()":
        yield "gate is skipped when another job fails, and a skipped check counts as passed"
    missing = set(workflow.jobs) - {"gate"} - set(needs(job))
    if missing:
        yield f"gate does not wait for {', '.join(sorted(missing))}"
    for name in ("guard", "gate"):
        if workflow.jobs.get(name, {}).get("name") != name:
            yield f"{name} is not called {name} where the ruleset looks"
    for name in set(workflow.jobs) - {"gate"}:
        if "if" in workflow.jobs[name] or "continue-on-error" in yaml.safe_dump(workflow.jobs[name]):
            yield f"{name} can be skipped or may fail"


def guard_is_ours(workflow: Workflow) -> Iterator[str]:
    """The guard's program is the base's; what is proposed is read, and never run."""
    job = workflow.jobs.get("guard")
    if job is None:
        return
    folders = {
        step["with"].get("path"): step["with"].get("ref")
        for step in job["steps"]
        if str(step.get("uses")).startswith("actions/checkout@")
    }
    if folders != {"base": "${{ env.BASE }}", "head": "${{ env.HEAD }}"}:
        yield f"guard checks out {folders}"
    for step in job["steps"]:
        if re.search(r"\bhead/", str(step.get("run", "")) + str(step.get("uses", ""))):
            yield "guard runs what is proposed"
        if "run" in step and not step["run"].startswith("python base/deploy/release guard --clone head "):
            yield f"guard runs {step['run']}"


def groups(workflow: Workflow) -> Iterator[str]:
    """In staging the newest wins and nothing is cut off; nothing ever stands in the way of a rollback."""
    whole = workflow.whole.get("concurrency") or {}
    if "status" in workflow.triggers and whole:
        yield "a status of somebody else's takes the place of one that waits"
    for name, job in workflow.jobs.items():
        wanted = GROUPS.get((workflow.name, name))
        given = job.get("concurrency") or {}
        if wanted and (given.get("group"), given.get("cancel-in-progress")) != wanted:
            yield f"{name} has the group {given}, not {wanted[0]}, cancelling: {wanted[1]}"
        if (
            "environment" in job
            and {**whole, **given}.get("cancel-in-progress") is not False
            and name != "publish"
        ):
            yield f"{name} writes, and can be cut off"
    if workflow.name == "rollback.yml" and (
        "${{ github.run_id }}" not in str(whole.get("group")) or whole.get("cancel-in-progress") is not False
    ):
        yield "a rollback can be cancelled, or replaced while it waits"


def loop_guards(workflow: Workflow) -> Iterator[str]:
    """Whatever is built is asked first whether it is the release's own doing."""
    if "push" not in workflow.triggers:
        return
    filters = workflow.triggers["push"]
    own = ["deploy/overlays/**", "deploy/evidence/**", "deploy/denylist.txt"]
    if filters.get("branches") != ["main"] or not set(own) <= set(filters.get("paths-ignore", [])):
        yield f"what the release writes starts it: {filters}"
    for name, job in workflow.jobs.items():
        if name != "ours" and not (needs(job) == ["ours"] or set(needs(job)) & {"test", "build"}):
            yield f"{name} does not wait for ours"
        if needs(job) == ["ours"] and job.get("if") != "needs.ours.outputs.ours == 'false'":
            yield f"{name} goes on whatever ours says"


def bounded(workflow: Workflow) -> Iterator[str]:
    """Nothing runs for six hours, which is GitHub's own limit."""
    for name, job in workflow.jobs.items():
        if "uses" not in job and not 0 < job.get("timeout-minutes", 0) <= 120:
            yield f"{name} has no limit of its own"
    for event in NO_PLACE:
        if event in workflow.triggers:
            yield f"{event} gives what a stranger wrote the rights of ours"


def one_build(workflow: Workflow) -> Iterator[str]:
    """The image of a pull request and of main are built as deploy/image builds them, with the pinned cosign."""
    asked = re.search(
        r"sigstore/cosign/v3 v([0-9.]+)", (PROJECT / "deploy/tools/cosign/go.mod").read_text("utf-8")
    )
    for job, step in workflow.steps():
        given: Mapping[str, Any] = step.get("with", {})
        if "docker/build-push-action@" in str(step.get("uses")):
            arguments = str(given.get("build-args"))
            if f"SOURCE_DATE_EPOCH={CLOCK}" not in arguments or "REVISION=${{ github.sha }}" not in arguments:
                yield f"{job} builds with another clock, or without its commit"
            if "rewrite-timestamp=true" not in str(given.get("outputs")) or given.get("provenance") is not False:
                yield f"{job} builds something else each time"
            if given.get("push") is not False or "type=oci" not in str(given.get("outputs")):
                yield f"{job} pushes what nobody has scanned"
        other = asked is None or given.get("cosign-release") != f"v{asked[1]}"
        if other and "cosign-installer@" in str(step.get("uses")):
            yield f"{job} uses another cosign than deploy/tools"


RULES: tuple[Rule, ...] = (
    rights, pinned_actions, no_latest, untrusted, inputs, secrets, secretless, checkouts, app_tokens, gate,
    guard_is_ours, groups, loop_guards, bounded, one_build,
)  # fmt: skip


def findings(workflow: Workflow) -> list[str]:
    """Everything that does not hold of one workflow."""
    return [f"{workflow.name}: {rule.__name__}: {found}" for rule in RULES for found in rule(workflow)]
