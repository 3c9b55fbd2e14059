"""`dev.py backup` and `restore` in a clone of their own, with the very lines of the runbook."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import dev
from financetracker.site.management.commands.restore import Command as Restore

RUNBOOK = dev.ROOT / "docs" / "runbooks" / "restore.md"


@pytest.fixture(scope="module")
def clone() -> Iterator[Path]:
    """The project's files where the server's user may enter, and a demo household in its own database."""
    folder = Path(tempfile.mkdtemp(prefix="ft-test-"))
    folder.chmod(0o755)
    for name in ("dev.py", "manage.py", "requirements-dev.txt"):
        shutil.copy(dev.ROOT / name, folder)
    shutil.copytree(dev.ROOT / "financetracker", folder / "financetracker")
    (folder / ".venv").symlink_to(dev.VENV)
    for command in ("manage migrate -v0", "manage demo"):
        done = sh(folder, f"python3 dev.py {command}")
        assert done.returncode == 0, done.stderr
    yield folder
    sh(folder, "python3 dev.py stop")
    shutil.rmtree(folder)


def sh(folder: Path, script: str) -> "subprocess.CompletedProcess[str]":
    """What a person types, in a clone."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "FT_", "PYTHON"))
    }
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder, env={**kept, "ENVIRONMENT": "development"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def lines_of(section: str) -> list[str]:
    """The blocks of commands in a section of the runbook."""
    text = RUNBOOK.read_text().split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_runbooks_lines_bring_the_books_back(clone: Path) -> None:
    save, replace = lines_of("On a laptop")
    saved = sh(clone, save)
    assert saved.returncode == 0, saved.stderr
    assert re.search(
        r"^books\.backup|/books\.backup is whole: it holds financetracker of ", saved.stderr, re.MULTILINE
    )
    totals = re.findall(r"^total .+$", saved.stderr, re.MULTILINE)
    assert len(totals) == 2
    refused = sh(clone, "python3 dev.py restore books.backup")
    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        "dev.py: There are books already, and a backup goes into an empty database: run `python3 dev.py stop`,"
        f" move {clone}/var/pg away, and run this again."
    )
    restored = sh(clone, replace)
    assert restored.returncode == 0, restored.stderr
    assert restored.stderr.count("The books agree.") == 2
    assert re.findall(r"^total .+$", restored.stderr, re.MULTILINE) == totals
    assert re.findall(r"^total .+$", restored.stdout, re.MULTILINE) == totals
    assert (clone / "var" / "pg-before" / "PG_VERSION").exists()


def test_what_is_wrong_with_a_file_is_one_line(clone: Path) -> None:
    (clone / "other.backup").write_text("no backup")
    done = sh(clone, "python3 dev.py restore --check other.backup")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"CommandError: {clone}/other.backup cannot be restored: The file is no backup of ours, or its beginning"
        " is damaged.\n"
    )


def test_the_clusters_jobs_are_the_backups_with_another_command() -> None:
    """The part that needs no cluster: what the runbook's patches say, and that there is something to patch."""
    documents = yaml.safe_load_all((dev.ROOT / "deploy" / "base" / "cronjobs.yaml").read_text())
    (cronjob,) = [one for one in documents if one["metadata"]["name"] == "backup"]
    (container,) = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"][:3] == ["python", "manage.py", "backup"]
    assert "/backups" in [mount["mountPath"] for mount in container["volumeMounts"]]
    patches = re.findall(r"kubectl patch --local -f - --type json -p '(.+?)' -o yaml", RUNBOOK.read_text())
    assert len(patches) == 2
    for patch in map(json.loads, patches):
        assert patch[0]["path"] == "/spec/template/spec/containers/0/command"
        python, manage, *words = patch[0]["value"]
        assert (python, manage, words[0]) == ("python", "manage.py", "restore")
        Restore().create_parser("manage.py", "restore").parse_args(words[1:])
        assert words[-1].startswith("/backups")
