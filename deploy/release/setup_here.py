"""What of docs/setup.md this machine and the clone can say: programs, names, the registry, a webhook's form."""

import os
import re
import shutil
import subprocess

import yaml

from deploy.release import access, slack
from deploy.release.desk import desk
from deploy.release.images import ENVIRONMENTS, overlay, pinned
from deploy.release.problems import CouldNot, Problem
from deploy.release.programs import program
from deploy.release.publish import crane
from deploy.release.verdicts import Item, Place, Verdict, fine, judged, unknown, wrong
from deploy.tools import get

ABSENT = re.compile(r"MANIFEST_UNKNOWN|NAME_UNKNOWN|NOT_FOUND|404", re.IGNORECASE)
CLOSED = re.compile(r"UNAUTHORIZED|DENIED|401|403", re.IGNORECASE)


def git(place: Place) -> Verdict:
    """Whether the newest main can be had, in the very way in which the commands get it."""
    given = place.given
    try:
        with desk(place.clone, remote=given.remote, branch=given.branch, token=access.token()) as at:
            return fine(f"{given.branch} of {given.remote} stands at {at.head[:7]}")
    except CouldNot as problem:
        return unknown(str(problem).rstrip("."))
    except Problem as problem:
        return wrong(str(problem).rstrip("."))


def has_kustomize(_: Place) -> Verdict:
    return starts("kustomize")


def has_cosign(_: Place) -> Verdict:
    return starts("cosign")


def starts(name: str) -> Verdict:
    """Whether a program is there and starts; another version than the pinned one is named."""
    try:
        path = program(name)
        done = subprocess.run([path, "version"], capture_output=True, text=True, check=False, timeout=30)
    except Problem as problem:
        return wrong(str(problem).rstrip("."))
    except (OSError, subprocess.TimeoutExpired):
        return wrong(f"{name} does not start")
    found = re.search(r"v?[0-9]+\.[0-9]+\.[0-9]+", done.stdout + done.stderr)
    if done.returncode or found is None:
        return wrong(f"{name} does not start")
    which = "the pinned one" if get.current(name) else "found on the PATH, not the pinned one"
    return fine(f"{found[0]}, {which}")


def hosts(place: Place, environment: str) -> list[str]:
    """The names by which an environment lets itself be called, from its overlay."""
    try:
        whole = yaml.safe_load(place.text(overlay(environment))) or {}
        literals = [one for made in whole.get("configMapGenerator") or [] for one in made.get("literals") or []]
    except (yaml.YAMLError, AttributeError, TypeError):
        return []
    named = [one.partition("=")[2] for one in literals if one.startswith("ALLOWED_HOSTS=")]
    return [host for value in named for host in value.split(",")]


def names(place: Place) -> Verdict:
    """Whether the names that everybody must choose have been chosen."""
    faults = []
    for environment in ENVIRONMENTS:
        found = hosts(place, environment)
        if not found:
            faults.append(f"{overlay(environment)} names no host")
        elif any(re.search(r"(^|\.)example\.(org|com|net)$", host) for host in found):
            faults.append(f"{environment} is still called {found[0]}")
        repository = os.environ.get("GITHUB_REPOSITORY", "")
        for kind in ("app", "project"):
            path = f"deploy/argocd/{kind}-{environment}.yaml"
            addresses = set(re.findall(r"https?://\S+\.git", place.text(path)))
            if repository and addresses and not all(one.endswith(f"/{repository}.git") for one in addresses):
                faults.append(f"{path} follows {sorted(addresses)[0]}, not {repository}")
    return judged(faults, "the hosts and the repository are yours")


def registry(place: Place) -> Verdict:
    """Whether anybody can read what is pinned, as the nodes of the cluster must."""
    image = pinned(place.text(overlay("staging")))
    if image is None:
        return wrong(f"{overlay('staging')} pins no image in full")
    what = f"{image.name}@{image.digest}"
    try:
        if image.placeholder:
            crane("ls", image.name)
            return fine(f"{image.name} can be read; nothing is pinned yet")
        crane("manifest", what)
        return fine(f"{image.tag} can be read")
    except CouldNot as problem:
        if ABSENT.search(str(problem)):
            return wrong(f"{what[:80]} is not there")
        if CLOSED.search(str(problem)):
            return wrong(f"{image.name} is not there, or not for everybody to read")
        return unknown(str(problem).rstrip("."))
    except Problem as problem:
        return unknown(str(problem).rstrip("."))


def webhook(_: Place) -> Verdict:
    """The form alone: a message to try it out would be read by people."""
    url = os.environ.get("SLACK_WEBHOOK_URL", "")
    if not url:
        return unknown("SLACK_WEBHOOK_URL is not set here, and nobody can read a secret back")
    fault = slack.wrong_form(url)
    return wrong(f"SLACK_WEBHOOK_URL: {fault}") if fault else fine("SLACK_WEBHOOK_URL has the right form")


def kubectl(place: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Asks the cluster; only `get` and `config`, so nothing there is ever changed."""
    assert arguments[0] in ("get", "config")
    argv = ["kubectl", *(["--context", place.cluster] if place.cluster else []), *arguments]
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 1, "", "kubectl did not end within 30 s")


def find_cluster(place: Place) -> None:
    """The cluster that kubectl would talk to, if it answers."""
    wanted = place.given.context
    if not shutil.which("kubectl"):
        place.no_cluster = "kubectl is not here"
        return
    current = wanted or kubectl(place, "config", "current-context").stdout.strip()
    if not current:
        place.no_cluster = "kubectl has no context: choose one with --context or KUBECONFIG"
        return
    place.cluster = current
    done = kubectl(place, "get", "--raw", "/version", "--request-timeout=5s")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        place.cluster, place.no_cluster = None, f"the cluster {current} does not answer: {last[:200]}"


ITEMS_HERE = [Item("git", git), Item("kustomize", has_kustomize), Item("cosign", has_cosign), Item("names", names)]
ITEMS_REGISTRY = [
    Item("registry", registry),
    Item("registry-token", yourself="Docker Hub, Account settings, Personal access tokens"),
    Item("immutable-tags", yourself="Docker Hub, the repository, Settings"),
]
ITEMS_SLACK = [Item("slack-webhook", webhook), Item("slack-app", yourself="api.slack.com/apps, the app, OAuth")]
