"""The desk: a place of its own on the newest main, which is gone afterwards however the process ended."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.release.desk import TRIES, Change, Desk, desk, publish
from deploy.release.images import overlay, pinned
from deploy.release.problems import CouldNot, Problem, Refused
from tests.deploy.release.house import PROJECT, House, hook
from tests.deploy.release.server import served

STAGING = overlay("staging")
TOKEN = "ghs_" + "0123456789abcdef" * 2


@pytest.fixture
def quick(home: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house for calls inside this process: its variables are ours."""
    for name in set(os.environ) - set(home.environment()):
        monkeypatch.delenv(name)
    for name, value in home.environment(PUSHER="bot").items():
        monkeypatch.setenv(name, value)
    return home


def note(text: str) -> Callable[[Desk], Change]:
    """An edit that writes one line into a file."""

    def edit(at: Desk) -> Change:
        (at.folder / "notes.md").write_text(text)
        return Change(f"Note {text}", ["notes.md"])

    return edit


def test_it_leaves_nothing_behind(quick: House) -> None:
    before = quick.everything()
    with desk(quick.clone) as at:
        folder = at.folder
        assert folder.is_dir()
        assert at.head == quick.git("rev-parse", "main", at=quick.remote)
    assert not folder.parent.exists()
    assert quick.everything() == before


def test_the_newest_main_does_not_move_the_clone(quick: House) -> None:
    quick.git("remote", "set-url", "origin", f"file://{quick.remote}")
    old = quick.renew()
    new = quick.commit("Newer")
    quick.git("reset", "-q", "--hard", old)
    quick.git("update-ref", "refs/remotes/origin/main", old)
    (quick.clone / ".git" / "FETCH_HEAD").write_text("mine")
    before = quick.everything()
    with desk(quick.clone) as at:
        assert at.head == new
    assert quick.everything() == before
    assert (quick.clone / ".git" / "FETCH_HEAD").read_text() == "mine"


def test_a_desk_whose_process_was_killed_is_cleared_by_the_next(home: House, tmp_path: Path) -> None:
    home.env["TMPDIR"] = str(tmp_path)
    script = (
        "import sys, time; from pathlib import Path\n"
        "from deploy.release.desk import desk\n"
        "with desk(Path(sys.argv[1])) as at:\n    print(at.folder, flush=True)\n    time.sleep(600)\n"
    )
    argv = [sys.executable, "-c", script, str(home.clone)]
    env = home.environment(PYTHONPATH=str(PROJECT))
    killed, busy = (subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) for _ in ("killed", "busy"))
    try:
        assert killed.stdout
        assert busy.stdout
        left = Path(killed.stdout.readline().strip())
        taken = Path(busy.stdout.readline().strip())
        assert left != taken
        killed.send_signal(signal.SIGKILL)
        killed.wait(timeout=20)
        assert left.is_dir()
        assert str(left) in home.everything()["work trees"]
        assert home.run("running", "staging").status == 0
        assert not left.parent.exists()
        # Somebody sits at the other one.
        assert taken.is_dir()
        listed = home.everything()["work trees"]
        assert str(left) not in listed
        assert str(taken) in listed
    finally:
        for process in (killed, busy):
            process.kill()
            process.communicate(timeout=20)
    assert home.run("running", "staging").status == 0
    assert str(taken) not in home.everything()["work trees"]
    assert list(tmp_path.glob("ft-release-*")) == []


def test_two_processes_in_one_clone(home: House) -> None:
    images = [home.image(12, home.commit("One")), home.image(13, home.commit("Two"))]
    running = [home.start("pin", "--image", str(image)) for image in images]
    said = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert pinned(home.at(STAGING)) == images[1]


def test_a_remote_beside_the_clone_may_be_relative(home: House) -> None:
    home.git("remote", "set-url", "origin", "../origin.git")
    image = home.image(12, home.commit("One"))
    assert home.run("pin", "--image", str(image)).status == 0
    assert pinned(home.at(STAGING)) == image
    assert home.run("running", "staging", "--remote", "../origin.git").out == f"{image}\n"


def test_more_than_the_named_paths_is_not_committed(quick: House) -> None:
    def edit(at: Desk) -> Change:
        (at.folder / "also.md").write_text("more")
        return note("x")(at)

    with (
        desk(quick.clone) as at,
        pytest.raises(Problem, match=r"notes.md was to change, and also.md, notes.md would"),
    ):
        publish(at, edit)
    with desk(quick.clone) as at, pytest.raises(Problem, match=r"README.md was to change, and nothing would"):
        publish(at, lambda _: Change("Nothing", ["README.md"]))


def test_what_the_person_ignores_is_committed_all_the_same(quick: House) -> None:
    (quick.clone / ".git" / "info" / "exclude").write_text("*.md\n")
    with desk(quick.clone) as at:
        commit = publish(at, note("x"))
    assert commit
    assert quick.files_of(commit) == ["notes.md"]


