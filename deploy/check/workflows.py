"""The workflows before GitHub runs them: actionlint with shellcheck, and zizmor in its strictest mode."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from deploy.check.problems import Problem
from deploy.check.programs import ROOT, run, tool

PLACE = ".github"


def files(root: Path) -> list[Path]:
    """The workflows of a work tree. Raises Problem where there is none: nothing would be found in nothing."""
    found = sorted((root / PLACE / "workflows").glob("*.y*ml"))
    if not found:
        raise Problem(f"{PLACE}/workflows holds no workflow.")
    return found


def mistakes(root: Path) -> Iterator[str]:
    """What actionlint says, one a line. Without shellcheck it is silent about scripts: so it is given one."""
    shellcheck = tool("shellcheck")
    argv: list[str | Path] = [
        tool("actionlint"),
        "-oneline",
        "-no-color",
        f"-shellcheck={shellcheck}",
        "-pyflakes=",
    ]
    done = run([*argv, *files(root)], cwd=root)
    if done.returncode not in (0, 1):
        raise Problem(f"actionlint: {(done.stderr.strip() or 'it said nothing').splitlines()[-1]}")
    yield from (line.removeprefix(f"{root}/") for line in done.stdout.splitlines())


def dangers(root: Path) -> Iterator[str]:
    """What zizmor says, one a line; what it can only know from the network it leaves out."""
    done = run(
        [tool("zizmor"), "--offline", "--persona=auditor", "--no-progress", "--quiet", "--format=github", PLACE],
        cwd=root,
    )
    said = re.findall(r"^::\w+ .*?title=([^,:]+)::(.*)$", done.stdout, re.MULTILINE)
    if done.returncode and not said:
        raise Problem(f"zizmor: {(done.stderr.strip() or 'it said nothing').splitlines()[-1]}")
    yield from (f"{what} [{name}]" for name, what in said)


def check(root: Path = ROOT, base: str | None = None, say: Callable[[str], None] = print) -> int:
    """Prints every finding and one line a check; returns their number. `base` is for the other checks."""
    if base:
        raise Problem("Workflows are looked at as they are: there is no --base.")
    count = 0
    for name, look in (("actionlint and shellcheck", mistakes), ("zizmor", dangers)):
        found = list(look(root))
        for line in found:
            say(f"  {line}")
        say(f"{name}: {len(found) or 'nothing'} to correct")
        count += len(found)
    return count
