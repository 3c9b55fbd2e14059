"""The whole way of a commit on the cluster: built, pinned, proven in staging, promoted, taken back, counted.

GitHub is played by the stand-in over a bare repository; what lands there on main goes on to the remote that
Argo CD reads. Everything else is the release program itself, run as a workflow or a person would run it.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.e2e.books import Books
from deploy.e2e.github.server import StandIn
from deploy.e2e.github.world import Token
from deploy.e2e.scenarios import PATIENCE, Run
from deploy.e2e.tools import Missed, run, wait
from deploy.image.build import PROJECT
from deploy.release.github import GitHub
from deploy.tools import get

TOKEN = "e2e-" + "0" * 36
PROD_HOST = "financetracker.example.org"


@dataclass
class Pipeline:
    """The bare repository, who plays GitHub over it, and the release program with all that it is given."""

    run: Run
    folder: Path
    stand_in: StandIn
    probe: Books
    began: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    @property
    def bare(self) -> Path:
        return self.stand_in.world.repository

    @property
    def github(self) -> GitHub:
        return GitHub(self.stand_in.world.name, TOKEN, self.stand_in.url)

    @property
    def env(self) -> dict[str, str]:
        return {
            **os.environ,
            "GITHUB_API_URL": self.stand_in.url,
            "GITHUB_REPOSITORY": self.stand_in.world.name,
            "RELEASE_TOKEN": TOKEN,
            "COSIGN_KEY": str(self.folder / "cosign.key"),
            "COSIGN_PUBLIC_KEY": str(self.folder / "cosign.pub"),
            "COSIGN_PASSWORD": "",
            "INSECURE_REGISTRY": "1",
        }

    def release(self, *words: str | Path, status: int = 0) -> str:
        """What a command of the release program prints; raises Missed where it ends otherwise than expected."""
        here = ("--clone", self.run.repository.folder, "--remote", self.bare, "--branch", "main")
        argv = [str(word) for word in (sys.executable, PROJECT / "deploy" / "release", *words, *here)]
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode != status:
            said = "; ".join((done.stdout + done.stderr).strip().splitlines()[-8:])
            raise Missed(f"release {words[0]} ended with {done.returncode}: {said}")
        return done.stdout if status == 0 else done.stderr

    def land(self) -> float:
        """Bring main to where Argo CD looks, tell it, and return the moment."""
        repository = self.run.repository
        repository.git("fetch", "-q", str(self.bare), "main")
        repository.git("reset", "-q", "--hard", "FETCH_HEAD")
        repository.git("push", "-q", repository.push_url, f"HEAD:refs/heads/{repository.branch}")
        self.run.head = repository.git("rev-parse", "HEAD")
        pushed = time.time()
        for name in (self.run.staging, self.run.prod):
            self.run.cluster.refresh(name)
        return pushed

    def say(self, environment: str) -> None:
        """Tell GitHub that Argo CD brought the newest commit to its end, as its notifications do."""
        status = {"state": "success", "context": f"argocd/financetracker-{environment}"}
        self.github.send("POST", f"/statuses/{self.run.head}", status)

    def work(self, what: str) -> str:
        """A person's commit on main."""
        repository = self.run.repository
        path = repository.folder / "financetracker" / "released.txt"
        path.write_text(f"{what}\n", encoding="utf-8")
        repository.git("add", "-A")
        repository.git("commit", "-q", "-m", what)
        repository.git("push", "-q", str(self.bare), "HEAD:refs/heads/main")
        self.land()
        return self.run.head


@contextmanager
def pipeline(run_: Run) -> Iterator[Pipeline]:
    """GitHub's part of the stage, with a key pair to sign by."""
    probe = Books(run_.cluster, run_.staging, run_.books.host, email="probe@example.org", book="Probe")
    probe.open()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = folder / "github.git"
        run("git", "init", "-q", "--bare", "-b", "main", bare)
        run_.repository.git("push", "-q", str(bare), "HEAD:refs/heads/main")
        environ = {**os.environ, "COSIGN_PASSWORD": ""}
        subprocess.run(
            [get.program("cosign"), "generate-key-pair"], cwd=folder, env=environ, capture_output=True, check=True
        )
        with StandIn(bare, "financetracker/financetracker", {TOKEN: Token()}) as stand_in:
            yield Pipeline(run_, folder, stand_in, probe)


