"""Pull requests, their comments and reviews, and merging them with Git's own merge."""

import re
from typing import Any

from deploy.e2e.github.calls import BODY, TITLE, Call, Route, route
from deploy.e2e.github.world import Pull, Refusal, World, invalid, now


def shown(world: World, pull: Pull, *, alone: bool = False) -> dict[str, Any]:
    """A pull request as the API writes it. Only one that is asked for alone says whether it can be merged."""
    page = f"{world.address}/{world.name}/pull/{pull.number}"
    made: dict[str, Any] = {
        "number": pull.number, "state": pull.state, "title": pull.title, "body": pull.body or None,
        "html_url": page, "draft": False, "user": {"login": pull.author}, "created_at": pull.created,
        "closed_at": pull.closed or None, "merged_at": (pull.closed or None) if pull.merged else None,
        "merge_commit_sha": pull.merged or None,
        "head": {"ref": pull.head, "sha": pull.sha, "label": f"{owner(world, pull)}:{pull.head}",
                 "repo": {"full_name": pull.fork or world.name}},
        "base": {"ref": pull.base, "sha": world.branch(pull.base), "label": f"{world.owner}:{pull.base}"},
    }  # fmt: skip
    if alone:
        made |= {"merged": bool(pull.merged), "mergeable": mergeable(world, pull)}
    return made


def owner(world: World, pull: Pull) -> str:
    """Whose branch it is."""
    return (pull.fork or world.name).partition("/")[0]


def mergeable(world: World, pull: Pull) -> bool | None:
    """GitHub begins to find out when it is asked first: until it is asked again, it does not know."""
    if pull.state != "open":
        return None
    looking_at = f"{pull.sha} {world.branch(pull.base)}"
    if pull.looked_at != looking_at:
        pull.looked_at = looking_at
        return None
    return merged_tree(world, pull) != ""


def merged_tree(world: World, pull: Pull) -> str:
    """The tree of base and head together; empty where they conflict."""
    done = world.try_git("merge-tree", "--write-tree", world.branch(pull.base), pull.sha)
    return done.stdout.split("\n", 1)[0] if done.returncode == 0 else ""


def wanted(call: Call) -> Pull:
    number = call.parts["number"]
    if not number.isdigit() or int(number) not in call.world.pulls:
        raise Refusal(404, "Not Found")
    return call.world.pulls[int(number)]


def listed(call: Call) -> tuple[int, Any]:
    """GitHub ignores a head that is not written OWNER:BRANCH, and then lists everything: so do we."""
    world, query = call.world, call.query
    state = query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise invalid("PullRequest", "invalid", "state")
    found = [pull for pull in world.pulls.values() if state in ("all", pull.state)]
    if ":" in query.get("head", ""):
        found = [pull for pull in found if f"{owner(world, pull)}:{pull.head}" == query["head"]]
    if "base" in query:
        found = [pull for pull in found if pull.base == query["base"]]
    found.sort(key=lambda pull: pull.number, reverse=query.get("direction", "desc") == "desc")
    return 200, [shown(world, pull) for pull in found]


def opened(call: Call) -> tuple[int, Any]:
    world = call.world
    title = call.text("title", "PullRequest", longest=TITLE)
    body = call.text("body", "Issue", longest=BODY, required=False)
    head = call.text("head", "PullRequest", longest=255).removeprefix(f"{world.owner}:")
    base = call.text("base", "PullRequest", longest=255)
    for name, branch in (("head", head), ("base", base)):
        if not world.branch(branch):
            raise invalid("PullRequest", "invalid", name)
    taken = (head, base, "")
    if any(pull.state == "open" and (pull.head, pull.base, pull.fork) == taken for pull in world.pulls.values()):
        message = f"A pull request already exists for {world.owner}:{head}."
        raise invalid("PullRequest", "custom", "", message)
    if not int(world.git("rev-list", "--count", f"refs/heads/{base}..refs/heads/{head}")):
        raise invalid("PullRequest", "custom", "", f"No commits between {base} and {head}")
    pull = Pull(world.next_number(), title, body, head, base, call.token.login, now(), sha=world.branch(head))
    world.pulls[pull.number] = pull
    return 201, shown(world, pull, alone=True)


