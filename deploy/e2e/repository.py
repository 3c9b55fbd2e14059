"""The Git remote of the run: the project's manifests, adapted to the cluster at hand, on a branch of their own."""

import uuid
from pathlib import Path
from typing import Any

import yaml

from deploy.e2e.tools import Refused, run
from deploy.image.build import PROJECT

AUTHOR = ("-c", "user.name=e2e", "-c", "user.email=e2e@example.org", "-c", "commit.gpgsign=false")
# In one piece: small Git servers do not take what comes in chunks.
WHOLE = ("-c", "http.postBuffer=209715200")
SWAPPED = {"cnpg": "postgres", "external-secrets": "generated-secrets"}
# What a component brings, and patches of an overlay may be about.
KINDS = {
    "cnpg": ("Cluster", "ObjectStore"),
    "external-secrets": ("ExternalSecret",),
    "hpa": ("HorizontalPodAutoscaler",),
    "ingress": ("Ingress",),
}


class Repository:
    """A clone whose pushes Argo CD sees."""

    def __init__(self, folder: Path, push_url: str, argocd_url: str) -> None:
        self.folder = folder
        self.push_url = push_url
        self.argocd_url = argocd_url
        self.branch = f"e2e-{uuid.uuid4().hex[:10]}"

    def git(self, *arguments: str) -> str:
        return run("git", *AUTHOR, *WHOLE, *arguments, cwd=self.folder).strip()

    def prepare(self, adapt: "Adaptation") -> str:
        """Put the manifests for this cluster on top of the project's history, push all, and return the commit."""
        if run("git", "rev-parse", "--is-shallow-repository", cwd=PROJECT).strip() == "true":
            raise Refused("This clone is shallow, and the run pushes its history: git fetch --unshallow first.")
        run("git", "clone", "-q", "--no-hardlinks", PROJECT, self.folder)
        self.git("switch", "-q", "-c", self.branch)
        self.git("remote", "remove", "origin")
        for name in ("staging", "prod"):
            adapt.overlay(self.folder / "deploy" / "overlays" / name)
        return self.commit("The manifests of the run")

    def commit(self, message: str) -> str:
        """Commit everything that changed, push, and return the commit."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        self.git("push", "-q", self.push_url, f"HEAD:refs/heads/{self.branch}")
        return self.git("rev-parse", "HEAD")

    def pin(self, name: str, image: str) -> str:
        """Move one environment to `repository:tag@digest`, as the pipeline does, and return the commit."""
        run("kustomize", "edit", "set", "image", f"financetracker={image}", cwd=self.overlay(name))
        return self.commit(f"deploy({name}): {image.rpartition('@')[0].rpartition(':')[2]}")

    def revert(self) -> str:
        """Take the newest commit back."""
        self.git("revert", "--no-edit", "HEAD")
        self.git("push", "-q", self.push_url, f"HEAD:refs/heads/{self.branch}")
        return self.git("rev-parse", "HEAD")

    def overlay(self, name: str) -> Path:
        return self.folder / "deploy" / "overlays" / name

    def applications(self, names: tuple[str, ...], space: str) -> str:
        """Argo CD's projects and Applications as they stand in the project, with this remote and branch."""
        documents = []
        for name in names:
            for kind in ("project", "app"):
                one = yaml.safe_load((PROJECT / "deploy" / "argocd" / f"{kind}-{name}.yaml").read_text())
                one["metadata"]["namespace"] = space
                if kind == "project":
                    one["spec"]["sourceRepos"] = [self.argocd_url]
                else:
                    one["spec"]["source"] |= {"repoURL": self.argocd_url, "targetRevision": self.branch}
                    subscribed = "notifications.argoproj.io/"
                    kept = {
                        k: v for k, v in one["metadata"]["annotations"].items() if not k.startswith(subscribed)
                    }
                    one["metadata"]["annotations"] = kept
                documents.append(one)
        return yaml.safe_dump_all(documents)

    def remove(self) -> None:
        self.git("push", "-q", self.push_url, f":refs/heads/{self.branch}")


class Adaptation:
    """What this cluster needs otherwise than production: read from the options, applied to an overlay."""

    def __init__(
        self, *, postgres_image: str, storage_class: str, pull_secret: str, autoscaler: bool, ingress_class: str,
        load_namespace: str,
    ) -> None:  # fmt: skip
        self.postgres_image = postgres_image
        self.storage_class = storage_class
        self.pull_secret = pull_secret
        self.without = ({"hpa"} if not autoscaler else set()) | ({"ingress"} if not ingress_class else set())
        self.ingress_class = ingress_class
        self.load_namespace = load_namespace

    def overlay(self, folder: Path) -> None:
        """Rewrite an overlay: a database of its own, secrets that nobody has to bring, this cluster's storage."""
        path = folder / "kustomization.yaml"
        one: dict[str, Any] = yaml.safe_load(path.read_text())
        names = [Path(component).name for component in one["components"]]
        kept = [SWAPPED.get(name, name) for name in names if name not in self.without]
        one["components"] = [f"../../components/{name}" for name in kept]
        gone = {kind for name in names if name in self.without or name in SWAPPED for kind in KINDS.get(name, ())}
        one["patches"] = [
            patch for patch in one["patches"] if patch["target"]["kind"] not in gone
        ] + self.patches()
        repository, _, digest = self.postgres_image.partition("@")
        image, _, tag = repository.rpartition(":")
        one["images"].append({"name": "postgres", "newName": image, "newTag": tag, "digest": digest})
        path.write_text(yaml.safe_dump(one, sort_keys=False))

    def patches(self) -> list[dict[str, Any]]:
        """JSON patches for storage, pull secrets and the namespace that stands in for the ingress."""
        space = "/spec/ingress/0/from/0/namespaceSelector/matchLabels/kubernetes.io~1metadata.name"
        wanted: list[tuple[str, str, str, str, object]] = [
            ("NetworkPolicy", "web", "replace", space, self.load_namespace)
        ]
        if self.storage_class:
            wanted += [
                ("PersistentVolumeClaim", "backups", "add", "/spec/storageClassName", self.storage_class),
                (
                    "StatefulSet",
                    "database",
                    "add",
                    "/spec/volumeClaimTemplates/0/spec/storageClassName",
                    self.storage_class,
                ),
            ]
        if self.pull_secret:
            wanted += [("ServiceAccount", ".*", "add", "/imagePullSecrets", [{"name": self.pull_secret}])]
        if self.ingress_class:
            wanted += [("Ingress", "web", "add", "/spec/ingressClassName", self.ingress_class)]
        return [
            {
                "target": {"kind": kind, "name": name},
                "patch": yaml.safe_dump([{"op": op, "path": path, "value": value}]),
            }
            for kind, name, op, path, value in wanted
        ]
