"""The small parts: what Git's complaints mean, what an image is, what history says."""

import pytest

from deploy.release.access import authorisation, redacted
from deploy.release.answers import RACED, problem
from deploy.release.desk import desk, reader
from deploy.release.history import contracts_between, denied, pin_ahead, pins, trailers
from deploy.release.images import images_part, moved, overlay, parse, pinned
from deploy.release.messages import message, one_line, trailers_of
from deploy.release.problems import CouldNot, Problem, Refused
from tests.deploy.release.house import DENIED, PROJECT, House

PUSH = "To https://x/\n ! [remote rejected] main -> main ({})\nerror: failed to push some refs to 'https://x/'\n"
RULES = (
    "remote: error: GH013: Repository rule violations found for refs/heads/main.        \n"
    "remote: Review all repository rules at https://example.org/rules        \n"
    "remote: \nremote: - Changes must be made through a pull request.        \nremote: \n"
    + PUSH.format("push declined due to repository rule violations")
)  # fmt: skip
RULE = (
    "origin refuses the push to main: GH013: Repository rule violations found for refs/heads/main."
    " Review all repository rules at https://example.org/rules - Changes must be made through a pull request."
)
LOCKED_OUT = "origin does not let us in for the push to main: the token is missing, expired or without that right"


@pytest.mark.parametrize(
    ("said", "kind", "line"),
    [
        (RULES, Refused, RULE),
        (PUSH.format("protected branch hook declined"), Refused, "protected branch hook declined"),
        (PUSH.format("pre-receive hook declined"), Refused, "pre-receive hook declined"),
        (
            "remote: Invalid username or token.\nfatal: Authentication failed for 'https://x/'\n",
            Refused,
            LOCKED_OUT,
        ),
        ("fatal: could not read Username for 'https://x': prompts disabled", Refused, LOCKED_OUT),
        ("fatal: unable to access 'https://x/': The URL returned error: 403\n", Refused, LOCKED_OUT),
        ("remote: Permission to o/n.git denied to app[bot].\nfatal: unable\n", Refused, LOCKED_OUT),
        ("remote: Repository not found.\nfatal: repository 'https://x/' not found\n", Problem, "There is no Git"),
        (
            "fatal: '/x' does not appear to be a git repository\nfatal: Could not read\n",
            Problem,
            "There is no Git",
        ),
        ("fatal: unable to access 'https://x/': Could not resolve host: x\n", CouldNot, "not resolve host: x"),
        (PUSH.format("unpacker error"), CouldNot, "The push to main did not go through: ! [remote rejected]"),
        ("error: RPC failed; HTTP 502\nfatal: the remote end hung up\n", CouldNot, "error: RPC failed; HTTP 502"),
        ("", CouldNot, "it said nothing"),
    ],
)
def test_what_git_says_when_it_fails(said: str, kind: type[Problem], line: str) -> None:
    found = problem(said, "origin", "the push to main")
    assert type(found) is kind
    assert line in str(found)
    assert "\n" not in str(found)
    assert not RACED.search(said)


@pytest.mark.parametrize(
    "said",
    [
        " ! [rejected]        main -> main (fetch first)\n",
        " ! [rejected]        main -> main (non-fast-forward)\n",
        PUSH.format("cannot lock ref 'refs/heads/main': is at a but expected b"),
        PUSH.format("failed to update ref"),
        PUSH.format("incorrect old value provided"),
    ],
)
def test_what_git_says_when_somebody_was_first(said: str) -> None:
    assert RACED.search(said)


def test_a_hook_that_speaks_of_fetching_first_is_no_race() -> None:
    assert not RACED.search(
        "remote: please fetch first (fetch first)\n" + PUSH.format("pre-receive hook declined")
    )


def test_secrets_are_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEASE_TOKEN", "ghs_secret")
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "https://hooks.example.org/T/B/x")
    text = (
        "https://app:ghs_other@example.org/x ghs_secret eC1hY2Nlc3MtdG9rZW46Z2hzX3NlY3JldA=="
        " https://hooks.example.org/T/B/x https://example.org/@home"
    )
    assert redacted(text) == "https://example.org/x *** *** *** https://example.org/@home"


def test_a_token_goes_by_the_environment_to_http_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    env = authorisation({"https://a:b@example.org/x", "/local", "git@example.org:x"}, "t")
    assert env == {
        "GIT_CONFIG_COUNT": "4",
        "GIT_CONFIG_KEY_2": "http.https://example.org/x.extraheader",
        "GIT_CONFIG_VALUE_2": "",
        "GIT_CONFIG_KEY_3": "http.https://example.org/x.extraheader",
        "GIT_CONFIG_VALUE_3": "Authorization: Basic eC1hY2Nlc3MtdG9rZW46dA==",
    }
    assert authorisation({"https://example.org/x"}, "") == {}


OVERLAY = (PROJECT / overlay("prod")).read_text(encoding="utf-8")
OLD = pinned(OVERLAY)
NEW = f"docker.io/financetracker/financetracker:run-12-abcdef0@sha256:{'ab' * 32}"


def placed(text: str) -> str:
    """An overlay's text with the new image."""
    assert OLD
    image = parse(NEW)
    return text.replace(OLD.tag, image.tag).replace(OLD.digest, image.digest)


