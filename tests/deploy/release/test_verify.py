"""Evidence: what is looked at before prod may have a build, each look with what it must not let pass."""

import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from deploy.e2e.github.server import Fault, StandIn
from deploy.e2e.github.world import Token
from deploy.release import program
from deploy.release.accept import TESTS
from deploy.release.evidence import CHECKS, path_of, read
from deploy.release.github import GitHub
from deploy.release.images import Image, overlay, parse
from deploy.tools import get
from tests.deploy.conftest import needed
from tests.deploy.release.house import Done, House
from tests.served import awaited, free_ports

URL = "https://staging.example.org"
NAME = "ana/books"
TOKEN = "t-release"
CONTEXT = "argocd/financetracker-staging"
OTHER = "sha256:" + "0d" * 32


# --- A registry with builds that are signed, and some that are not as they should be


@dataclass
class Registry:
    """A registry on loopback, two pairs of keys, and the digest of each build in it."""

    port: int
    folder: Path
    builds: dict[str, str] = field(default_factory=dict)

    @property
    def repository(self) -> str:
        return f"127.0.0.1:{self.port}/financetracker/financetracker"

    @property
    def key(self) -> Path:
        return self.folder / "ours.pub"

    def run(self, tool: str, *arguments: str) -> str:
        env = {**os.environ, "COSIGN_PASSWORD": "", "HOME": str(self.folder)}
        argv = [str(get.program(tool)), *arguments]
        done = subprocess.run(argv, cwd=self.folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def push(self, name: str) -> None:
        """An image of one file, under a name of ours for its digest."""
        layer = self.folder / f"{name}.tar"
        with tarfile.open(layer, "w") as tar:
            about = tarfile.TarInfo("name")
            about.size = len(name)
            tar.addfile(about, io.BytesIO(name.encode()))
        tag = f"{self.repository}:{name}"
        self.run("crane", "append", "--insecure", "-f", str(layer), "-t", tag)
        self.builds[name] = self.run("crane", "digest", "--insecure", tag)

    def sign(self, name: str, key: str = "ours", components: int | None = 3) -> None:
        """Signs a build, and a list of contents with it if that is given."""
        how = ["--key", f"{key}.key", "--signing-config", "nobody.json", "--allow-insecure-registry", "--yes"]
        by_digest = f"{self.repository}@{self.builds[name]}"
        self.run("cosign", "sign", *how, by_digest)
        if components is not None:
            listed = [{"type": "library", "name": f"part{number}"} for number in range(components)]
            whole = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": listed}
            (self.folder / "sbom.json").write_text(json.dumps(whole))
            self.run("cosign", "attest", *how, "--type", "cyclonedx", "--predicate", "sbom.json", by_digest)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    needed("crane", "cosign")
    folder = tmp_path_factory.mktemp("registry")
    port = free_ports(1)[0]
    argv = [get.program("crane"), "registry", "serve", "--address", f"127.0.0.1:{port}", "--disk", str(folder)]
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    made = Registry(port, folder)
    try:
        awaited("the registry", lambda: listens(port))
        made.run("cosign", "signing-config", "create", "--out", "nobody.json")
        for name in ("ours", "theirs"):
            made.run("cosign", "generate-key-pair", "--output-key-prefix", name)
        for name in ("good", "newer", "unsigned", "stranger", "bare", "hollow"):
            made.push(name)
        made.sign("good")
        made.sign("stranger", "theirs")
        made.sign("bare", components=None)
        made.sign("hollow", components=0)
        yield made
    finally:
        server.terminate()
        server.wait(10)


def listens(port: int) -> bool:
    import socket  # noqa: PLC0415

    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


# --- Staging as it answers


class Staging:
    """Something that answers /version with these digests in turn; `then` is called before the first answer."""

    def __init__(self, *digests: str | None, then: Callable[[], object] = lambda: None) -> None:
        self.digests, self.then = cycle(digests), then
        self.asked: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with outer.lock:
                    if not outer.asked:
                        outer.then()
                    outer.asked.append((self.path, self.headers["Host"]))
                    body = json.dumps({"commit": "x", "image": "y", "digest": next(outer.digests)}).encode()
                self.send_response_only(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self.server.server_address[1]


@contextmanager
def running(staging: Staging) -> Iterator[Staging]:
    thread = threading.Thread(target=staging.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield staging
    finally:
        staging.server.shutdown()
        thread.join()
        staging.server.server_close()


# --- Everything together


@dataclass
class Scene:
    """A house whose staging runs a signed build, and all that `verify` is given about it."""

    home: House
    registry: Registry
    folder: Path
    image: Image
    pin: str

    @property
    def accepted(self) -> Path:
        return self.folder / "accepted.json"

    @property
    def application(self) -> Path:
        return self.folder / "application.json"

    def build(self, name: str, run: int = 12) -> Image:
        """One of the registry's builds, as made of the newest commit."""
        commit = self.home.git("rev-parse", "HEAD")
        return parse(f"{self.registry.repository}:run-{run}-{commit[:7]}@{self.registry.builds[name]}")

    def pinned(self, name: str, run: int = 12) -> "Scene":
        """Staging is moved to a build; the files are about it."""
        self.image = self.build(name, run)
        self.pin = self.home.move("staging", self.image)
        self.write_accepted()
        self.write_application()
        return self

    def write_accepted(self, **changes: Any) -> None:
        whole = {
            "url": URL, "at": datetime.now(UTC).isoformat(timespec="seconds"), "digest": self.image.digest,
            "commit": self.image.short, "ok": True,
            "tests": [{"name": name, "ok": True, "seen": "as it should be", "ms": 5.0} for name in TESTS],
            "speed": {"ok": True, "seen": "/users/login/ 4 (worst 6) times the floor of 3.0 ms, 20 requests each",
                      "requests": 20, "floor_ms": 3.0, "pages": {"/users/login/": {"median_ratio": 4.0}}},
        }  # fmt: skip
        self.accepted.write_text(json.dumps(whole | changes))

    def write_application(self, *path: str, to: object = None) -> None:
        """The Application as kubectl shows it, with one thing different if a path is given."""
        whole: dict[str, Any] = {
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "financetracker-staging", "namespace": "argocd"},
            "spec": {"source": {"path": "deploy/overlays/staging", "targetRevision": "main"}},
            "status": {
                "sync": {"status": "Synced", "revision": self.pin}, "health": {"status": "Healthy"},
                "operationState": {"phase": "Succeeded"},
                "summary": {"images": ["ghcr.io/cloudnative-pg/postgresql:17.6", str(self.image)]},
            },
        }  # fmt: skip
        at = whole
        for key in path[:-1]:
            at = at[key]
        if path:
            at[path[-1]] = to
        self.application.write_text(json.dumps(whole))

    def argv(self, port: int, *options: str, argo: bool = True) -> list[str]:
        told = ["--argo", str(self.application)] if argo else []
        return [
            "--url", URL, "--connect", f"127.0.0.1:{port}", "--accepted", str(self.accepted), *told,
            "--key", str(self.registry.key), "--insecure-registry", *options,
        ]  # fmt: skip

    def verify(self, *options: str, port: int = 0, argo: bool = True, **env: str) -> Done:
        """Runs the command against a staging that answers what is pinned, unless a port of another is given.

        In this process, with the house's variables and no others: starting another takes as long as all the rest.
        """
        if not port:
            with running(Staging(self.image.digest)) as staging:
                return self.verify(*options, port=staging.port, argo=argo, **env)
        argv = ["verify", "--clone", str(self.home.clone), *self.argv(port, *options, argo=argo)]
        out, err = io.StringIO(), io.StringIO()
        variables = self.home.environment(PUSHER="bot", **env)
        with patch.dict(os.environ, variables, clear=True), redirect_stdout(out), redirect_stderr(err):
            status = program.main(argv)
        return Done(status, out.getvalue(), err.getvalue())

    def refused(self, *options: str, status: int = 1, port: int = 0, argo: bool = True, **env: str) -> str:
        """The one line of a run that changed nothing."""
        before = self.home.everything()
        done = self.verify(*options, port=port, argo=argo, **env)
        assert (done.status, done.out, done.err.count("\n")) == (status, "", 1), done
        assert done.err.startswith("release verify: ")
        assert self.home.everything() == before
        return done.err

    def missing(self, *options: str, port: int = 0, argo: bool = True, **env: str) -> dict[str, str]:
        """What was not seen to hold, by its name, of a run that kept nothing."""
        before = self.home.everything()
        done = self.verify(*options, "--json", port=port, argo=argo, **env)
        assert done.status == 1, done
        assert done.json["status"] == "incomplete"
        assert self.home.everything() == before
        found = {name: one["seen"] for name, one in done.json["checks"].items() if not one["ok"]}
        assert list(found) == done.json["missing"]
        assert [line.split()[1].rstrip(":") for line in done.err.splitlines() if "MISSING" in line] == list(found)
        return found


@pytest.fixture(scope="module")
def prepared(built: Path, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A scene to copy from: staging runs the build that is signed as it should be."""
    folder = tmp_path_factory.mktemp("prepared")
    home = copied(built, folder / "house")
    home.commit("Work")
    nothing = parse(f"{registry.repository}:run-1-0000000@{OTHER}")
    return Scene(home, registry, folder, nothing, "").pinned("good")


def copied(built: Path, folder: Path) -> House:
    """A house of one's own, like another."""
    shutil.copytree(built, folder, symlinks=True)
    made = House(folder)
    made.git("remote", "set-url", "origin", str(made.remote))
    return made


@pytest.fixture
def scene(prepared: Scene, tmp_path: Path) -> Scene:
    home = copied(prepared.home.folder, tmp_path / "house")
    home.now = prepared.home.now
    made = Scene(home, prepared.registry, tmp_path, prepared.image, prepared.pin)
    made.write_accepted()
    made.write_application()
    return made


# --- Complete


def test_complete_evidence_is_kept_on_main(scene: Scene) -> None:
    done = scene.verify("--digest", scene.image.digest, "--json")
    assert done.status == 0, done
    assert (done.json["status"], done.json["missing"], done.json["image"]) == ("kept", [], str(scene.image))
    assert done.json["commit"] == scene.home.git("rev-parse", "main", at=scene.home.remote)
    path = path_of(scene.image.digest)
    assert scene.home.files_of() == [path]
    kept = read(scene.home.at(path))
    assert (kept.image, kept.missing, tuple(sorted(kept.checks))) == (scene.image, [], tuple(sorted(CHECKS)))
    assert kept.source == scene.home.git("rev-parse", scene.image.short)
    seen = {name: check.seen for name, check in kept.checks.items()}
    assert seen["pinned"] == f"by {scene.pin[:7]} at {scene.home.now.isoformat()}"
    assert seen["version"] == f"{URL} answered it 6 times in a row"
    assert seen["signature"] == "signed by the key ours.pub"
    assert seen["sbom"] == "3 components, in CycloneDX"
    assert seen["integration"] == f"{len(TESTS)} tests held"
    assert seen["speed"].startswith("/users/login/ 4 (worst 6)")
    assert seen["argo"] == f"Synced and Healthy at {scene.pin[:7]}"
    assert scene.home.message() == (
        f"evidence: {scene.image.tag} [skip ci]\n\nSource-Commit: {kept.source}\nImage: {scene.image}\n"
        f"Image-Digest: {scene.image.digest}\nRun-Id: 12"
    )


def test_staging_is_asked_by_its_own_name_as_often_as_pods_may_differ(scene: Scene) -> None:
    with running(Staging(scene.image.digest)) as staging:
        assert scene.verify(port=staging.port).status == 0
    assert staging.asked == [("/version", "staging.example.org")] * 6


def test_what_is_kept_already_is_not_kept_again(scene: Scene) -> None:
    assert scene.verify().status == 0
    before = scene.home.everything()
    again = scene.verify()
    assert (again.status, again.out.splitlines()[-1]) == (0, f"{scene.image.tag}: already")
    assert scene.home.everything() == before
    scene.write_accepted(speed={"ok": True, "seen": "other figures", "pages": {"x": {}}})
    assert scene.verify().status == 0
    assert read(scene.home.at(path_of(scene.image.digest))).checks["speed"].seen == "other figures"


def test_two_at_once_keep_it_once(scene: Scene) -> None:
    """Within one second both may make the very same commit: then both have kept it."""
    before = int(scene.home.git("rev-list", "--count", "main", at=scene.home.remote))
    with running(Staging(scene.image.digest)) as staging:
        both = [scene.home.start("verify", *scene.argv(staging.port, "--json")) for _ in range(2)]
        ends = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], ends
    assert int(scene.home.git("rev-list", "--count", "main", at=scene.home.remote)) == before + 1
    said = [(json.loads(out)["status"], json.loads(out)["commit"]) for out, _ in ends]
    kept = ("kept", scene.home.git("rev-parse", "main", at=scene.home.remote))
    assert kept in said
    assert set(said) <= {kept, ("already", None)}


def test_a_dry_run_looks_and_keeps_nothing(scene: Scene) -> None:
    before = scene.home.everything()
    done = scene.verify("--dry-run", "--json")
    assert (done.status, done.json["status"], done.json["commit"]) == (0, "would be kept", None)
    assert f"evidence: {scene.image.tag} [skip ci]" in done.err
    assert scene.home.everything() == before


def test_what_lies_there_and_is_no_evidence_is_replaced(scene: Scene) -> None:
    for lies in ("{", scene.home.proof(scene.build("newer")).text()):
        scene.home.commit("A slip", {path_of(scene.image.digest): lies})
        assert scene.verify().status == 0
        assert read(scene.home.at(path_of(scene.image.digest))).image == scene.image


# --- The digest that runs


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([OTHER], f"{URL} answered sha256:0d0d0d0d0d0d"),
        (["mine", "mine", "mine", "mine", "mine", OTHER], " and sha256:"),
        (["mine", OTHER], " and sha256:"),
        (["mine", None], "/version answers 200"),
        ([None], "/version answers 200"),
    ],
)
def test_every_answer_must_be_this_digest(scene: Scene, answers: list[str | None], says: str) -> None:
    digests = [scene.image.digest if word == "mine" else word for word in answers]
    with running(Staging(*digests)) as staging:
        found = scene.missing(port=staging.port)
    assert list(found) == ["version"]
    assert says in found["version"]


