"""One message to a channel of Slack: how it is written, and sent without ever holding anybody up."""

import http.client
import json
import re
import ssl
import threading
from typing import Any
from urllib.parse import urlsplit

SECONDS = 5.0  # for everything, looking up the name included
LINK = re.compile(r"https?://[^\s|<>\"]+")
# What Block Kit allows.
HEADER, TEXT, FIELD = 150, 3000, 2000
ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
HERE = ("127.0.0.1", "localhost", "::1")


def wrong_form(url: str) -> str:
    """What is wrong with the address of a webhook, without naming it; empty where it looks like one.

    A stand-in on this machine may speak plain HTTP.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port
    except ValueError:
        return "it is no address"
    if not url.isascii() or not url.isprintable() or " " in url or parts.username or parts.query or parts.fragment:
        return "it is no address of a webhook"
    if host not in (*HERE, "hooks.slack.com", "hooks.slack-gov.com"):
        return "it does not lead to Slack"
    if parts.scheme != "https" and not (parts.scheme == "http" and host in HERE):
        return "it must begin with https://"
    if host not in HERE and port not in (None, 443):
        return "it does not lead to Slack"
    if not re.fullmatch(r"/services/[A-Za-z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9]+", parts.path):
        return "it has not the three parts behind /services/"
    return ""


def mrkdwn(text: str, limit: int = FIELD) -> str:
    """A text as it must stand in Slack's markup: what Slack would take for a link or a call is none any more."""
    made = ""
    for sign in text:
        if not sign.isprintable() and sign != "\n":
            continue
        written = ESCAPED.get(sign, sign)
        if len(made) + len(written) > limit - 1:
            return made + "…"
        made += written
    return made


def link(url: str, words: str) -> str:
    """A link in Slack's markup; where the address is none, it stands there as text."""
    return f"<{url.replace('&', '&amp;')}|{mrkdwn(words)}>" if LINK.fullmatch(url) else mrkdwn(url or words)


def message(title: str, facts: dict[str, str], *, reason: str = "", url: str = "") -> dict[str, Any]:
    """A message in Block Kit with the text that a phone shows. Facts, reason and title are plain text."""
    plain = "".join(sign for sign in title if sign.isprintable())
    shown = plain if len(plain) <= HEADER else plain[: HEADER - 1] + "…"
    fields = [
        {"type": "mrkdwn", "text": f"*{mrkdwn(name)}*\n{mrkdwn(fact, FIELD - 100) or '–'}"}
        for name, fact in list(facts.items())[:10]
    ]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": shown, "emoji": True}},
        {"type": "section", "fields": fields},
    ]
    if reason:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn(reason, TEXT)}})
    if url:
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": link(url[:1500], "The run")}]})
    said = f"{plain}: {', '.join(fact for fact in facts.values() if fact)}"
    return {"text": mrkdwn(said, TEXT), "blocks": blocks}


def send(url: str, body: dict[str, Any], seconds: float = SECONDS) -> str:
    """Sends a message and says in a few words what went wrong; empty where Slack took it. Never raises.

    The address is a secret: it stands in no answer. In a thread, because neither a name server nor one byte a
    second can be given a time limit otherwise.
    """
    ended: list[str] = []
    one = threading.Thread(target=lambda: ended.append(post(url, body, seconds)), daemon=True)
    one.start()
    one.join(seconds)
    return ended[0] if ended else late(seconds)


def late(seconds: float) -> str:
    """What is said where the time was over, whoever noticed it first: this thread or the connection."""
    return f"Slack did not answer within {seconds:g} s"


def post(url: str, body: dict[str, Any], seconds: float) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https":
        made: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=seconds, context=ssl.create_default_context()
        )
    else:
        made = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    try:
        sent = json.dumps(body).encode()
        made.request("POST", parts.path, sent, {"Content-Type": "application/json; charset=utf-8"})
        answer = made.getresponse()
        if answer.status == 200:
            return ""
        word = answer.read(80).decode("ascii", "replace").strip()
        # Slack's own words are like `invalid_blocks`; anything longer might repeat the address.
        known = f": {word}" if re.fullmatch(r"[a-z_]{2,40}", word) else ""
        return f"Slack refused the message ({answer.status}{known})"
    except TimeoutError:
        return late(seconds)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"Slack cannot be reached ({type(error).__name__})"
    finally:
        made.close()
