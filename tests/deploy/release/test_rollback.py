"""`rollback`: one step back in one commit, the bad build kept out, and no second step by repeating it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from pathlib import Path

import pytest

from deploy.release.images import Image, overlay, pinned
from tests.deploy.release.house import DENIED, House, hook, moved_to
from tests.deploy.release.server import served

PROD, STAGING = overlay("prod"), overlay("staging")
TOKEN = "ghs_" + "0123456789abcdef" * 2
WHY = ("--reason", "Totals were wrong")


class Released:
    """A house whose prod ran three builds one after the other."""

    def __init__(self, home: House, commits: list[str]) -> None:
        self.home = home
        self.images = [home.image(11 + number, commit) for number, commit in enumerate(commits)]

    def back(self, *arguments: str, environment: str = "prod", **env: str) -> dict[str, object]:
        done = self.home.run("rollback", environment, *WHY, "--json", *arguments, **env)
        assert (done.status, done.err) == (0, "")
        return done.json

    def refused(self, *arguments: str, environment: str = "prod") -> tuple[int, str]:
        before = self.home.everything()
        done = self.home.run("rollback", environment, *WHY, *arguments)
        assert done.out == ""
        assert len(done.err.splitlines()) == 1
        assert self.home.everything() == before
        return done.status, done.err

    @property
    def runs(self) -> Image | None:
        return pinned(self.home.at(PROD))


@pytest.fixture(scope="session")
def releasing(built: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Such a house to copy from, and its three commits."""
    home = moved_to(built, tmp_path_factory.mktemp("releasing") / "house")
    commits = [home.commit(name) for name in ("One", "Two", "Three")]
    for image in Released(home, commits).images:
        home.move("prod", image)
    return home.folder, commits


@pytest.fixture
def released(releasing: tuple[Path, list[str]], tmp_path: Path) -> Released:
    return Released(moved_to(releasing[0], tmp_path / "house"), releasing[1])


def test_one_step_back_in_one_commit(released: Released) -> None:
    home, (_, good, bad) = released.home, released.images
    before = home.at(DENIED)
    said = released.back(GITHUB_ACTOR="ana")
    commit = home.git("rev-parse", "main", at=home.remote)
    assert said == {
        "environment": "prod", "bad": bad.digest, "image": str(good), "status": "rolled-back", "commit": commit,
        "reason": "Totals were wrong", "serving": None,
    }  # fmt: skip
    assert home.files_of(commit) == [DENIED, PROD]
    assert released.runs == good
    line = home.at(DENIED).removeprefix(before)
    assert line.startswith(f"{bad.digest}  # Totals were wrong (ana, 20")
    assert line.endswith(")\n")
    assert home.message() == "\n".join(
        [
            f"deploy(prod): roll back to {good.tag} [skip ci]", "",
            f"Source-Commit: {home.git('rev-parse', good.short)}", f"Image: {good}",
            f"Image-Digest: {good.digest}",
            "Run-Id: 12", f"Rollback-Of: {bad.digest}", "Reason: Totals were wrong",
        ]
    )  # fmt: skip


def test_given_again_it_goes_no_further(released: Released) -> None:
    first = released.back()
    after = released.home.everything()
    again = released.back()
    assert (again["status"], again["commit"], again["bad"]) == ("already", first["commit"], first["bad"])
    named = released.back("--bad", str(first["bad"]))
    assert named["status"] == "already"
    there = released.back("--to", released.images[1].digest)
    assert there["status"] == "already"
    assert released.home.everything() == after
    assert released.runs == released.images[1]


def test_a_second_step_has_to_be_named(released: Released) -> None:
    released.back()
    said = released.back("--bad", released.images[1].digest)
    assert (said["status"], said["image"]) == ("rolled-back", str(released.images[0]))
    denied = released.home.at(DENIED)
    assert released.images[1].digest in denied
    assert released.images[2].digest in denied


