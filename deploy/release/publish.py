"""Pushes a build that was made, scanned and kept as one file. Nothing is built here: nothing can slip in."""

import argparse
import json
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

from deploy.release.command import Command
from deploy.release.images import Image, digest, parse
from deploy.release.problems import DONE, CouldNot, Problem, Refused
from deploy.tools import get


def unpack(archive: Path, folder: Path) -> str:
    """Unpacks an image in OCI's layout and returns the digest of the one manifest in it."""
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        manifests = json.loads((folder / "index.json").read_text(encoding="utf-8"))["manifests"]
        if len(manifests) != 1:
            raise Problem(f"{archive} holds {len(manifests)} images: expected one.")
        return digest(manifests[0]["digest"])
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError) as error:
        why = " ".join(str(error).split())[:120]
        raise Problem(f"{archive} is no image in OCI's layout: {why}.") from error


def crane(*arguments: str) -> str:
    """What the pinned crane printed. Raises CouldNot with its last line if it failed."""
    if not get.current("crane"):
        raise Problem("crane is not here: `python3 dev.py tools` gets the pinned one.")
    plain = ["--insecure"] if os.environ.get("INSECURE_REGISTRY") == "1" else []
    argv = [str(get.program("crane")), *arguments, *plain]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise CouldNot(f"crane {arguments[0]}: {lines[-1].strip()[-300:] if lines else 'it said nothing'}")
    return done.stdout.strip()


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("archive", type=Path, help="the image as one tar file in OCI's layout")
    parser.add_argument(
        "--image", required=True, help="where it belongs and what it must be: repository:tag@sha256:…"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def push(archive: Path, image: Image, *, dry_run: bool) -> None:
    """Pushes what the archive holds, if that is what the image says, and asks the registry what it has now."""
    with tempfile.TemporaryDirectory() as name:
        held = unpack(archive, Path(name))
        if held != image.digest:
            raise Refused(f"{archive} holds {held[:19]}, not {image.digest[:19]}: nothing was pushed.")
        if not dry_run:
            crane("push", name, f"{image.name}:{image.tag}")
    if not dry_run:
        there = crane("digest", f"{image.name}:{image.tag}")
        if there != image.digest:
            raise Refused(
                f"The registry answers {there[:19]} for {image.tag}, and {image.digest[:19]} was pushed."
            )


def run(given: argparse.Namespace) -> int:
    """Pushes one image. Pushing it again changes nothing."""
    image = parse(given.image)
    push(given.archive, image, dry_run=given.dry_run)
    said = "would push" if given.dry_run else "pushed"
    print(json.dumps({"status": said, "image": str(image)}) if given.json else f"{said} {image}")
    return DONE


COMMAND = Command("push a build that is kept as a file, if it is the one that was scanned", options, run)
