"""`pin`: one build at a time, the newest wins, and nothing else changes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.release.images import overlay, pinned
from tests.deploy.release.house import DENIED, PROJECT, House, hook
from tests.deploy.release.server import served

STAGING = overlay("staging")
TOKEN = "ghs_" + "0123456789abcdef" * 2


def lines_that_differ(before: str, after: str) -> list[str]:
    old, new = before.splitlines(), after.splitlines()
    assert len(old) == len(new)
    return [two for one, two in zip(old, new, strict=True) if one != two]


def test_pins_exactly_the_image_in_a_commit_that_says_all(home: House) -> None:
    source = home.commit("Add books")
    image = home.image(12, source)
    before = home.at(STAGING)
    done = home.run("pin", "--image", str(image), "--run-url", "https://ci.example.org/runs/12", "--json")
    assert (done.status, done.err) == (0, "")
    commit = home.git("rev-parse", "main", at=home.remote)
    assert done.json == {
        "environment": "staging", "image": str(image), "status": "pinned", "commit": commit, "reason": "",
    }  # fmt: skip
    assert home.files_of(commit) == [STAGING]
    assert lines_that_differ(before, home.at(STAGING)) == [
        f"- digest: {image.digest}",
        f"  newTag: {image.tag}",
    ]
    assert home.message() == "\n".join(
        [
            f"deploy(staging): run-12-{source[:7]} [skip ci]", "", f"Source-Commit: {source}", f"Image: {image}",
            f"Image-Digest: {image.digest}", "Run-Id: 12", "Run-Url: https://ci.example.org/runs/12",
        ]
    )  # fmt: skip


def test_the_same_build_twice_is_one_pin(home: House) -> None:
    image = home.image(12, home.commit("Add books"))
    first = home.run("pin", "--image", str(image), "--json").json["commit"]
    after = home.everything()
    again = home.run("pin", "--image", str(image), "--json")
    assert (again.status, again.json["status"], again.json["commit"]) == (0, "already", first)
    assert home.everything() == after


def test_a_second_run_that_built_the_same_bytes_moves_nothing(home: House) -> None:
    source = home.commit("Add books")
    home.move("staging", home.image(12, source))
    before = home.everything()
    assert home.run("pin", "--image", str(home.image(13, source)), "--json").json["status"] == "already"
    assert home.everything() == before


def test_an_older_build_that_arrives_late_is_superseded(home: House) -> None:
    older, newer = home.commit("One"), home.commit("Two")
    first = home.move("staging", home.image(13, newer))
    before = home.everything()
    done = home.run("pin", "--image", str(home.image(12, older)), "--json")
    assert (done.status, done.json["status"], done.json["commit"]) == (0, "superseded", first)
    assert f"run-13-{newer[:7]} is newer" in done.json["reason"]
    assert home.everything() == before


def test_of_one_commit_the_later_run_wins(home: House) -> None:
    source = home.commit("One")
    home.move("staging", home.image(12, source, "first"))
    late = home.run("pin", "--image", str(home.image(11, source, "slow")), "--json")
    assert late.json["status"] == "superseded"
    rebuilt = home.run("pin", "--image", str(home.image(14, source, "second")), "--json")
    assert rebuilt.json["status"] == "pinned"


def test_what_was_rolled_back_since_still_counts(home: House) -> None:
    one, two, three = (home.commit(name) for name in ("One", "Two", "Three"))
    home.move("staging", home.image(11, one))
    home.move("staging", home.image(13, three))
    home.move("staging", home.image(11, one))
    done = home.run("pin", "--image", str(home.image(12, two)), "--json")
    assert done.json["status"] == "superseded"
    four = home.image(14, home.commit("Four"))
    assert home.run("pin", "--image", str(four), "--json").json["status"] == "pinned"


@pytest.mark.parametrize("first_to_start", [0, 1])
def test_two_builds_race_and_the_newer_one_stays(home: House, first_to_start: int) -> None:
    images = [home.image(12, home.commit("One")), home.image(13, home.commit("Two"))]
    order = [images[first_to_start], images[1 - first_to_start]]
    # Each of the two clones is a runner of its own; both find main as it is now.
    other = home.folder / "other"
    home.git("clone", "-q", str(home.remote), str(other), at=home.folder)
    before = int(home.git("rev-list", "--count", "main", at=home.remote))
    running = [
        home.start("pin", "--image", str(order[0]), "--json"),
        home.start("pin", "--image", str(order[1]), "--json", "--clone", str(other)),
    ]
    said = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    status = {json.loads(out)["image"]: json.loads(out)["status"] for out, _ in said}
    assert status[str(images[1])] == "pinned"
    assert status[str(images[0])] in ("pinned", "superseded")
    assert pinned(home.at(STAGING)) == images[1]
    made = int(home.git("rev-list", "--count", "main", at=home.remote)) - before
    assert made == list(status.values()).count("pinned")


@pytest.mark.parametrize("loser", [12, 13])
def test_a_push_that_comes_between_fetch_and_push_is_not_overwritten(home: House, loser: int) -> None:
    """The race without chance: the winner's push happens inside the loser's own."""
    builds = {12: home.image(12, home.commit("One")), 13: home.image(13, home.commit("Two"))}
    winner = builds[25 - loser]
    commit = home.move("staging", winner)
    home.force(f"{commit}~1")
    home.renew()
    hook(
        home.remote, "pre-receive",
        f"#!/bin/sh\nrm hooks/pre-receive\nenv -u GIT_QUARANTINE_PATH git update-ref refs/heads/main {commit}\n",
    )  # fmt: skip
    home.git("push", "-q", "origin", f"{commit}:refs/heads/kept", who="administrator")
    hook(
        home.remote, "pre-receive",
        f"#!/bin/sh\nrm hooks/pre-receive\nenv -u GIT_QUARANTINE_PATH git update-ref refs/heads/main {commit}\n",
    )  # fmt: skip
    done = home.run("pin", "--image", str(builds[loser]), "--json")
    assert done.status == 0, done.err
    assert done.json["status"] == ("superseded" if loser == 12 else "pinned")
    assert pinned(home.at(STAGING)) == builds[13]
    expected = [commit] if loser == 12 else [done.json["commit"], commit]
    assert home.git("log", "--format=%H", "-n", str(len(expected)), "main", at=home.remote).split() == expected


@pytest.mark.parametrize("fate", ["before", "after", "half-way"])
def test_a_connection_cut_in_the_middle_of_the_push(home: House, fate: str) -> None:
    image = home.image(12, home.commit("One"))
    before = int(home.git("rev-list", "--count", "main", at=home.remote))
    with served(home.folder, TOKEN) as server:
        server.lost = [fate]
        done = home.run(
            "pin", "--image", str(image), "--json", "--remote", f"{server.url}/origin.git", RELEASE_TOKEN=TOKEN
        )
        again = home.run(
            "pin", "--image", str(image), "--json", "--remote", f"{server.url}/origin.git", RELEASE_TOKEN=TOKEN
        )
    assert (done.status, done.json["status"]) == (0, "pinned"), done.err
    assert done.json["commit"] == home.git("rev-parse", "main", at=home.remote)
    assert again.json["status"] == "already"
    assert int(home.git("rev-list", "--count", "main", at=home.remote)) == before + 1
    assert server.pushes == (2 if fate == "before" else 1)


def test_a_header_that_a_checkout_left_is_not_sent_beside_the_token(home: House) -> None:
    image = home.image(12, home.commit("One"))
    with served(home.folder, TOKEN) as server:
        address = f"{server.url}/origin.git"
        home.git("config", f"http.{server.url}/.extraheader", "Authorization: Basic b2xkOm9sZA==")
        assert home.run("pin", "--image", str(image), "--remote", address, RELEASE_TOKEN=TOKEN).status == 0
        assert all(len(given) == 1 for given in server.headers_seen)


@pytest.mark.parametrize("given", ["", "ghs_expired_0123456789"])
def test_a_token_that_expired_is_one_line_and_shown_nowhere(home: House, given: str) -> None:
    image = home.image(12, home.commit("One"))
    before = home.everything()
    with served(home.folder, TOKEN) as server:
        address = f"{server.url.replace('//', '//somebody:secret@')}/origin.git"
        done = home.run("pin", "--image", str(image), "--remote", address, RELEASE_TOKEN=given)
    assert done.status == 1
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert "the token is missing, expired or without that right" in done.err
    for secret in (TOKEN, "expired_0123456789", "secret"):
        assert secret not in done.err
    assert home.everything() == before


@pytest.mark.parametrize(
    ("image", "line"),
    [
        ("registry.example.org/ft:run-1-abcdef0", "has no digest"),
        ("registry.example.org/ft:run-1-abcdef0@sha256:12", "is no digest"),
        ("registry.example.org/ft@sha256:" + "1" * 64, "is no image"),
        ("registry.example.org/ft:latest@sha256:" + "1" * 64, "is none of ours"),
        ("docker.io/financetracker/financetracker:run-1-abcdef0@sha256:" + "1" * 64, "is not in this repository"),
    ],
)
def test_bad_images_are_one_line(home: House, image: str, line: str) -> None:
    before = home.everything()
    done = home.run("pin", "--image", image)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("release pin: ")
    assert line in done.err
    assert len(done.err.splitlines()) == 1
    assert home.everything() == before


def test_another_repository_is_refused(home: House) -> None:
    one, two = home.commit("One"), home.commit("Two")
    home.move("staging", home.image(11, one))
    foreign = str(home.image(12, two)).replace("docker.io/", "docker.example.org/")
    before = home.everything()
    done = home.run("pin", "--image", foreign)
    assert (done.status, done.err) == (
        1,
        "release pin: staging takes its images from docker.io/financetracker/financetracker, not from"
        " docker.example.org/financetracker/financetracker.\n",
    )
    assert home.everything() == before


def test_prod_is_never_pinned(home: House) -> None:
    image = home.image(12, home.commit("One"))
    before = home.everything()
    done = home.run("pin", "--environment", "prod", "--image", str(image))
    assert done.status == 1
    assert "promotion" in done.err
    assert home.everything() == before


def test_a_denied_digest_is_refused_with_its_reason(home: House) -> None:
    image = home.image(12, home.commit("One"))
    home.commit("deny", {DENIED: f"# Denied\n{image.digest}  # totals were wrong (Ana, 2026-03-02)\n"})
    before = home.everything()
    done = home.run("pin", "--image", str(image), "--json")
    assert done.status == 1
    assert done.json["status"] == "denied"
    assert "totals were wrong (Ana, 2026-03-02)" in done.err
    assert home.everything() == before


def test_a_digest_denied_without_a_reason_is_denied(home: House) -> None:
    image = home.image(12, home.commit("One"))
    home.commit("deny", {DENIED: f"{image.digest}\n"})
    assert home.run("pin", "--image", str(image)).status == 1


def test_a_source_that_was_pushed_away_is_refused(home: House) -> None:
    kept = home.git("rev-parse", "HEAD")
    lost = home.commit("Lost")
    home.force(kept)
    home.git("checkout", "-q", "-B", "main", kept)
    before = home.everything()
    done = home.run("pin", "--image", str(home.image(12, lost)))
    assert done.status == 1
    assert "which main does not have (any more)" in done.err
    assert home.everything() == before


def test_a_main_that_was_overwritten_between_two_tries(home: House) -> None:
    kept = home.git("rev-parse", "HEAD")
    image = home.image(12, home.commit("Lost"))
    hook(
        home.remote, "pre-receive",
        f"#!/bin/sh\nrm hooks/pre-receive\nenv -u GIT_QUARANTINE_PATH git update-ref refs/heads/main {kept}\n",
    )  # fmt: skip
    done = home.run("pin", "--image", str(image))
    assert done.status == 1
    assert "which main does not have (any more)" in done.err
    assert home.git("rev-parse", "main", at=home.remote) == kept


@pytest.mark.parametrize(
    ("named", "status", "line"),
    [
        ("short", 2, "give all 40 digits"),
        ("other", 2, "is not the commit that"),
        ("gone", 2, "which is not in this repository"),
        ("right", 0, ""),
    ],
)
def test_the_source_commit_may_be_named(home: House, named: str, status: int, line: str) -> None:
    other, source = home.git("rev-parse", "HEAD"), home.commit("One")
    gone = source[:7] + "0" * 33
    value = {"short": source[:12], "other": other, "gone": gone, "right": source}[named]
    done = home.run("pin", "--image", str(home.image(12, source)), "--source-commit", value)
    assert done.status == status
    assert line in done.err


def test_a_dirty_work_tree(home: House) -> None:
    image = home.image(12, home.commit("One"))
    path = home.clone / STAGING
    path.write_text(path.read_text() + "# mine\n")
    before = home.everything()
    done = home.run("pin", "--image", str(image))
    assert (done.status, done.out) == (2, "")
    assert (
        done.err
        == f"release pin: deploy/ has changes that are not committed ({STAGING}): commit or stash them first.\n"
    )
    assert home.everything() == before
    assert path.read_text().endswith("# mine\n")


def test_a_wrong_branch(home: House) -> None:
    image = home.image(12, home.commit("One"))
    home.git("checkout", "-q", "-b", "mine")
    home.git("commit", "-q", "--allow-empty", "-m", "Mine")
    before = home.everything()
    done = home.run("pin", "--image", str(image))
    assert done.status == 2
    assert "This clone stands on mine" in done.err
    assert home.everything() == before


def test_work_that_lies_about_elsewhere_is_left_alone(home: House) -> None:
    image = home.image(12, home.commit("One"))
    (home.clone / "notes.txt").write_text("mine")
    (home.clone / "README.md").write_text("half-written")
    hook(home.clone / ".git", "pre-commit", "#!/bin/sh\necho no commits today >&2\nexit 1\n")
    hook(home.clone / ".git", "pre-push", "#!/bin/sh\nexit 1\n")
    assert home.run("pin", "--image", str(image)).status == 0
    assert (home.clone / "notes.txt").read_text() == "mine"
    assert (home.clone / "README.md").read_text() == "half-written"
    assert pinned(home.at(STAGING)) == image


def test_a_shallow_clone_is_completed(home: House) -> None:
    older, newer = home.commit("One"), home.commit("Two")
    home.move("staging", home.image(13, newer))
    shallow = home.folder / "shallow"
    home.git("clone", "-q", "--depth", "1", f"file://{home.remote}", str(shallow), at=home.folder)
    done = home.run("pin", "--image", str(home.image(12, older)), "--clone", str(shallow), "--json")
    assert (done.status, done.json["status"]) == (0, "superseded"), done.err


def test_a_dry_run_changes_nothing_anywhere(home: House) -> None:
    image = home.image(12, home.commit("One"))
    before = home.everything()
    done = home.run("pin", "--image", str(image), "--dry-run")
    assert done.status == 0
    assert f"deploy(staging): {image.tag} [skip ci]" in done.out
    assert f"+- digest: {image.digest}" in done.out
    assert done.out.endswith(f"staging would be pinned to {image.tag}.\n")
    as_json = home.run("pin", "--image", str(image), "--dry-run", "--json")
    assert (as_json.json["status"], as_json.json["commit"]) == ("would-pin", None)
    assert home.everything() == before
    assert home.at(STAGING).count("0" * 64) == 1


def test_a_push_that_a_rule_refuses_is_one_line(home: House) -> None:
    image = home.image(12, home.commit("One"))
    before = home.everything()
    done = home.run("pin", "--image", str(image), who="ana")
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        f"release pin: {home.remote} refuses the push to main: GH013: Repository rule violations found for"
        " refs/heads/main. - Changes must be made through a pull request.\n"
    )
    assert home.everything() == before


def test_without_kustomize(home: House, tmp_path: Path) -> None:
    """From a copy of the program without the tools of this work tree, on a PATH that has Git alone."""
    image = home.image(12, home.commit("One"))
    copy = tmp_path / "copy"
    shutil.copytree(PROJECT / "deploy" / "release", copy / "deploy" / "release")
    shutil.copytree(PROJECT / "deploy" / "tools", copy / "deploy" / "tools")
    shutil.copy(PROJECT / "deploy" / "__init__.py", copy / "deploy")
    before = home.everything()
    done = run_with(tmp_path, home, ["git", "sh"], copy, image=str(image))
    assert done.returncode == 2
    assert done.stderr == "release pin: kustomize is not here: `python3 dev.py tools` gets the pinned one.\n"
    assert home.everything() == before


def test_without_git(home: House, tmp_path: Path) -> None:
    image = home.image(12, home.commit("One"))
    done = run_with(tmp_path, home, [], PROJECT, image=str(image))
    assert done.returncode == 2
    assert done.stderr == "release pin: git is not here: install it with the system's own package manager.\n"


def run_with(
    tmp_path: Path, home: House, programs: list[str], tree: Path, *, image: str
) -> subprocess.CompletedProcess[str]:
    """Runs `pin` from a tree with a PATH of a few programs."""
    path = tmp_path / "path"
    path.mkdir()
    for name in programs:
        (path / name).symlink_to(str(shutil.which(name)))
    argv = [sys.executable, str(tree / "deploy" / "release"), "pin", "--clone", str(home.clone), "--image", image]
    env = home.environment(PUSHER="bot", PATH=str(path))
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        (["--remote", "/nowhere/at/all.git"], 2, "There is no Git repository at /nowhere/at/all.git"),
        (["--branch", "other"], 2, "has no branch other."),
        (["--clone", "/nowhere"], 2, "/nowhere is not there."),
        (["--clone", "/"], 2, "/ is no Git repository."),
    ],
)
def test_a_wrong_place(home: House, arguments: list[str], status: int, line: str) -> None:
    image = home.image(12, home.commit("One"))
    before = home.everything()
    done = home.run("pin", "--image", str(image), *arguments)
    assert done.status == status
    assert line in done.err
    assert len(done.err.splitlines()) == 1
    assert home.everything() == before


def test_an_overlay_that_kustomize_would_rewrite_is_left_alone(home: House) -> None:
    text = home.at(STAGING).replace("images:\n", "images:\n# The image\n")
    image = home.image(12, home.commit("One", {STAGING: text}))
    before = home.everything()
    done = home.run("pin", "--image", str(image))
    assert done.status == 2
    assert "its overlay is not canonical" in done.err
    assert home.everything() == before
