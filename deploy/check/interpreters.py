"""The Python with which an earlier revision's program runs: with the packages that it pins."""

import hashlib
import shutil
import sys
from pathlib import Path

from deploy.check.programs import ROOT, output

PINS = "requirements-dev.txt"
PLACE = ROOT / "var" / "check"


def of(files: Path, tree: Path = ROOT) -> Path:
    """This Python where the pins are the same, else one in an environment made from the revision's own."""
    pins = (files / PINS).read_bytes()
    if pins == (tree / PINS).read_bytes():
        return Path(sys.executable)
    home = PLACE / hashlib.sha256(pins).hexdigest()[:16]
    if not (home / "made").is_file():
        shutil.rmtree(home, ignore_errors=True)
        what = "the packages of the base cannot be installed"
        output([sys.executable, "-m", "uv", "venv", "-q", "-p", sys.executable, home], what)
        how: list[str | Path] = ["--require-hashes", "--only-binary", ":all:", files / PINS]
        output([sys.executable, "-m", "uv", "pip", "sync", "-q", "-p", home / "bin" / "python", *how], what)
        (home / "made").touch()
    return home / "bin" / "python"