def changed(call: Call) -> tuple[int, Any]:
    world, pull = call.world, wanted(call)
    title = call.text("title", "PullRequest", longest=TITLE) if "title" in call.body else pull.title
    body = call.text("body", "Issue", longest=BODY, required=False) if "body" in call.body else pull.body
    state = call.body.get("state", pull.state)
    if state not in ("open", "closed"):
        raise invalid("PullRequest", "invalid", "state")
    if state == "open" and pull.state == "closed":
        if pull.merged or not world.branch(pull.head):
            why = "is merged" if pull.merged else f"The {pull.head} branch has been deleted."
            raise invalid("PullRequest", "invalid", "state", f"state cannot be changed. {why}")
        pull.closed = ""
    if state == "closed" and pull.state == "open":
        pull.closed = now()
    pull.title, pull.body, pull.state = title, body, state
    return 200, shown(world, pull, alone=True)


def refuse_unproven(world: World, pull: Pull) -> None:
    """What the rules of the base ask of a pull request before it may be merged."""
    for rule in world.rules(pull.base):
        parameters = rule.get("parameters", {})
        if rule["type"] == "required_status_checks":
            for check in parameters["required_status_checks"]:
                if check["context"] not in successful(world, pull.sha, check.get("integration_id")):
                    raise Refusal(405, f'Required status check "{check["context"]}" is expected.')
            strict = parameters["strict_required_status_checks_policy"]
            if strict and not world.is_ancestor(world.branch(pull.base), pull.sha):
                raise Refusal(405, "This branch is out-of-date with the base branch.")
        if rule["type"] == "pull_request":
            stale = parameters["dismiss_stale_reviews_on_push"]
            approved = {one["user"] for one in pull.reviews if not stale or one["commit"] == pull.sha}
            needed = parameters["required_approving_review_count"]
            if len(approved) < needed:
                raise Refusal(
                    405, f"At least {needed} approving review is required by reviewers with write access."
                )


def successful(world: World, sha: str, app: int | None) -> set[str]:
    """The checks whose newest word about a commit is good; of an App's, only its check runs count."""
    last = {one["context"]: one["state"] for one in world.statuses if one["sha"] == sha and app is None}
    last |= {one["name"]: one["conclusion"] for one in world.checks if one["head_sha"] == sha}
    return {name for name, word in last.items() if word in ("success", "skipped", "neutral")}


def methods(world: World, base: str) -> set[str]:
    """The ways of merging that the repository and the rules of the base leave."""
    allowed = set(world.settings["merge_methods"])
    for rule in world.rules(base):
        if rule["type"] == "required_linear_history":
            allowed.discard("merge")
        if rule["type"] == "pull_request":
            allowed &= set(rule["parameters"].get("allowed_merge_methods", allowed))
    return allowed


