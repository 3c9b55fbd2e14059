"""`promote`: one pull request for one proven build, whatever was there before and whatever breaks off."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.e2e.github.server import Fault, StandIn
from deploy.e2e.github.world import Pull, Token
from deploy.release.github import GitHub
from deploy.release.images import Image, overlay, pinned
from deploy.release.proposal import Proposal, text
from tests.deploy.release.house import DENIED, Done, House

NAME = "house/books"
TOKEN = "t-secret"
PROD = overlay("prod")


@dataclass
class Place:
    """A house with a GitHub in front of its bare repository."""

    home: House
    hub: StandIn

    def promote(self, *arguments: str, token: str = TOKEN, **env: str) -> Done:
        """Runs the command as the workflow does."""
        named = {
            "GITHUB_REPOSITORY": NAME, "GITHUB_API_URL": self.hub.url, "GITHUB_SERVER_URL": "https://hub.example.org",
            "RELEASE_TOKEN": token, "RELEASE_PATIENCE": "0",
        }  # fmt: skip
        done = self.home.run("promote", *arguments, **(named | env))
        assert token not in done.out + done.err
        assert "Traceback" not in done.err
        return done

    def said(self, *arguments: str, status: int = 0, **env: str) -> str:
        """The one line of a command that must end like this."""
        done = self.promote(*arguments, **env)
        assert done.status == status, done
        line = done.err if status else done.out
        assert line.count("\n") == 1, line
        return line.strip()

    @property
    def pulls(self) -> dict[int, Pull]:
        with self.hub.world.lock:
            self.hub.world.follow()
        return self.hub.world.pulls

    @property
    def branches(self) -> list[str]:
        return self.home.git("for-each-ref", "--format=%(refname:short)", at=self.home.remote).splitlines()

    def build(self, run: int, subject: str = "Work", files: dict[str, str | None] | None = None) -> Image:
        """A commit, its image in staging, and its proof."""
        image = self.home.image(run, self.home.commit(subject, files))
        self.home.move("staging", image)
        self.home.prove(image)
        return image

    def everything(self) -> tuple[dict[str, str], list[Pull], dict[int, dict[str, Any]]]:
        return self.home.everything(), list(self.pulls.values()), dict(self.hub.world.comments)

    def merge(self, number: int) -> str:
        """Merges a pull request as a person does when all checks are green; returns the commit on main."""
        for context in ("gate", "guard"):
            status = {"sha": self.pulls[number].sha, "context": context, "state": "success"}
            self.hub.world.statuses.append(status)
        made = GitHub(NAME, TOKEN, self.hub.url).send("PUT", f"/pulls/{number}/merge", {"merge_method": "squash"})
        return str(made["sha"])


@pytest.fixture
def place(home: House) -> Iterator[Place]:
    tokens = {
        TOKEN: Token(),
        "t-old": Token(expires=datetime.now(UTC) - timedelta(hours=1)),
        "t-reader": Token("reader", {"pull_requests": "read"}),
    }
    with StandIn(home.remote, NAME, tokens) as hub:
        yield Place(home, hub)


def branch_of(image: Image) -> str:
    return f"promote/{image.tag}"


def test_a_proven_build_is_proposed(place: Place) -> None:
    first = place.build(1)
    place.home.move("prod", first)
    image = place.build(2, "Find entries by amount")
    base = place.home.git("rev-parse", "main", at=place.home.remote)
    done = place.promote("--json")
    assert done.status == 0, done
    (pull,) = place.pulls.values()
    branch = branch_of(image)
    assert done.json == {
        "image": str(image), "status": "opened", "branch": branch, "commit": pull.sha, "number": pull.number,
        "url": f"{place.hub.url}/{NAME}/pull/{pull.number}", "closed": [], "reason": "",
    }  # fmt: skip
    assert (pull.title, pull.head, pull.base) == (f"Promote {image.tag} to prod", branch, "main")
    assert place.home.git("log", "-1", "--format=%P", branch, at=place.home.remote) == base
    assert place.home.files_of(branch) == [PROD]
    assert pinned(place.home.at(PROD, branch)) == image
    assert pinned(place.home.at(PROD)) == first
    source = place.home.git("rev-parse", image.short)
    assert place.home.message(branch) == (
        f"deploy(prod): {image.tag}\n\nSource-Commit: {source}\nImage: {image}\n"
        f"Image-Digest: {image.digest}\nRun-Id: 2"
    )
    assert place.home.everything()["stands"] == "main"


def test_what_the_text_says(place: Place) -> None:
    first = place.build(1)
    place.home.move("prod", first)
    place.home.commit("Widen the amount", {"financetracker/ledger/migrations/0003_widen.py": "# wide\n"})
    image = place.build(
        2, "Find entries by amount", {"financetracker/ledger/migrations/0004_contract_amount.py": "# narrow\n"}
    )
    place.promote()
    body = place.pulls[1].body
    pages = f"https://hub.example.org/{NAME}"
    old, new = (place.home.git("rev-parse", one.short) for one in (first, image))
    assert f"| from | [`{first.tag}`]({pages}/actions/runs/1) | [`{old[:7]}`]({pages}/commit/{old}) |" in body
    assert f"| to | [`{image.tag}`]({pages}/actions/runs/2) | [`{new[:7]}`]({pages}/commit/{new}) |" in body
    assert re.findall(r"^- \[`\w{7}`\]\(\S+\) (.*)$", body, re.MULTILINE) == [
        "Find entries by amount (Ana)",
        "Widen the amount (Ana)",
    ]
    assert f"[Compare all 2]({pages}/compare/{old}...{new})." in body
    assert "- ledger/migrations/0003\\_widen\n- ledger/migrations/0004\\_contract\\_amount **contracting**" in body
    assert "**Once the contracting ones ran in prod, there is no way back to the build before.**" in body
    assert "Not by `rollback`" in body
    assert "| argo | yes | as it should be |" in body
    diff = body.partition("```diff\n")[2].partition("\n```")[0]
    assert f"-        image: {first}" in diff
    assert f"+        image: {image}" in diff
    moved = [line for line in diff.splitlines()[2:] if line[0] in "+-"]
    assert moved
    assert {str(first) in line or str(image) in line for line in moved} == {True}


def test_the_first_promotion_says_that_there_is_nothing_before(place: Place) -> None:
    place.build(1)
    assert place.said() == f"{place.pulls[1].title.split()[1]} is proposed in #1: {place.hub.url}/{NAME}/pull/1"
    body = place.pulls[1].body
    assert "| from | nothing yet | | |" in body
    assert "what prod ran before is not known" in body
    assert "The beginning (Ana)" in body
    assert "There is no build before this one" in body


def test_repeated_it_is_the_same(place: Place) -> None:
    image = place.build(1)
    place.promote()
    before = place.everything()
    for _ in range(2):
        assert place.promote("--json").json["status"] == "unchanged"
    assert place.said("--digest", image.digest).startswith(f"{image.tag} is proposed in #1 already")
    assert place.everything() == before
    assert [one["method"] for one in place.hub.requests].count("POST") == 1


def test_a_text_that_was_edited_or_is_older_is_written_anew(place: Place) -> None:
    place.build(1)
    place.promote()
    body = place.pulls[1].body
    place.pulls[1].body = "mine"
    assert place.promote("--json").json["status"] == "updated"
    assert place.pulls[1].body == body


def test_other_work_on_main_leaves_the_branch_alone(place: Place) -> None:
    """Each new commit would begin all the checks again."""
    place.build(1)
    place.promote()
    tip = place.pulls[1].sha
    place.home.commit("Something else")
    assert place.promote("--json").json["status"] == "unchanged"
    assert place.pulls[1].sha == tip


def test_a_conflict_with_main_is_solved_by_making_the_commit_anew(place: Place) -> None:
    first, second = place.build(1), place.build(2)
    place.home.move("prod", first)
    place.promote()
    tip = place.pulls[1].sha
    text = place.home.at(PROD).replace("financetracker.example.org", "books.example.org")
    newest = place.home.commit("Move to another host", {PROD: text})
    third = place.home.image(1, first.short, "again")
    place.home.move("prod", third)
    assert place.home.git("merge-base", newest, tip, at=place.home.remote) != newest
    assert place.promote("--json").json["status"] == "updated"
    pull = place.pulls[1]
    assert pull.sha != tip
    assert pull.state == "open"
    assert place.home.git("merge-tree", "--write-tree", "main", pull.head, at=place.home.remote)
    assert pinned(place.home.at(PROD, pull.head)) == second
    assert "books.example.org" in place.home.at(PROD, pull.head)
    assert place.home.files_of(pull.head) == [PROD]


def test_what_somebody_pushed_onto_the_branch_does_not_stay(place: Place) -> None:
    image = place.build(1)
    place.promote()
    place.home.git("fetch", "-q", "origin", branch_of(image))
    place.home.git("checkout", "-q", "-B", branch_of(image), "FETCH_HEAD")
    place.home.write({"deploy/base/smuggled.yaml": "x"})
    place.home.proposed(branch_of(image), "Smuggle")
    assert "deploy/base/smuggled.yaml" in place.home.files_of(branch_of(image))
    assert place.promote("--json").json["status"] == "updated"
    assert place.home.git("diff", "--name-only", "main", branch_of(image), at=place.home.remote) == PROD
    assert place.home.at("deploy/base/smuggled.yaml", branch_of(image)) == ""


def test_a_newer_build_takes_the_place_of_older_ones(place: Place) -> None:
    first = place.build(1)
    place.promote()
    place.home.branch("feature", {"x": "y"})
    place.home.branch("promote/by-hand", {"x": "y"})
    for head in ("feature", "promote/by-hand"):
        number = place.hub.world.next_number()
        place.hub.world.pulls[number] = Pull(number, "Other", "", head, "main", "ana", "")
    second = place.build(2)
    done = place.promote("--json").json
    assert (done["status"], done["closed"]) == ("opened", [1])
    states = {pull.head: pull.state for pull in place.pulls.values()}
    assert states == {
        branch_of(first): "closed", branch_of(second): "open", "feature": "open", "promote/by-hand": "open"
    }  # fmt: skip
    (comment,) = place.hub.world.comments.values()
    assert (comment["issue"], comment["body"]) == (
        1,
        f"Superseded by #{done['number']}, which proposes {second.tag}.",
    )
    assert place.branches == ["feature", "main", "promote/by-hand", branch_of(second)]
    assert place.promote("--json").json["closed"] == []
    assert len(place.hub.world.comments) == 1


def test_a_branch_that_nobody_proposes_any_more_goes_but_not_a_newer_one(place: Place) -> None:
    """The older was left when something broke off; the newer may just be on its way to a pull request."""
    first = place.build(1)
    place.promote()
    place.pulls[1].state = "closed"
    second = place.build(2)
    coming = place.home.commit("Coming")
    newer = f"promote/run-9-{coming[:7]}"
    place.home.branch(newer, {"x": "y"})
    assert branch_of(first) in place.branches
    assert place.promote("--digest", second.digest).status == 0
    assert place.branches == ["main", branch_of(second), newer]


def test_odd_letters_in_the_history_do_no_harm(place: Place) -> None:
    place.home.move("prod", place.build(1))
    place.home.write({"financetracker/ledger/x.py": "x"})
    place.home.git("add", "-A")
    message = place.home.folder / "message"
    message.write_bytes(b"Gr\xfc\xdfe \xff from latin-1")
    place.home.git("-c", "i18n.commitEncoding=utf-8", "commit", "-q", "-F", str(message))
    place.home.git("push", "-q", "origin", "main")
    place.build(2, "Ein Wort: Ü €")
    assert place.promote().status == 0
    assert "Ein Wort: Ü €" in place.pulls[1].body
    assert " from latin-1" in place.pulls[1].body


def test_an_older_build_does_not_take_the_place_of_a_newer_one(place: Place) -> None:
    first, second = place.build(1), place.build(2)
    place.promote()
    before = place.everything()
    said = place.said("--digest", first.digest)
    assert said == f"Nothing was proposed: {second.tag} is newer and proposed in #1."
    assert place.everything() == before


def test_what_prod_has_is_not_proposed(place: Place) -> None:
    image = place.build(1)
    place.home.move("prod", image)
    before = place.everything()
    assert place.said() == f"prod is pinned to {image.tag} already."
    assert place.everything() == before


def test_back_is_no_promotion(place: Place) -> None:
    first, second = place.build(1), place.build(2)
    place.home.move("prod", second)
    before = place.everything()
    said = place.said("--digest", first.digest, status=1)
    assert f"prod runs {second.tag}, which is newer than {first.tag}: going back is `rollback prod`." in said
    assert place.everything() == before


# --- What a rule forbids


def test_without_evidence_nothing_is_proposed(place: Place) -> None:
    image = place.home.image(1, place.home.commit("Work"))
    place.home.move("staging", image)
    before = place.everything()
    for arguments in ((), ("--digest", image.digest)):
        said = place.said(*arguments, status=1)
        assert f"There is no evidence for {image.tag}: it has to be verified in staging first." in said
    assert place.everything() == before


def test_incomplete_evidence_names_what_is_missing(place: Place) -> None:
    image = place.home.image(1, place.home.commit("Work"))
    place.home.move("staging", image)
    place.home.prove(image, argo="Progressing", sbom="none found")
    before = place.everything()
    said = place.said(status=1)
    assert f"The evidence for {image.tag} is not complete: sbom (none found), argo (Progressing)." in said
    assert place.everything() == before


def test_a_denied_digest_stays_out(place: Place) -> None:
    image = place.build(1)
    place.home.commit("Deny it", {DENIED: f"{image.digest}  # loses entries (Ana, today)\n"})
    before = place.everything()
    assert f"{image.tag} is on the deny list: loses entries (Ana, today)" in place.said(status=1)
    assert place.everything() == before


def test_a_build_of_a_commit_that_was_forced_away_stays_out(place: Place) -> None:
    kept = place.home.git("rev-parse", "main")
    lost = place.home.commit("Lost")
    place.home.git("branch", "lost", lost)
    place.home.force(kept)
    image = place.home.image(1, lost)
    place.home.move("staging", image)
    place.home.prove(image)
    before = place.everything()
    assert "which main does not have" in place.said(status=1)
    assert place.everything() == before


def test_evidence_about_something_else_proves_nothing(place: Place) -> None:
    image = place.build(1)
    other = place.home.image(2, place.home.commit("More"))
    place.home.move("staging", other)
    path = f"deploy/evidence/{other.digest.removeprefix('sha256:')}.json"
    place.home.commit("Smuggle", {path: place.home.proof(image).text()})
    assert "is about" in place.said(status=1)
    place.home.commit("Smuggle", {path: "{}"})
    assert "cannot be read" in place.said(status=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--digest", "sha256:12"], "is no digest"),
        (["--digest", f"sha256:{'1' * 64}"], "is no build of ours: staging has never run it"),
        ([], "staging runs nothing yet"),
    ],
)
def test_what_makes_no_sense(place: Place, arguments: list[str], said: str) -> None:
    before = place.everything()
    assert said in place.said(*arguments, status=2)
    assert place.everything() == before


def test_it_needs_a_repository_a_token_and_main(place: Place) -> None:
    place.build(1)
    before = place.everything()
    assert "GITHUB_REPOSITORY is not set" in place.said(status=2, GITHUB_REPOSITORY="")
    assert "There is no token" in place.home.run("promote", GITHUB_REPOSITORY=NAME).err
    assert place.everything() == before
    place.home.git("checkout", "-q", "-b", "feature")
    place.home.git("commit", "-q", "--allow-empty", "-m", "Ahead")
    assert "stands on feature" in place.said(status=2)


# --- What is in the way outside


def test_an_expired_token_changes_nothing(place: Place) -> None:
    place.build(1)
    before = place.everything()
    assert "GitHub refuses the token: it is expired or wrong" in place.said(status=2, token="t-old")
    assert place.everything() == before


def test_a_rate_limit_names_its_end(place: Place) -> None:
    place.build(1)
    before = place.everything()
    place.hub.remaining = 0
    until = datetime.fromtimestamp(place.hub.reset, UTC)
    assert f"rate limit is used up until {until:%H:%M:%S} UTC" in place.said(status=3)
    assert place.everything() == before


def test_a_token_that_may_not_open_one_leaves_no_branch(place: Place) -> None:
    place.build(1)
    before = place.everything()
    assert "does not allow this token POST /repos/house/books/pulls" in place.said(status=1, token="t-reader")
    assert place.everything() == before


@pytest.mark.parametrize(
    ("method", "path", "how"),
    [
        ("POST", "/pulls", "502"),
        ("POST", "/pulls", "lost"),
        ("POST", "/pulls", "done"),
        ("POST", "/issues/1/comments", "done"),
        ("PATCH", "/pulls/1", "lost"),
        ("GET", "/pulls", "502"),
    ],
)
def test_the_same_again_finishes_what_broke_off(place: Place, method: str, path: str, how: str) -> None:
    first = place.build(1)
    place.promote()
    second = place.build(2)
    place.hub.faults = [Fault(method, f"/repos/{NAME}{path}", how)]
    said = place.said(status=3)
    assert ("is pushed, its pull request not yet right" in said) == (path == "/pulls" and method == "POST")
    assert place.promote().status == 0
    states = {pull.head: pull.state for pull in place.pulls.values()}
    assert states == {branch_of(first): "closed", branch_of(second): "open"}
    assert len(place.pulls) == 2
    assert [comment["issue"] for comment in place.hub.world.comments.values()] == [1]
    assert place.branches == ["main", branch_of(second)]


def test_one_that_the_list_does_not_show_yet_is_not_opened_twice(place: Place) -> None:
    place.build(1)
    place.promote()
    place.pulls[1].body = "an older text"
    place.hub.faults = [Fault("GET", f"/repos/{NAME}/pulls", "late", times=2)]
    done = place.promote("--json")
    assert (done.json["status"], done.json["number"]) == ("updated", 1)
    assert 422 in [one["status"] for one in place.hub.requests]
    assert place.pulls[1].body.startswith("Merging this is the promotion")
    assert len(place.pulls) == 1


def test_two_at_the_same_moment_make_one(place: Place) -> None:
    image = place.build(1)
    env = {
        "GITHUB_REPOSITORY": NAME, "GITHUB_API_URL": place.hub.url, "RELEASE_TOKEN": TOKEN, "RELEASE_PATIENCE": "0"
    }  # fmt: skip
    both = [place.home.start("promote", **env) for _ in range(2)]
    ended = [one.communicate(timeout=60) for one in both]
    assert {one.returncode for one in both} <= {0, 3}, ended
    assert place.promote().status == 0
    assert [pull.head for pull in place.pulls.values()] == [branch_of(image)]
    assert place.pulls[1].state == "open"


def test_a_dry_run_shows_all_and_does_nothing(place: Place) -> None:
    place.build(1)
    place.promote()
    second = place.build(2)
    before = place.everything()
    done = place.promote("--dry-run")
    assert done.status == 0
    assert done.out.startswith(f"Promote {second.tag} to prod\n\nMerging this is the promotion")
    assert done.out.endswith(f"{second.tag} would be proposed. Would be closed: #1.\n")
    assert place.everything() == before


def test_a_fork_s_branch_of_that_name_is_none_of_ours(place: Place) -> None:
    image = place.build(1)
    for number, head in ((90, branch_of(image)), (91, "promote/run-9-abcdef0")):
        place.hub.world.pulls[number] = Pull(number, "Mine", "", head, "main", "eve", "", fork="eve/books")
    place.hub.world.count = 91
    assert place.promote("--json").json["status"] == "opened"
    assert {number: pull.state for number, pull in place.pulls.items()} == {90: "open", 91: "open", 92: "open"}
    assert (place.pulls[90].title, place.hub.world.comments) == ("Mine", {})


# --- Text of other people


def test_what_people_write_has_no_effect(place: Place) -> None:
    subject = "Fixes #1, closes house/books#2 and GH-3 @everyone [skip ci] </details> | x | `c` <img src=//e> $x$"
    place.home.move("prod", place.build(1))
    place.home.commit(subject)
    place.home.commit("Resolves https://hub.example.org/house/books/issues/4\u202e [a](http://e) **b** www.e.org")
    place.home.renew()
    place.home.write({"financetracker/ledger/x.py": "x"})
    place.home.git("add", "-A")
    place.home.git("commit", "-q", "-m", "Third", "--author=*Eve* script|@ana <e@e>")
    place.home.git("push", "-q", "origin", "main")
    place.home.write({"financetracker/ledger/x.py": "y"})
    place.home.git("add", "-A")
    place.home.git("commit", "-q", "--allow-empty-message", "-m", "", "--author=A\x1fb\x1ec <e@e>")
    place.home.git("push", "-q", "origin", "main")
    place.build(2)
    assert place.promote().status == 0
    body = place.pulls[1].body
    listed = body.partition("### Changes")[2].partition("###")[0]
    assert "Fixes \\#" in listed
    assert "everyone" in listed
    assert not re.search(r"(?<!\\)[<>|*`$]", re.sub(r"^- \[`\w{7}`\]\(\S+\)", "", listed, flags=re.MULTILINE))
    assert not re.search(r"#\d|GH-\d|@\w|www\.", re.sub(r"\]\(\S+\)", "", listed))
    assert not re.search(r"://", re.sub(r"\]\(\S+\)", "", listed))
    assert "[skip ci]" not in body
    assert "\u202e" not in body
    assert "\\*Eve\\* script\\|@\u200bana" in listed
    assert body.count("</details>") == 1
    assert "[skip" not in place.home.message(place.pulls[1].head)


def test_what_was_seen_is_text_too(place: Place) -> None:
    image = place.home.image(1, place.home.commit("Work"))
    place.home.move("staging", image)
    proof = place.home.proof(image)
    checks = dict(proof.checks)
    checks["version"] = type(checks["version"])(ok=True, seen="a | b\n| fixes #1 @ana </details>")
    path = f"deploy/evidence/{image.digest.removeprefix('sha256:')}.json"
    text = type(proof)(proof.image, proof.source, proof.at, checks).text()
    place.home.commit("evidence", {path: text})
    place.promote()
    assert "| version | yes | a \\| b \\| fixes \\#\u200b1 @\u200bana \\</details\\> |" in place.pulls[1].body


def test_the_longest_story_fits(place: Place) -> None:
    place.home.move("prod", place.build(1))
    for number in range(130):
        place.home.write({"financetracker/ledger/x.py": f"{number}"})
        name = f"financetracker/ledger/migrations/{number + 1000}_{'long_' * 30}.py"
        place.home.write({name: "#"})
        place.home.git("add", "-A")
        place.home.git("commit", "-q", "-m", f"{number} " + "@#|" * 400)
    place.home.git("push", "-q", "origin", "main")
    place.build(2)
    place.promote()
    body = place.pulls[1].body
    assert len(body) <= 65536
    assert re.search(r"^The newest \d+ of 131\.$", body, re.MULTILINE)
    assert re.search(r"^The first \d+ of 130\.$", body, re.MULTILINE)
    assert body.count("```") == 2
    assert "### Going back" in body


def test_a_long_diff_is_cut_at_a_line_with_a_note(place: Place) -> None:
    image = place.build(1)
    diff = "\n".join(f"+ line {number} ```` </details>" for number in range(5000))
    made = Proposal(image, None, "", place.home.proof(image), [], 0, [], [], diff)
    body = text(made, "https://hub.example.org/house/books")
    assert 60000 < len(body) <= 65536
    block = body.partition("`````diff\n")[2].partition("\n`````\n")[0]
    assert diff.startswith(block)
    assert f"\n\n{5000 - block.count(chr(10)) - 1} more lines do not fit here" in body
    assert body.rstrip().endswith("repair it and promote the next.")


def test_merging_it_is_the_promotion(place: Place) -> None:
    place.home.move("prod", place.build(1))
    image = place.build(2)
    place.promote()
    base, head = (place.home.git("rev-parse", name, at=place.home.remote) for name in ("main", branch_of(image)))
    place.home.git("fetch", "-q", "origin", head)
    guarded = place.home.run("guard", "--base", base, "--head", head)
    assert guarded.status == 0, guarded
    merged = place.merge(1)
    source = place.home.git("rev-parse", image.short)
    assert place.home.message().startswith(f"deploy(prod): {image.tag} (#1)\n\nSource-Commit: {source}\n")
    assert place.home.git("rev-parse", "main", at=place.home.remote) == merged
    assert pinned(place.home.at(PROD)) == image
    assert place.home.files_of("main") == [PROD]
    assert place.branches == ["main"]
    assert "skip ci" not in place.home.message()
    place.home.renew()
    assert place.said() == f"prod is pinned to {image.tag} already."