def test_after_a_release_since_the_same_command_goes_back_again(released: Released) -> None:
    home = released.home
    released.back()
    four = home.image(14, home.commit("Four"))
    home.move("prod", four)
    said = released.back()
    assert (said["status"], said["bad"], said["image"]) == ("rolled-back", four.digest, str(released.images[1]))


@pytest.mark.parametrize("form", ["digest", "tag"])
def test_to_a_build_that_ran_before(released: Released, form: str) -> None:
    oldest = released.images[0]
    said = released.back("--to", oldest.digest if form == "digest" else oldest.tag)
    assert (said["status"], said["image"]) == ("rolled-back", str(oldest))
    assert released.runs == oldest
    # What lies between was not named as bad.
    assert released.images[1].digest not in released.home.at(DENIED)


def test_what_is_denied_is_passed_over(released: Released) -> None:
    home = released.home
    home.commit("deny", {DENIED: f"{released.images[1].digest}  # slow (Ana, 2026-03-02)\n"})
    assert released.back()["image"] == str(released.images[0])
    assert home.at(DENIED).startswith(f"{released.images[1].digest}  # slow (Ana, 2026-03-02)\n")


def test_a_build_that_is_denied_already_is_not_denied_twice(released: Released) -> None:
    home = released.home
    home.commit("deny", {DENIED: f"{released.images[2].digest}  # slow (Ana, 2026-03-02)\n"})
    released.back()
    assert home.files_of() == [PROD]
    assert home.at(DENIED).count(released.images[2].digest) == 1


def test_a_deny_list_that_is_not_there_is_made(released: Released) -> None:
    home = released.home
    home.commit("no list", {DENIED: None})
    released.back()
    assert home.at(DENIED).startswith(f"{released.images[2].digest}  # Totals were wrong")


def test_the_bad_build_is_refused_from_then_on(released: Released) -> None:
    home, bad = released.home, released.images[2]
    home.move("staging", bad)
    home.prove(bad)
    released.back()
    base = home.renew()
    again = home.branch("promote/again", {PROD: home.with_image("prod", bad)})
    guard = home.run("guard", "--base", base, "--head", again)
    assert guard.status == 1
    assert f"refused: {bad.tag} is on the deny list: Totals were wrong" in guard.out
    home.move("staging", released.images[1])
    pin = home.run("pin", "--image", str(bad), "--json")
    assert (pin.status, pin.json["status"]) == (1, "denied")


def test_an_open_promotion_of_the_bad_build_is_withdrawn(released: Released) -> None:
    """Its checks were green before: nobody would run them again."""
    home = released.home
    four, five = home.image(14, home.commit("Four")), home.image(15, home.commit("Five"))
    for image in (four, five):
        home.move("staging", image)
        home.branch(f"promote/{image.tag}", {PROD: home.with_image("prod", image)})
    released.back(environment="staging")
    branches = home.git("for-each-ref", "--format=%(refname:short)", "refs/heads/promote", at=home.remote)
    assert branches == f"promote/{four.tag}"


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        (["--to", "latest"], 2, "is no digest"),
        (["--to", f"sha256:{'9' * 64}"], 2, "never ran in prod"),
        (["--to", "run-99-abcdef0"], 2, "run-99-abcdef0 never ran in prod"),
        (["--bad", f"sha256:{'9' * 64}"], 2, "there is nothing to take back"),
        (["--bad", "sha256:9"], 2, "is no digest"),
        (["--reason", " \n"], 2, "--reason says nothing"),
        (["--url", "ftp://x", "--dry-run", "--to", "x"], 2, "is no digest"),
    ],
)
def test_bad_input_is_one_line(released: Released, arguments: list[str], status: int, line: str) -> None:
    got, said = released.refused(*arguments)
    assert got == status
    assert line in said


