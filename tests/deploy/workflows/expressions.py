"""What a condition of a workflow says: the part of GitHub's expressions that our `if:` lines use.

    value("github.event.state == 'success' && !cancelled()", {"github": {...}}, {"cancelled": lambda: False})

Two strings are equal whatever their case, what is not there equals the empty string, and `&&` and `||` give one of
their sides. Anything else that is written is a SyntaxError: better no answer than a wrong one.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<sign>&&|\|\||==|!=|[!(),.\[\]*])"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*))"
)
WORDS = {"true": True, "false": False, "null": None}


def value(written: str, contexts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> Any:
    """What an expression comes to; `${{ }}` around it makes no difference."""
    found = re.fullmatch(r"\s*\$\{\{(.*)\}\}\s*", written, re.DOTALL)
    reader = Reader(found[1] if found else written, contexts, functions)
    made = reader.either()
    if reader.tokens:
        raise SyntaxError(f"{written!r}: {reader.tokens[0][1]!r} was not expected")
    return made


def truth(one: Any) -> bool:
    """Whether a condition holds."""
    return bool(one)


def same(one: Any, other: Any) -> bool:
    """Equality as GitHub has it, for what we compare: words, and words that are not there."""
    words = ["" if side is None else str(side).lower() for side in (one, other)]
    return words[0] == words[1]


class Reader:
    """One expression, read from left to right."""

    def __init__(
        self, written: str, contexts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
    ) -> None:
        self.contexts = contexts
        self.functions = functions
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while written[at:].strip():
            found = TOKEN.match(written, at)
            if found is None:
                raise SyntaxError(f"{written!r}: {written[at:].strip()[:10]!r} cannot be read")
            self.tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            at = found.end()

    def next_is(self, *signs: str) -> bool:
        return bool(self.tokens) and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs

    def take(self, sign: str) -> None:
        if not self.next_is(sign):
            raise SyntaxError(f"{sign!r} is missing")
        self.tokens.pop(0)

    def either(self) -> Any:
        left = self.both()
        while self.next_is("||"):
            self.tokens.pop(0)
            right = self.both()
            left = left if truth(left) else right
        return left

    def both(self) -> Any:
        left = self.equal()
        while self.next_is("&&"):
            self.tokens.pop(0)
            right = self.equal()
            left = right if truth(left) else left
        return left

    def equal(self) -> Any:
        left = self.single()
        while self.next_is("==", "!="):
            sign = self.tokens.pop(0)[1]
            left = same(left, self.single()) is (sign == "==")
        return left

    def single(self) -> Any:
        if self.next_is("!"):
            self.tokens.pop(0)
            return not truth(self.single())
        if self.next_is("("):
            self.tokens.pop(0)
            made = self.either()
            self.take(")")
            return made
        if not self.tokens:
            raise SyntaxError("something is missing at the end")
        kind, word = self.tokens.pop(0)
        if kind == "text":
            return word[1:-1].replace("''", "'")
        if kind == "number":
            return float(word)
        if kind == "sign":
            raise SyntaxError(f"{word!r} was not expected")
        return WORDS[word] if word in WORDS else self.named(word)

    def named(self, word: str) -> Any:
        """A function's answer, or what stands at a path in a context; None where nothing does."""
        if self.next_is("("):
            self.tokens.pop(0)
            given = []
            while not self.next_is(")"):
                given.append(self.either())
                if self.next_is(","):
                    self.tokens.pop(0)
            self.take(")")
            if word not in self.functions:
                raise SyntaxError(f"{word}() is none that is known here")
            return self.functions[word](*given)
        if word not in self.contexts:
            raise SyntaxError(f"{word} is no context that is known here")
        found = self.contexts[word]
        while self.next_is("."):
            self.tokens.pop(0)
            kind, part = self.tokens.pop(0)
            if kind != "name":
                raise SyntaxError(f"{part!r} is no name of a property")
            found = found.get(part) if isinstance(found, Mapping) else None
        return found
