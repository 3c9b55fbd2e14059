"""Builds the image and shows what is promised of it; a verdict and a figure a line.

    python deploy/image build [--tag TAG] [OPTIONS]    one build; prints digest and size
    python deploy/image prove [OPTIONS]                two builds from nothing, their layers, and a trial

Exit status 0: as promised; 1: a verdict failed; 2: it could not be built.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from deploy.e2e.report import Report
from deploy.e2e.tools import Missed, Refused
from deploy.image import build
from deploy.image.trial import Trial

MOST_MB = 180


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploy/image", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("command", choices=["build", "prove"])
    parser.add_argument("--tag", default="localhost/financetracker:local")
    parser.add_argument("--base-image", default="", help="a local image that stands in for the Dockerfile's base")
    parser.add_argument("--authority", type=Path, help="certificates that downloads must trust behind a proxy")
    return parser.parse_args(argv)


def one(given: argparse.Namespace, tag: str, *, context: Path = build.PROJECT, fresh: bool = False) -> list[str]:
    """Build once and return the layers' digests, the lowest first; the manifest's own digest comes last."""
    values = {"REVISION": build.commit()} | ({"BASE_IMAGE": given.base_image} if given.base_image else {})
    build.build(
        tag, context=context, arguments=values, fresh=fresh, pull=not given.base_image, authority=given.authority
    )
    return build.digests(tag)


def prove(given: argparse.Namespace) -> Report:
    report = Report(build.commit(), "image")

    first, second = one(given, given.tag, fresh=True), one(given, f"{given.tag}-again", fresh=True)
    report.check("two builds of one commit from nothing have one digest", first == second, first[-1])
    report.measure("size, uncompressed", build.size(given.tag) / 1e6, "MB", limit=MOST_MB)
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "project"
        build.run("git", "clone", "-q", build.PROJECT, other)
        with (other / "financetracker" / "wsgi.py").open("a") as file:
            file.write("\n# One line more.\n")
        changed = one(given, f"{given.tag}-changed", context=other)
    same = [a == b for a, b in zip(first[:-1], changed[:-1], strict=True)]
    report.check(
        "a change in the code makes the last layer new, and no other",
        same == [True, True, False],
        str(same),
    )
    if shutil.which("podman"):
        try:
            Trial(given.tag, report).play()
        except Missed as error:
            report.check("the trial goes to its end", None, str(error))
    else:
        report.check("podman is here to try the image", None, "install it, as with apt-get install podman runc")
    return report


def main(argv: list[str]) -> int:
    given = arguments(argv)
    try:
        if given.command == "build":
            digest = one(given, given.tag)[-1]
            print(f"{given.tag} {digest} {build.size(given.tag) / 1e6:.0f} MB")
            return 0
        report = prove(given)
    except (build.BuildFailed, Refused) as error:
        print(f"image: {error}", file=sys.stderr)
        return 2
    print(report.closing(), flush=True)
    return 1 if report.failed else 0
