"""The cluster as kubectl and Argo CD's own objects show it. Every call names its namespace and its context."""

import json
from typing import Any

from deploy.e2e.tools import Missed, run, wait


class Cluster:
    """kubectl with a context, and what is asked of it again and again."""

    def __init__(self, context: str, argocd: str) -> None:
        self.context = ["--context", context] if context else []
        self.argocd = argocd

    def kubectl(self, *arguments: str, text: str = "", seconds: float = 120) -> str:
        """What one kubectl command prints; `text` is its input."""
        return run("kubectl", *self.context, *arguments, text=text, seconds=seconds)

    def apply(self, manifests: str) -> None:
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=manifests)

    def get(self, kind: str, name: str = "", space: str = "", labels: str = "") -> dict[str, Any]:
        """One object, or a list of them; raises Missed where there is none of that name."""
        where = ["-n", space] if space else []
        which = [name] if name else []
        chosen = ["-l", labels] if labels else []
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, *which, *where, *chosen, "-o", "json"))
        return found

    def exists(self, kind: str, name: str, space: str = "") -> bool:
        where = ["-n", space] if space else []
        return bool(self.kubectl("get", kind, name, *where, "--ignore-not-found", "-o", "name").strip())

    def execute(self, space: str, target: str, *command: str, text: str = "", seconds: float = 120) -> str:
        """Run a command inside a pod."""
        return self.kubectl("-n", space, "exec", "-i", target, "--", *command, text=text, seconds=seconds)

    # --- Argo CD

    def application(self, name: str) -> dict[str, Any]:
        return self.get("applications.argoproj.io", name, self.argocd)

    def refresh(self, name: str) -> None:
        """Make Argo CD look at the repository now, as a webhook would."""
        self.kubectl("-n", self.argocd, "annotate", "--overwrite", "applications.argoproj.io", name,
                     "argocd.argoproj.io/refresh=normal")  # fmt: skip

    def end_operation(self, name: str) -> None:
        """End what Argo CD is in the middle of: the break-glass runbook's command."""
        self.kubectl("-n", self.argocd, "patch", "applications.argoproj.io", name, "--type", "merge", "-p",
                     '{"status":{"operationState":{"phase":"Terminating"}}}')  # fmt: skip

    def seen(self, name: str, revision: str) -> bool | str:
        """Whether Argo CD compares with a commit already."""
        at = self.application(name).get("status", {}).get("sync", {}).get("revision", "none")
        return at == revision or f"it is at {at[:12]}"

    def settled(self, name: str, revision: str) -> bool | str:
        """Whether a commit is synced to the end, its hooks included, and healthy."""
        status = self.application(name).get("status", {})
        sync = status.get("sync", {})
        operation = status.get("operationState", {})
        facts = (
            sync.get("revision", "none"),
            sync.get("status", "none"),
            operation.get("syncResult", {}).get("revision", "none"),
            operation.get("phase", "none"),
            status.get("health", {}).get("status", "none"),
        )
        wanted = (revision, "Synced", revision, "Succeeded", "Healthy")
        return (
            facts == wanted
            or f"{facts[0][:8]} {facts[1]}, sync {facts[2][:8]} {facts[3]}, {facts[4]}"
            f"; {operation.get('message', '')[:160]}"
        )

    def at_rest(self, name: str, revision: str) -> bool | str:
        """Whether a commit is what runs, whatever became of the sync before: one that was ended needs no other."""
        status = self.application(name).get("status", {})
        facts = (
            status.get("sync", {}).get("revision", "none"),
            status.get("sync", {}).get("status", "none"),
            status.get("health", {}).get("status", "none"),
            status.get("operationState", {}).get("phase") in ("Running", "Terminating"),
        )
        return facts == (revision, "Synced", "Healthy", False) or f"{facts[0][:8]} {facts[1]}, {facts[2]}"

    # --- Pods

    def pods(self, space: str, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("pods", space=space, labels=f"app.kubernetes.io/name={name}")[
            "items"
        ]
        return found

    def rolled(self, space: str, image: str) -> bool | str:
        """Whether every web pod runs this image and is ready, and no other is left."""
        deployment = self.get("deployment", "web", space)
        wanted = deployment["spec"]["replicas"]
        pods = [pod for pod in self.pods(space, "web") if pod["status"]["phase"] in ("Running", "Pending")]
        images = [pod["spec"]["containers"][0]["image"] for pod in pods]
        ready = [pod for pod in pods if is_ready(pod)]
        if set(images) == {image} and len(pods) == len(ready) == wanted:
            return True
        return f"{len(ready)} of {len(pods)} pods ready, {images.count(image)} with the new image, {wanted} wanted"

    def served(self, space: str, image: str) -> bool | str:
        """Whether people get their answers from this image alone: one that is going away is asked nothing new."""
        wanted = self.get("deployment", "web", space)["spec"]["replicas"]
        images = [pod["spec"]["containers"][0]["image"] for pod in self.pods(space, "web") if is_ready(pod)]
        if set(images) == {image} and len(images) >= wanted:
            return True
        return f"{images.count(image)} of {len(images)} pods that are asked run the image, {wanted} wanted"

    def wait_gone(self, kind: str, name: str, space: str, seconds: float) -> float:
        return wait(f"{kind} {name} gone", seconds, lambda: not self.exists(kind, name, space))

    def logs(self, space: str, target: str) -> str:
        """The end of what a pod said, for a verdict's detail; never raises."""
        try:
            return self.kubectl("-n", space, "logs", target, "--tail=5", "--all-containers")
        except Missed as error:
            return str(error)


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether a pod takes traffic; one that is going away does not count."""
    conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]
