"""All that the rules look at: what each environment renders to, and the few numbers that stand elsewhere."""

import ast
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from deploy.check.documents import Doc
from deploy.check.problems import Problem
from deploy.check.programs import ROOT, output, tool

ARGOCD = "argocd"
OVERLAYS = Path("deploy/overlays")
TRYOUTS = Path("deploy/check/tryouts")
COMPONENTS = Path("deploy/components")


@dataclass
class World:
    """What is rendered, by name: `staging`, `prod`, the try-outs, and apart from them Argo CD's own objects."""

    environments: dict[str, list[Doc]]
    tryouts: dict[str, list[Doc]]
    argocd: list[Doc]
    graceful_timeout: int  # gunicorn's, in seconds
    before: dict[str, list[Doc]] = field(default_factory=dict)  # what a base revision rendered, as far as it did
    components: dict[str, list[str]] = field(default_factory=dict)  # each with the renders that use it

    @property
    def renders(self) -> dict[str, list[Doc]]:
        """Everything that runs our pods."""
        return {**self.environments, **self.tryouts}


def render(folder: Path) -> list[Doc]:
    """The documents that the real kustomize makes of a folder."""
    text = output([tool("kustomize"), "build", folder], f"{folder.name} does not render")
    return [doc for doc in yaml.safe_load_all(text) if doc]


def folders(root: Path, place: Path) -> list[Path]:
    """The folders in a place that kustomize can build, by name."""
    return sorted(path.parent for path in (root / place).glob("*/kustomization.yaml"))


def uses(folder: Path) -> list[str]:
    """The names of the components that a kustomization puts together."""
    text = (folder / "kustomization.yaml").read_text(encoding="utf-8")
    named: dict[str, Any] = yaml.safe_load(text) or {}
    return [Path(path).name for path in named.get("components") or ()]


def graceful_timeout(root: Path) -> int:
    """The seconds that gunicorn gives to requests in flight, from its configuration."""
    tree = ast.parse((root / "gunicorn.conf.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "graceful_timeout":
            if isinstance(node.value, ast.Constant) and isinstance(node.value.value, int):
                return node.value.value
            raise Problem("gunicorn.conf.py: write graceful_timeout as a number, so that it can be checked.")
    raise Problem("gunicorn.conf.py sets no graceful_timeout: the pods' grace period is counted from it.")


def world(root: Path = ROOT) -> World:
    """Renders everything under `deploy/`."""
    overlays, tryouts = folders(root, OVERLAYS), folders(root, TRYOUTS)
    if not overlays:
        raise Problem(f"{OVERLAYS} holds no overlay.")
    used: dict[str, list[str]] = {path.name: [] for path in folders(root, COMPONENTS)}
    for folder in (*overlays, *tryouts):
        for component in uses(folder):
            used.setdefault(component, []).append(folder.name)
    return World(
        environments={folder.name: render(folder) for folder in overlays},
        tryouts={folder.name: render(folder) for folder in tryouts},
        argocd=render(root / "deploy" / ARGOCD),
        graceful_timeout=graceful_timeout(root),
        components=used,
    )


def earlier(root: Path) -> dict[str, list[Doc]]:
    """What the environments of an earlier revision rendered to; those that did not exist are left out."""
    return {folder.name: render(folder) for folder in folders(root, OVERLAYS)}


def write(docs: dict[str, list[Doc]], folder: Path) -> None:
    """One file for each render, for the tools that read files."""
    for name, documents in docs.items():
        text = yaml.safe_dump_all(documents, sort_keys=False)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for one check."""
    return tempfile.TemporaryDirectory(prefix="ft-check-")