@contextmanager
def forwarded(run_: Run, space: str) -> Iterator[str]:
    """A port of this machine that leads to the web of an environment."""
    argv = ["kubectl", *run_.cluster.context, "-n", space, "port-forward", "service/web", ":80"]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line = child.stdout.readline() if child.stdout else ""
        found = re.search(r"127\.0\.0\.1:([0-9]+)", line)
        if found is None:
            raise Missed(f"kubectl port-forward to {space} said {line.strip()!r}")
        yield f"127.0.0.1:{found[1]}"
    finally:
        child.terminate()
        child.wait(timeout=30)


def build(at: Pipeline, number: int, commit: str, what: str) -> str:
    """Build, push, list and sign; returns the image as it is pinned."""
    began = time.time()
    image = at.run.build(number, commit)
    at.run.report.measure(f"{what}: built and pushed", time.time() - began, "s")
    began = time.time()
    contents = at.folder / "contents.json"
    env = {**os.environ, "SYFT_REGISTRY_INSECURE_USE_HTTP": "true", "SYFT_CHECK_FOR_APP_UPDATE": "false"}
    name, _, digest = image.partition("@")
    argv = [
        get.program("syft"),
        "-q",
        f"registry:{name.rpartition(':')[0]}@{digest}",
        "-o",
        f"cyclonedx-json={contents}",
    ]
    done = subprocess.run([str(part) for part in argv], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missed(f"syft: {(done.stderr.strip() or 'it said nothing').splitlines()[-1]}")
    at.release("sign", "--image", image, "--sbom", contents)
    at.run.report.measure(f"{what}: list of contents, signed by digest", time.time() - began, "s")
    return image


def prove(at: Pipeline, image: str, what: str) -> None:
    """Integration tests and speed smoke against staging, then everything that is known as evidence on main."""
    run_, began = at.run, time.time()
    accepted, argo, word = at.folder / "accepted.json", at.folder / "argo.json", at.folder / "word"
    word.write_text(at.probe.password, encoding="utf-8")
    address = f"https://{run_.books.host}"
    with forwarded(run_, run_.staging) as port:
        login = ("--email", at.probe.email, "--password-file", word)
        at.release("accept", "--url", address, "--connect", port, *login, "--json", accepted)
        argo.write_text(json.dumps(run_.cluster.application(run_.staging)), encoding="utf-8")
        at.say("staging")
        at.release("verify", "--digest", image.partition("@")[2], "--url", address, "--connect", port,
                   "--accepted", accepted, "--argo", argo)  # fmt: skip
    at.land()
    run_.report.measure(f"{what}: tested in staging, evidence kept", time.time() - began, "s")


def promote(at: Pipeline, image: str, what: str) -> None:
    """One pull request, guarded, approved and merged; prod has the image when it is healthy."""
    run_, began = at.run, time.time()
    made: dict[str, Any] = json.loads(at.release("promote", "--json"))
    pull = at.github.get(f"/pulls/{made['number']}")
    at.release("guard", "--base", pull["base"]["sha"], "--head", pull["head"]["sha"])
    for context in ("gate", "guard"):
        at.github.send("POST", f"/statuses/{pull['head']['sha']}", {"state": "success", "context": context})
    at.github.send("PUT", f"/pulls/{made['number']}/merge", {"merge_method": "squash"})
    run_.report.measure(f"{what}: promotion proposed, guarded and merged", time.time() - began, "s")
    pushed = at.land()
    run_.timed(f"{what}: prod synced and healthy", in_prod(at, image), limit=180, since=pushed)
    at.say("prod")


def in_prod(at: Pipeline, image: str) -> Any:
    """A condition: prod settled on the newest commit, and every pod of it runs the image."""

    def condition() -> bool | str:
        settled = at.run.cluster.settled(at.run.prod, at.run.head)
        return at.run.cluster.rolled(at.run.prod, image) if settled is True else settled

    return condition


def deliver(at: Pipeline, number: int, what: str) -> str:
    """One commit all the way into prod; returns the image."""
    run_, began = at.run, time.time()
    commit = at.work(f"ledger: {what.capitalize()}")
    image = build(at, number, commit, what)
    built = time.time()
    made = json.loads(at.release("pin", "--image", image, "--json"))
    run_.report.check(f"{what}: staging is pinned", made["status"] == "pinned", made["status"])
    at.land()
    run_.timed(f"{what}: from built to staging healthy", run_.settled, limit=120, since=built)
    run_.report.measure(f"{what}: from commit to staging healthy", time.time() - began, "s")
    prove(at, image, what)
    promote(at, image, what)
    digest = image.partition("@")[2]
    run_.report.check(f"{what}: /version of prod answers the digest", run_.version(run_.prod)["digest"] == digest)
    run_.report.measure(f"{what}: from commit to prod healthy", time.time() - began, "s")
    return image


def take_back(at: Pipeline, good: str, bad: str) -> None:
    """One command brings the release before back; the bad one does not get in again."""
    run_, began = at.run, time.time()
    at.release("rollback", "prod", "--reason", "e2e: somebody does not like it")
    at.land()
    run_.report.measure("rollback: the pin is back where Argo CD looks", time.time() - began, "s")
    run_.timed("rollback: command to old version serving, and no other",
               lambda: run_.cluster.served(run_.prod, good), limit=60, since=began)  # fmt: skip
    run_.timed("rollback: old version on every pod, the others gone",
               lambda: run_.cluster.rolled(run_.prod, good), since=began)  # fmt: skip
    run_.timed("rollback: synced and healthy", in_prod(at, good), limit=180, since=began)
    at.say("prod")
    digest = good.partition("@")[2]
    run_.report.check("rollback: /version answers the old digest", run_.version(run_.prod)["digest"] == digest)
    said = at.release("promote", "--digest", bad.partition("@")[2], status=1)
    run_.report.check("the bad release is refused a second time", "deny" in said or "denied" in said, said.strip())


def count(at: Pipeline) -> None:
    """The figures of just that, from Git and the stand-in's API."""
    figures = json.loads(at.release("dora", "--json", "-", "--since", at.began.isoformat()))
    said = {key: figures[key] for key in ("deployments", "failed_deployments", "builds", "build_success")}
    expected = {"deployments": 2, "failed_deployments": 1, "builds": 2, "build_success": 1.0}
    at.run.report.check("the figures are of two deployments, one taken back", said == expected, str(said))
    at.run.report.measure("figures: lead time, median", figures["lead_time"]["median"], "s")
    at.run.report.measure("figures: recovery time", figures["recovery_time"]["median"], "s")


def whole_loop(run_: Run) -> None:
    """commit, build, staging, evidence, promotion, prod; then a bad one, and back; with people in both."""
    if not run_.cluster.exists("applications.argoproj.io", run_.prod, run_.cluster.argocd):
        run_.cluster.apply(run_.repository.applications(("prod",), run_.cluster.argocd))
    wait("prod is up", PATIENCE, lambda: run_.cluster.rolled(run_.prod, run_.images["own"]))
    people = Books(run_.cluster, run_.prod, PROD_HOST, pod="load-prod")
    people.open()
    people.start_load(run_.images["own"], 1, run_.pause, run_.pull_secret)
    try:
        with pipeline(run_) as at, run_.use(), run_.use(books=people, where="in prod"):
            good = deliver(at, 101, "good release")
            began = datetime.now(UTC)
            bad = deliver(at, 102, "bad release")
            take_back(at, good, bad)
            record_builds(at, began)
            count(at)
    finally:
        people.stop_load()


def record_builds(at: Pipeline, moment: datetime) -> None:
    """What GitHub would remember of the two builds."""
    for number in (101, 102):
        at.stand_in.world.runs.append({
            "id": number, "path": ".github/workflows/main.yml", "event": "push", "status": "completed",
            "conclusion": "success", "head_branch": "main", "head_sha": at.run.head,
            "created_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}", "updated_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        })  # fmt: skip
