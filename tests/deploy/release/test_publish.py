"""`publish` and `sign`: what was kept as a file gets to the registry as it is, and is signed by its digest."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.tools import get
from tests.deploy.conftest import needed
from tests.deploy.release.house import PROJECT, Done
from tests.deploy.release.registry import crane, registry

TAG = "run-12-abcdef0"
SBOM = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "library", "name": "Django"}]}


@dataclass
class Dock:
    """A registry, an image in a file that is not there yet, and a pair of keys."""

    folder: Path
    place: str
    digest: str

    @property
    def name(self) -> str:
        return f"{self.place}/financetracker"

    @property
    def image(self) -> str:
        return f"{self.name}:{TAG}@{self.digest}"

    @property
    def archive(self) -> Path:
        return self.folder / "image.tar"

    def run(self, *arguments: str | Path, **env: str) -> Done:
        """Runs a command of the release program as the workflow does."""
        kept = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "INSECURE_REGISTRY": "1",
            "COSIGN_PASSWORD": "",
        }
        argv = [sys.executable, PROJECT / "deploy" / "release", *arguments]
        done = subprocess.run(
            argv, cwd=self.folder, env=kept | env, capture_output=True, text=True, timeout=120, check=False
        )
        assert "Traceback" not in done.stderr
        assert done.stderr.count("\n") <= 1
        return Done(done.returncode, done.stdout, done.stderr)

    def publish(self, **env: str) -> Done:
        return self.run("publish", self.archive, "--image", self.image, "--json", **env)

    @property
    def keys(self) -> dict[str, str]:
        return {
            "COSIGN_KEY": str(self.folder / "cosign.key"),
            "COSIGN_PUBLIC_KEY": str(self.folder / "cosign.pub"),
        }

    def tags(self) -> list[str]:
        catalogue = crane("catalog", self.place).split()
        return crane("ls", self.name).split() if "financetracker" in catalogue else []


def layer(folder: Path) -> Path:
    """A layer with one file in it."""
    (folder / "hello").write_text("hello\n", encoding="utf-8")
    with tarfile.open(folder / "layer.tar", "w") as tar:
        tar.add(folder / "hello", "hello")
    return folder / "layer.tar"


def pack(layout: Path, archive: Path) -> None:
    """A folder in OCI's layout as one file, as a builder writes it."""
    with tarfile.open(archive, "w") as tar:
        for path in sorted(layout.iterdir()):
            tar.add(path, path.name)


@pytest.fixture
def dock(tmp_path: Path) -> Iterator[Dock]:
    needed("crane")
    with registry(tmp_path / "images") as place:
        crane("append", "-f", layer(tmp_path), "-t", f"{place}/made:once")
        crane("pull", "--format", "oci", f"{place}/made:once", tmp_path / "layout")
        digest = json.loads((tmp_path / "layout" / "index.json").read_text())["manifests"][0]["digest"]
        pack(tmp_path / "layout", tmp_path / "image.tar")
        yield Dock(tmp_path, place, digest)


def test_what_was_scanned_is_pushed_under_its_digest(dock: Dock) -> None:
    done = dock.publish()
    assert (done.status, done.json) == (0, {"status": "pushed", "image": dock.image}), done.err
    assert dock.tags() == [TAG]
    assert crane("digest", f"{dock.name}:{TAG}") == dock.digest
    assert dock.publish().status == 0, "again changes nothing"
    assert dock.tags() == [TAG]


def test_a_dry_run_pushes_nothing(dock: Dock) -> None:
    done = dock.run("publish", dock.archive, "--image", dock.image, "--dry-run")
    assert (done.status, done.out) == (0, f"would push {dock.image}\n")
    assert dock.tags() == []


def another(dock: Dock) -> None:
    """The file holds another image than the one that was scanned."""
    dock.digest = "sha256:" + "7c" * 32


def two(dock: Dock) -> None:
    index = dock.folder / "layout" / "index.json"
    whole = json.loads(index.read_text())
    whole["manifests"] *= 2
    index.write_text(json.dumps(whole))
    pack(dock.folder / "layout", dock.archive)


def bent(dock: Dock) -> None:
    dock.archive.write_bytes(dock.archive.read_bytes()[:700])


def empty(dock: Dock) -> None:
    dock.archive.write_bytes(b"")


def gone(dock: Dock) -> None:
    dock.archive.unlink()


def outside(dock: Dock) -> None:
    """A member that would be written beside the folder."""
    with tarfile.open(dock.archive, "w") as tar:
        tar.add(dock.folder / "hello", "../../hello")


def no_digest(dock: Dock) -> None:
    (dock.folder / "layout" / "index.json").write_text('{"manifests": [{"digest": "sha256:12"}]}')
    pack(dock.folder / "layout", dock.archive)


@pytest.mark.parametrize(
    ("spoil", "status", "said"),
    [
        (another, 1, "nothing was pushed"),
        (two, 2, "holds 2 images"),
        (bent, 2, "is no image in OCI's layout"),
        (empty, 2, "is no image in OCI's layout"),
        (gone, 2, "is no image in OCI's layout"),
        (outside, 2, "is no image in OCI's layout"),
        (no_digest, 2, "is no digest"),
    ],
)
def test_what_is_not_as_it_should_be_is_not_pushed(
    spoil: Callable[[Dock], None], status: int, said: str, dock: Dock
) -> None:
    spoil(dock)
    done = dock.publish()
    assert (done.status, done.out) == (status, "")
    assert said in done.err
    assert dock.tags() == []
    assert not (dock.folder.parent / "hello").exists()


