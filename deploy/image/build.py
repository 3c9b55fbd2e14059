"""Builds and pushes images with whatever builder the machine has: buildah, or docker.

The clean one: the revision is a commit's, the clock stands still, and a proxy's authority goes in as a
secret that no layer keeps. Nothing here decides what is in the image; that is the Dockerfile's.
"""

import gzip
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

# The time of every file in every image: with the commit's own, a change of one line would make all layers new.
CLOCK = "1735689600"
PROJECT = Path(__file__).resolve().parent.parent.parent


class BuildFailed(Exception):
    """One sentence: what could not be built or pushed, and the builder's last lines."""


def builder() -> str:
    """The program that builds here; raises BuildFailed where there is none."""
    for name in ("buildah", "docker"):
        if shutil.which(name):
            return name
    raise BuildFailed("Images need buildah or docker: install one, as with apt-get install buildah.")


def run(*command: str | Path, cwd: Path = PROJECT) -> str:
    """What a program printed on stdout; raises BuildFailed with the end of what it said otherwise."""
    # Where there is no engine, root's own file system is all the isolation that can be had.
    env = {**os.environ, "BUILDAH_ISOLATION": os.environ.get("BUILDAH_ISOLATION", "chroot")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise BuildFailed(f"{' '.join(map(str, command[:3]))} … failed with {done.returncode}:\n{said}")
    return done.stdout


def commit() -> str:
    """The commit that is checked out."""
    return run("git", "rev-parse", "HEAD").strip()


def build(
    tag: str,
    *,
    context: Path = PROJECT,
    file: Path | None = None,
    arguments: Mapping[str, str] | None = None,
    fresh: bool = False,
    pull: bool = True,
    authority: Path | None = None,
) -> None:
    """Build an image under a tag of this machine.

    `fresh` uses no layer of an earlier build. `pull` False takes base images of this machine alone.
    `authority` is a file of certificates that downloads inside the build need to be trusted.
    """
    program = builder()
    options = ["--file", str(file or context / "Dockerfile"), "--tag", tag]
    for name, value in (arguments or {}).items():
        options += ["--build-arg", f"{name}={value}"]
    if authority is not None:
        options += ["--secret", f"id=ca,src={authority}"]
    if fresh:
        options.append("--no-cache")
    if program == "buildah":
        wanted = "missing" if pull else "never"
        run("buildah", "build", "--layers", "--timestamp", CLOCK, f"--pull={wanted}",
            *options, context)  # fmt: skip
    else:
        output = f"type=docker,name={tag},rewrite-timestamp=true"
        run("docker", "buildx", "build", "--build-arg", f"SOURCE_DATE_EPOCH={CLOCK}", "--provenance=false",
            "--output", output, *options, context)  # fmt: skip


def push(tag: str, target: str, *, insecure: bool = False) -> str:
    """Push an image of this machine to `registry/name:tag` and return its digest."""
    if builder() == "buildah":
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "digest"
            verify = "--tls-verify=false" if insecure else "--tls-verify=true"
            run("buildah", "push", "--quiet", verify, "--digestfile", file, tag, f"docker://{target}")
            return file.read_text().strip()
    run("docker", "tag", tag, target)
    run("docker", "push", "--quiet", target)
    name = target.rpartition(":")[0]
    said = json.loads(run("docker", "image", "inspect", target))[0]["RepoDigests"]
    return next(str(digest).partition("@")[2] for digest in said if digest.startswith(f"{name}@"))


@contextmanager
def unpacked(tag: str) -> Iterator[Path]:
    """A folder with an image of this machine in OCI's own layout."""
    with tempfile.TemporaryDirectory() as name:
        folder, archive = Path(name), Path(name) / "image.tar"
        if builder() == "buildah":
            run("buildah", "push", "--quiet", tag, f"oci-archive:{archive}")
        else:
            run("docker", "save", "--output", archive, tag)  # OCI's layout since Docker 25
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        yield folder


def manifest(folder: Path) -> tuple[str, list[str]]:
    """The digest of the one image in a folder, and those of its layers, the lowest first."""
    index = json.loads((folder / "index.json").read_text())
    digest: str = index["manifests"][0]["digest"]
    return digest, [layer["digest"] for layer in json.loads(blob(folder, digest).read_text())["layers"]]


def blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / digest.replace(":", "/")


def digests(tag: str) -> list[str]:
    """The digests of an image's layers, the lowest first, and of its manifest at the end."""
    with unpacked(tag) as folder:
        digest, layers = manifest(folder)
        return [*layers, digest]


def size(tag: str) -> int:
    """Bytes of all layers, uncompressed."""
    with unpacked(tag) as folder:
        return sum(uncompressed(blob(folder, layer)) for layer in manifest(folder)[1])


def uncompressed(path: Path) -> int:
    """Bytes of a layer once it is unpacked."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if not packed:
        return path.stat().st_size
    total = 0
    with gzip.open(path) as stream:
        while block := stream.read(1 << 20):
            total += len(block)
    return total
