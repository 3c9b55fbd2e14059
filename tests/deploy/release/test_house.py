"""The house itself: its branch rules refuse what the real ones refuse."""

import subprocess

import pytest

from deploy.release.images import overlay, pinned
from tests.deploy.release.house import House


@pytest.mark.parametrize(
    ("who", "what", "answer"),
    [
        ("ana", "HEAD:refs/heads/main", "Changes must be made through a pull request."),
        ("bot", "+HEAD~2:refs/heads/main", "Cannot force-push to this branch"),
        ("bot", ":refs/heads/main", "Cannot delete this branch"),
    ],
)
def test_branch_rules_refuse(home: House, who: str, what: str, answer: str) -> None:
    home.commit("Work")
    home.git("commit", "-q", "--allow-empty", "-m", "More")
    before = home.everything()
    done = subprocess.run(
        ["git", "push", "origin", what],
        cwd=home.clone, env=home.environment(PUSHER=who), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert answer in done.stderr
    assert home.everything() == before


def test_a_closed_repository_takes_no_push(home: House) -> None:
    (home.remote / "closed").touch()
    done = subprocess.run(
        ["git", "push", "origin", "HEAD:refs/heads/x"],
        cwd=home.clone, env=home.environment(PUSHER="bot"), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "GH006" in done.stderr
    assert home.at("README.md", "x") == ""


def test_what_the_builder_says_is_what_the_remote_has(home: House) -> None:
    first = home.commit("Add books")
    image = home.image(7, first)
    moved = home.move("staging", image)
    assert pinned(home.at(overlay("staging"))) == image
    assert home.files_of(moved) == [overlay("staging")]
    assert f"Source-Commit: {first}" in home.message(moved)
    proposal = home.branch("words", {"README.md": "Better words.\n"})
    assert home.at("README.md") == "A house that releases.\n"
    merged = home.merge("words")
    assert home.at("README.md") == "Better words.\n"
    assert home.git("rev-parse", f"{merged}^2", at=home.remote) == proposal
