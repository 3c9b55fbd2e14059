"""Everything that the workflows talk to, on this machine: Git, GitHub, a registry, Slack, two environments."""

import base64
import http.client
import json
import os
import secrets
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.e2e.github.server import StandIn
from deploy.e2e.github.world import Token
from deploy.release import cosign
from deploy.release.evidence import path_of
from deploy.release.github import GitHub
from deploy.release.images import Image, overlay, pinned
from deploy.tools import get
from tests.deploy.release.house import UPDATE, hook
from tests.deploy.release.registry import registry
from tests.deploy.release.server import served
from tests.deploy.release.slack import Slack, standing_in
from tests.deploy.workflows import act
from tests.deploy.workflows.files import PROJECT
from tests.deploy.workflows.ground import NAME, certificate, python, seed
from tests.deploy.workflows.site import Site

LOCAL_IMAGE = f"localhost/ft-act-{os.getpid()}:local"


@dataclass
class Town:
    """Where everything is. `clone` is a person's, on main."""

    folder: Path
    token: str
    remote: str  # the address of the bare repository, with the token
    registry: str
    github: StandIn
    slack: Slack
    sites: dict[str, Site] = field(default_factory=dict)
    runs: int = 100
    times: list[tuple[str, float]] = field(default_factory=list)
    report: str = "grype-clean"

    @property
    def bare(self) -> Path:
        return self.folder / "origin.git"

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @property
    def repository(self) -> str:
        """Where images go."""
        return f"{self.registry}/financetracker"

    @property
    def api(self) -> GitHub:
        return GitHub(NAME, self.token, self.github.url)

    def git(self, *arguments: str, at: Path | None = None, who: str = "administrator") -> str:
        """Runs Git in the clone as somebody whom main lets in, and returns what it printed."""
        named = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "Ana"), ("EMAIL", "ana@example.org"))
        }
        env = {**os.environ, **named, "PUSHER": who, "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", *arguments], cwd=at or self.clone, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    def change(self, message: str, files: dict[str, str]) -> tuple[str, str]:
        """Brings a change onto main, as a merged pull request does; returns the commits before and after."""
        self.git("fetch", "-q", "origin")
        self.git("reset", "-q", "--hard", "origin/main")
        before = self.git("rev-parse", "HEAD")
        for name, text in files.items():
            (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
            (self.clone / name).write_text(text, encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        self.git("push", "-q", "origin", "main")
        return before, self.git("rev-parse", "HEAD")

    # What is there

    def main(self) -> str:
        return self.git("rev-parse", "main", at=self.bare)

    def at(self, path: str, commit: str = "main") -> str:
        """A file as main has it; empty where it has none."""
        done = subprocess.run(
            ["git", "show", f"{commit}:{path}"], cwd=self.bare, capture_output=True, text=True, check=False
        )
        return done.stdout if done.returncode == 0 else ""

    def message(self, commit: str = "main") -> str:
        return self.git("log", "-1", "--format=%B", commit, at=self.bare)

    def files_of(self, commit: str = "main") -> list[str]:
        return self.git("diff", "--name-only", f"{commit}~1", commit, at=self.bare).splitlines()

    def pinned(self, environment: str) -> Image:
        image = pinned(self.at(overlay(environment)))
        assert image is not None
        return image

    def evidence(self, image: Image) -> dict[str, Any]:
        text = self.at(path_of(image.digest))
        made: dict[str, Any] = json.loads(text) if text else {}
        return made

    def signed(self, image: Image) -> str:
        """What is signed beside the image; Refused where nothing is."""
        who = [
            "--key",
            str(self.folder / "cosign.pub"),
            "--insecure-ignore-tlog=true",
            "--allow-insecure-registry",
        ]
        cosign.verify(image, who)
        envelope = json.loads(cosign.verify_contents(image, who).splitlines()[0])
        return base64.b64decode(envelope["payload"]).decode()

    def tags(self) -> list[str]:
        """What the registry has under our name."""
        argv = [get.program("crane"), "ls", "--insecure", self.repository]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return sorted(tag for tag in done.stdout.split() if tag.startswith("run-"))

    def wait_for(self, what: str, seconds: float, seen: Any) -> None:
        """Waits until something is so, or fails with its name and what the environments complained of."""
        until = time.monotonic() + seconds
        while not seen():
            trouble = [line for site in self.sites.values() for line in site.trouble]
            assert time.monotonic() < until, f"{what} did not come in {seconds:.0f} s: {trouble}"
            time.sleep(0.1)

    # What GitHub does

    def run(
        self,
        workflow: str,
        event: str,
        payload: dict[str, Any],
        *,
        commit: str = "main",
        environment: str = "staging",
        inputs: dict[str, str] | None = None,
    ) -> act.Ran:
        """Runs one workflow with act on a clone at a commit, and notes how long it took."""
        self.runs += 1
        folder = self.folder / f"act-{self.runs}"
        self.git("clone", "-q", str(self.bare), str(folder), at=self.folder)
        self.git(
            "checkout",
            "-q",
            "--detach" if commit != "main" else "main",
            *([commit] if commit != "main" else []),
            at=folder,
        )
        self.git("remote", "set-url", "origin", f"https://github.com/{NAME}.git", at=folder)
        began = time.monotonic()
        ran = act.run(
            folder, workflow, event, {"repository": {"full_name": NAME, "default_branch": "main"}, **payload},
            home=self.folder / "home" / str(self.runs), env=self.environment(environment), inputs=inputs,
            secrets={
                "GITHUB_TOKEN": self.token, "RELEASE_APP_KEY": "a key that nobody looks at",
                "DOCKERHUB_TOKEN": "a token that nobody looks at", "SLACK_WEBHOOK_URL": self.slack.url,
            },
            variables={
                "IMAGE": self.repository, "URL": self.sites[environment].url, "RELEASE_APP_ID": "4711",
                "DOCKERHUB_USERNAME": "financetracker", "PROBE_EMAIL": "",
            },
        )  # fmt: skip
        self.times.append((f"{workflow} ({event})", time.monotonic() - began))
        shutil.rmtree(folder)
        return ran

    def environment(self, environment: str) -> dict[str, str]:
        """What stands in for what a runner has by itself; the files of the workflows are not touched."""
        return {
            "GITHUB_API_URL": self.github.url, "GITHUB_RUN_ID": str(self.runs), "GITHUB_REPOSITORY": NAME,
            "RELEASE_REMOTE": self.remote, "RELEASE_PATIENCE": "5", "INSECURE_REGISTRY": "1",
            "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "COSIGN_KEY": str(self.folder / "cosign.key"), "COSIGN_PUBLIC_KEY": str(self.folder / "cosign.pub"),
            "COSIGN_PASSWORD": "", "SSL_CERT_FILE": str(self.folder / "site.pem"),
            "COMMENT_AUTHOR": "financetracker-release[bot]",
            "STAND_IN": str(self.folder / "stand-in"), "STUBS": str(act.STUBS), "TOOLS": str(get.PLACE),
            "LOCAL_IMAGE": LOCAL_IMAGE,
            "GRYPE_REPORT": str(PROJECT / "tests/deploy/release/reports" / f"{self.report}.json"),
        }  # fmt: skip

    def answers(self, environment: str) -> dict[str, Any]:
        """What an environment answers on /version."""
        context = ssl.create_default_context(cafile=str(self.folder / "site.pem"))
        door = self.sites[environment].door.server_address[1]
        asked = http.client.HTTPSConnection("localhost", door, timeout=20, context=context)
        asked.request("GET", "/version", headers={"X-Forwarded-Proto": "https"})
        made: dict[str, Any] = json.load(asked.getresponse())
        asked.close()
        return made

    def pushed(self, before: str, after: str) -> dict[str, Any]:
        """The payload of a push to main."""
        return {"ref": "refs/heads/main", "before": before, "after": after}

    def proposed(self, number: int) -> dict[str, Any]:
        """The payload of a pull request."""
        pull = self.api.get(f"/pulls/{number}")
        head = {**pull["head"], "repo": {"full_name": NAME}}
        return {"action": "opened", "number": number, "pull_request": {**pull, "head": head}}

    def said(self, commit: str, context: str, state: str) -> None:
        """Argo CD's word on a commit."""
        self.api.send("POST", f"/statuses/{commit}", {"state": state, "context": context, "description": "act"})

    def words(self, commit: str, context: str) -> list[str]:
        return [one["state"] for one in self.api.every(f"/commits/{commit}/statuses") if one["context"] == context]


@contextmanager
def town(folder: Path) -> Iterator[Town]:
    """Builds everything and takes it down again. 6 s."""
    token = f"ghs_{secrets.token_hex(18)}"
    with ExitStack() as stack:
        server = stack.enter_context(served(folder, token))
        place = stack.enter_context(registry(folder / "images"))
        github = stack.enter_context(StandIn(folder / "origin.git", NAME, {token: Token()}))
        slack = stack.enter_context(standing_in(Slack()))
        made = Town(folder, token, f"{server.url}/origin.git", place, github, slack)
        for name in ("stand-in", "clone"):
            (folder / name).mkdir()
        (folder / "stand-in" / "app-token").write_text(token, encoding="utf-8")
        made.git("init", "-q", "--bare", "-b", "main", str(made.bare), at=folder)
        made.git("config", "http.receivepack", "true", at=made.bare)
        made.git("config", "uploadpack.allowAnySHA1InWant", "true", at=made.bare)
        hook(made.bare, "update", UPDATE)
        made.git("init", "-q", "-b", "main")
        made.git("remote", "add", "origin", str(made.bare))
        seed(made.clone)
        made.git("add", "-A")
        made.git("commit", "-q", "-m", "The beginning")
        made.git("push", "-q", "-u", "origin", "main")
        python(folder / "stand-in" / "python")
        certificate(folder)
        subprocess.run(
            [str(get.program("cosign")), "generate-key-pair"], cwd=folder,
            env={**os.environ, "COSIGN_PASSWORD": ""}, capture_output=True, check=True,
        )  # fmt: skip
        for name in ("staging", "prod"):
            made.sites[name] = stack.enter_context(
                Site(name, made.bare, folder / "site.pem", folder / "site.key", made.said)
            )
        remove = ["buildah", "rmi", LOCAL_IMAGE]
        stack.callback(subprocess.run, remove, capture_output=True, check=False)
        yield made
