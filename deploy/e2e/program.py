"""Proves deploy/ on a real cluster with a real Argo CD: a verdict and a figure a line, a report at the end.

    python deploy/e2e --git-push URL --registry HOST:PORT/NAME [OPTIONS]

Nothing about the cluster is assumed: addresses, storage class, images and pull secrets are given. It makes
the namespaces financetracker-staging, -prod and -e2e and two Applications, refuses to begin where any of them
exists, and removes them at the end, also when it is interrupted. Exit status 0: everything passed; 1: a
verdict failed; 2: it could not begin.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

import yaml

from deploy.e2e.books import SPACE, Books
from deploy.e2e.cluster import Cluster
from deploy.e2e.images import VARIANTS, Images
from deploy.e2e.order import SCENARIOS
from deploy.e2e.report import Report
from deploy.e2e.repository import Adaptation, Repository
from deploy.e2e.scenarios import Failed, Run
from deploy.e2e.tools import Missed, Refused
from deploy.image import build
from deploy.tools import get

SPACES = ("financetracker-staging", "financetracker-prod", SPACE)
APPLICATIONS = ("financetracker-staging", "financetracker-prod")


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploy/e2e", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--context", default="", help="the context of kubectl (default: its current one)")
    parser.add_argument("--argocd-namespace", default="argocd")
    parser.add_argument("--git-push", required=True, metavar="URL", help="an existing Git remote to push to")
    parser.add_argument("--git-url", metavar="URL", help="the same remote as Argo CD reaches it")
    parser.add_argument("--registry", required=True, metavar="HOST:PORT/NAME", help="where images are pushed")
    parser.add_argument("--registry-in-cluster", metavar="HOST/NAME", help="the same as the nodes name it")
    parser.add_argument("--insecure-registry", action="store_true", help="the registry speaks plain HTTP")
    parser.add_argument("--base-image", default="", help="a local image that stands in for the Dockerfile's base")
    parser.add_argument("--authority", type=Path, help="certificates that builds must trust behind a proxy")
    parser.add_argument(
        "--postgres-image", default="", metavar="NAME:TAG@DIGEST", help="default: built and pushed"
    )
    parser.add_argument("--storage-class", default="", help="default: the cluster's own default")
    parser.add_argument("--pull-secret", type=Path, metavar="FILE", help="a Docker config.json for the nodes")
    parser.add_argument("--ingress-class", default="", help="test with an Ingress of this class")
    parser.add_argument("--people", type=int, default=4, help="who use the books meanwhile (default: 4)")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between two rounds of one person")
    parser.add_argument(
        "--only", action="append", choices=list(SCENARIOS), help="with the first sync, these alone"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the report goes as JSON")
    parser.add_argument("--page", type=Path, metavar="FILE", help="where the report goes as Markdown")
    parser.add_argument(
        "--noisy", action="store_true", help="other work shares the machine: a time above its limit fails nothing"
    )
    parser.add_argument("--keep", action="store_true", help="leave everything in the cluster at the end")
    return parser.parse_args(argv)


def refuse_to_disturb(cluster: Cluster) -> None:
    """Begin on a cluster that works and has nothing of ours."""
    try:
        cluster.kubectl("get", "--raw", "/readyz")
    except Missed as error:
        raise Refused(f"The cluster does not answer: {error}. Choose one with KUBECONFIG or --context.") from error
    if not cluster.exists("crd", "applications.argoproj.io"):
        raise Refused("The cluster has no Argo CD: install it first (docs/runbooks/installation.md).")
    for name in SPACES:
        if cluster.exists("namespace", name):
            raise Refused(f"The namespace {name} exists: this run makes and removes it. Use another cluster.")
    for name in APPLICATIONS:
        if cluster.exists("applications.argoproj.io", name, cluster.argocd):
            raise Refused(f"The Application {name} exists: this run makes and removes it. Use another cluster.")
    for program in ("git", "kustomize", "kubectl"):
        if not shutil.which(program):
            raise Refused(
                f"The program {program} is needed: python3 dev.py tools gets kustomize, kubectl is yours."
            )


def builder(given: argparse.Namespace) -> Images:
    """What builds and pushes, as the options ask."""
    return Images(
        registry=given.registry,
        name_in_cluster=given.registry_in_cluster or given.registry,
        insecure=given.insecure_registry,
        base=given.base_image,
        authority=given.authority,
    )


def make_images(given: argparse.Namespace, images: Images, revision: str, wanted: list[str]) -> dict[str, str]:
    """Build and push everything before the clock of any scenario runs."""
    made = {"own": images.own(revision)}
    for name in wanted:
        made[name] = images.variant(name, revision)
    made["postgres"] = given.postgres_image or images.postgres()
    return made


def prepare_space(cluster: Cluster, pull_secret: Path | None) -> str:
    """The namespace of the load, and the pull secret where the nodes need one; returns that secret's name."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    spaces = [SPACE] if pull_secret is None else list(SPACES)
    for name in spaces:
        cluster.apply(
            yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        )
        if pull_secret is not None:
            file = f"--from-file=.dockerconfigjson={pull_secret}"
            kind = "--type=kubernetes.io/dockerconfigjson"
            cluster.kubectl("-n", name, "create", "secret", "generic", "registry", kind, file)
    return "registry" if pull_secret else ""


