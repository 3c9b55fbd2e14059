"""`doctor` sees what is not set up as docs/setup.md asks, and names the same items."""

import argparse
import copy
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.e2e.github.server import StandIn
from deploy.e2e.github.world import PERMISSIONS, Token
from deploy.release.doctor import ITEMS
from deploy.release.github import GitHub
from deploy.release.images import overlay
from deploy.release.setup_cluster import ITEMS_CLUSTER
from deploy.release.setup_github import NEEDED
from deploy.release.setup_here import find_cluster
from deploy.release.verdicts import Place
from tests.deploy.release.house import REPOSITORY, House

NAME = "house/books"
TOKEN = "t-secret"
ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "setup.md").read_text(encoding="utf-8")
IMAGE = "127.0.0.1:1/house/books"  # where nobody answers
HOSTS = {"staging": "staging.books.house", "prod": "books.house"}

IN_CLUSTER = {item.id for item in ITEMS_CLUSTER}

# Answers like kubectl, from files in a folder: KIND.NAME.json; without one it says NotFound. The names of a
# Secret's keys stand in KIND.NAME.keys.
KUBECTL = """#!/bin/sh
printf '%s\\n' "$*" >> "$CLUSTER/asked"
[ "$1" = --context ] && shift 2
case "$1 $2" in
"config current-context") echo house; exit 0 ;;
"get --raw")
    [ -e "$CLUSTER/down" ] || exit 0
    echo "The connection to the server was refused" >&2
    exit 1 ;;
esac
[ "$1" = get ] || exit 9
kind=$2 name=$3
[ -e "$CLUSTER/closed" ] && { echo "Error from server (Forbidden): ana cannot get resource $kind" >&2; exit 1; }
[ -e "$CLUSTER/$kind.$name.json" ] || { echo "Error from server (NotFound): $kind $name not found" >&2; exit 1; }
while [ $# -gt 1 ]; do shift; done
case "$1" in -o=go-template*) cat "$CLUSTER/$kind.$name.keys" ;; *) cat "$CLUSTER/$kind.$name.json" ;; esac
"""


@dataclass
class Ward:
    """A house, its GitHub and its cluster, all set up as the page asks."""

    home: House
    hub: StandIn
    cluster: Path
    env: dict[str, str] = field(default_factory=dict)

    def look(self, *arguments: str, **env: str) -> dict[str, tuple[str, str]]:
        """Word and sentence of each item."""
        done = self.home.run("doctor", "--json", *arguments, **(self.env | env))
        assert TOKEN not in done.out + done.err
        assert done.err == "", done
        found = {name: (one["word"], one["said"]) for name, one in done.json["items"].items()}
        assert done.status == ("wrong" in {word for word, _ in found.values()})
        return found

    def see(self, *names: str, token: str = TOKEN) -> dict[str, tuple[str, str]]:
        """The same of some items, without a process of its own."""
        given = argparse.Namespace(clone=self.home.clone, remote="origin", branch="main", context="")
        place = Place(given, GitHub(NAME, token, self.hub.url, patience=0), "")
        if IN_CLUSTER & set(names):
            find_cluster(place)
        looks = {item.id: item.look for item in ITEMS}
        found = {}
        for name in names:
            look = looks[name]
            assert look is not None
            verdict = look(place)
            found[name] = (verdict.word, verdict.said)
        return found

    @property
    def settings(self) -> dict[str, Any]:
        return self.hub.world.settings

    def parameters(self, kind: str) -> dict[str, Any]:
        """What one rule of main asks for."""
        rules = self.settings["rulesets"][0]["rules"]
        made: dict[str, Any] = next(rule for rule in rules if rule["type"] == kind)["parameters"]
        return made

    def object(self, kind: str, name: str, change: Callable[[Any], object] | None = None) -> None:
        """Changes an object of the cluster; without a change it is gone."""
        path = self.cluster / f"{kind}.{name}.json"
        if change is None:
            path.unlink()
            return
        whole = json.loads(path.read_text())
        change(whole)
        keep(path, whole)


def keep(path: Path, whole: dict[str, Any]) -> None:
    """Writes an object of the cluster, and the names of its keys."""
    path.write_text(json.dumps(whole))
    path.with_suffix(".keys").write_text("\n".join(whole.get("data", {})))


