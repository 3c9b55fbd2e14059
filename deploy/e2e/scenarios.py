"""What is done to the cluster, and what must come of it. One function for each; they run in this order."""

import calendar
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from deploy.e2e.books import SPACE, Books, described, failures
from deploy.e2e.cluster import Cluster, is_ready
from deploy.e2e.report import Report
from deploy.e2e.repository import Repository
from deploy.e2e.tools import Missed, wait

SECRETS = ("database-owner", "database-app", "database-auditor", "django")
# Generous for slow machines; what is promised to people is a limit of its own at its verdict.
PATIENCE = 300.0


@dataclass
class Run:
    """What every scenario has at hand."""

    cluster: Cluster
    repository: Repository
    report: Report
    images: dict[str, str]
    books: Books
    people: int
    pause: float
    pull_secret: str
    build: Callable[[int, str], str]
    head: str = ""

    staging = "financetracker-staging"
    prod = "financetracker-prod"

    def timed(self, name: str, condition: Callable[[], object], limit: float | None = None,
              seconds: float = PATIENCE, since: float | None = None) -> float:  # fmt: skip
        """Wait for something and make a verdict of how long it took; raises Missed where it never came."""
        began = time.time() if since is None else since
        wait(name, seconds, condition)
        took = time.time() - began
        self.report.measure(name, took, "s", limit=limit)
        return took

    def version(self, space: str = "") -> dict[str, Any]:
        """What the Service of an environment says about itself, asked from the pod that plays the ingress."""
        ask = (
            "import sys, urllib.request as u;"
            "print(u.urlopen(u.Request(sys.argv[1], headers={'Host': sys.argv[2]}), timeout=5).read().decode())"
        )
        address = f"http://web.{space or self.staging}/version"
        said: dict[str, Any] = json.loads(
            self.cluster.execute(SPACE, "load", "python", "-c", ask, address, self.books.host)
        )
        return said

    @contextmanager
    def use(
        self, allowed: int | None = 0, books: Books | None = None, where: str = "in staging"
    ) -> Iterator[None]:
        """Watch the load during a block: at most so many failed requests (None: counted only), no lost write."""
        people = books or self.books
        began = time.time()
        yield
        people.await_lines(time.time(), 10)
        lines = people.window(began)
        bad = failures(lines)
        name = f"failed requests of {len(lines)} {where}"
        self.report.measure(name, len(bad), limit=allowed, detail=described(bad))
        wrote, lost = people.lost(began)
        name = f"lost writes of {wrote} acknowledged {where}"
        self.report.measure(name, len(lost), limit=0, detail=", ".join(lost[:3]))

    def release(self, image: str) -> float:
        """Pin staging to an image, as the pipeline does, tell Argo CD, and return the moment of the push."""
        self.head = self.repository.pin("staging", self.images[image])
        pushed = time.time()
        self.cluster.refresh(self.staging)
        return pushed

    def back(self) -> float:
        """Take the newest commit back, tell Argo CD, and return the moment of the push."""
        self.head = self.repository.revert()
        pushed = time.time()
        self.cluster.refresh(self.staging)
        return pushed

    def settled(self) -> bool | str:
        return self.cluster.settled(self.staging, self.head)


def first_sync(run: Run) -> None:
    """An empty cluster gets everything from one Application."""
    space = run.staging
    run.cluster.apply(run.repository.applications(("staging",), run.cluster.argocd))
    began = time.time()
    steps: list[tuple[str, Callable[[], object]]] = [
        ("namespace", lambda: run.cluster.exists("namespace", space)),
        ("secrets made", lambda: all(run.cluster.exists("secret", name, space) for name in SECRETS)),
        ("database ready", lambda: database_ready(run)),
        ("migrated", lambda: run.cluster.get("job", "migrate", space)["status"].get("succeeded") == 1),
        ("web ready", lambda: run.cluster.rolled(space, run.images["own"])),
        ("synced and healthy, smoke test included", run.settled),
    ]  # fmt: skip
    for name, condition in steps:
        run.timed(f"{name}, from nothing", condition, since=began)
    labels = run.cluster.get("namespace", space)["metadata"]["labels"]
    run.report.check(
        "Pod Security of the namespace is restricted",
        labels.get("pod-security.kubernetes.io/enforce") == "restricted",
    )
    web = json.dumps(run.cluster.get("deployment", "web", space)["spec"])
    run.report.check(
        "the web has no way to the owner's secret", "database-owner" not in web and "database-app" in web
    )
    run.books.open()
    run.books.start_load(run.images["own"], run.people, run.pause, run.pull_secret)
    digest = run.images["own"].partition("@")[2]
    run.report.check("/version answers the pinned digest", run.version()["digest"] == digest, detail=digest[:19])
    entered = [line for line in run.books.window(0) if "wrote" in line]
    run.report.check("a login works and an entry is saved", bool(entered), detail=entered[0]["wrote"])


