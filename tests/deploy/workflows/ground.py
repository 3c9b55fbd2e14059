"""What a town is built on: the project as a repository, a Python that asks nobody, a certificate."""

import shutil
import stat
import subprocess
import sys
import venv
from pathlib import Path

from deploy.release.images import parse, set_image
from tests.deploy.workflows.files import PROJECT

NAME = "financetracker/financetracker"
NOTHING = parse(f"docker.io/{NAME}:run-0-0000000@sha256:{'0' * 64}")
STAND_INS = {
    # The suite runs where this runs: here it would run inside itself.
    "dev.py": '#!/usr/bin/env python3\nimport sys\n\nprint("stand-in for dev.py:", *sys.argv[1:])\n',
    ".ci/run": '#!/usr/bin/env bash\necho "stand-in for .ci/run: $*"\n',
}


def seed(folder: Path) -> None:
    """The project as it lies here, as the first commit of a repository that has released nothing."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.split("\0"):
        source, target = PROJECT / name, folder / name
        if name and source.is_file() and not source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for name, text in STAND_INS.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod((folder / name).stat().st_mode | stat.S_IXUSR)
    for environment in ("staging", "prod"):
        set_image(folder, environment, NOTHING)


def python(folder: Path) -> None:
    """A Python with pip that finds what is installed here, so that pip has nothing left to ask for."""
    venv.create(folder, with_pip=True, symlinks=True)
    site = next(folder.glob("lib/python3*/site-packages"))
    here = [path for path in sys.path if path.endswith("site-packages")]
    (site / "here.pth").write_text("\n".join(here) + "\n", encoding="utf-8")


def certificate(folder: Path) -> None:
    """A certificate for localhost that only the runs of this town trust."""
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", str(folder / "site.key"), "-out", str(folder / "site.pem")]  # fmt: skip
    subprocess.run(argv, capture_output=True, check=True)
