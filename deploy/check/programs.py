"""Running other programs, and where they are."""

import os
import subprocess
from pathlib import Path

from deploy.check.problems import Problem
from deploy.tools import get

ROOT = Path(__file__).resolve().parent.parent.parent


def tool(name: str) -> Path:
    """Where one of the pinned tools is. Raises Problem with how to get it."""
    if not get.current(name):
        raise Problem(f"{name} is not there, or is not the pinned one: `python3 dev.py tools` gets it.")
    return get.program(name)


def run(
    argv: list[str | Path], *, cwd: Path = ROOT, env: dict[str, str] | None = None, said: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, with `said` as its input, and leaves it to the caller to look at its status."""
    command = [str(part) for part in argv]
    whole = None if env is None else {**os.environ, **env}
    return subprocess.run(command, cwd=cwd, env=whole, input=said, capture_output=True, text=True, check=False)


def output(argv: list[str | Path], what: str, *, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """What a program that must succeed printed. Raises Problem with its last line if it fails."""
    done = run(argv, cwd=cwd, env=env)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise Problem(f"{what}: {lines[-1].strip()[:500] if lines else 'it said nothing'}")
    return done.stdout