def database_ready(run: Run) -> bool:
    ready: bool = run.cluster.get("statefulset", "database", run.staging)["status"].get("readyReplicas") == 1
    return ready


def another_database(run: Run, before: str) -> bool:
    """Whether the database's pod is a new one, and ready."""
    pods = [pod for pod in run.cluster.pods(run.staging, "database") if pod["metadata"]["uid"] != before]
    return any(is_ready(pod) for pod in pods)


def commit_moves_the_image(run: Run) -> None:
    """A release with a migration goes through under load."""
    with run.use():
        pushed = run.release("next")
        run.timed("commit seen", lambda: run.cluster.seen(run.staging, run.head), limit=30, since=pushed)
        run.timed(
            "new version on every pod", lambda: run.cluster.rolled(run.staging, run.images["next"]), since=pushed
        )
        run.timed("synced and healthy", run.settled, limit=180, since=pushed)
    said = run.version()
    run.report.check("/version answers the new revision", said["commit"].startswith("next"), detail=said["commit"])


def rollback_of_a_good_release(run: Run) -> None:
    """Reverting the commit brings the old version back, over the newer schema."""
    with run.use():
        pushed = run.back()
        run.timed(
            "old version on every pod",
            lambda: run.cluster.rolled(run.staging, run.images["own"]),
            limit=120,
            since=pushed,
        )
        run.timed("synced and healthy", run.settled, limit=180, since=pushed)
    digest = run.images["own"].partition("@")[2]
    run.report.check("/version answers the old digest", run.version()["digest"] == digest)


def bad_images(run: Run) -> None:
    """Three ways to be broken; none of them ever answers a person."""
    good = run.version()["digest"]  # whatever the scenario before left there
    for name in ("exits", "answers-500", "never-ready"):
        with run.use():
            began = run.release(name)
            wait(f"a pod of {name}", PATIENCE, partial(failing, run, run.images[name]))
            run.books.await_lines(time.time(), 30)
            answered = {line["digest"] for line in run.books.window(began) if "digest" in line}
            run.report.check(f"{name}: only the old version answers", answered == {good})
            pushed = run.back()
            run.timed(f"{name}: revert to synced and healthy", run.settled, limit=120, since=pushed)


def failing(run: Run, image: str) -> bool | str:
    """Whether a pod of an image runs for a while, or ended, without ever being ready."""
    pods = [pod for pod in run.cluster.pods(run.staging, "web") if pod["spec"]["containers"][0]["image"] == image]
    for pod in pods:
        state = (pod["status"].get("containerStatuses") or [{}])[0]
        if is_ready(pod):
            raise Missed(f"{pod['metadata']['name']} became ready")
        started = state.get("state", {}).get("running", {}).get("startedAt")
        old = started is not None and time.time() - epoch(started) > 20
        if old or state.get("restartCount", 0) > 0:
            return True
    return f"{len(pods)} pods of it"


def epoch(stamp: str) -> float:
    return calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ"))


def migrations(run: Run) -> None:
    """One that fails, one that takes long, one that never ends."""
    with run.use():
        run.release("failing-migration")
        wait(
            "the migrate Job failed", PATIENCE, lambda: migrate_job(run, "failing-migration").get("failed", 0) >= 1
        )
        pods = {pod["spec"]["containers"][0]["image"] for pod in run.cluster.pods(run.staging, "web")}
        run.report.check("failing: no pod of the new version", pods == {run.images["own"]})
        pushed = run.back()
        run.timed("failing: revert to synced and healthy", run.settled, limit=240, since=pushed)
    with run.use():
        pushed = run.release("long-migration")
        run.timed("long: a migration of 100 s is synced and healthy", run.settled, since=pushed)
        pushed = run.back()
        run.timed("long: back to the old version", run.settled, limit=240, since=pushed)
    with run.use():
        run.release("hanging-migration")
        wait("the migrate Job hangs", PATIENCE, lambda: migrate_job(run, "hanging-migration").get("active") == 1)
        pushed = run.back()
        run.cluster.end_operation(run.staging)
        run.timed(
            "hanging: revert and break glass to synced and healthy",
            lambda: run.cluster.at_rest(run.staging, run.head),
            limit=120,
            since=pushed,
        )
    wait("staging stays at rest", PATIENCE, at_rest_for(run, 15))