def test_a_staging_that_does_not_answer_can_be_asked_again(scene: Scene) -> None:
    assert "cannot be asked which release it is" in scene.refused(port=free_ports(1)[0], status=3)


# --- Signatures


@pytest.mark.parametrize(
    ("build", "missing"),
    [
        ("unsigned", {"signature": "no signatures found", "sbom": "no matching attestations"}),
        ("stranger", {"signature": "cosign verify: ", "sbom": "cosign verify-attestation: "}),
        ("bare", {"sbom": "cosign verify-attestation: "}),
        ("hollow", {"sbom": "what is attested lists no contents of this digest"}),
    ],
)
def test_only_what_we_signed_counts(scene: Scene, build: str, missing: dict[str, str]) -> None:
    found = scene.pinned(build, run=13).missing()
    assert list(found) == list(missing)
    for name, says in missing.items():
        assert says in found[name]


def test_a_key_that_is_not_there_is_bad_input(scene: Scene) -> None:
    assert "There is no public key at /nonexistent" in scene.refused("--key", "/nonexistent", status=2)


def test_a_registry_that_is_away_proves_nothing_either_way(scene: Scene) -> None:
    scene.image = replace(scene.image, name="127.0.0.1:1/books")
    scene.pin = scene.home.move("staging", scene.image)
    scene.write_accepted()
    scene.write_application()
    assert "connection refused" in scene.refused(status=3)