def test_to_a_denied_build_is_refused(released: Released) -> None:
    released.home.commit("deny", {DENIED: f"{released.images[0].digest}  # slow (Ana, 2026-03-02)\n"})
    assert released.refused("--to", released.images[0].digest) == (
        1,
        f"release rollback: {released.images[0].tag} is on the deny list: slow (Ana, 2026-03-02).\n",
    )


def test_nothing_to_go_back_to(home: House) -> None:
    one = Released(home, [])
    assert one.refused() == (2, "release rollback: Nothing was released to prod yet.\n")
    home.move("prod", home.image(11, home.commit("One")))
    status, said = one.refused()
    assert status == 1
    assert "prod has no earlier build that is not denied: go forward with a repair" in said


def test_a_contracting_migration_between_forbids_it(released: Released) -> None:
    home = released.home
    path = "financetracker/ledger/migrations/0003_contract_names.py"
    four = home.image(14, home.commit("Four", {path: "# contracts\n"}))
    five = home.image(15, home.commit("Five"))
    home.move("prod", four)
    home.move("prod", five)
    assert released.back()["image"] == str(four)  # both have it
    status, said = released.refused("--bad", four.digest)
    assert status == 1
    assert said == (
        f"release rollback: {path} ran since, and {released.images[2].tag} would fail on its tables: go forward"
        " with a repair (a new commit on main), or restore a backup (docs/runbooks/restore.md).\n"
    )


def test_a_migration_that_a_build_in_between_ran_counts(released: Released) -> None:
    """The build that runs need not have it any more: the tables do."""
    home = released.home
    path = "financetracker/ledger/migrations/0003_contract_names.py"
    home.move("prod", home.image(14, home.commit("Four", {path: "# contracts\n"})))
    home.move("prod", home.image(15, home.commit("Five", {path: None})))
    status, said = released.refused("--to", released.images[0].digest)
    assert (status, path in said) == (1, True)


def test_a_source_that_is_gone_cannot_be_gone_back_to(released: Released) -> None:
    home = released.home
    unknown = f"docker.io/financetracker/financetracker:run-14-fffffff@sha256:{'f' * 64}"
    text = home.with_image("prod", home.image(14, home.commit("Four")))
    home.commit(
        "by hand", {PROD: text.replace(home.image(14, home.git("rev-parse", "HEAD")).tag, "run-14-fffffff")}
    )
    status, said = released.refused()
    assert unknown.partition("@")[0].rpartition(":")[2] in said
    assert (status, "which is not in this repository" in said) == (1, True)


def test_a_dry_run_changes_nothing_anywhere(released: Released) -> None:
    home = released.home
    before = home.everything()
    done = home.run("rollback", "prod", *WHY, "--dry-run", "--url", "https://nowhere.example.org")
    assert done.status == 0
    assert f"deploy(prod): roll back to {released.images[1].tag} [skip ci]" in done.out
    assert f"+{released.images[2].digest}  # Totals were wrong" in done.out
    assert done.out.endswith(
        f"prod would go back to {released.images[1].tag}, and {released.images[2].digest[:19]}… would be denied.\n"
    )
    as_json = home.run("rollback", "prod", *WHY, "--dry-run", "--json")
    assert (as_json.status, as_json.json["status"]) == (0, "would-roll-back")
    assert home.everything() == before


def test_a_refused_push_is_one_line(released: Released) -> None:
    before = released.home.everything()
    done = released.home.run("rollback", "prod", *WHY, who="ana")
    assert (done.status, done.out) == (1, "")
    assert "Changes must be made through a pull request." in done.err
    assert len(done.err.splitlines()) == 1
    assert released.home.everything() == before


