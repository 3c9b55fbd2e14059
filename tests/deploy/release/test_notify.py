"""Messages to Slack: they arrive in a form that Slack takes, and never hold anybody up."""

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.release import program
from deploy.release.images import overlay
from deploy.release.notify import lasting
from deploy.release.slack import link, message, mrkdwn, wrong_form
from tests.deploy.release.house import Done, House
from tests.deploy.release.slack import PATH, Invalid, Slack, check, standing_in
from tests.served import free_ports

TELL = ("deployed", "--environment", "prod")
ALL = ("--what", "run-12-abcdef0", "--who", "Ana", "--seconds", "102")
SECRET = PATH.rpartition("/")[2]


@pytest.fixture
def slack() -> Iterator[Slack]:
    with standing_in(Slack()) as running:
        yield running


@dataclass
class Teller:
    """The command in this process, where no clone is: nothing is known but what it is told."""

    folder: Path
    patch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str, url: str, **env: str) -> Done:
        """Runs it; whatever happens it ends well and keeps the secret."""
        for name in ("GITHUB_ACTOR", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"):
            self.patch.delenv(name, raising=False)
        for name, value in {"SLACK_WEBHOOK_URL": url, **env}.items():
            self.patch.setenv(name, value)
        status = program.main(["notify", *arguments, "--clone", str(self.folder)])
        return kept(Done(status, *self.capsys.readouterr()))


def kept(done: Done) -> Done:
    """The same, if it ended well and nothing of the address stands in what was said."""
    assert done.status == 0, done
    said = done.out + done.err
    assert SECRET not in said
    assert "services/" not in said.replace("behind /services/", "")
    return done


@pytest.fixture
def tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Teller:
    return Teller(tmp_path, monkeypatch, capsys)


def warned(done: Done) -> str:
    """The one line of a run in which nobody was told."""
    assert (done.out, done.err.count("\n")) == ("", 1), done
    assert done.err.startswith("warning: nobody was told that prod deployed: ")
    return done.err


def shown(body: dict[str, Any]) -> dict[str, str]:
    """The facts of a message by their names."""
    return dict(entry["text"][1:].split("*\n", 1) for entry in body["blocks"][1]["fields"])


# --- What arrives


def test_who_what_how_long_and_where_to_look(tell: Teller, slack: Slack) -> None:
    where = "https://github.com/ana/books/actions/runs/12?pr=1&check=2"
    done = tell(*TELL, *ALL, "--url", where, url=slack.url)
    assert (done.out, done.err, slack.refused) == ("told Slack: prod deployed\n", "", [])
    (body,) = slack.taken
    title = ":white_check_mark: prod runs run-12-abcdef0"
    assert body["text"] == f"{title}: prod, run-12-abcdef0, Ana, 1 min 42 s"
    assert body["blocks"][0]["text"]["text"] == title
    assert shown(body) == {
        "Environment": "prod", "What": "run-12-abcdef0", "Who": "Ana", "How long": "1 min 42 s"
    }  # fmt: skip
    assert body["blocks"][-1]["elements"][0]["text"] == f"<{where.replace('&', '&amp;')}|The run>"


@pytest.mark.parametrize(
    ("event", "title"),
    [
        ("failed", ":x: staging failed: run-12-abcdef0"),
        ("rolled-back", ":rewind: staging was rolled back to run-12-abcdef0"),
    ],
)
def test_what_went_wrong_is_told_with_the_reason(tell: Teller, slack: Slack, event: str, title: str) -> None:
    reason = "the migrate Job hung\nsee <https://argo>"
    tell(event, "--environment", "staging", *ALL, "--reason", reason, url=slack.url)
    (body,) = slack.taken
    assert body["blocks"][0]["text"]["text"] == title
    assert body["blocks"][2]["text"]["text"] == "the migrate Job hung\nsee &lt;https://argo&gt;"


def asked(home: House, slack: Slack, event: str, **env: str) -> dict[str, str]:
    """The facts of a message for which nothing was given but the event."""
    kept(home.run("notify", event, "--environment", "prod", SLACK_WEBHOOK_URL=slack.url, **env))
    return shown(slack.taken[-1])


def test_what_was_not_given_is_asked_of_main(home: House, slack: Slack) -> None:
    commit = home.commit("Count cents & crowns")
    home.move("prod", home.image(12, commit))
    facts = asked(home, slack, "deployed")
    assert facts["What"] == f"run-12-{commit[:7]}: Count cents &amp; crowns"
    assert facts["Who"] == "Ana"
    assert facts["How long"].endswith(" since the commit")
    assert " since the pin, " in facts["How long"]


def test_of_a_build_that_was_named_nothing_of_another_is_told(home: House, slack: Slack) -> None:
    home.move("prod", home.image(12, home.commit("Work")))
    arguments = ("failed", "--environment", "prod", "--what", "commit 4de4541")
    kept(home.run("notify", *arguments, SLACK_WEBHOOK_URL=slack.url, GITHUB_ACTOR="marek"))
    facts = shown(slack.taken[0])
    assert (facts["What"], facts["Who"], facts["How long"]) == ("commit 4de4541", "marek", "–")


def test_a_rollback_is_told_with_who_ordered_it_and_why(home: House, slack: Slack) -> None:
    good = home.commit("Good")
    home.move("prod", home.image(12, good))
    bad = home.image(13, home.commit("Bad"))
    home.move("prod", bad)
    said = f"deploy(prod): roll back [skip ci]\n\nRollback-Of: {bad.digest}\nReason: loses entries"
    home.commit(said, {overlay("prod"): home.with_image("prod", home.image(12, good))})
    facts = asked(home, slack, "rolled-back", GITHUB_ACTOR="marek")
    assert (facts["What"], facts["Who"]) == (f"run-12-{good[:7]}: Good", "marek")
    assert slack.taken[0]["blocks"][2]["text"]["text"] == "loses entries"


def test_where_main_cannot_be_fetched_the_clone_is_asked_but_for_a_rollback(home: House, slack: Slack) -> None:
    commit = home.commit("Work")
    home.move("prod", home.image(12, commit))
    home.env["RELEASE_REMOTE"] = "/nonexistent"
    assert asked(home, slack, "deployed")["What"] == f"run-12-{commit[:7]}: Work"
    assert asked(home, slack, "rolled-back")["What"] == "–"


def test_where_main_cannot_be_read_the_rest_is_told(tell: Teller, slack: Slack) -> None:
    env = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "ana/books", "GITHUB_RUN_ID": "7"}
    done = tell(*TELL, url=slack.url, GITHUB_ACTOR="ana", **env)
    assert done.err == ""
    (body,) = slack.taken
    assert body["blocks"][0]["text"]["text"] == ":white_check_mark: prod runs an unknown build"
    assert shown(body) == {"Environment": "prod", "What": "–", "Who": "ana", "How long": "–"}
    assert body["blocks"][-1]["elements"][0]["text"] == "<https://github.com/ana/books/actions/runs/7|The run>"