def at_rest_for(run: Run, seconds: float) -> Callable[[], bool | str]:
    """A condition that holds once staging has been at rest for so long: Argo CD may try an ended sync again."""
    since: list[float] = []

    def condition() -> bool | str:
        now = run.cluster.at_rest(run.staging, run.head)
        if now is not True:
            since.clear()
            return now
        since.append(time.monotonic())
        return since[-1] - since[0] >= seconds or "at rest since a moment"

    return condition


def migrate_job(run: Run, image: str) -> dict[str, Any]:
    """The status of the migrate Job of an image; nothing while the Job is still that of another."""
    job = run.cluster.get("job", "migrate", run.staging)
    status: dict[str, Any] = job["status"]
    return status if job["spec"]["template"]["spec"]["containers"][0]["image"] == run.images[image] else {}


def drift(run: Run) -> None:
    """What somebody does by hand is put right; what is not ours is left alone."""
    cluster, space = run.cluster, run.staging
    with run.use():
        cluster.kubectl("-n", space, "create", "secret", "generic", "outside", "--from-literal=key=value")
        began = time.time()
        cluster.kubectl("-n", space, "scale", "deployment/web", "--replicas=1")
        run.timed(
            "kubectl scale healed",
            lambda: cluster.get("deployment", "web", space)["spec"]["replicas"] == 2,
            limit=60,
            since=began,
        )
        name = cluster.get("deployment", "web", space)["spec"]["template"]["spec"]["containers"][0]["envFrom"][0][
            "configMapRef"
        ]["name"]
        before = cluster.get("configmap", name, space)["data"]
        began = time.time()
        cluster.kubectl(
            "-n", space, "patch", "configmap", name, "--type", "merge", "-p", '{"data":{"WEB_CONCURRENCY":"99"}}'
        )
        run.timed(
            "edited ConfigMap healed",
            lambda: cluster.get("configmap", name, space)["data"] == before,
            limit=60,
            since=began,
        )
        wait("both pods ready again", PATIENCE, lambda: cluster.rolled(space, run.images["own"]))
    with run.use(allowed=None):
        began = time.time()
        cluster.kubectl("-n", space, "delete", "service", "web")
        run.timed("deleted Service healed", lambda: cluster.exists("service", "web", space), limit=60, since=began)
        run.books.await_lines(time.time() + 2, 20)
    with run.use():
        extra = run.repository.overlay("staging") / "extra.yaml"
        extra.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\ndata:\n  a: b\n")
        overlay = run.repository.overlay("staging") / "kustomization.yaml"
        text = overlay.read_text()
        overlay.write_text(text.replace("resources:\n- ../../base\n", "resources:\n- ../../base\n- extra.yaml\n"))
        run.head = run.repository.commit("One manifest more")
        cluster.refresh(space)
        wait("the extra manifest is there", PATIENCE, lambda: cluster.exists("configmap", "extra", space))
        wait("synced", PATIENCE, run.settled)
        pushed = run.back()
        run.timed(
            "removed manifest pruned",
            lambda: not cluster.exists("configmap", "extra", space),
            limit=120,
            since=pushed,
        )
        wait("synced", PATIENCE, run.settled)
    run.report.check("a Secret made outside Git is left alone", cluster.exists("secret", "outside", space))


def environments_apart(run: Run) -> None:
    """Prod comes beside staging; neither sync touches the other."""
    before = fingerprint(run, run.staging)
    run.cluster.apply(run.repository.applications(("prod",), run.cluster.argocd))
    head = run.head
    run.timed("prod synced and healthy, from nothing", lambda: run.cluster.settled(run.prod, head))
    changed = differing(before, fingerprint(run, run.staging))
    run.report.check("prod's first sync changed nothing in staging", not changed, ", ".join(changed))
    own = run.images["own"].partition("@")[2]
    run.report.check("prod's /version answers its own digest", run.version(run.prod)["digest"] == own)
    secrets = [
        run.cluster.get("secret", "database-app", space)["data"]["password"] for space in (run.staging, run.prod)
    ]
    run.report.check("each environment has passwords of its own", secrets[0] != secrets[1])
    before = fingerprint(run, run.prod)
    with run.use():
        pushed = run.release("next")
        run.timed("staging moves on", run.settled, since=pushed)
        changed = differing(before, fingerprint(run, run.prod))
        run.report.check("staging's sync changed nothing in prod", not changed, ", ".join(changed))
        pushed = run.back()
        run.timed("staging goes back", run.settled, since=pushed)


