"""What of docs/setup.md the cluster can say, to a kubectl that only reads."""

import json
import re
from collections.abc import Callable
from typing import Any

import yaml

from deploy.release.images import ENVIRONMENTS
from deploy.release.setup_here import kubectl
from deploy.release.verdicts import Item, Look, Place, Verdict, fine, judged, unknown, wrong

SPACE = "argocd"
OLDEST = (3, 2)
KEYS = {"slack-token", "github-app-id", "github-installation-id", "github-private-key"}


class Unseen(Exception):
    """The cluster does not say; the message is kubectl's own."""


class Absent(Exception):
    """The cluster says that there is none."""


def asked(look: Callable[[Place], Verdict]) -> Look:
    """An item that the cluster knows; unknown without one, and where it does not let us look."""

    def looked(place: Place) -> Verdict:
        if place.cluster is None:
            return unknown(place.no_cluster)
        try:
            return look(place)
        except Unseen as error:
            return unknown(str(error))
        except Absent as error:
            return wrong(str(error))
        except (KeyError, TypeError, AttributeError, IndexError, yaml.YAMLError) as error:
            return unknown(f"the answer is not understood ({type(error).__name__})")

    return looked


def got(place: Place, kind: str, name: str, *output: str) -> str:
    """What kubectl prints of one object in Argo CD's namespace. Raises Absent or Unseen."""
    done = kubectl(place, "get", kind, name, "-n", SPACE, "--request-timeout=5s", *output)
    if done.returncode == 0:
        return done.stdout
    said = (done.stderr.strip().splitlines() or ["kubectl said nothing"])[-1][:200]
    if "(NotFound)" in said or "doesn't have a resource type" in said:
        raise Absent(f"there is no {kind} {name} in {SPACE}")
    raise Unseen(said)


def found(place: Place, kind: str, name: str) -> dict[str, Any]:
    """One object. Raises Absent or Unseen."""
    try:
        made: dict[str, Any] = json.loads(got(place, kind, name, "-o", "json"))
    except ValueError as error:
        raise Unseen("kubectl printed no JSON") from error
    return made


def in_git(place: Place, file: str) -> list[dict[str, Any]]:
    """The objects of a file of deploy/argocd, as they must be in the cluster."""
    return [one for one in yaml.safe_load_all(place.text(f"deploy/argocd/{file}")) if one]


def differences(wanted: Any, has: Any, where: str = "") -> list[str]:
    """Where the cluster has something else than Git. What it has besides is its own: defaults, others' keys."""
    if isinstance(wanted, dict) and isinstance(has, dict):
        return [one for key in wanted for one in differences(wanted[key], has.get(key), f"{where}.{key}")]
    if isinstance(wanted, list) and isinstance(has, list) and len(wanted) == len(has):
        pairs = enumerate(zip(wanted, has, strict=True))
        return [one for place, (left, right) in pairs for one in differences(left, right, f"{where}[{place}]")]
    return [] if wanted == has else [where.lstrip(".")]


def argocd(place: Place) -> Verdict:
    containers = found(place, "deployment", "argocd-server")["spec"]["template"]["spec"]["containers"]
    version = re.search(r":v([0-9]+)\.([0-9]+)\.[0-9]+", str(containers[0].get("image")))
    if version is None:
        return unknown(f"its version cannot be read from {containers[0].get('image')}")
    if (int(version[1]), int(version[2])) < OLDEST:
        return wrong(f"{version[0][1:]} is too old: a rollback waits behind a failed sync before 3.2")
    return fine(version[0][1:])


def settings(place: Place) -> Verdict:
    return compared(place, "settings.yaml", "data")


def notifications(place: Place) -> Verdict:
    return compared(place, "notifications.yaml", "data")


def applications(place: Place) -> Verdict:
    faults = []
    for environment in ENVIRONMENTS:
        for kind in ("project", "app"):
            verdict = compared(place, f"{kind}-{environment}.yaml", "spec")
            faults += [verdict.said] if verdict.word != "ok" else []
    for environment in ENVIRONMENTS:
        status = found(place, "applications.argoproj.io", f"financetracker-{environment}").get("status") or {}
        words = [(status.get(part) or {}).get("status", "unknown") for part in ("sync", "health")]
        if words != ["Synced", "Healthy"]:
            faults.append(f"{environment} is {' and '.join(words)}")
    return judged(faults, "both as they are in Git, Synced and Healthy")


def compared(place: Place, file: str, part: str) -> Verdict:
    """Whether the objects of a file are in the cluster as Git has them."""
    faults = []
    kinds = {"Application": "applications.argoproj.io", "AppProject": "appprojects.argoproj.io"}
    documents = in_git(place, file)
    for one in documents:
        name = one["metadata"]["name"]
        there = found(place, kinds.get(one["kind"], one["kind"].lower()), name)
        different = differences(one.get(part), there.get(part))
        if different:
            faults.append(f"{name} differs from Git in {', '.join(different[:5])}")
    if not documents:
        return unknown(f"this clone has no deploy/argocd/{file}")
    return judged(faults, "as it is in Git")


def secret(place: Place) -> Verdict:
    """The names of the keys alone: what is in them is never printed."""
    template = '-o=go-template={{range $key, $value := .data}}{{$key}}{{"\\n"}}{{end}}'
    held = set(got(place, "secret", "argocd-notifications-secret", template).split())
    return judged([f"{one} is missing" for one in sorted(KEYS - held)], "all four keys are there")


ITEMS_CLUSTER = [
    Item("argocd", asked(argocd)),
    Item("argocd-settings", asked(settings)),
    Item("applications", asked(applications)),
    Item("notifications", asked(notifications)),
    Item("notifications-secret", asked(secret)),
]
ITEMS_PROBE = [Item("probe", yourself="the admin of staging, Users and Books")]
