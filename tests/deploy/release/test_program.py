"""The program itself: every command explains itself, and bad usage is a status, never a traceback."""

import subprocess
import sys

import pytest

from deploy.release import problems
from deploy.release.program import NAMES
from tests.deploy.release.house import PROJECT, House

PROGRAM = [sys.executable, str(PROJECT / "deploy" / "release")]


def told(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_help_names_every_command_and_every_status() -> None:
    done = told("--help")
    assert done.returncode == 0
    said = done.stdout
    assert [name for name in NAMES if f"\n    {name} " in said or f"\n    {name}\n" in said] == list(NAMES)
    assert "Exit status 0" in said
    for status in (problems.REFUSED, problems.USAGE, problems.COULD_NOT):
        assert f"; {status}: " in said.replace("\n", " ").replace(";  ", "; ")


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself_and_may_be_tried_dry(name: str) -> None:
    done = told(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: deploy/release {name} ")
    assert "--dry-run" in done.stdout


@pytest.mark.parametrize(
    "arguments", [[], ["nothing"], ["pin"], ["pin", "--image"], ["rollback", "prod"], ["rollback", "moon"]]
)
def test_bad_usage(arguments: list[str]) -> None:
    done = told(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("deploy/release")


def test_a_place_that_takes_no_files_is_one_line(home: House) -> None:
    done = home.run("render", "--out", "/dev/null/out")
    assert (done.status, done.out) == (3, "")
    assert done.err.startswith("release render: [Errno ")
    assert len(done.err.splitlines()) == 1


def test_a_reader_that_goes_away_is_no_error(home: House) -> None:
    process = home.start("render")
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
