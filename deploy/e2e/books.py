"""People in the books of the run: who logs in, the pod that plays them, and what it was told."""

import json
import secrets
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import yaml

from deploy.e2e.cluster import Cluster
from deploy.e2e.tools import wait

SPACE = "financetracker-e2e"
EMAIL = "e2e@example.org"
JOURNAL = """\
2026-01-01 Opening
    Assets:Cash                 1000.00 EUR
    Equity:Opening Balances    -1000.00 EUR

2026-01-02 First
    Expenses:Food                 12.50 EUR
    Assets:Cash                  -12.50 EUR
"""
# The image has no shell: a command whose password must not stand in an argument reads it from its input.
SUPERUSER = """
import os, sys
os.environ |= {"DJANGO_SUPERUSER_PASSWORD": sys.stdin.readline().strip(), "FT_POOL_SIZE": "0"}
os.environ["DJANGO_SETTINGS_MODULE"] = "financetracker.settings"
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "createsuperuser", "--noinput", "--email", sys.argv[1]])
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: load}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 1
  securityContext: {runAsNonRoot: true, runAsUser: 10001, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: load
    resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 256Mi}}
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
    volumeMounts: [{name: script, mountPath: /load}, {name: word, mountPath: /word}]
  volumes:
  - {name: script, configMap: {name: load}}
  - {name: word, secret: {secretName: load, defaultMode: 288}}
"""

Line = dict[str, Any]


class Books:
    """One environment's books with a login, and the steady use of them."""

    def __init__(
        self, cluster: Cluster, space: str, host: str, *, pod: str = "load", email: str = EMAIL, book: str = "E2E"
    ) -> None:
        self.cluster = cluster
        self.pod = pod
        self.email = email
        self.book = book
        self.space = space
        self.host = host
        self.password = secrets.token_urlsafe(18)
        self.lines: list[Line] = []
        self.lock = threading.Lock()
        self.follower: subprocess.Popen[str] | None = None

    def open(self) -> None:
        """Make the login and the book, as the installation runbook does."""
        self.cluster.execute(
            self.space, "deploy/web", "python", "-c", SUPERUSER, self.email, text=self.password + "\n"
        )
        whose = ("--book", self.book, "--create", "--base", "EUR", "--owner", self.email)
        self.manage("import_journal", "/dev/stdin", *whose, text=JOURNAL)

    def manage(self, *command: str, text: str = "") -> str:
        """Run a management command in a web pod."""
        line = ("python", "manage.py", *command)
        return self.cluster.execute(self.space, "deploy/web", *line, text=text, seconds=300)

    def start_load(self, image: str, people: int, pause: float, pull_secret: str) -> None:
        """Start the pod that uses the books, and follow what it says."""
        script = (Path(__file__).parent / "load.py").read_text()
        pod = yaml.safe_load(POD)
        pod["metadata"]["name"] = self.pod
        pod["spec"]["volumes"][1]["secret"]["secretName"] = self.pod
        address = f"http://web.{self.space}"
        pod["spec"]["containers"][0] |= {
            "image": image,
            "command": [
                "python",
                "/load/load.py",
                address,
                self.host,
                self.email,
                "/word/password",
                str(people),
                str(pause),
            ],
        }
        if pull_secret:
            pod["spec"]["imagePullSecrets"] = [{"name": pull_secret}]
        word = {"password": self.password}
        objects: list[dict[str, Any]] = [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "load"}, "data": {"load.py": script}},
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": self.pod}, "stringData": word},
            pod,
        ]  # fmt: skip
        for one in objects:
            one["metadata"]["namespace"] = SPACE
        self.cluster.apply(yaml.safe_dump_all(objects))
        wait(
            "the load pod runs",
            120,
            lambda: self.cluster.get("pod", self.pod, SPACE)["status"]["phase"] == "Running",
        )
        threading.Thread(target=self._follow, daemon=True).start()
        wait("the first transaction of the load", 60, lambda: any("wrote" in line for line in self.window(0)))

    def _follow(self) -> None:
        command = ["kubectl", *self.cluster.context, "-n", SPACE, "logs", "-f", self.pod]
        self.follower = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for text in self.follower.stdout or ():
            with self.lock:
                self.lines.append(json.loads(text))

    def stop_load(self) -> None:
        if self.follower is not None:
            self.follower.terminate()

    def window(self, began: float, ended: float | None = None) -> list[Line]:
        """What the load was told between two moments."""
        with self.lock:
            return [line for line in self.lines if began <= line["at"] <= (ended or time.time())]

    def await_lines(self, since: float, count: int = 20) -> None:
        """Wait until the load has gone on for some requests, so that a window is never empty."""
        wait("the load goes on", 90, lambda: len(self.window(since)) >= count)

    def lost(self, began: float) -> tuple[int, list[str]]:
        """How many transactions were acknowledged since then, and those of them that are not in the books once."""
        wrote = [line["wrote"] for line in self.window(began) if "wrote" in line]
        text = self.manage("export_journal", "--book", self.book, "--owner", self.email)
        return len(wrote), [name for name in wrote if text.count(name) != 1]


def failures(lines: list[Line]) -> list[Line]:
    """Requests that were not answered as a person needs it."""
    return [line for line in lines if line["status"] not in (200, 302)]


def described(lines: list[Line]) -> str:
    """Failures by kind, for a verdict's detail."""
    kinds: dict[str, int] = {}
    for line in lines:
        kind = f"{line['what']} {line['status'] or line.get('why', 'no answer')[:80]}"
        kinds[kind] = kinds.get(kind, 0) + 1
    return ", ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items()))