def test_somebody_elses_key_proves_nothing(scene: Scene) -> None:
    found = scene.missing("--key", str(scene.registry.folder / "theirs.pub"))
    assert list(found) == ["signature", "sbom"]


# --- The file of `accept`


def moment(ago: timedelta) -> str:
    return (datetime.now(UTC) - ago).isoformat(timespec="seconds")


def held(**changes: object) -> list[dict[str, object]]:
    return [{"name": name, "ok": changes.get(name, True), "seen": "", "ms": 1.0} for name in TESTS]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"digest": OTHER}, "is about sha256:0d0d0d0d0d0d, staging pins sha256:"),
        ({"digest": ""}, "is about no digest"),
        ({"digest": None}, "digest is missing"),
        ({"url": "https://prod.example.org"}, f"is about https://prod.example.org, not about {URL}"),
        ({"at": "2026-03-02T09:00:00+00:00"}, "before staging was pinned: test it again"),
        ({"at": moment(-timedelta(hours=1))}, "which is yet to come"),
        ({"at": "2031-01-01T00:00:00"}, "has no moment"),
        ({"at": "yesterday"}, "has no moment"),
        ({"tests": "all of them"}, "tests is no list"),
        ({"tests": ["version"]}, "name is missing"),
        ({"tests": [{"name": "version", "ok": 1}]}, "ok is missing or of another kind"),
        ({"speed": None}, "speed.ok is missing"),
        ({"speed": {"ok": True, "seen": "fast"}}, "speed.pages is missing"),
    ],
)
def test_a_file_that_is_not_about_this_is_refused(scene: Scene, changes: dict[str, Any], says: str) -> None:
    scene.write_accepted(**changes)
    assert says in scene.refused()


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"tests": held(health=False)}, {"integration": "not seen to hold: health"}),
        ({"tests": held(host=False, metrics=False)}, {"integration": "not seen to hold: host, metrics"}),
        ({"tests": held()[:-1]}, {"integration": "not seen to hold: same-version"}),
        ({"tests": []}, {"integration": "not seen to hold: headers, health"}),
        ({"tests": [*held(), {"name": "entry", "ok": False}]}, {"integration": "not seen to hold: entry"}),
        ({"speed": {"ok": False, "seen": "too slow", "pages": {"x": {}}}}, {"speed": "too slow"}),
        ({"speed": {"ok": True, "seen": "nothing asked", "pages": {}}}, {"speed": "nothing asked"}),
    ],
)
def test_what_failed_or_was_left_out_is_missing(
    scene: Scene, changes: dict[str, Any], missing: dict[str, str]
) -> None:
    scene.write_accepted(**changes)
    found = scene.missing()
    assert list(found) == list(missing)
    for name, says in missing.items():
        assert says in found[name]


