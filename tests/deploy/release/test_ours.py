"""`ours`: only what the release itself keeps on main counts as bookkeeping, whoever pushed it."""

import pytest

from deploy.release.evidence import path_of
from deploy.release.images import overlay
from tests.deploy.release.house import DENIED, House

PROD, STAGING = overlay("prod"), overlay("staging")


def said(home: House, base: str, head: str) -> str:
    done = home.run("ours", "--base", base, "--head", head)
    assert (done.status, done.err) == (0, "")
    return done.out


def test_every_commit_of_the_release_is_its_own(home: House) -> None:
    one, two = home.image(11, home.commit("One")), home.image(12, home.commit("Two"))
    base = home.renew()
    home.run("pin", "--image", str(one))
    home.run("pin", "--image", str(two))
    home.renew()
    home.prove(one)
    home.branch("promote/x", {PROD: home.with_image("prod", one)})
    merged = home.merge("promote/x")
    home.run("rollback", "staging", "--reason", "Slow")
    head = home.renew()
    assert home.git("diff", "--name-only", base, head).splitlines() == [
        DENIED, path_of(one.digest), PROD, STAGING,
    ]  # fmt: skip
    assert said(home, base, head) == "true\n"
    assert said(home, f"{merged}~1", merged) == "true\n"


@pytest.mark.parametrize(
    "name",
    ["another file", "another line", "a comment", "the mode", "gone", "a link", "a file beside the evidence"],
)
def test_one_foreign_change_is_somebodys_work(home: House, name: str) -> None:
    image = home.image(11, home.commit("One"))
    base = home.renew()
    text = home.with_image("staging", image)
    home.write({STAGING: text})
    path = home.clone / STAGING
    if name == "another file":
        home.write({"financetracker/task.py": "# task\n"})
    elif name == "another line":
        home.write({STAGING: text.replace("staging.financetracker.example.org", "other.example.org")})
    elif name == "a comment":
        home.write({STAGING: text + "# hello\n"})
    elif name == "the mode":
        path.chmod(0o755)
    elif name == "gone":
        path.unlink()
    elif name == "a link":
        path.unlink()
        path.symlink_to("../prod/kustomization.yaml")
    else:
        home.write({"deploy/evidence.py": "# work\n"})
    head = home.proposed("work")
    assert said(home, base, head) == "false\n"


def test_author_and_message_do_not_matter(home: House) -> None:
    base = home.renew()
    head = home.commit("deploy(staging): run-1-abcdef0 [skip ci]\n\nImage: x")
    assert said(home, base, head) == "false\n"


def test_what_cannot_be_judged_is_somebodys_work(home: House) -> None:
    first = home.renew()
    head = home.move("staging", home.image(11, home.commit("One")))
    assert said(home, "0" * 40, head) == "false\n"  # a new branch
    assert said(home, "1" * 40, head) == "false\n"  # what was there is gone
    home.git("checkout", "-q", "-b", "aside", first)
    aside = home.proposed("aside")
    assert said(home, aside, head) == "false\n"  # overwritten
    assert said(home, head, head) == "true\n"


def test_an_unknown_head_is_one_line(home: House) -> None:
    done = home.run("ours", "--base", "main", "--head", "1" * 40)
    assert (done.status, done.out) == (2, "")
    assert done.err == f"release ours: There is no commit {'1' * 40} here: fetch it first.\n"