@pytest.mark.parametrize(
    "text",
    [
        "<!channel> & <@U024BE7LH> <https://evil.example|our run>",
        "&amp;lt; &lt;",
        "a" * 10_000,
        "&" * 10_000,
        "<" * 1_999,
        "ž" * 5_000,
        "\x00\x1b[31mred\x7f\r\n\tok",
        "``` *bold* _it_ ~no~ `code",
        "🎉" * 200,
        "<",
    ],
)
def test_whatever_people_write_slack_takes_it(tell: Teller, slack: Slack, text: str) -> None:
    told = [part for name in ("what", "who", "reason", "url") for part in (f"--{name}", text.replace("\x00", ""))]
    tell(*TELL, "--seconds", "1", *told, url=slack.url)
    assert slack.refused == []
    (body,) = slack.taken
    written = [body["text"], *shown(body).values()]  # the title is plain text, where nothing is a call
    assert not any("<!channel>" in one or "<https://evil" in one for one in written)


def test_a_dry_run_sends_nothing_and_shows_what_it_would(tell: Teller, slack: Slack) -> None:
    done = tell(*TELL, *ALL, "--dry-run", url=slack.url)
    assert slack.taken == []
    assert check(done.out.encode(), "application/json")["blocks"][0]["type"] == "header"


# --- A Slack that does not take it


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((400, "invalid_blocks"), "Slack refused the message (400: invalid_blocks)."),
        ((403, "action_prohibited"), "Slack refused the message (403: action_prohibited)."),
        ((404, "no_service"), "Slack refused the message (404: no_service)."),
        ((410, "channel_is_archived"), "Slack refused the message (410: channel_is_archived)."),
        ((429, "rate_limited"), "Slack refused the message (429: rate_limited)."),
        ((500, f"no route to {PATH}"), "Slack refused the message (500)."),
        ((503, "<html>busy</html>"), "Slack refused the message (503)."),
        ((302, "found"), "Slack refused the message (302: found)."),
    ],
)
def test_a_refusal_is_one_line_and_no_failure(
    tell: Teller, slack: Slack, answer: tuple[int, str], says: str
) -> None:
    slack.answer = answer
    assert warned(tell(*TELL, *ALL, url=slack.url)).endswith(f": {says}\n")