def test_a_file_that_says_itself_that_all_is_well_is_not_believed(scene: Scene) -> None:
    scene.write_accepted(ok=True, tests=held(health=False))
    assert "integration" in scene.missing()


@pytest.mark.parametrize(
    ("text", "status", "says"),
    [
        ("", 1, "is empty"),
        ('{"digest": "sha2', 1, "is no whole JSON document"),
        ('{"digest": "a", "digest": "b"}', 1, "stands in it twice"),
        (None, 2, "cannot be read"),
    ],
)
def test_half_a_file_is_refused(scene: Scene, text: str | None, status: int, says: str) -> None:
    if text is None:
        scene.accepted.unlink()
    else:
        scene.accepted.write_text(text)
    assert says in scene.refused(status=status)


# --- Argo CD's word


@pytest.mark.parametrize(
    ("path", "to", "says"),
    [
        (("status", "health", "status"), "Progressing", "Synced and Progressing"),
        (("status", "health", "status"), "Degraded", "Synced and Degraded"),
        (("status", "sync", "status"), "OutOfSync", "OutOfSync and Healthy"),
        (("status", "sync", "revision"), "main", "which does not pin it on main"),
        (("status", "sync", "revision"), "0" * 40, "which does not pin it on main"),
        (("status", "summary", "images"), ["x@" + OTHER], "no pod of it runs"),
        (("metadata", "name"), "financetracker-prod", "the file is about financetracker-prod, not about f"),
        (("kind",), "List", "the file is about financetracker-staging"),
    ],
)  # fmt: skip
def test_argo_must_say_synced_and_healthy_where_it_is_pinned(
    scene: Scene, path: tuple[str, ...], to: object, says: str
) -> None:
    scene.write_application(*path, to=to)
    found = scene.missing()
    assert list(found) == ["argo"]
    assert says in found["argo"]


