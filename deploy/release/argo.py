"""What Argo CD says of an environment: from the Application itself, or from the status it left on a commit."""

import os
import re
from pathlib import Path

from deploy.release.desk import Desk
from deploy.release.evidence import Check
from deploy.release.github import GitHub
from deploy.release.history import Pin
from deploy.release.images import Image, overlay, pinned
from deploy.release.reports import entries, load, part

WHAT = "The Application"
COMMITS = 30  # since the pin, the newest first: more bookkeeping than that between pin and sync is none of ours
COMMIT = re.compile(r"[0-9a-f]{40}")


def application(environment: str) -> str:
    """What Argo CD calls an environment."""
    return f"financetracker-{environment}"


def from_file(path: Path, at: Desk, pin: Pin) -> Check:
    """What `kubectl get application -o json` shows: Synced and Healthy at a commit of main that pins it."""
    whole = load(path, WHAT)
    name = part(whole, "metadata", "name", kind=str, what=WHAT)
    if part(whole, "kind", kind=str, what=WHAT) != "Application" or name != application(pin.environment):
        return Check(ok=False, seen=f"the file is about {name}, not about {application(pin.environment)}")
    synced = part(whole, "status", "sync", "status", kind=str, what=WHAT)
    healthy = part(whole, "status", "health", "status", kind=str, what=WHAT)
    revision = part(whole, "status", "sync", "revision", kind=str, what=WHAT)
    running = entries(whole, "status", "summary", "images", what=WHAT)
    if (synced, healthy) != ("Synced", "Healthy"):
        return Check(ok=False, seen=f"{synced} and {healthy} at {revision[:7]}")
    if not pins_it(at, revision, pin.environment, pin.image):
        return Check(ok=False, seen=f"Synced and Healthy at {revision[:7]}, which does not pin it on {at.branch}")
    # An Argo CD may keep no summary at all; that every pod answers the digest is seen at the address.
    if running and not any(str(one).endswith(f"@{pin.image.digest}") for one in running):
        return Check(ok=False, seen=f"Synced and Healthy at {revision[:7]}, and no pod of it runs")
    return Check(ok=True, seen=f"Synced and Healthy at {revision[:7]}")


def pins_it(at: Desk, revision: str, environment: str, image: Image) -> bool:
    """Whether a commit is on main and pins an environment to an image."""
    if not COMMIT.fullmatch(revision) or at.commit_of(revision) != revision:
        return False
    return at.is_ancestor(revision, at.head) and pinned(at.text_at(revision, overlay(environment)) or "") == image


def from_statuses(github: GitHub, at: Desk, pin: Pin) -> Check:
    """What Argo CD's notifications left on main since the pin: the newest commit that has its word decides.

    The synced commit need not be the pin itself: evidence and documents may have come after it. With ARGOCD_APP,
    the login of the App whose key is in the cluster, nobody else's word counts: whoever may write a status could
    say the same.
    """
    app = os.environ.get("ARGOCD_APP", "")
    context = f"argocd/{application(pin.environment)}"
    since = at.git("rev-list", "--first-parent", f"--max-count={COMMITS}", f"{pin.commit}..HEAD").splitlines()
    for commit in [*since, pin.commit]:
        for status in github.every(f"/commits/{commit}/statuses"):
            known = not app or (status.get("creator") or {}).get("login") == app
            if known and status.get("context") == context:  # the newest of a commit comes first
                state = status.get("state")
                word = "Synced and Healthy" if state == "success" else f"Argo CD says {state}"
                return Check(ok=state == "success", seen=f"{word} at {commit[:7]}")
    return Check(ok=False, seen=f"Argo CD has said nothing yet since {pin.commit[:7]}")
