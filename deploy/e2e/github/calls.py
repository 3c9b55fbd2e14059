"""One request as the handlers see it, and the table of what there is to ask for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deploy.e2e.github.world import Refusal, Token, World, invalid

BODY = 65536  # characters; GitHub refuses a longer text of a pull request or a comment
TITLE = 256


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks for what: `parts` are the variable pieces of the path, `body` the JSON object that was sent."""

    world: World
    token: Token
    parts: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]

    def text(self, name: str, resource: str, *, longest: int, required: bool = True) -> str:
        """A text of the body. Raises Refusal as the real one: missing, no text, or too long."""
        value = self.body.get(name)
        if value is None and not required:
            return ""
        if value is None or (required and value == ""):
            raise invalid(resource, "missing_field", name)
        if not isinstance(value, str):
            raise Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {value!r} is not a string.")
        if len(value) > longest:
            raise invalid(resource, "custom", name, f"{name} is too long (maximum is {longest} characters)")
        return value


Handler = Callable[[Call], tuple[int, Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path below /repos/OWNER/NAME, the permission it needs, and who answers."""

    method: str
    path: re.Pattern[str]
    permission: str
    level: str
    handler: Handler


def route(method: str, path: str, needs: str, handler: Handler) -> Route:
    """`route("GET", "/pulls/{number}", "pull_requests:read", …)`; `{name...}` takes slashes too."""
    pattern = re.sub(r"\{(\w+)\.\.\.\}", r"(?P<\1>.+)", path)
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
    permission, _, level = needs.partition(":")
    return Route(method, re.compile(pattern), permission, level, handler)