def test_a_sync_of_an_earlier_commit_proves_nothing(scene: Scene) -> None:
    scene.write_application("status", "sync", "revision", to=scene.home.git("rev-parse", f"{scene.pin}~1"))
    assert "does not pin it" in scene.missing()["argo"]
    aside = scene.home.branch("aside", {overlay("staging"): scene.home.with_image("staging", scene.image)})
    scene.write_application("status", "sync", "revision", to=aside)
    assert "does not pin it" in scene.missing()["argo"], "what is on no main is no release"


def test_an_argo_cd_without_a_summary_will_do(scene: Scene) -> None:
    scene.write_application("status", "summary", to={})
    assert scene.verify().status == 0


def test_a_sync_of_a_later_commit_that_still_pins_it_will_do(scene: Scene) -> None:
    scene.write_application("status", "sync", "revision", to=scene.home.commit("Documents"))
    assert scene.verify().status == 0


@pytest.fixture
def hub(scene: Scene) -> Iterator[StandIn]:
    tokens = {TOKEN: Token(), "t-expired": Token(expires=datetime.now(UTC) - timedelta(hours=1))}
    with StandIn(scene.home.remote, NAME, tokens) as stand_in:
        scene.home.env |= {
            "GITHUB_API_URL": stand_in.url, "GITHUB_REPOSITORY": NAME, "RELEASE_TOKEN": TOKEN,
            "RELEASE_PATIENCE": "1",
        }  # fmt: skip
        yield stand_in


