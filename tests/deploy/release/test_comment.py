"""`comment` and `running`: one comment of a kind, and the build that an environment is pinned to."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.e2e.github.server import StandIn
from deploy.e2e.github.world import Token
from deploy.release.comment import MOST, text
from deploy.release.github import GitHub
from tests.deploy.release.house import Done, House

NAME = "house/books"
BOT = "github-actions[bot]"


@dataclass
class Place:
    """A pull request in a house."""

    home: House
    hub: StandIn
    number: int
    file: Path

    def comment(self, said: str, *arguments: str, token: str = "t-bot") -> Done:  # noqa: S107
        """Runs the command as the workflow does."""
        self.file.write_text(said, encoding="utf-8")
        env = {
            "GITHUB_REPOSITORY": NAME,
            "GITHUB_API_URL": self.hub.url,
            "GITHUB_TOKEN": token,
            "RELEASE_PATIENCE": "0",
        }
        done = self.home.run(
            "comment", str(self.number), "--mark", "diff", "--file", str(self.file), *arguments, **env
        )
        assert "Traceback" not in done.err
        assert token not in done.out + done.err
        return done

    @property
    def comments(self) -> list[tuple[str, str]]:
        return [(one["user"]["login"], one["body"]) for one in self.hub.world.comments.values()]


@pytest.fixture
def place(home: House, tmp_path: Path) -> Iterator[Place]:
    tokens = {
        "t-bot": Token(BOT),
        "t-ana": Token("ana"),
        "t-fork": Token(BOT, {"metadata": "read", "pull_requests": "read"}),
    }
    home.branch("work", {"docs/glossary.md": "Words\n"})
    with StandIn(home.remote, NAME, tokens) as hub:
        made = Place(home, hub, 0, tmp_path / "diff.md")
        sent = {"title": "Words", "head": "work", "base": "main", "body": ""}
        made.number = GitHub(NAME, "t-ana", hub.url).send("POST", "/pulls", sent)["number"]
        yield made


def test_there_is_one_comment_however_often_it_is_written(place: Place) -> None:
    assert place.comment("Nothing changes.\n").status == 0
    assert place.comments == [(BOT, "<!-- financetracker: diff -->\nNothing changes.\n")]
    assert place.comment("One image changes.\n").status == 0
    assert place.comments == [(BOT, "<!-- financetracker: diff -->\nOne image changes.\n")]
    asked = len(place.hub.requests)
    assert place.comment("One image changes.\n").status == 0
    assert {one["method"] for one in place.hub.requests[asked:]} == {"GET"}, "nothing is written twice"


def test_what_somebody_else_wrote_is_left_alone(place: Place) -> None:
    theirs = "<!-- financetracker: diff -->\nTrust me, nothing changes."
    GitHub(NAME, "t-ana", place.hub.url).send("POST", f"/issues/{place.number}/comments", {"body": theirs})
    assert place.comment("One image changes.\n").status == 0
    assert place.comments == [("ana", theirs), (BOT, "<!-- financetracker: diff -->\nOne image changes.\n")]


def test_a_dry_run_writes_nothing(place: Place) -> None:
    done = place.comment("One image changes.\n", "--dry-run")
    assert (done.status, "One image changes." in done.out) == (0, True)
    assert place.comments == []


@pytest.mark.parametrize(
    ("said", "token", "status", "why"),
    [
        ("", "t-bot", 2, "is empty"),
        ("Words", "t-fork", 1, "does not allow this token"),
        ("Words", "t-gone", 2, "expired or wrong"),
    ],
)
def test_what_cannot_be_said_is_one_line(said: str, token: str, status: int, why: str, place: Place) -> None:
    done = place.comment(said, token=token)
    assert (done.status, done.out, done.err.count("\n")) == (status, "", 1)
    assert why in done.err
    assert place.comments == []


def test_a_long_diff_is_cut_and_still_closes_its_fence(tmp_path: Path) -> None:
    path = tmp_path / "diff.md"
    path.write_text("```diff\n" + "+ line\n" * 20_000 + "```\n", encoding="utf-8")
    said = text(path, "diff")
    assert MOST - 200 < len(said) < MOST + 300
    assert said.count("```") == 2
    assert said.endswith("the whole of it is in the summary of the run.\n")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Exception, match="cannot be read"):
        text(path, "diff")


def test_the_build_that_runs_is_named(home: House) -> None:
    assert home.run("running", "staging").out == "\n"
    image = home.image(12, home.commit("Round as the law says"))
    home.move("staging", image)
    home.git("reset", "-q", "--hard", "HEAD~1")  # what this clone has is not asked
    assert home.run("running", "staging").out == f"{image}\n"
    assert home.run("running", "staging", "--json").json["digest"] == image.digest
    assert home.run("running", "prod", "--json").json == {"image": None}
    assert home.run("running", "qa").status == 2