@pytest.mark.parametrize("fate", ["before", "after", "half-way"])
def test_a_connection_cut_in_the_middle(released: Released, fate: str) -> None:
    home = released.home
    count = int(home.git("rev-list", "--count", "main", at=home.remote))
    with served(home.folder, TOKEN) as server:
        server.lost = [fate]
        said = released.back("--remote", f"{server.url}/origin.git", RELEASE_TOKEN=TOKEN)
        again = released.back("--remote", f"{server.url}/origin.git", RELEASE_TOKEN=TOKEN)
    assert (said["status"], again["status"]) == ("rolled-back", "already")
    assert int(home.git("rev-list", "--count", "main", at=home.remote)) == count + 1
    assert released.runs == released.images[1]


def test_a_release_in_the_same_moment_is_not_taken_for_the_bad_one(released: Released) -> None:
    home = released.home
    four = home.image(14, home.commit("Four"))
    commit = home.move("prod", four)
    home.git("push", "-q", "origin", f"{commit}:refs/heads/kept")
    home.force(f"{commit}~1")
    home.renew()
    hook(
        home.remote, "pre-receive",
        f"#!/bin/sh\nrm hooks/pre-receive\nenv -u GIT_QUARANTINE_PATH git update-ref refs/heads/main {commit}\n",
    )  # fmt: skip
    done = home.run("rollback", "prod", *WHY)
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        f"release rollback: prod was moved to {four.tag} in this moment: look whether that one is good.\n"
    )
    assert released.runs == four


def test_two_people_at_once_go_back_one_step(released: Released) -> None:
    home = released.home
    other = home.folder / "other"
    home.git("clone", "-q", str(home.remote), str(other), at=home.folder)
    count = int(home.git("rev-list", "--count", "main", at=home.remote))
    running = [
        home.start("rollback", "prod", *WHY, "--json"),
        home.start("rollback", "prod", *WHY, "--json", "--clone", str(other)),
    ]
    said = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    # Within one second the two make one and the same commit, and both have made it.
    assert "rolled-back" in [json.loads(out)["status"] for out, _ in said]
    assert {json.loads(out)["commit"] for out, _ in said} == {home.git("rev-parse", "main", at=home.remote)}
    assert int(home.git("rev-list", "--count", "main", at=home.remote)) == count + 1
    assert released.runs == released.images[1]


class Site(ThreadingHTTPServer):
    """An address that answers /version with one thing after the other, and with the last one from then on."""

    daemon_threads = True

    def __init__(self, answers: list[tuple[int, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), Visit)
        self.answers = chain(answers, repeat(answers[-1]))
        self.asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Visit(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked += 1
        status, body = next(self.server.answers) if self.path == "/version" else (404, b"")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class gave it
        """Says nothing."""


@contextmanager
def site(*answers: tuple[int, bytes]) -> Iterator[Site]:
    with Site(list(answers)) as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join()


def version(image: Image) -> tuple[int, bytes]:
    return 200, json.dumps({"commit": None, "image": str(image), "digest": image.digest}).encode()


def test_it_waits_until_the_old_build_answers_alone(released: Released) -> None:
    bad, good = version(released.images[2]), version(released.images[1])
    trouble = [(503, b"no"), (200, b"<html>"), (200, b"[]"), (200, b'{"digest": 5}')]
    with site(bad, *trouble, good, bad, good, good, good) as made:
        said = released.back("--url", f"{made.url}/", "--wait", "60")
        assert made.asked == 10
    assert isinstance(said["serving"], float)
    with site(good) as made:
        done = released.home.run("rollback", "prod", *WHY, "--url", made.url)
    assert done.status == 0
    assert "prod is on" in done.out
    assert "It answers since" in done.out


def test_waiting_in_vain_says_what_to_do(released: Released) -> None:
    with site(version(released.images[2])) as made:
        done = released.home.run("rollback", "prod", *WHY, "--url", made.url, "--wait", "0.1")
    assert (done.status, done.out) == (3, "")
    assert done.err.startswith(
        f"release rollback: prod is pinned to {released.images[1].tag}, but http://127.0.0.1:"
    )
    assert released.images[2].digest in done.err
    assert "docs/runbooks/break-glass.md" in done.err
    assert released.runs == released.images[1]