def says(hub: StandIn, commit: str, state: str, context: str = CONTEXT) -> None:
    """Leaves a status on a commit, as Argo CD's notifications do."""
    GitHub(NAME, TOKEN, hub.url).send("POST", f"/statuses/{commit}", {"state": state, "context": context})


def test_the_status_on_the_pin_is_argos_word(scene: Scene, hub: StandIn) -> None:
    says(hub, scene.pin, "success")
    done = scene.verify("--json", argo=False)
    assert done.status == 0, done
    assert done.json["checks"]["argo"] == {"ok": True, "seen": f"Synced and Healthy at {scene.pin[:7]}"}


def test_nobody_elses_word_counts_where_argos_app_is_named(scene: Scene, hub: StandIn) -> None:
    says(hub, scene.pin, "success")
    done = scene.verify("--json", argo=False, ARGOCD_APP="house-argocd[bot]")
    assert (done.status, done.json["missing"]) == (1, ["argo"])
    assert done.json["checks"]["argo"]["seen"] == f"Argo CD has said nothing yet since {scene.pin[:7]}"
    assert scene.verify(argo=False, ARGOCD_APP="financetracker-release[bot]").status == 0


def test_the_newest_commit_that_has_a_word_decides(scene: Scene, hub: StandIn) -> None:
    assert scene.missing(argo=False)["argo"] == f"Argo CD has said nothing yet since {scene.pin[:7]}"
    says(hub, scene.pin, "success", context="argocd/financetracker-prod")
    says(hub, scene.home.git("rev-parse", f"{scene.pin}~1"), "success")
    assert "has said nothing yet" in scene.missing(argo=False)["argo"], "neither prod's word nor an earlier one"
    says(hub, scene.pin, "success")
    later = scene.home.commit("Documents")
    says(hub, later, "failure")
    assert scene.missing(argo=False)["argo"] == f"Argo CD says failure at {later[:7]}"
    says(hub, later, "pending")
    assert scene.missing(argo=False)["argo"] == f"Argo CD says pending at {later[:7]}"
    says(hub, later, "success")
    assert scene.verify(argo=False).status == 0


