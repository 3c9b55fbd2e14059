"""`manifests`: renders every environment and looks at the result with the schemas, checkov and our own rules."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from deploy.check import revisions
from deploy.check.problems import NO_BASE, Problem
from deploy.check.programs import ROOT, output, run, tool
from deploy.check.rules import RULES, broken_rules
from deploy.check.world import OVERLAYS, World, earlier, folders, scratch, world, write

SCHEMAS = ROOT / "deploy" / "tools" / "schemas"
CHECKOV = Path(__file__).with_name("checkov.yaml")
OTHER_IMAGE = "registry.invalid/other/name:run-9-fffffff@sha256:" + "f" * 64


def wrong_types(seen: World) -> Iterator[str]:
    """What is no valid document of its kind, down to an unknown key."""
    with scratch() as name:
        folder = Path(name)
        write({**seen.renders, "argocd": seen.argocd}, folder)
        place = f"{SCHEMAS}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
        done = run([tool("kubeconform"), "-strict", "-output", "json", "-schema-location", place, folder])
        try:
            resources = json.loads(done.stdout)["resources"] or []
        except (ValueError, KeyError) as error:
            raise Problem(f"kubeconform could not look: {(done.stderr or done.stdout).strip()[:500]}") from error
        for found in resources:
            said = re.sub(r".*validation failed with '[^']*'", "", found["msg"], flags=re.DOTALL)
            lines = "; ".join(line.strip(" -") for line in said.splitlines() if line.strip(" -"))
            yield f"{Path(found['filename']).stem}: {found['kind']}/{found['name']}: {lines}. [schema]"


def policy_findings(seen: World) -> Iterator[str]:
    """What checkov has to say about the same documents."""
    with scratch() as name:
        write(seen.renders, Path(name))
        done = run([tool("checkov"), "--config-file", CHECKOV, "--directory", name], cwd=Path(name))
        try:
            said = json.loads(done.stdout)
            failed, looked_at = said["results"]["failed_checks"], said["summary"]
        except (ValueError, KeyError, TypeError) as error:
            raise Problem(f"checkov could not look: {(done.stderr or done.stdout).strip()[-500:]}") from error
        if not looked_at["passed"] or looked_at["parsing_errors"]:
            raise Problem(f"checkov looked at {looked_at['resource_count']} resources and could not read some.")
        for found in failed:
            render = Path(found["file_path"]).stem
            yield f"{render}: {found['resource']}: {found['check_name']}. [checkov {found['check_id']}]"


def unstable_images(root: Path) -> Iterator[str]:
    """The pipeline edits each overlay with kustomize: that must change the image and nothing beside it."""
    with scratch() as name:
        shutil.copytree(root / "deploy", Path(name) / "deploy")
        for folder in folders(Path(name), OVERLAYS):
            for problem in unstable_image(folder):
                yield f"{folder.name}: kustomization.yaml: {problem}. [image-block]"


def unstable_image(folder: Path) -> Iterator[str]:
    """Sets the image to what it is, then to another one, in a copy of an overlay."""
    path = folder / "kustomization.yaml"
    text = path.read_text(encoding="utf-8")
    parsed = yaml.safe_load(text)
    ours = [image for image in parsed.get("images") or () if image.get("name") == "financetracker"]
    if len(ours) != 1 or set(ours[0]) != {"name", "newName", "newTag", "digest"}:
        yield "images must hold financetracker once, with newName, newTag and digest"
        return
    set_image(folder, "{newName}:{newTag}@{digest}".format(**ours[0]))
    if path.read_text(encoding="utf-8") != text:
        yield "`kustomize edit` would rewrite it: keep it in that form, comments above the top keys alone"
        return
    set_image(folder, OTHER_IMAGE)
    changed = yaml.safe_load(path.read_text(encoding="utf-8"))
    if {**changed, "images": None} != {**parsed, "images": None}:
        yield "setting the image changes more than the images block"


def set_image(folder: Path, image: str) -> None:
    """Does what the pipeline does to pin an image."""
    argv: list[str | Path] = [tool("kustomize"), "edit", "set", "image", f"financetracker={image}"]
    output(argv, f"the image of {folder.name} cannot be set", cwd=folder)


def compared_with(root: Path, named: str | None) -> tuple[dict[str, list[dict[str, object]]], str]:
    """What the environments rendered to before, and a word about it."""
    try:
        base = revisions.base(root, named)
    except Problem as problem:
        if named is None and problem.status == NO_BASE:
            return {}, "no earlier revision"
        raise
    with revisions.files_of(root, base.commit) as files:
        return earlier(files), str(base)


def check(root: Path = ROOT, base: str | None = None, say: Callable[[str], None] = print) -> int:
    """Prints every finding and one line a check; returns their number."""
    seen = world(root)
    seen.before, compared = compared_with(root, base)
    documents = sum(map(len, seen.renders.values())) + len(seen.argocd)
    say(f"rendered {', '.join(seen.renders)} and argocd: {documents} documents; selectors as in: {compared}")
    looks: tuple[tuple[str, Callable[[], list[str]]], ...] = (
        ("schemas", lambda: list(wrong_types(seen))),
        (f"{len(RULES)} rules of our own", lambda: [str(found) for found in broken_rules(seen)]),
        ("images as kustomize writes them", lambda: list(unstable_images(root))),
        ("checkov", lambda: list(policy_findings(seen))),
    )
    count = 0
    for name, look in looks:
        found = look()
        for line in found:
            say(f"  {line}")
        say(f"{name}: {len(found) or 'nothing'} to correct")
        count += len(found)
    return count
