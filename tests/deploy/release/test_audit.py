"""`audit`: from a commit to what ran, and back, on the history of one release and its rollback."""

from pathlib import Path

import pytest

from deploy.release.evidence import path_of
from deploy.release.images import overlay
from tests.deploy.release.house import DENIED, House, moved_to


class Told:
    """A house where build 11 ran everywhere, 13 (which has two commits) was promoted and taken back."""

    def __init__(self, home: House) -> None:
        self.home = home
        self.one = home.commit("Add books")
        self.old = home.image(11, self.one)
        self.pinned = home.move("staging", self.old)
        home.prove(self.old)
        home.branch("promote/11", {overlay("prod"): home.with_image("prod", self.old)})
        self.promoted = home.merge("promote/11")
        self.two = home.commit("Add shelves")
        self.three = home.commit("Add readers")
        self.new = home.image(13, self.three)
        home.move("staging", self.new)
        home.prove(self.new, speed="slow")
        self.bad = home.move("prod", self.new)
        moment = home.later(10).isoformat()
        env = {"GIT_COMMITTER_DATE": moment, "GIT_AUTHOR_DATE": moment, "GITHUB_ACTOR": "ana"}
        done = home.run("rollback", "prod", "--reason", "Totals were wrong", "--json", **env)
        assert done.status == 0, done.err
        self.back = str(done.json["commit"])
        self.unbuilt = home.commit("Not built yet")


@pytest.fixture(scope="session")
def told(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Only to be read: every test has the same one."""
    return Told(moved_to(built, tmp_path_factory.mktemp("told") / "house"))


def test_from_a_commit_to_what_ran(told: Told) -> None:
    home = told.home
    before = home.everything()
    said = home.run("audit", told.one, "--json").json
    assert (said["asked"], said["how"]) == (told.one, "built from it")
    (build,) = said["builds"]
    assert (build["image"], build["source"], build["subject"]) == (str(told.old), told.one, "Add books")
    assert (build["evidence"], build["denied"]) == ("complete", None)
    stays = [(one["environment"], one["how"], one["commit"], one["pull"], one["until"]) for one in build["stays"]]
    taken = {
        commit: home.git("log", "-1", "--format=%cI", commit).replace("Z", "+00:00") for commit in (told.bad,)
    }
    next_in_staging = next(one for one in home.run("audit", told.new.tag, "--json").json["builds"][0]["stays"])
    assert stays == [
        ("staging", "pinned", told.pinned, None, next_in_staging["since"]),
        ("prod", "promoted", told.promoted, 1, taken[told.bad]),
        ("prod", "rolled back to", told.back, None, None),
    ]
    last = build["stays"][-1]
    assert (last["rollback_of"], last["reason"]) == (told.new.digest, "Totals were wrong")
    assert home.everything() == before


@pytest.mark.parametrize("by", ["digest", "tag", "commit", "short commit", "the commit that brought it"])
def test_back_to_the_commit(told: Told, by: str) -> None:
    asked = {
        "digest": told.new.digest, "tag": told.new.tag, "commit": told.three, "short commit": told.three[:9],
        "the commit that brought it": told.bad,
    }[by]  # fmt: skip
    (build,) = told.home.run("audit", asked, "--json").json["builds"]
    assert (build["image"], build["source"]) == (str(told.new), told.three)
    assert build["evidence"] == "not complete: speed"
    assert build["denied"].startswith("Totals were wrong (ana, ")


def test_a_commit_that_was_built_with_a_later_one(told: Told) -> None:
    said = told.home.run("audit", told.two, "--json").json
    assert said["how"] == "the first that contain it"
    assert [build["image"] for build in said["builds"]] == [str(told.new)]


def test_a_commit_that_runs_nowhere_yet(told: Told) -> None:
    done = told.home.run("audit", told.unbuilt)
    assert done.status == 0
    assert done.out == f"{told.unbuilt} is on main; no environment has run a build that contains it yet.\n"


def test_for_a_person(told: Told) -> None:
    done = told.home.run("audit", told.old.digest)
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"{told.old.tag} (the build itself)"
    assert lines[1] == f"  image     {told.old}"
    assert lines[2] == f"  source    {told.one}, 2026-03-03 09:10 Add books"
    assert lines[3].startswith("  evidence  complete, 2026-03-03 ")
    assert [line.split(",")[1] for line in lines[4:]] == [
        f" pinned in {told.pinned[:7]} by Ana",
        f" promoted by #1 in {told.promoted[:7]} by Ana",
        f" rolled back to in {told.back[:7]} by financetracker release: Totals were wrong",
    ]
    assert lines[-1].startswith("  prod      2026-03-03 ")
    assert " to now, " in lines[-1]


def test_a_build_that_was_proven_and_never_ran(home: House) -> None:
    image = home.image(11, home.commit("One"))
    home.prove(image)
    home.commit("deny", {DENIED: f"{image.digest}\n"})
    done = home.run("audit", image.tag)
    assert done.out.splitlines()[-2:] == ["  denied    no reason is given", "  it never ran"]


def test_a_proof_that_cannot_be_read(home: House) -> None:
    image = home.image(11, home.commit("One"))
    home.move("staging", image)
    home.commit("broken", {path_of(image.digest): "{"})
    done = home.run("audit", image.tag)
    assert done.status == 0
    assert "  evidence  The evidence cannot be read" in done.out


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (f"sha256:{'9' * 64}", "no environment ran it and nothing was proven of it."),
        ("run-99-abcdef0", "no environment ran it and nothing was proven of it."),
        ("nothing", "'nothing' is no commit, digest or tag that is known here."),
        ("9" * 40, "is no commit, digest or tag that is known here."),
    ],
)
def test_what_nobody_knows(home: House, asked: str, line: str) -> None:
    done = home.run("audit", asked)
    assert (done.status, done.out) == (2, "")
    assert line in done.err
    assert len(done.err.splitlines()) == 1


def test_a_commit_of_another_branch(home: House) -> None:
    aside = home.branch("aside", {"README.md": "Other words.\n"})
    done = home.run("audit", aside)
    assert done.status == 2
    assert "is not on main, and nothing was built from it." in done.err