@pytest.mark.parametrize("how", [{"pause": 60.0}, {"trickle": True}])
def test_a_slow_slack_is_given_up_after_five_seconds(tell: Teller, how: dict[str, Any]) -> None:
    """One that thinks for a minute, and one that sends a byte now and then, so that no single wait is long."""
    with standing_in(Slack(**how)) as slack:
        began = time.monotonic()
        assert "Slack did not answer within 5 s" in warned(tell(*TELL, *ALL, url=slack.url))
        assert time.monotonic() - began < 30


def test_one_that_takes_the_connection_and_says_nothing_is_given_up(tell: Teller) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}{PATH}"
        assert "Slack " in warned(tell(*TELL, *ALL, url=url))


def test_a_closed_port_is_one_line(tell: Teller) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}{PATH}"
    assert "Slack cannot be reached (ConnectionRefusedError)" in warned(tell(*TELL, *ALL, url=url))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "it is not set"),
        ("  \n", "it is not set"),
        ("hooks.slack.com" + PATH, "it does not lead to Slack"),
        ("http://hooks.slack.com" + PATH, "it must begin with https://"),
        ("https://hooks.slack.com.evil.example" + PATH, "it does not lead to Slack"),
        ("https://hooks.slack.com:444" + PATH, "it does not lead to Slack"),
        ("https://hooks.slack.com@evil.example" + PATH, "it is no address of a webhook"),
        ("https://hooks.slack.com/services/T0/B0", "it has not the three parts"),
        ("https://hooks.slack.com/", "it has not the three parts"),
        ("https://hooks.slack.com" + PATH + "?x=1", "it is no address of a webhook"),
        ("https://hooks.slack.com" + PATH + "\nHost: x", "it is no address of a webhook"),
        ("https://hooks.slack.com:port" + PATH, "it is no address"),
        ("https://[hooks.slack.com" + PATH, "it is no address"),
        ("xoxb-1-" + SECRET, "it does not lead to Slack"),
    ],
)
def test_an_address_of_the_wrong_form_is_not_asked_and_not_shown(tell: Teller, url: str, says: str) -> None:
    assert f"SLACK_WEBHOOK_URL cannot be used: {says}" in warned(tell(*TELL, *ALL, url=url))


def test_a_newline_behind_the_secret_is_forgiven(tell: Teller, slack: Slack) -> None:
    tell(*TELL, *ALL, url=slack.url + "\n")
    assert len(slack.taken) == 1


@pytest.mark.parametrize("arguments", ["gone --environment prod", "deployed", "deployed --environment moon"])
def test_an_event_that_does_not_exist_is_bad_input(arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(["notify", *arguments.split()])
    assert ended.value.code == 2


# --- The parts


def test_addresses_that_slack_gives_out_are_taken() -> None:
    assert wrong_form("https://hooks.slack.com" + PATH) == ""
    assert wrong_form("https://hooks.slack-gov.com" + PATH) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (0.4, "0 s"), (59.4, "59 s"), (60, "1 min"), (102, "1 min 42 s"), (3600, "1 h"),
     (7500, "2 h 5 min"), (86_400, "1 d"), (273_600, "3 d 4 h")],
)  # fmt: skip
def test_a_time_as_people_say_it(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


def test_escaping_never_cuts_an_escape_in_two() -> None:
    for length in range(1, 20):
        made = mrkdwn("&<>" * 9, length)
        assert len(made) <= length
        check(json.dumps({"text": made, "blocks": [{"type": "divider"}]}).encode(), "application/json")
    assert link("https://a.example/x y", "The run") == "https://a.example/x y"
    assert link("javascript:alert(1)", "The run") == "javascript:alert(1)"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"text": ""}, "no_text"),
        ({"text": "a < b"}, "invalid_blocks"),
        ({"text": "a" * 4001}, "msg_too_long"),
        ({"blocks": []}, "invalid_blocks"),
        ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"blocks": [{"type": "image"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "a" * 3001}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "a & b"}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "a" * 151}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "a"}}]}, "invalid_blocks"),
        ({"channel": "#general"}, "invalid_payload"),
    ],
)
def test_the_stand_in_refuses_what_slack_refuses(change: dict[str, Any], word: str) -> None:
    good = message("prod runs", {"Who": "Ana"}, reason="x", url="https://a.example")
    assert check(json.dumps(good).encode(), "application/json") == good
    with pytest.raises(Invalid) as refusal:
        check(json.dumps(good | change).encode(), "application/json")
    assert refusal.value.word == word
    with pytest.raises(Invalid):
        check(json.dumps(good).encode(), "text/plain")