def test_an_image_that_moved_alone() -> None:
    assert moved(OVERLAY, placed(OVERLAY)) == parse(NEW)
    assert moved(OVERLAY, OVERLAY) == OLD
    assert pinned(images_part(placed(OVERLAY))) == pinned(placed(OVERLAY)) == parse(NEW)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "\n",
        lambda text: text + "# a word\n",
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("newTag: run-12-abcdef0", "newTag: 'run-12-abcdef0'"),
        lambda text: text.replace("newTag: run-12-abcdef0", "newTag: run-12-abcdef0 # a word"),
        lambda text: text.replace("newTag: run-12-abcdef0", "newTag: run-12-abcdef0\n  other: x"),
        lambda text: text.replace("newTag: run-12-abcdef0", "newTag: &a run-12-abcdef0"),
        lambda text: text.replace("sha256:", "sha512:"),
        lambda text: text.replace("abab", "ABAB"),
        lambda text: text.replace("name: financetracker\n", "name: other\n"),
        lambda text: text.replace("kind: Kustomization", "kind: Component"),
    ],
)
def test_an_image_that_did_not_move_alone(change: object) -> None:
    assert callable(change)
    after = change(placed(OVERLAY))
    assert after != placed(OVERLAY)
    assert moved(OVERLAY, after) is None


def test_two_places_for_images_are_not_guessed_at() -> None:
    twice = f"{OVERLAY}images: []\n"
    assert images_part(twice) == twice


def test_messages_cannot_be_forged_by_what_stands_in_them() -> None:
    reason = "Wrong\n\nRollback-Of: sha256:0\r\nImage:\u2028x \x1b[31m"
    said = message(
        "deploy(prod): x [skip ci]", trailers_of(parse(NEW), "a" * 40) | {"Reason": reason, "Run-Url": " "}
    )
    assert trailers(said) == {
        "Source-Commit": "a" * 40,
        "Image": NEW,
        "Image-Digest": parse(NEW).digest,
        "Run-Id": "12",
        "Reason": "Wrong Rollback-Of: sha256:0 Image: x [31m",
    }
    assert one_line(" a\t b \n") == "a b"


def test_pins_tell_what_ran_whoever_moved_it(home: House) -> None:
    one, two = home.image(11, home.commit("One")), home.image(12, home.commit("Two"))
    first = home.move("staging", one)
    words = home.at(overlay("staging")).replace("staging.financetracker", "stage.financetracker")
    home.commit("Another host", {overlay("staging"): words})
    home.branch("by-hand", {overlay("staging"): home.with_image("staging", two)})
    second = home.merge("by-hand")
    home.renew()
    found = pins(reader(home.clone), "staging")
    assert [(pin.commit, pin.image, pin.who) for pin in found] == [(second, two, "Ana"), (first, one, "Ana")]
    assert [pin.source for pin in found] == [home.git("rev-parse", two.short), home.git("rev-parse", one.short)]
    assert pins(reader(home.clone), "prod") == []


def test_a_trailer_that_does_not_belong_to_the_tag_is_not_believed(home: House) -> None:
    one, two = home.commit("One"), home.commit("Two")
    image = home.image(12, two)
    text = home.with_image("staging", image)
    home.commit(f"deploy(staging): {image.tag}\n\nSource-Commit: {one}", {overlay("staging"): text})
    assert [pin.source for pin in pins(reader(home.clone), "staging")] == [two]


def test_builds_of_commits_side_by_side_are_ordered_by_their_runs(home: House) -> None:
    aside = home.branch("aside", {"aside.md": "x\n"})
    ahead = home.commit("Ahead")
    home.merge("aside")
    home.move("staging", home.image(12, ahead))
    with desk(home.clone) as at:
        known = pins(at, "staging")
        assert pin_ahead(at, home.image(11, aside), aside, known) == known[0]
        assert pin_ahead(at, home.image(13, aside), aside, known) is None


def test_builds_of_a_commit_that_is_gone_are_ordered_by_their_runs(home: House) -> None:
    lost = home.commit("Lost")
    home.move("staging", home.image(12, lost))
    overlay_text = home.at(overlay("staging"))
    home.force(f"{lost}~1")
    found = home.commit("Found")
    home.commit("deploy(staging): again", {overlay("staging"): overlay_text})
    with desk(home.clone) as at:
        known = pins(at, "staging")
        assert [one.image.run for one in known] == [12]
        assert pin_ahead(at, home.image(11, found), found, known) == known[0]
        assert pin_ahead(at, home.image(13, found), found, known) is None


def test_the_deny_list_with_and_without_reasons(home: House) -> None:
    a, b = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
    home.commit("deny", {DENIED: f"# Words\n\n{a}  # wrong # twice (Ana)\n  {b}\n"})
    assert denied(reader(home.clone)) == {a: "wrong # twice (Ana)", b: ""}
    home.commit("none", {DENIED: None})
    assert denied(reader(home.clone)) == {}


def test_only_what_contracts_and_is_new_forbids_going_back(home: House) -> None:
    folder = "financetracker/ledger/migrations"
    old = home.commit("Old", {f"{folder}/0003_contract_old.py": "# contracts\n"})
    new = home.commit(
        "New",
        {
            f"{folder}/0003_contract_old.py": "# contracts, with a comment\n",
            f"{folder}/0004_expand.py": "# expands\n",
            f"{folder}/0005_contract_new.py": "# contracts\n",
            f"{folder}/tests/0006_contract_not.py": "# elsewhere\n",
        },
    )
    assert contracts_between(reader(home.clone), old, new) == [f"{folder}/0005_contract_new.py"]
    assert contracts_between(reader(home.clone), new, old) == []