def furnish(home: House, cluster: Path) -> None:
    """Gives the house its names, and the cluster what Git has."""
    shutil.copytree(ROOT / "deploy" / "argocd", home.clone / "deploy" / "argocd")
    for environment, host in HOSTS.items():
        path = home.clone / overlay(environment)
        text = re.sub(r"(staging\.)?financetracker\.example\.org", host, path.read_text())
        path.write_text(text.replace(REPOSITORY, IMAGE))
        for kind in ("app", "project"):
            file = home.clone / f"deploy/argocd/{kind}-{environment}.yaml"
            file.write_text(file.read_text().replace("financetracker/financetracker.git", f"{NAME}.git"))
    home.git("add", "-A")
    home.git("commit", "-q", "-m", "Names")
    home.git("push", "-q", "origin", "main")
    kinds = {"Application": "applications.argoproj.io", "AppProject": "appprojects.argoproj.io"}
    cluster.mkdir()
    for file in (home.clone / "deploy" / "argocd").glob("*-*.yaml"):
        write(cluster, kinds, file)
    for name in ("notifications", "settings"):
        write(cluster, kinds, home.clone / "deploy" / "argocd" / f"{name}.yaml")
    server = {"spec": {"template": {"spec": {"containers": [{"image": "quay.io/argoproj/argocd:v3.2.1"}]}}}}
    (cluster / "deployment.argocd-server.json").write_text(json.dumps(server))
    keys = ["slack-token", "github-app-id", "github-installation-id", "github-private-key"]
    secret = {"data": dict.fromkeys(keys, "c2VjcmV0")}
    keep(cluster / "secret.argocd-notifications-secret.json", secret)


def write(cluster: Path, kinds: dict[str, str], file: Path) -> None:
    """The objects of a file as the cluster has them: with what Argo CD and others add."""
    for one in yaml.safe_load_all(file.read_text()):
        one["status"] = {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}
        for part in {"spec", "data"} & set(one):
            one[part]["added"] = "by somebody"
        name = f"{kinds.get(one['kind'], one['kind'].lower())}.{one['metadata']['name']}.json"
        (cluster / name).write_text(json.dumps(one))


def settings() -> dict[str, Any]:
    """A GitHub where every item of the page is done."""
    checks = [{"context": name, "integration_id": 15368} for name in ("gate", "guard")]
    rules = [
        {"type": "deletion"}, {"type": "non_fast_forward"}, {"type": "required_linear_history"},
        {"type": "pull_request", "parameters": {"allowed_merge_methods": ["squash"]}},
        {"type": "required_status_checks", "parameters": {"required_status_checks": checks}},
    ]  # fmt: skip
    ruleset = {
        "id": 1, "name": "main", "target": "branch", "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "bypass_actors": [{"actor_id": 4711, "actor_type": "Integration", "bypass_mode": "always"}],
        "rules": rules,
    }  # fmt: skip
    variables: dict[str, dict[str, str]] = {
        name: {"RELEASE_APP_ID": "4711", "URL": f"https://{host}"} for name, host in HOSTS.items()
    }
    variables["staging"]["ARGOCD_APP"] = "house-argocd[bot]"
    variables["registry"] = {"DOCKERHUB_USERNAME": "house"}
    hook = {
        "active": True, "events": ["push"], "last_response": {"code": 200},
        "config": {"url": "https://argocd.house/api/webhook", "content_type": "json", "insecure_ssl": "0"},
    }  # fmt: skip
    return {
        "rulesets": [ruleset],
        "environments": {name: sorted(secrets) for name, (secrets, _) in NEEDED.items()},
        "environment_variables": variables,
        "deployment_branches": {name: ["main"] for name in NEEDED},
        "variables": {"IMAGE": IMAGE},
        "hooks": [{"config": {"url": "https://elsewhere"}}, hook],
    }


