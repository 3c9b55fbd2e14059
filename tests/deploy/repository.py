"""Git repositories for tests, made by somebody who is nobody here."""

import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    """Runs Git in a folder; returns what it printed."""
    who = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, message: str) -> str:
    """Commits all that is there, and returns the commit."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")