def merged(call: Call) -> tuple[int, Any]:
    world, pull = call.world, wanted(call)
    method = call.body.get("merge_method", "merge")
    if method not in ("merge", "squash", "rebase"):
        raise Refusal(422, f"Invalid request.\n\n{method!r} is not a possible merge_method.")
    if pull.state != "open":
        raise Refusal(405, "Pull Request is not mergeable")
    if call.body.get("sha", pull.sha) != pull.sha:
        raise Refusal(409, "Head branch was modified. Review and try the merge again.")
    if method == "rebase" or method not in methods(world, pull.base):
        kind = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}[method]
        raise Refusal(405, f"{kind} are not allowed on this repository.")
    refuse_unproven(world, pull)
    tree = merged_tree(world, pull)
    if not tree:
        raise Refusal(405, "Pull Request is not mergeable")
    base = world.branch(pull.base)
    subject, text = squashed(world, pull) if method == "squash" else (f"Merge pull request #{pull.number}", "")
    message = call.body.get("commit_title", subject) + "\n\n" + call.body.get("commit_message", text)
    parents = ["-p", base] + (["-p", pull.sha] if method == "merge" else [])
    commit = world.git("commit-tree", tree, *parents, "-m", message.strip())
    if world.try_git("update-ref", f"refs/heads/{pull.base}", commit, base).returncode:
        raise Refusal(409, "Base branch was modified. Review and try the merge again.")
    pull.state, pull.closed, pull.merged = "closed", now(), commit
    if world.settings["delete_branch_on_merge"]:
        world.try_git("update-ref", "-d", f"refs/heads/{pull.head}", pull.sha)
    return 200, {"sha": commit, "merged": True, "message": "Pull Request successfully merged"}


def squashed(world: World, pull: Pull) -> tuple[str, str]:
    """Subject and text of a squash, as a repository's settings make them: a lone commit speaks for itself."""
    span = f"{world.branch(pull.base)}..{pull.sha}"
    log = world.git("log", "--reverse", "--format=%s%x1f%b%x1f.%x1e", span)
    commits = [entry.strip("\n").split("\x1f")[:2] for entry in log.split("\x1e") if entry]
    subject = commits[0][0] if len(commits) == 1 else pull.title
    text = (
        commits[0][1] if len(commits) == 1 else "\n\n".join(f"* {one}\n\n{more}".strip() for one, more in commits)
    )
    kinds = {"COMMIT_MESSAGES": text, "PR_BODY": pull.body, "BLANK": ""}
    return f"{subject} (#{pull.number})", kinds[world.settings["squash_merge_commit_message"]]


def reviewed(call: Call) -> tuple[int, Any]:
    pull = wanted(call)
    if call.body.get("event") == "APPROVE" and call.token.login == pull.author:
        raise Refusal(422, "Unprocessable Entity: Can not approve your own pull request")
    if call.body.get("event") == "APPROVE":
        pull.reviews.append({"user": call.token.login, "commit": pull.sha})
    return 200, {"state": call.body.get("event"), "user": {"login": call.token.login}}


def commented(call: Call) -> tuple[int, Any]:
    pull = wanted(call)
    comment: dict[str, Any] = {
        "id": call.world.next_number(), "issue": pull.number, "user": {"login": call.token.login},
        "body": call.text("body", "IssueComment", longest=BODY), "created_at": now(),
    }  # fmt: skip
    call.world.comments[comment["id"]] = comment
    return 201, comment


def comments(call: Call) -> tuple[int, Any]:
    number = wanted(call).number
    return 200, [one for one in call.world.comments.values() if one["issue"] == number]


def comment_changed(call: Call) -> tuple[int, Any]:
    found = call.world.comments.get(int(re.sub(r"\D", "", call.parts["id"]) or 0))
    if found is None:
        raise Refusal(404, "Not Found")
    found["body"] = call.text("body", "IssueComment", longest=BODY)
    return 200, found


ROUTES: list[Route] = [
    route("GET", "/pulls", "pull_requests:read", listed),
    route("POST", "/pulls", "pull_requests:write", opened),
    route(
        "GET", "/pulls/{number}", "pull_requests:read",
        lambda call: (200, shown(call.world, wanted(call), alone=True)),
    ),
    route("PATCH", "/pulls/{number}", "pull_requests:write", changed),
    route("PUT", "/pulls/{number}/merge", "contents:write", merged),
    route("POST", "/pulls/{number}/reviews", "pull_requests:write", reviewed),
    route("GET", "/issues/{number}/comments", "pull_requests:read", comments),
    route("POST", "/issues/{number}/comments", "pull_requests:write", commented),
    route("PATCH", "/issues/comments/{id}", "pull_requests:write", comment_changed),
]  # fmt: skip