@pytest.fixture(scope="module")
def furnished(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("furnished")
    shutil.copytree(built, folder / "house", symlinks=True)
    home = House(folder / "house")
    home.git("remote", "set-url", "origin", str(home.remote))
    furnish(home, folder / "cluster")
    return folder


@pytest.fixture
def ward(furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    """A GitHub and a cluster of one's own before the shared house: see `moved_out`."""
    home = House(furnished / "house")
    cluster = tmp_path / "cluster"
    shutil.copytree(furnished / "cluster", cluster)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "kubectl").write_text(KUBECTL)
    (programs / "kubectl").chmod(0o755)
    tokens = {TOKEN: Token("owner", PERMISSIONS | {"administration": "write"}), "t-app": Token()}
    with StandIn(home.remote, NAME, tokens, settings=copy.deepcopy(settings())) as hub:
        env = {
            "GITHUB_REPOSITORY": NAME, "GITHUB_API_URL": hub.url, "RELEASE_TOKEN": TOKEN, "RELEASE_PATIENCE": "0",
            "CLUSTER": str(cluster), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/x",
        }  # fmt: skip
        for name in ("PATH", "CLUSTER", "GITHUB_REPOSITORY", "SLACK_WEBHOOK_URL"):
            monkeypatch.setenv(name, env[name])
        yield Ward(home, hub, cluster, env)


def moved_out(ward: Ward, folder: Path) -> House:
    """The house copied, to be changed."""
    shutil.copytree(ward.home.folder, folder / "house", symlinks=True)
    ward.home = House(folder / "house")
    ward.home.git("remote", "set-url", "origin", str(ward.home.remote))
    return ward.home


# --- The page


def test_the_page_and_the_program_name_the_same_items_in_the_same_order() -> None:
    assert re.findall(r"^### `([a-z-]+)`$", PAGE, re.MULTILINE) == [item.id for item in ITEMS]
    assert len({item.id for item in ITEMS}) == len(ITEMS)


def test_the_page_names_every_secret_and_variable_where_it_belongs() -> None:
    for name, (secrets, variables) in NEEDED.items():
        section = PAGE.partition(f"### `environment-{name}`\n")[2].partition("\n#")[0]
        assert set(re.findall(r"`([A-Z_]+)`", section)) >= secrets | set(variables), name


def workflows() -> list[Path]:
    found = sorted((ROOT / ".github").rglob("*.yml"))
    if not found:
        pytest.skip("there are no workflows yet")
    return found


def test_the_page_allows_every_action_that_a_workflow_uses() -> None:
    listed = set(re.findall(r"^([a-z][\w/.-]+)@\*,$", PAGE, re.MULTILINE))
    text = "".join(path.read_text() for path in workflows())
    used = {name for name in re.findall(r"uses: ([a-z][\w/.-]+)@", text) if not name.startswith("actions/")}
    assert used == listed


def test_every_secret_and_variable_of_a_workflow_is_an_item() -> None:
    text = "".join(path.read_text() for path in workflows())
    used = set(re.findall(r"\b(?:secrets|vars)\.([A-Z_]+)", text))
    known = {"IMAGE", "PROBE_EMAIL", "PROBE_PASSWORD"}
    for secrets, variables in NEEDED.values():
        known |= secrets | set(variables)
    assert used == known


# --- Everything in order


def test_what_is_set_up_is_found_to_be(ward: Ward) -> None:
    found = ward.look()
    wrong = {name: one for name, one in found.items() if one[0] == "wrong"}
    assert wrong == {}
    unseen = {name for name, one in found.items() if one[0] == "unknown"}
    assert unseen - {"cosign", "registry"} == {
        "app-permissions",
        "registry-token",
        "immutable-tags",
        "slack-app",
        "probe",
    }
    assert found["bypass"] == ("ok", "the App 4711 alone")
    assert found["token"] == ("ok", f"{NAME} answers")
    for name in ("app-permissions", "probe"):
        assert found[name][1].startswith("look yourself: ")


def test_it_prints_a_line_for_each_item_and_what_it_comes_to(ward: Ward) -> None:
    ward.settings["hooks"] = []
    done = ward.home.run("doctor", **ward.env)
    lines = done.out.splitlines()
    assert [line.split()[1] for line in lines[:-1]] == [item.id for item in ITEMS]
    assert {line.split()[0] for line in lines[:-1]} == {"ok", "wrong", "unknown"}
    assert re.fullmatch(r"\d+ are right, \d+ wrong, \d+ to be looked at by you: docs/setup.md says .*", lines[-1])
    assert done.status == 1


def test_nothing_is_changed_anywhere(ward: Ward) -> None:
    before = ward.home.everything()
    ward.look()
    assert ward.home.everything() == before
    assert {one["method"] for one in ward.hub.requests} == {"GET"}
    asked = (ward.cluster / "asked").read_text().splitlines()
    assert {line.removeprefix("--context house ").split()[0] for line in asked} == {"config", "get"}
    assert "c2VjcmV0" not in "".join(said for _, said in ward.look().values())


# --- What is wrong on GitHub


def no_rule(kind: str) -> Callable[[Ward], None]:
    def change(ward: Ward) -> None:
        one = ward.settings["rulesets"][0]
        one["rules"] = [rule for rule in one["rules"] if rule["type"] != kind]

    return change


def put(*path: Any, to: Any) -> Callable[[Ward], None]:
    """Changes one place in the settings of GitHub."""

    def change(ward: Ward) -> None:
        inside = ward.settings
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "item", "said"),
    [
        (put("merge_methods", to=["merge"]), "merging", "squash merging is not allowed"),
        (put("squash_merge_commit_message", to="PR_BODY"), "merging", "does not keep the message"),
        (put("delete_branch_on_merge", to=False), "merging", "merged branches are not deleted"),
        (put("actions", "allowed_actions", to="all"), "actions", "any action of anybody"),
        (put("actions", "sha_pinning_required", to=False), "actions", "need not be pinned"),
        (put("actions", "enabled", to=False), "actions", "Actions are off"),
        (put("workflow", "default_workflow_permissions", to="write"), "workflow-token", "may write by default"),
        (put("workflow", "can_approve_pull_request_reviews", to=True), "workflow-token", "may approve"),
        (put("owners_errors", to=None), "owners", "there is no CODEOWNERS"),
        (put("owners_errors", to=[{"line": 3, "kind": "Unknown owner"}]), "owners", "line 3: Unknown owner"),
        (put("variables", to={}), "image", "the variable IMAGE is missing"),
        (put("variables", "IMAGE", to="docker.io/eve/books"), "image", "IMAGE is docker.io/eve/books"),
        (no_rule("deletion"), "ruleset", "main can be deleted"),
        (no_rule("non_fast_forward"), "ruleset", "main can be overwritten"),
        (no_rule("pull_request"), "ruleset", "no pull request is needed"),
        (put("rulesets", 0, "enforcement", to="disabled"), "ruleset", "no pull request is needed"),
        (put("rulesets", 0, "enforcement", to="evaluate"), "required-checks", "gate is not required; guard"),
        (no_rule("required_status_checks"), "required-checks", "gate is not required; guard is not required"),
        (put("rulesets", 0, "bypass_actors", to=[]), "bypass", "the App 4711 may not: it could not pin"),
        (put("environments", "prod", to=[]), "environment-prod", "secret RELEASE_APP_KEY is missing; the secret"),
        (put("environments", "staging", to=["RELEASE_APP_KEY"]), "environment-staging", "SLACK_WEBHOOK"),
        (put("environment_variables", "registry", to={}), "environment-registry", "DOCKERHUB_US"),
        (put("environment_variables", "prod", "URL", to="http://books.house"), "environment-prod", "URL has"),
        (put("environment_variables", "prod", "URL", to="https://staging.books.house"), "environment-prod",
         "deploy/overlays/prod/kustomization.yaml does not answer to"),
        (put("environment_variables", "prod", "RELEASE_APP_ID", to="4712"), "app", "name two Apps"),
        (put("environment_variables", "prod", "RELEASE_APP_ID", to="house"), "app", "of prod is no number"),
        (put("environment_variables", "staging", "PROBE_EMAIL", to="p@e.org"), "environment-staging", "only one"),
        (put("deployment_branches", "prod", to=None), "environment-prod", "every branch may use it"),
        (put("deployment_branches", "prod", to=["main", "x/*"]), "environment-prod", "main, x/* may use"),
        (put("deployment_branches", "prod", to="protected"), "environment-prod", "every protected branch may"),
        (put("protection_rules", "prod", to=[{"type": "required_reviewers"}]), "environment-prod", "would wait"),
        (put("secrets", to=["RELEASE_APP_KEY", "OTHER"]), "repository-secrets", "RELEASE_APP_KEY belongs"),
        (put("hooks", to=[]), "webhook", "no hook leads to Argo CD"),
        (put("hooks", 1, "active", to=False), "webhook", "switched off"),
        (put("hooks", 1, "events", to=["issues"]), "webhook", "does not tell of a push"),
        (put("hooks", 1, "config", "content_type", to="form"), "webhook", "does not send JSON"),
        (put("hooks", 1, "config", "insecure_ssl", to="1"), "webhook", "does not check the certificate"),
        (put("hooks", 1, "last_response", "code", to=401), "webhook", "answered 401 the last time"),
    ],
)  # fmt: skip
def test_what_is_wrong_on_github_is_named(
    ward: Ward, change: Callable[[Ward], None], item: str, said: str
) -> None:
    assert ward.see(item)[item][0] == "ok"
    change(ward)
    word, sentence = ward.see(item)[item]
    assert word == "wrong", sentence
    assert said in sentence


