"""Slack as far as a webhook goes: takes a message only if Block Kit does, and remembers what it took."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATH = "/services/T0AAAAAAA/B0BBBBBBB/kEPTsECRETkEPTsECRETkEPT"
LINK = re.compile(r"<https?://[^\s|<>]+(\|[^<>|]*)?>")
ENTITY = re.compile(r"&(amp|lt|gt);")


class Invalid(Exception):
    """What Slack would answer with, and why."""

    def __init__(self, word: str, why: str) -> None:
        super().__init__(f"{word}: {why}")
        self.word = word


def need(held: bool, word: str, why: str) -> None:
    if not held:
        raise Invalid(word, why)


def keys(one: Any, kind: str, required: set[str], optional: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    need(isinstance(one, dict), "invalid_blocks", f"a {kind} is no object")
    got = set(one)
    need(required <= got <= required | optional, "invalid_blocks", f"a {kind} with {sorted(got)}")


def text_object(one: Any, limit: int, kinds: tuple[str, ...]) -> None:
    keys(one, "text object", {"type", "text"}, {"emoji", "verbatim"})
    need(one["type"] in kinds, "invalid_blocks", f"a text of the type {one['type']}")
    need(one["type"] == "plain_text" or "emoji" not in one, "invalid_blocks", "emoji in mrkdwn")
    need(isinstance(one["text"], str) and 1 <= len(one["text"]) <= limit, "invalid_blocks", "too long or empty")
    if one["type"] == "mrkdwn":
        markup(one["text"])


def markup(text: str) -> None:
    """Nothing may be left of what Slack reads as control, but links."""
    rest = ENTITY.sub("", LINK.sub("", text))
    need(not set("&<>") & set(rest), "invalid_blocks", f"a control character in {text!r}")


def block(one: Any) -> None:
    need(isinstance(one, dict), "invalid_blocks", "a block is no object")
    match one.get("type"):
        case "header":
            keys(one, "header", {"type", "text"}, {"block_id"})
            text_object(one["text"], 150, ("plain_text",))
        case "section":
            keys(one, "section", {"type"}, {"text", "fields", "block_id"})
            need("text" in one or "fields" in one, "invalid_blocks", "a section of nothing")
            if "text" in one:
                text_object(one["text"], 3000, ("plain_text", "mrkdwn"))
            need(1 <= len(one.get("fields", [0])) <= 10, "invalid_blocks", "no fields, or more than ten")
            for entry in one.get("fields", []):
                text_object(entry, 2000, ("plain_text", "mrkdwn"))
        case "context":
            keys(one, "context", {"type", "elements"}, {"block_id"})
            need(1 <= len(one["elements"]) <= 10, "invalid_blocks", "no elements, or more than ten")
            for entry in one["elements"]:
                text_object(entry, 3000, ("plain_text", "mrkdwn"))
        case "divider":
            keys(one, "divider", {"type"}, {"block_id"})
        case kind:
            raise Invalid("invalid_blocks", f"a block of the type {kind}")


def check(body: bytes, content_type: str) -> dict[str, Any]:
    """The message, if it is one. Raises Invalid with Slack's word."""
    need(content_type.partition(";")[0] == "application/json", "invalid_payload", content_type)
    try:
        whole = json.loads(body)
    except ValueError as error:
        raise Invalid("invalid_payload", str(error)) from error
    need(isinstance(whole, dict) and set(whole) <= {"text", "blocks"}, "invalid_payload", "no such message")
    # Slack itself would take blocks alone; then a notification on a phone says nothing.
    need(isinstance(whole.get("text"), str) and bool(whole["text"]), "no_text", "no text for a notification")
    need(len(whole["text"]) <= 4000, "msg_too_long", "the text")
    markup(whole["text"])
    blocks = whole.get("blocks")
    need(isinstance(blocks, list) and 1 <= len(blocks) <= 50, "invalid_blocks", "no blocks, or more than fifty")
    for one in blocks or []:
        block(one)
    return dict(whole)


@dataclass
class Slack:
    """The stand-in: what it took, what it refused and why, and how it behaves."""

    port: int = 0
    answer: tuple[int, str] | None = None  # instead of looking at the message
    pause: float = 0.0  # seconds before each part of the answer
    trickle: bool = False  # one byte at a time, for ever
    taken: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    def take(self, path: str, body: bytes, content_type: str) -> tuple[int, str]:
        if path != PATH:
            return 404, "no_service"
        if self.answer is not None:
            return self.answer
        try:
            self.taken.append(check(body, content_type))
        except Invalid as error:
            self.refused.append(str(error))
            return 400, error.word
        return 200, "ok"


def handler_of(slack: Slack) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, word = slack.take(self.path, body, self.headers.get("Content-Type", ""))
            if slack.trickle:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while not slack.closing.wait(0.05):
                    self.wfile.write(b"x")
            elif slack.pause:
                slack.closing.wait(slack.pause)
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(word)))
            self.end_headers()
            self.wfile.write(word.encode())

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True  # who asked has gone

    return Handler


@contextmanager
def standing_in(slack: Slack) -> Iterator[Slack]:
    """Slack on a port of this machine, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(slack))
    server.daemon_threads = True
    slack.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield slack
    finally:
        slack.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
