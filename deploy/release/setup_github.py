"""What of docs/setup.md GitHub's API can say: rules, environments, names of secrets, Actions, hooks."""

import re
from typing import Any
from urllib.parse import urlsplit

from deploy.release.github import GitHub, NotThere
from deploy.release.images import ENVIRONMENTS, overlay, pinned
from deploy.release.setup_here import hosts
from deploy.release.verdicts import Item, Look, Place, Verdict, fine, judged, on_github, unknown, wrong

CHECKS = {"gate", "guard"}
ACTIONS = 15368  # GitHub Actions itself, as an App: nobody else's check of that name counts
RULES = {
    "deletion": "main can be deleted",
    "non_fast_forward": "main can be overwritten",
    "required_linear_history": "merge commits are allowed",
    "pull_request": "no pull request is needed",
}
# By environment: secrets, and variables with the form that each must have.
ADDRESS = r"https://[a-z0-9.-]+/?"
NEEDED: dict[str, tuple[set[str], dict[str, str]]] = {
    "staging": (
        {"RELEASE_APP_KEY", "SLACK_WEBHOOK_URL"},
        {"RELEASE_APP_ID": r"[0-9]+", "ARGOCD_APP": r"[\w.-]+\[bot\]", "URL": ADDRESS},
    ),
    "prod": ({"RELEASE_APP_KEY", "SLACK_WEBHOOK_URL"}, {"RELEASE_APP_ID": r"[0-9]+", "URL": ADDRESS}),
    "registry": ({"DOCKERHUB_TOKEN"}, {"DOCKERHUB_USERNAME": r"[a-z0-9_-]+"}),
}


def token(place: Place, hub: GitHub) -> Verdict:
    try:
        whole = hub.get("")
    except NotThere:
        return wrong(f"there is no repository {hub.repository}, or this token may not see it")
    if whole["default_branch"] != place.given.branch:
        return wrong(f"the default branch is {whole['default_branch']}, not {place.given.branch}")
    return fine(f"{whole['full_name']} answers")


def merging(_: Place, hub: GitHub) -> Verdict:
    whole = hub.get("")
    if "allow_squash_merge" not in whole:
        return unknown("this token may not look: use one of an administrator")
    faults = []
    if not whole["allow_squash_merge"]:
        faults.append("squash merging is not allowed")
    if whole.get("squash_merge_commit_message") != "COMMIT_MESSAGES":
        faults.append("a squash does not keep the message of its commit, and with it what was promoted")
    if not whole["delete_branch_on_merge"]:
        faults.append("merged branches are not deleted")
    return judged(faults, "squash, with the commit's message; the branch goes")


def actions(_: Place, hub: GitHub) -> Verdict:
    found = hub.get("/actions/permissions")
    faults = []
    if not found["enabled"]:
        faults.append("Actions are off")
    if found.get("allowed_actions") not in ("selected", "local_only"):
        faults.append("any action of anybody may be used")
    if not found.get("sha_pinning_required"):
        faults.append("actions need not be pinned to a commit")
    return judged(faults, "selected actions, pinned to commits")


def workflow_token(_: Place, hub: GitHub) -> Verdict:
    found = hub.get("/actions/permissions/workflow")
    faults = []
    if found["default_workflow_permissions"] != "read":
        faults.append("workflows may write by default")
    if found["can_approve_pull_request_reviews"]:
        faults.append("workflows may approve pull requests")
    return judged(faults, "workflows read by default and approve nothing")


def owners(_: Place, hub: GitHub) -> Verdict:
    try:
        errors = hub.get("/codeowners/errors")["errors"]
    except NotThere:
        return wrong("there is no CODEOWNERS on main")
    return judged([f"line {one.get('line')}: {one.get('kind')}" for one in errors], "every owner is known")