def test_an_application_that_may_pass_by_beside_ours_is_named(ward: Ward) -> None:
    ward.settings["rulesets"][0]["bypass_actors"] += [
        {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"},
        {"actor_id": 1, "actor_type": "Integration", "bypass_mode": "always"},
    ]
    assert ward.see("bypass")["bypass"] == ("wrong", "Integration 1, RepositoryRole 5 may pass by the rules")


def test_a_ruleset_of_another_branch_says_nothing_about_main(ward: Ward) -> None:
    ward.settings["rulesets"][0]["conditions"]["ref_name"]["include"] = ["refs/heads/other"]
    found = ward.see("ruleset", "required-checks", "bypass")
    assert [word for word, _ in found.values()] == ["wrong"] * 3


def test_a_check_of_any_source_is_wrong(ward: Ward) -> None:
    checks = ward.parameters("required_status_checks")["required_status_checks"]
    del checks[1]["integration_id"]
    said = "guard may come from anybody, not from GitHub Actions alone"
    assert ward.see("required-checks")["required-checks"] == ("wrong", said)


def test_other_ways_of_merging_are_wrong(ward: Ward) -> None:
    ward.parameters("pull_request")["allowed_merge_methods"] = ["squash", "rebase"]
    assert "by rebase, squash is allowed" in ward.see("ruleset")["ruleset"][1]


def test_what_a_token_may_not_see_is_unknown(ward: Ward) -> None:
    ward.hub.world.tokens["t-app"].permissions = {"contents": "write", "actions": "read"}
    found = ward.see("token", "ruleset", "bypass", "actions", "webhook", "environment-prod", token="t-app")
    may_not = ("unknown", "this token may not look: use one of an administrator")
    assert [word for word, _ in found.values()] == ["ok", "ok", "unknown", "unknown", "unknown", "unknown"]
    assert found["actions"] == found["webhook"] == found["environment-prod"] == may_not
    assert "only the token of an administrator" in found["bypass"][1]


def test_a_wrong_token_is_said_once_and_asked_once(ward: Ward) -> None:
    found = ward.see("token", "ruleset", "actions", token="t-wrong")
    assert [word for word, _ in found.values()] == ["wrong", "unknown", "unknown"]
    assert "expired or wrong" in found["token"][1]
    assert len(ward.hub.requests) == 1


def test_a_github_that_is_away_is_asked_once(ward: Ward) -> None:
    ward.hub.remaining = 0
    found = ward.see("token", "ruleset")
    assert [word for word, _ in found.values()] == ["unknown"] * 2
    assert "rate limit" in found["ruleset"][1]
    assert len(ward.hub.requests) == 1


def test_a_repository_that_is_not_there(ward: Ward) -> None:
    given = argparse.Namespace(clone=ward.home.clone, remote="origin", branch="main", context="")
    look = next(item.look for item in ITEMS if item.id == "token")
    assert look
    elsewhere = GitHub("house/none", TOKEN, ward.hub.url, patience=0)
    assert look(Place(given, elsewhere)).said.startswith("there is no repository house/none")
    given.branch = "trunk"
    assert look(Place(given, GitHub(NAME, TOKEN, ward.hub.url))).said == "the default branch is main, not trunk"


# --- What is wrong in the cluster


def old(whole: Any) -> None:
    whole["spec"]["template"]["spec"]["containers"][0]["image"] = "quay.io/argoproj/argocd:v3.1.9"


def by_digest(whole: Any) -> None:
    whole["spec"]["template"]["spec"]["containers"][0]["image"] = "quay.io/argoproj/argocd@sha256:12"


@pytest.mark.parametrize(
    ("kind", "name", "change", "verdict"),
    [
        ("deployment", "argocd-server", None, ("argocd", "wrong", "there is no deployment argocd-server")),
        ("deployment", "argocd-server", old, ("argocd", "wrong", "v3.1.9 is too old")),
        ("deployment", "argocd-server", by_digest, ("argocd", "unknown", "its version cannot be read")),
        ("deployment", "argocd-server", dict.clear, ("argocd", "unknown", "the answer is not understood")),
        ("configmap", "argocd-cm", lambda one: one["data"].pop("timeout.reconciliation"),
         ("argocd-settings", "wrong", "argocd-cm differs from Git in timeout.reconciliation")),
        ("configmap", "argocd-notifications-cm", lambda one: one["data"].update({"trigger.deployed": "x"}),
         ("notifications", "wrong", "argocd-notifications-cm differs from Git in trigger.deployed")),
        ("applications.argoproj.io", "financetracker-prod", lambda one: one["spec"]["syncPolicy"].pop("automated"),
         ("applications", "wrong", "financetracker-prod differs from Git in syncPolicy.automated")),
        ("applications.argoproj.io", "financetracker-prod",
         lambda one: one["spec"]["source"].update(repoURL="https://github.com/eve/books.git"),
         ("applications", "wrong", "financetracker-prod differs from Git in source.repoURL")),
        ("applications.argoproj.io", "financetracker-staging", lambda one: one["status"].pop("health"),
         ("applications", "wrong", "staging is Synced and unknown")),
        ("appprojects.argoproj.io", "financetracker-staging", None,
         ("applications", "wrong", "there is no appprojects.argoproj.io financetracker-staging")),
        ("appprojects.argoproj.io", "financetracker-prod", lambda one: one["spec"]["sourceRepos"].append("*"),
         ("applications", "wrong", "financetracker-prod differs from Git in sourceRepos")),
        ("secret", "argocd-notifications-secret", lambda one: one["data"].pop("slack-token"),
         ("notifications-secret", "wrong", "slack-token is missing")),
        ("secret", "argocd-notifications-secret", None,
         ("notifications-secret", "wrong", "there is no secret argocd-notifications-secret")),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_cluster_is_named(
    ward: Ward, kind: str, name: str, change: Callable[[Any], object] | None, verdict: tuple[str, str, str]
) -> None:
    item, word, said = verdict
    ward.object(kind, name, change)
    found = ward.see(item)[item]
    assert found[0] == word
    assert said in found[1]


def test_a_cluster_that_is_away_or_closed_is_unknown(ward: Ward) -> None:
    (ward.cluster / "closed").touch()
    assert ward.see("notifications-secret")["notifications-secret"] == (
        "unknown", "Error from server (Forbidden): ana cannot get resource secret"
    )  # fmt: skip
    (ward.cluster / "down").touch()
    said = "the cluster house does not answer: The connection to the server was refused"
    assert ward.see("argocd")["argocd"] == ("unknown", said)


def test_without_kubectl_the_cluster_is_unknown(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert ward.see("argocd")["argocd"] == ("unknown", "kubectl is not here")


# --- What is wrong here


def test_names_that_nobody_chose_are_wrong(ward: Ward, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    moved_out(ward, tmp_path)
    assert ward.see("names")["names"][0] == "ok"
    monkeypatch.setenv("GITHUB_REPOSITORY", "eve/books")
    said = f"deploy/argocd/app-staging.yaml follows https://github.com/{NAME}.git, not eve/books"
    assert said in ward.see("names")["names"][1]
    path = ward.home.clone / overlay("prod")
    path.write_text(path.read_text().replace(HOSTS["prod"], "financetracker.example.org"))
    assert "prod is still called financetracker.example.org" in ward.see("names")["names"][1]
    path.write_text("{")
    assert f"{overlay('prod')} names no host" in ward.see("names")["names"][1]


def test_a_remote_that_is_away_or_has_no_main(ward: Ward, tmp_path: Path) -> None:
    moved_out(ward, tmp_path)
    assert re.fullmatch("main of origin stands at [0-9a-f]{7}", ward.see("git")["git"][1])
    ward.home.git("remote", "set-url", "origin", str(ward.home.folder / "none"))
    assert ward.see("git")["git"][0] == "wrong"


def test_a_webhook_of_another_form_is_wrong_and_hidden(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ward.see("slack-webhook")["slack-webhook"][0] == "ok"
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "https://hooks.example.org/services/T0/B0/secret")
    word, said = ward.see("slack-webhook")["slack-webhook"]
    assert (word, "secret" in said) == ("wrong", False)
    monkeypatch.delenv("SLACK_WEBHOOK_URL")
    assert ward.see("slack-webhook")["slack-webhook"][0] == "unknown"
