"""What an owner sets on GitHub's pages, as the API shows it: rules, environments, names of secrets, Actions."""

from typing import Any

from deploy.e2e.github.calls import Call, Route, route
from deploy.e2e.github.world import Refusal


def repository(call: Call) -> tuple[int, Any]:
    world = call.world
    methods = world.settings["merge_methods"]
    return 200, {
        "full_name": world.name, "default_branch": "main",
        "html_url": f"{world.address}/{world.name}",
        "delete_branch_on_merge": world.settings["delete_branch_on_merge"],
        "squash_merge_commit_message": world.settings["squash_merge_commit_message"],
        "allow_squash_merge": "squash" in methods, "allow_merge_commit": "merge" in methods,
        "allow_rebase_merge": "rebase" in methods,
        "permissions": {"push": call.token.may("contents", "write"), "pull": True},
    }  # fmt: skip


def rulesets(call: Call) -> tuple[int, Any]:
    """The list has neither rules nor conditions: each has to be asked for alone."""
    short = ("id", "name", "target", "enforcement")
    return 200, [{key: one[key] for key in short} for one in call.world.settings["rulesets"]]


def ruleset(call: Call) -> tuple[int, Any]:
    """Who may pass by the rules is shown to nobody but those who could change them."""
    for one in call.world.settings["rulesets"]:
        if str(one["id"]) == call.parts["id"]:
            if call.token.may("administration", "write"):
                return 200, one
            return 200, {key: value for key, value in one.items() if key != "bypass_actors"}
    raise Refusal(404, "Not Found")


def known_environment(call: Call) -> str:
    name = call.parts["environment"]
    if name not in call.world.settings["environments"]:
        raise Refusal(404, "Not Found")
    return name


def environment(call: Call) -> tuple[int, Any]:
    name = known_environment(call)
    branches = call.world.settings["deployment_branches"].get(name)
    limited = None
    if branches is not None:
        limited = {
            "protected_branches": branches == "protected",
            "custom_branch_policies": branches != "protected",
        }
    rules = call.world.settings["protection_rules"].get(name, [])
    rules = [*rules, {"type": "branch_policy"}] if limited else rules
    return 200, {"name": name, "deployment_branch_policy": limited, "protection_rules": rules}


def environments(call: Call) -> tuple[int, Any]:
    return 200, {"environments": [{"name": name} for name in call.world.settings["environments"]]}


def branch_policies(call: Call) -> tuple[int, Any]:
    names = call.world.settings["deployment_branches"].get(known_environment(call)) or []
    return 200, {"branch_policies": [{"name": name, "type": "branch"} for name in names]}


def environment_secrets(call: Call) -> tuple[int, Any]:
    """Names alone: nobody can read a secret back."""
    return 200, {
        "secrets": [{"name": one} for one in call.world.settings["environments"][known_environment(call)]]
    }


def environment_variables(call: Call) -> tuple[int, Any]:
    found = call.world.settings["environment_variables"].get(known_environment(call), {})
    return 200, {"variables": [{"name": key, "value": value} for key, value in found.items()]}


def owners_errors(call: Call) -> tuple[int, Any]:
    """What is wrong with CODEOWNERS; without such a file there is nothing to ask about."""
    if call.world.settings["owners_errors"] is None:
        raise Refusal(404, "Not Found")
    return 200, {"errors": call.world.settings["owners_errors"]}


def secrets(call: Call) -> tuple[int, Any]:
    return 200, {"secrets": [{"name": one} for one in call.world.settings["secrets"]]}


def variables(call: Call) -> tuple[int, Any]:
    found = call.world.settings["variables"]
    return 200, {"variables": [{"name": key, "value": value} for key, value in found.items()]}


ROUTES: list[Route] = [
    route("GET", "", "metadata:read", repository),
    route("GET", "/rulesets", "metadata:read", rulesets),
    route("GET", "/rulesets/{id}", "metadata:read", ruleset),
    route(
        "GET", "/rules/branches/{branch...}", "metadata:read",
        lambda call: (200, call.world.rules(call.parts["branch"])),
    ),
    route("GET", "/environments", "actions:read", environments),
    route("GET", "/environments/{environment}", "actions:read", environment),
    route("GET", "/environments/{environment}/deployment-branch-policies", "actions:read", branch_policies),
    route("GET", "/environments/{environment}/secrets", "environments:read", environment_secrets),
    route("GET", "/environments/{environment}/variables", "environments:read", environment_variables),
    route("GET", "/codeowners/errors", "contents:read", owners_errors),
    route("GET", "/hooks", "repository_hooks:read", lambda call: (200, call.world.settings["hooks"])),
    route("GET", "/actions/secrets", "secrets:read", secrets),
    route("GET", "/actions/variables", "variables:read", variables),
    route(
        "GET", "/actions/permissions", "administration:read",
        lambda call: (200, call.world.settings["actions"]),
    ),
    route(
        "GET", "/actions/permissions/workflow", "administration:read",
        lambda call: (200, call.world.settings["workflow"]),
    ),
]  # fmt: skip