def test_a_message_may_begin_its_lines_with_anything(quick: House) -> None:
    quick.git("config", "commit.cleanup", "strip")
    with desk(quick.clone) as at:
        publish(at, lambda at: Change("Subject\n\n# 5 totals were wrong\n", note("x")(at).paths))
    assert quick.message() == "Subject\n\n# 5 totals were wrong"


def test_others_are_faster_each_time(quick: House) -> None:
    """Every push finds that main has moved; after the last try nothing was changed, and the sentence says so."""
    hook(
        quick.remote, "pre-receive",
        "#!/bin/sh\nunset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
        "c=$(git -c user.name=x -c user.email=x@example.org commit-tree -p main -m Faster 'main^{tree}')\n"
        "git update-ref refs/heads/main $c\n",
    )  # fmt: skip
    calls = []

    def edit(at: Desk) -> Change:
        calls.append(at.head)
        return note("x")(at)

    with desk(quick.clone, pause=0) as at, pytest.raises(CouldNot) as caught:
        publish(at, edit)
    assert str(caught.value) == (
        f"Nothing was changed on main after {TRIES} tries: others pushed first each time."
    )
    assert len(set(calls)) == TRIES
    assert quick.at("notes.md") == ""


@pytest.mark.parametrize("fate", ["before", "after"])
def test_a_connection_that_is_cut_each_time(quick: House, fate: str) -> None:
    with served(quick.folder, TOKEN) as server:
        server.lost = [fate] * TRIES
        address = f"{server.url}/origin.git"
        with desk(quick.clone, remote=address, token=TOKEN, pause=0) as at:
            if fate == "after":
                commit = publish(at, note("x"))
                assert commit == quick.git("rev-parse", "main", at=quick.remote)
            else:
                with pytest.raises(CouldNot, match=rf"Whether main was changed is not known after {TRIES} tries"):
                    publish(at, note("x"))
                assert quick.at("notes.md") == ""
    assert server.pushes == (1 if fate == "after" else TRIES)


def test_a_push_that_arrives_only_after_it_was_given_up(quick: House) -> None:
    """The server took the commit and made it main later than the next look at main."""
    held: list[str] = []

    def edit(at: Desk) -> Change:
        if held:
            quick.git("update-ref", "refs/heads/main", held[0], at=quick.remote)
        return note(f"try {len(held)}")(at)

    with desk(quick.clone, pause=0) as at:
        take = at.push

        def lose(commit: str, to: str = "", *options: str) -> bool:
            """Takes the first push under another name, and answers nothing."""
            if held:
                return take(commit, to, *options)
            take(commit, "held")
            held.append(commit)
            raise CouldNot("The connection was cut.")

        at.push = lose  # type: ignore[method-assign]
        assert publish(at, edit) == held[0]
    assert quick.git("rev-parse", "main", at=quick.remote) == held[0]


def test_a_rule_is_not_tried_again(quick: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHER", "ana")
    calls = []

    def edit(at: Desk) -> Change:
        calls.append(1)
        return note("x")(at)

    with desk(quick.clone, pause=0) as at, pytest.raises(Refused, match="Changes must be made through a pull"):
        publish(at, edit)
    assert len(calls) == 1


def test_a_closed_repository_says_why(quick: House) -> None:
    (quick.remote / "closed").touch()
    with desk(quick.clone, pause=0) as at, pytest.raises(Refused, match="GH006: This repository is archived"):
        publish(at, note("x"))


def test_the_token_is_in_no_argument_and_in_no_file(home: House, tmp_path: Path) -> None:
    """A Git that writes down what it is called with stands in front of the real one."""
    image = home.image(12, home.commit("One"))
    path, log = tmp_path / "path", tmp_path / "log"
    path.mkdir()
    (path / "git").write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {shutil.which("git")} "$@"\n')
    (path / "git").chmod(0o755)
    home.env["PATH"] = f"{path}:{os.environ['PATH']}"
    with served(home.folder, TOKEN) as server:
        done = home.run("pin", "--image", str(image), "--remote", f"{server.url}/origin.git", GITHUB_TOKEN=TOKEN)
        assert done.status == 0, done.err
        assert server.headers_seen
    said = log.read_text()
    assert "push -q http://127.0.0.1" in said
    kept = [file.read_bytes() for file in home.clone.rglob("*") if file.is_file()]
    for secret in (TOKEN.encode(), b"eC1hY2Nlc3MtdG9rZW4"):  # as it is, and as the beginning of its header
        assert secret not in said.encode()
        assert not any(secret in text for text in kept)
        assert secret not in (done.out + done.err).encode()


def test_the_token_goes_to_its_own_remote_alone(home: House) -> None:
    home.git("config", "http.extraheader", "X-Mine: yes")
    with served(home.folder, TOKEN) as server, served(home.folder, "other") as other:
        home.git("remote", "set-url", "origin", f"{server.url}/origin.git")
        assert home.run("running", "staging", RELEASE_TOKEN=TOKEN).status == 0
        env = home.environment(RELEASE_TOKEN=TOKEN)
        subprocess.run(["git", "ls-remote", f"{other.url}/origin.git"], env=env, capture_output=True, check=False)
        assert server.headers_seen
        assert {len(given) for given in other.headers_seen} == {0}