def play(run: Run, names: list[str]) -> None:
    """Every scenario in turn; one that breaks off is a failed verdict, and the next begins from a synced state."""
    for name in names:
        run.report.scenario = name
        began = time.time()
        try:
            SCENARIOS[name](run)
        except (Missed, Failed) as error:
            run.report.check("goes to its end", None, str(error))
            if name == "first sync":
                raise
            recover(run)
        run.report.measure("took in all", time.time() - began, "s")


def recover(run: Run) -> None:
    """Bring staging back to the project's own image, whatever a broken scenario left."""
    operation = run.cluster.application(run.staging).get("status", {}).get("operationState", {})
    if operation.get("phase") == "Running":
        run.cluster.end_operation(run.staging)
    try:
        run.head = run.repository.pin("staging", run.images["own"])
    except Missed:
        run.head = run.repository.git("rev-parse", "HEAD")  # it was pinned there already
    run.cluster.refresh(run.staging)
    end = time.monotonic() + 400
    while run.cluster.rolled(run.staging, run.images["own"]) is not True and time.monotonic() < end:
        time.sleep(1)


def clean_up(cluster: Cluster, repository: Repository | None, books: Books | None) -> None:
    """Remove everything that was made; goes on whatever is refused."""
    if books is not None:
        books.stop_load()
    steps = [
        *(
            ("-n", cluster.argocd, "delete", f"{kind}.argoproj.io", name, "--ignore-not-found", "--wait=false")
            for kind in ("applications", "appprojects")
            for name in APPLICATIONS
        ),
        *(("delete", "namespace", name, "--ignore-not-found", "--wait=false") for name in SPACES),
        *(("wait", "--for=delete", f"namespace/{name}", "--timeout=180s") for name in SPACES),
    ]  # fmt: skip
    for step in steps:
        try:
            if step[0] == "wait":
                release_hooks(cluster, step[2].removeprefix("namespace/"))
            cluster.kubectl(*step, seconds=200)
        except Missed as error:
            print(f"cleaning up: {error}", file=sys.stderr)
    if repository is not None:
        try:
            repository.remove()
        except Missed as error:
            print(f"cleaning up: {error}", file=sys.stderr)


def release_hooks(cluster: Cluster, space: str) -> None:
    """Argo CD keeps a running hook from being deleted, and nobody lets go of it once its Application is gone."""
    if cluster.exists("namespace", space):
        for job in cluster.get("jobs", space=space)["items"]:
            name = job["metadata"]["name"]
            cluster.kubectl(
                "-n", space, "patch", "job", name, "--type", "merge", "-p", '{"metadata":{"finalizers":[]}}'
            )


def interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def prove(given: argparse.Namespace, cluster: Cluster, folder: Path) -> Report:
    revision = build.commit()
    names = [
        "first sync",
        *(name for name in SCENARIOS if name != "first sync" and (not given.only or name in given.only)),
    ]
    report = Report(revision, noisy=given.noisy)
    maker = builder(given)
    images = make_images(given, maker, revision, list(VARIANTS))
    server = yaml.safe_load(cluster.kubectl("version", "-o", "yaml"))["serverVersion"]["gitVersion"]
    report.facts = {"Kubernetes": server, "image": images["own"], "people using the books": str(given.people)}
    repository = Repository(folder / "repository", given.git_push, given.git_url or given.git_push)
    books = Books(cluster, "financetracker-staging", "staging.financetracker.example.org")
    try:
        secret = prepare_space(cluster, given.pull_secret)
        adapt = Adaptation(
            postgres_image=images["postgres"],
            storage_class=given.storage_class,
            pull_secret=secret,
            autoscaler=cluster.exists("apiservice", "v1beta1.metrics.k8s.io"),
            ingress_class=given.ingress_class,
            load_namespace=SPACE,
        )
        repository.prepare(adapt)
        run = Run(cluster, repository, report, images, books, given.people, given.pause, secret, maker.release)
        for name in ("prod", "staging"):
            run.head = repository.pin(name, images["own"])
        play(run, names)
    except (Missed, Failed) as error:
        report.check("the run goes to its end", None, str(error))
    finally:
        if not given.keep:
            clean_up(cluster, repository, books)
    return report


def main(argv: list[str]) -> int:
    given = arguments(argv)
    os.environ["PATH"] += f"{os.pathsep}{get.PLACE / 'bin'}"  # where dev.py keeps the pinned kustomize
    signal.signal(signal.SIGTERM, interrupted)
    cluster = Cluster(given.context, given.argocd_namespace)
    try:
        refuse_to_disturb(cluster)
        with tempfile.TemporaryDirectory() as folder:
            report = prove(given, cluster, Path(folder))
    except (Refused, build.BuildFailed) as error:
        print(f"e2e: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("e2e: interrupted; what it had made was removed.", file=sys.stderr)
        return 130
    if given.json:
        report.write_json(given.json)
    if given.page:
        report.write_page(given.page)
    print(report.closing(), flush=True)
    return 1 if report.failed else 0