def ruleset(place: Place, hub: GitHub) -> Verdict:
    rules = {rule["type"]: rule.get("parameters") or {} for rule in rules_of_main(place, hub)}
    faults = [said for kind, said in RULES.items() if kind not in rules]
    methods = rules.get("pull_request", {}).get("allowed_merge_methods", ["squash"])
    if methods != ["squash"]:
        faults.append(f"merging by {', '.join(sorted(methods))} is allowed, not by squash alone")
    return judged(faults, "a pull request, squashed; no force push, no deletion")


def rules_of_main(place: Place, hub: GitHub) -> list[dict[str, Any]]:
    return list(hub.every(f"/rules/branches/{place.given.branch}"))


def required_checks(place: Place, hub: GitHub) -> Verdict:
    sources: dict[str, object] = {}
    for rule in rules_of_main(place, hub):
        if rule["type"] == "required_status_checks":
            for one in rule["parameters"]["required_status_checks"]:
                sources[one["context"]] = one.get("integration_id")
    faults = [f"{name} is not required" for name in sorted(CHECKS - set(sources))]
    faults += [
        f"{name} may come from anybody, not from GitHub Actions alone"
        for name in sorted(CHECKS & set(sources))
        if sources[name] != ACTIONS
    ]
    return judged(faults, "gate and guard, from GitHub Actions")


def bypass(place: Place, hub: GitHub) -> Verdict:
    """GitHub shows who may pass by a rule only to those who could change it."""
    main = {"~DEFAULT_BRANCH", "~ALL", f"refs/heads/{place.given.branch}"}
    actors: list[dict[str, Any]] = []
    for short in hub.every("/rulesets"):
        if (short["target"], short["enforcement"]) != ("branch", "active"):
            continue
        whole = hub.get(f"/rulesets/{short['id']}")
        if not main & set(whole["conditions"]["ref_name"]["include"]):
            continue
        if "bypass_actors" not in whole:
            return unknown("only the token of an administrator shows who may pass by the rules")
        actors += whole["bypass_actors"]
    app = variables(hub, "staging").get("RELEASE_APP_ID", "")
    ours = [one for one in actors if (one["actor_type"], str(one["actor_id"])) == ("Integration", app)]
    others = sorted({f"{one['actor_type']} {one['actor_id']}" for one in actors if one not in ours})
    faults = [f"{', '.join(others)} may pass by the rules"] if others else []
    if not ours:
        faults.append(f"the App {app or '(RELEASE_APP_ID is not set)'} may not: it could not pin")
    return judged(faults, f"the App {app} alone")


def variables(hub: GitHub, environment: str) -> dict[str, str]:
    listed = hub.every(f"/environments/{environment}/variables", "variables")
    return {one["name"]: one["value"] for one in listed}


def app(_: Place, hub: GitHub) -> Verdict:
    found = {name: variables(hub, name).get("RELEASE_APP_ID", "") for name in ENVIRONMENTS}
    faults = [f"RELEASE_APP_ID of {name} is no number" for name, one in found.items() if not one.isdecimal()]
    if len(set(found.values())) > 1:
        faults.append("staging and prod name two Apps")
    return judged(faults, f"App {found['staging']} in staging and prod")


def environment(name: str) -> Look:
    """Whether an environment is there, open to main alone, and has what the workflows take from it."""
    wanted, forms = NEEDED[name]

    def look(place: Place, hub: GitHub) -> Verdict:
        if name not in {one["name"] for one in hub.every("/environments", "environments")}:
            return wrong(f"there is no environment {name}")
        faults = open_to(place, hub, name)
        held = {one["name"] for one in hub.every(f"/environments/{name}/secrets", "secrets")}
        values = variables(hub, name)
        faults += [f"the secret {one} is missing" for one in sorted(wanted - held)]
        for key, form in forms.items():
            if key not in values:
                faults.append(f"the variable {key} is missing")
            elif not re.fullmatch(form, values[key]):
                faults.append(f"the variable {key} has not the right form")
            elif key == "URL" and urlsplit(values[key]).hostname not in hosts(place, name):
                faults.append(f"URL is {values[key]}, which {overlay(name)} does not answer to")
        if ("PROBE_EMAIL" in values) != ("PROBE_PASSWORD" in held):
            faults.append("of PROBE_EMAIL and PROBE_PASSWORD only one is set")
        return judged(faults, f"main alone; {len(wanted)} secrets and {len(forms)} variables are there")

    return on_github(look)