def test_an_api_that_does_not_answer_changes_nothing(scene: Scene, hub: StandIn) -> None:
    says(hub, scene.pin, "success")
    hub.remaining = 0
    assert "rate limit is used up until" in scene.refused(argo=False, status=3)
    hub.remaining = 5000
    hub.faults = [Fault("GET", ".*/statuses", "502", times=9)]
    done = scene.verify(argo=False)
    assert (done.status, "GitHub answered 502" in done.err) == (3, True)
    hub.faults = []
    assert "expired or wrong" in scene.refused(argo=False, status=2, RELEASE_TOKEN="t-expired")
    assert "GITHUB_REPOSITORY is not set" in scene.refused(argo=False, status=2, GITHUB_REPOSITORY="")


# --- Staging that moves on, and what was never to run


def test_a_digest_that_staging_does_not_pin_any_more_is_refused(scene: Scene) -> None:
    old = scene.image.digest
    scene.home.commit("More work")
    scene.pinned("newer", run=13)
    assert f"staging has moved on to {scene.image.tag}" in scene.refused("--digest", old)


def test_a_pin_while_we_look_is_refused(scene: Scene) -> None:
    """The newer pin arrives while staging is being asked: after main was read, before the evidence is kept."""

    def move() -> None:
        scene.home.commit("More work")
        moved.append(scene.home.move("staging", scene.build("newer", 13)))

    moved: list[str] = []
    with running(Staging(scene.image.digest, then=move)) as staging:
        done = scene.verify(port=staging.port)
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1), done
    assert "release verify: staging has moved on to run-13-" in done.err
    assert scene.home.git("rev-parse", "main", at=scene.home.remote) == moved[0]
    assert scene.home.at(path_of(scene.image.digest)) == ""


def test_other_work_while_we_look_does_no_harm(scene: Scene) -> None:
    with running(Staging(scene.image.digest, then=lambda: scene.home.commit("More work"))) as staging:
        done = scene.verify(port=staging.port)
    assert done.status == 0, done
    assert scene.home.files_of() == [path_of(scene.image.digest)]
    assert scene.home.message("main~1").startswith("More work")


def test_a_denied_build_gets_no_evidence(scene: Scene) -> None:
    scene.home.commit("Deny", {"deploy/denylist.txt": f"{scene.image.digest}  # loses entries (ana)\n"})
    assert "is on the deny list: loses entries (ana)." in scene.refused()


def test_a_build_of_a_commit_that_was_taken_off_main_is_refused(scene: Scene) -> None:
    source = scene.home.branch("aside", {"financetracker/ledger/task.py": "# aside\n"})
    scene.image = parse(f"{scene.registry.repository}:run-14-{source[:7]}@{scene.registry.builds['good']}")
    scene.pin = scene.home.move("staging", scene.image)
    scene.write_accepted()
    scene.write_application()
    assert f"was built from {source[:7]}, which main does not have" in scene.refused()


def test_before_the_first_pin_there_is_nothing_to_verify(scene: Scene) -> None:
    scene.home.force(scene.home.git("rev-list", "--max-parents=0", "main"))
    scene.home.renew()
    assert "staging pins no build yet" in scene.refused(status=2)


def test_bad_input_is_one_line(scene: Scene) -> None:
    assert "is no digest" in scene.refused("--digest", "run-12", status=2)
    assert "is no address" in scene.refused("--url", "staging", status=2)
    assert "is nothing to connect to" in scene.refused("--connect", "nowhere", status=2)
