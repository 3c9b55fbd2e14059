"""Runs a workflow file, as it stands, with act: steps are processes of this machine, remote actions are stubs."""

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.tools import get
from tests.deploy.workflows.files import PLACE, actions, workflows

STUBS = Path(__file__).resolve().parent / "stubs"
REMOTE = re.compile(r"uses: ([\w.-]+/[\w.-]+)((?:/[\w.-]+)*)@([0-9a-f]{40})")
SECONDS = 600


@dataclass
class Ran:
    """How a run ended: act's status, each job's result in the order they ended, and all that was said."""

    status: int
    jobs: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    @property
    def log(self) -> str:
        return "\n".join(self.said)


def stubs() -> list[str]:
    """The options that put a stub in place of every action that is not ours. Fails where there is no stub."""
    texts = [workflow.text for workflow in workflows().values()] + list(actions().values())
    found = {match.groups() for text in texts for match in REMOTE.finditer(text)}
    made = []
    for name, inside, commit in sorted(found):
        if (STUBS / f"{name}{inside}" / "action.yml").is_file():
            made += ["--local-repository", f"https://github.com/{name}@{commit}={STUBS / name}"]
    return made


def run(
    clone: Path, workflow: str, event: str, payload: dict[str, Any], *, home: Path, env: dict[str, str],
    secrets: dict[str, str], variables: dict[str, str], inputs: dict[str, str] | None = None,
) -> Ran:  # fmt: skip
    """Runs one workflow of a clone to its end. Nothing of this process's environment reaches a step."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "event.json").write_text(json.dumps(payload), encoding="utf-8")
    given = {"--env": env, "--secret": secrets, "--var": variables, "--input": inputs or {}}
    named = [(option, f"{key}={value}") for option, pairs in given.items() for key, value in pairs.items()]
    argv = [
        str(get.program("act")), event, "--workflows", f"{PLACE}/{workflow}",
        "--platform", "ubuntu-24.04=-self-hosted",
        "--no-cache-server", "--action-offline-mode", "--no-skip-checkout", "--json",
        "--eventpath", str(home / "event.json"), *(part for pair in named for part in pair), *stubs(),
    ]  # fmt: skip
    alone = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(home), "LANG": "C.UTF-8"}
    done = subprocess.run(
        argv,
        cwd=clone,
        env=alone,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
    )
    ran = Ran(done.returncode)
    for line in done.stdout.splitlines() + done.stderr.splitlines():
        listen(ran, line)
    if os.environ.get("ACT_LOG"):  # for whoever looks why it failed
        with Path(os.environ["ACT_LOG"]).open("a", encoding="utf-8") as log:
            log.write(f"{ran.log}\n")
    return ran


def listen(ran: Ran, line: str) -> None:
    """Keeps what one line of act's log says."""
    try:
        one = json.loads(line)
    except ValueError:
        ran.said.append(line)
        return
    name = str(one.get("job", "")).strip().removesuffix(" ")
    ran.said.append(f"[{name}] {str(one.get('msg', '')).rstrip()}")
    if "jobResult" in one:
        ran.jobs[name] = one["jobResult"]