def test_a_tag_alone_is_no_image(dock: Dock) -> None:
    done = dock.run("publish", dock.archive, "--image", f"{dock.name}:{TAG}")
    assert (done.status, "has no digest" in done.err) == (2, True)


def test_a_registry_that_is_away_may_be_asked_again(dock: Dock) -> None:
    done = dock.run("publish", dock.archive, "--image", f"127.0.0.1:9/financetracker:{TAG}@{dock.digest}")
    assert (done.status, done.out) == (3, "")
    assert done.err.startswith("release publish: crane push: ")


@pytest.fixture
def signing(dock: Dock) -> Dock:
    needed("cosign")
    env = {**os.environ, "COSIGN_PASSWORD": ""}
    argv = [get.program("cosign"), "generate-key-pair"]
    subprocess.run(argv, cwd=dock.folder, env=env, capture_output=True, check=True)
    (dock.folder / "sbom.json").write_text(json.dumps(SBOM), encoding="utf-8")
    assert dock.publish().status == 0
    return dock


def test_a_build_is_signed_with_what_is_inside(signing: Dock) -> None:
    for _ in range(2):
        done = signing.run("sign", "--image", signing.image, "--sbom", "sbom.json", **signing.keys)
        assert done.status == 0, done.err
        assert done.out == f"signed {signing.name}@{signing.digest} and 1 components\n"
    who = ["--key", signing.keys["COSIGN_PUBLIC_KEY"], "--insecure-ignore-tlog=true", "--allow-insecure-registry"]
    image = f"{signing.name}@{signing.digest}"
    for argv in (["verify", *who, image], ["verify-attestation", *who, "--type", "cyclonedx", image]):
        done = subprocess.run([get.program("cosign"), *argv], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_a_signature_that_cannot_be_checked_fails_here_and_not_at_the_promotion(signing: Dock) -> None:
    other = signing.folder / "other"
    other.mkdir()
    env = {**os.environ, "COSIGN_PASSWORD": ""}
    subprocess.run(
        [get.program("cosign"), "generate-key-pair"], cwd=other, env=env, capture_output=True, check=True
    )
    keys = {**signing.keys, "COSIGN_PUBLIC_KEY": str(other / "cosign.pub")}
    done = signing.run("sign", "--image", signing.image, "--sbom", "sbom.json", **keys)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("release sign: cosign verify: ")


def test_a_dry_run_signs_nothing(signing: Dock) -> None:
    tags = signing.tags()
    done = signing.run("sign", "--image", signing.image, "--sbom", "sbom.json", "--dry-run", **signing.keys)
    assert (done.status, done.out[:10]) == (0, "would sign")
    assert signing.tags() == tags


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no list of contents"),
        ("[]", "is no list of contents"),
        ('{"bomFormat": "SPDX", "components": [{}]}', "lists nothing"),
        ('{"bomFormat": "CycloneDX", "components": []}', "lists nothing"),
        ('{"bomFormat": "CycloneDX"}', "is no list of contents"),
    ],
)
def test_what_lists_nothing_is_not_signed(text: str, said: str, signing: Dock) -> None:
    (signing.folder / "sbom.json").write_text(text, encoding="utf-8")
    tags = signing.tags()
    done = signing.run("sign", "--image", signing.image, "--sbom", "sbom.json", **signing.keys)
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert signing.tags() == tags


def keyless(tmp_path: Path, *arguments: str, **env: str) -> list[str]:
    """What cosign is called with, as a program in its place writes it down; one line a call."""
    program = tmp_path / "bin" / "cosign"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\n', encoding="utf-8")
    program.chmod(0o755)
    # A copy of the project's program, which has no tools of its own: it takes the cosign of the PATH.
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from deploy.tools import get; from pathlib import Path;"
    )
    code += f"get.PLACE = Path({str(tmp_path)!r}); from deploy.release.program import main; "
    code += "sys.exit(main(sys.argv[1:]))"
    kept = {"PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, PROJECT, *arguments],
        env=kept | env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return (tmp_path / "called").read_text(encoding="utf-8").splitlines()


def test_on_github_the_workflow_signs_and_no_key(tmp_path: Path) -> None:
    (tmp_path / "sbom.json").write_text(json.dumps(SBOM), encoding="utf-8")
    image, sbom = f"docker.io/house/books@sha256:{'1' * 64}", str(tmp_path / "sbom.json")
    written = image.replace("@", f":{TAG}@")
    called = keyless(tmp_path, "sign", "--image", written, "--sbom", sbom, GITHUB_REPOSITORY="house/books")
    who = "--certificate-oidc-issuer https://token.actions.githubusercontent.com"
    who += " --certificate-identity https://github.com/house/books/.github/workflows/build.yml@refs/heads/main"
    assert called == [
        f"sign --yes {image}",
        f"attest --yes --type cyclonedx --predicate {sbom} {image}",
        f"verify {who} {image}",
        f"verify-attestation {who} --type cyclonedx {image}",
    ]