def open_to(place: Place, hub: GitHub, name: str) -> list[str]:
    """What is wrong with who may use an environment."""
    shown = hub.get(f"/environments/{name}")
    policy = shown.get("deployment_branch_policy")
    branches: set[str] = set()
    if policy and policy.get("custom_branch_policies"):
        listed = hub.every(f"/environments/{name}/deployment-branch-policies", "branch_policies")
        branches = {one["name"] for one in listed}
    # Protected in the older way, which a ruleset is not: where nothing is, that lets every branch in.
    others = "every protected branch" if policy and policy.get("protected_branches") else "every branch"
    faults = []
    if branches != {place.given.branch}:
        faults.append(f"{', '.join(sorted(branches)) or others} may use it, not {place.given.branch} alone")
    waits = {rule["type"] for rule in shown.get("protection_rules", [])} & {"required_reviewers", "wait_timer"}
    if waits:
        faults.append(f"a rollback would wait ({', '.join(sorted(waits))})")
    return faults


def repository_secrets(_: Place, hub: GitHub) -> Verdict:
    """A secret of the repository can be read by every workflow on every branch."""
    held = {one["name"] for one in hub.every("/actions/secrets", "secrets")}
    ours = set().union(*(wanted for wanted, _ in NEEDED.values())) | {"PROBE_PASSWORD"}
    faults = [f"{one} belongs into an environment" for one in sorted(held & ours)]
    return judged(faults, "none of ours: they are in the environments")


def image(place: Place, hub: GitHub) -> Verdict:
    values = {one["name"]: one["value"] for one in hub.every("/actions/variables", "variables")}
    if "IMAGE" not in values:
        return wrong("the variable IMAGE is missing")
    pins = {name: pinned(place.text(overlay(name))) for name in ENVIRONMENTS}
    faults = [
        f"{overlay(name)} takes {found.name if found else 'nothing'}, IMAGE is {values['IMAGE']}"
        for name, found in pins.items()
        if found is None or found.name != values["IMAGE"]
    ]
    return judged(faults, values["IMAGE"])


def hook(_: Place, hub: GitHub) -> Verdict:
    for one in hub.every("/hooks"):
        config = one.get("config") or {}
        if not str(config.get("url", "")).endswith("/api/webhook"):
            continue
        faults = [] if one.get("active") else ["it is switched off"]
        if not {"push", "*"} & set(one.get("events") or []):
            faults.append("it does not tell of a push")
        if config.get("content_type") != "json":
            faults.append("it does not send JSON")
        if str(config.get("insecure_ssl", "0")) != "0":
            faults.append("it does not check the certificate")
        code = (one.get("last_response") or {}).get("code")
        if code is not None and not 200 <= int(code) < 300:
            faults.append(f"Argo CD answered {code} the last time")
        return judged(faults, "Argo CD hears of a push at once")
    return wrong("no hook leads to Argo CD's /api/webhook: a commit is seen after 30 s only")


ITEMS_IMAGE = [Item("image", on_github(image))]
ITEMS_REPOSITORY = [
    Item("token", on_github(token)),
    Item("merging", on_github(merging)),
    Item("actions", on_github(actions)),
    Item("workflow-token", on_github(workflow_token)),
    Item("owners", on_github(owners)),
]
ITEMS_APP = [
    Item("app", on_github(app)),
    Item("app-permissions", yourself="GitHub, Settings of the organisation, GitHub Apps"),
]
ITEMS_RULES = [
    Item("ruleset", on_github(ruleset)),
    Item("required-checks", on_github(required_checks)),
    Item("bypass", on_github(bypass)),
]
ITEMS_ENVIRONMENTS = [
    *(Item(f"environment-{name}", environment(name)) for name in NEEDED),
    Item("repository-secrets", on_github(repository_secrets)),
]
ITEMS_HOOK = [Item("webhook", on_github(hook))]