def fingerprint(run: Run, space: str) -> dict[str, str]:
    """Which version of each object stands in a namespace. Neither status counts, nor what is going already."""
    kinds = (
        "deployments,statefulsets,services,configmaps,secrets,cronjobs,jobs,networkpolicies,serviceaccounts,roles"
    )
    found = run.cluster.get(kinds, space=space)["items"]
    return {
        f"{one['kind']}/{one['metadata']['name']}": json.dumps(
            [one["metadata"]["uid"], one["metadata"].get("generation"), one.get("data")]
        )
        for one in found
        if "deletionTimestamp" not in one["metadata"]
    }


def differing(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The objects that came, went or are another version."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def clock_work(run: Run) -> None:
    """What runs by the clock does its work as the role it has."""
    for name in ("clear-sessions", "verify-ledger", "backup"):
        began = time.time()
        run.cluster.kubectl("-n", run.staging, "create", "job", f"--from=cronjob/{name}", f"now-{name}")

        def done(name: str = name) -> bool | str:
            status = run.cluster.get("job", f"now-{name}", run.staging)["status"]
            if status.get("failed"):
                raise Failed(f"{name} failed: {run.cluster.logs(run.staging, f'job/now-{name}')}")
            return bool(status.get("succeeded") == 1)

        run.timed(f"{name} does its work", done, seconds=300, since=began)
        run.cluster.kubectl("-n", run.staging, "delete", "job", f"now-{name}", "--wait=false")


class Failed(Exception):
    """Something ended badly: waiting longer is of no use."""


def faults(run: Run) -> None:
    """What people see when things die: counted, and nothing that was acknowledged is lost."""
    cluster, space = run.cluster, run.staging
    with run.use(allowed=None):
        victim = cluster.pods(space, "web")[0]["metadata"]["name"]
        began = time.time()
        cluster.kubectl("-n", space, "delete", "pod", victim, "--grace-period=0", "--force")
        wait("both pods ready", PATIENCE, lambda: cluster.rolled(space, run.images["own"]))
        run.report.measure("a killed pod is replaced", time.time() - began, "s")
    with run.use():
        victim = cluster.pods(space, "web")[0]["metadata"]["name"]
        began = time.time()
        cluster.kubectl("-n", space, "delete", "pod", victim)
        run.timed("an evicted pod is replaced", lambda: cluster.rolled(space, run.images["own"]), since=began)
    with run.use(allowed=None):
        began = time.time()
        before = cluster.get("pod", "database-0", space)["metadata"]["uid"]
        cluster.kubectl("-n", space, "delete", "pod", "database-0", "--wait=false")
        wait("another database pod is ready", PATIENCE, lambda: another_database(run, before))
        back = time.time()
        wait("both pods ready", PATIENCE, lambda: cluster.rolled(space, run.images["own"]))
        run.books.await_lines(back + 10, 30)  # by then whoever waited for the old connections has his answer
        lines = run.books.window(began)
        away = [line["at"] for line in failures(lines)]
        run.report.measure("restarted database: people are served again after", max([*away, began]) - began, "s")
        restarts = sum(pod["status"]["containerStatuses"][0]["restartCount"] for pod in cluster.pods(space, "web"))
        run.report.measure("restarted database: web pods restarted for it", restarts, limit=0)
    with run.use(allowed=None):
        began = time.time()
        hold_everything(run, 20)
        run.books.await_lines(time.time() + 1, 20)
        lines = run.books.window(began)
        slow = max((line["ms"] for line in lines), default=0) / 1000
        broken = [line for line in failures(lines) if line["status"] != 503]
        run.report.measure("drained pool: told to come back (503)", len(failures(lines)))
        run.report.measure("drained pool: answered otherwise", len(broken), limit=0, detail=described(broken))
        run.report.measure("drained pool: longest wait for an answer", slow, "s", limit=31)


def hold_everything(run: Run, seconds: int) -> None:
    """Lock the logins for a while, as the owner: every request waits for a connection, then for its turn."""
    script = (
        "import os, psycopg, time, sys\n"
        "word = open('/run/secrets/database/password').read().strip()\n"
        "url = os.environ['DATABASE_URL']\n"
        "with psycopg.connect(url, password=word) as held:\n"
        "    held.execute('LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE')\n"
        "    time.sleep(float(sys.argv[1]))\n"
    )
    run.cluster.execute(run.staging, "deploy/web", "python", "-c", script, str(seconds), seconds=seconds + 60)
