"""Comments of hledger's journal, the tags in them, and what our own exports hide there.

hledger reads a word followed by a colon anywhere in a comment as a tag, whose value ends at a comma or with the
line. What such a tag cannot carry (commas, line breaks, space around the value, text that would itself read as a
tag) our exports write into tags that start with `ft-`, percent-encoded; everything else they write plainly.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

_TAG_NAME = re.compile(r"[^\s,:;#\x00-\x1f\x7f-\x9f]+")
_BRACKETS = re.compile(r"\[[0-9./=-]+\]")

# What would end a line, or not be text at all. A tab is neither.
CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_UNSAFE = re.compile(r"[%,\[\]]|^\s|\s\Z|^\Z|" + CONTROL.pattern)
_ESCAPE = re.compile(r"%(?![0-9A-F]{2})")

OWN = "ft-"

# A character takes up to nine when encoded, and a reader refuses lines beyond 100,000.
_PIECE = 10_000


class Damaged(ValueError):
    """An `ft-` tag that no export of ours wrote; the message says which."""


@dataclass(slots=True)
class Comment:
    """What one comment says: free text, tags with a value, tags without, and what our own tags hold."""

    notes: str = ""
    values: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)
    own: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, value: str) -> None:
        """Take in one tag. A tag that comes twice keeps both values, divided by a comma."""
        if name.startswith(OWN):
            self.own.setdefault(name, []).append(value)
        elif name in self.values and value:
            self.values[name] += ", " + value
        elif value:
            self.values[name] = value
        elif name not in self.words:
            self.words.append(name)

    def metadata(self) -> dict[str, str]:
        """Return every tag as metadata, those without a value included."""
        return dict.fromkeys(self.words, "") | self.values | self.hidden

    def take(self, name: str, default: str) -> str:
        """Take out what our own tag of this name carries, in one piece. Raises Damaged."""
        return "".join(self.take_all(name)) if name in self.own else default

    def take_all(self, name: str) -> list[str]:
        """Take out what each of our own tags of this name carries. Raises Damaged."""
        return [decoded(name, value) for value in self.own.pop(name, ())]

    def finish(self) -> None:
        """Refuse tags of ours that nobody took: a later version's, or a slip of the hand. Raises Damaged."""
        for name in self.own:
            raise Damaged(
                f"the tag {name} is not known here: tags that begin with {OWN} are written by exports only"
            )


def parse(lines: list[str]) -> Comment:
    """Read the lines of one comment, each without its semicolon. Raises Damaged.

    A line of nothing but tags adds nothing to the notes; any other stays there whole, tags included.
    """
    comment, kept = Comment(), []
    if not any(lines):
        return comment
    for line in lines:
        rest = _collect(line, comment)
        if rest or not line.strip():
            kept.append(line.strip())
    comment.notes = "\n".join(kept).strip("\n")
    for pair in comment.own.pop("ft-meta", ()):
        key, equals, value = pair.partition("=")
        if not equals:
            raise Damaged("the tag ft-meta holds no key: it is written by exports only")
        name = decoded("ft-meta", key)
        comment.hidden[name] = comment.hidden.get(name, "") + decoded("ft-meta", value)
    comment.notes = comment.take("ft-notes", comment.notes)
    return comment


def _collect(line: str, comment: Comment) -> bool:
    """Take the tags of one line; return whether the line says more than them. Runs in linear time."""
    position, more = 0, False
    while (colon := line.find(":", position)) >= 0:
        before = line[position:colon]
        name = before.rsplit(maxsplit=1)[-1] if before and not before[-1].isspace() else ""
        more = more or not name or bool(before[: -len(name)].strip())
        position = colon + 1
        if name:
            comma = line.find(",", position)
            end = comma if comma >= 0 else len(line)
            comment.add(name, line[position:end].strip())
            position = end + 1
    rest = line[position:].strip()
    return more or bool(rest.strip(", ") if position else rest)


def has_date(text: str) -> bool:
    """Whether hledger would take something in brackets for the date of a posting: [1/31], [2024-01-31]."""
    return any(re.search("[0-9]", match[0]) and re.search("[./-]", match[0]) for match in _BRACKETS.finditer(text))


def is_tag(word: str) -> bool:
    """Whether a word can be a Tag of a book."""
    return _TAG_NAME.fullmatch(word) is not None


def encoded(text: str) -> str:
    """Percent-encode what the value of a tag cannot hold; the rest stays readable."""
    return _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()) or "%", text)


def decoded(name: str, text: str) -> str:
    """Undo `encoded`. Raises Damaged."""
    if text == "%":
        return ""
    if _ESCAPE.search(text):
        raise Damaged(f"the tag {name} holds a broken % sequence: it is written by exports only")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise Damaged(f"the tag {name} holds bytes that are no text: it is written by exports only") from None


def lines_of(notes: str) -> list[str]:
    """Write free text as lines of a comment: as it stands if it reads back the same, else in tags of ours."""
    if not notes:
        return []
    lines = notes.split("\n")
    plain = all(
        line == line.strip()
        and ":" not in line
        and len(line) <= _PIECE
        and not CONTROL.search(line)
        and not has_date(line)
        for line in lines
    )
    # A line may be empty between others, but not first or last.
    return lines if plain and lines[0] and lines[-1] else [f"ft-notes: {piece}" for piece in _pieces(notes)]


def tag_lines(metadata: dict[str, str], words: tuple[str, ...] = (), *, empty_values: bool = False) -> list[str]:
    """Write tags and metadata as lines of a comment. `empty_values`: a tag without a value is metadata too."""
    plain = all(map(_writable, words))  # all or none, so that they keep their order
    lines = [f"{word}:" if plain else f"ft-tag: {encoded(word)}" for word in words]
    for key, value in metadata.items():
        if _writable(key) and not _UNSAFE.search(value) and len(value) <= _PIECE:
            lines.append(f"{key}: {value}")
        elif _writable(key) and not value and empty_values:
            lines.append(f"{key}:")
        else:
            name = encoded(key).replace("=", "%3D")
            lines += [f"ft-meta: {name}={piece}" for piece in _pieces(value)]
    return lines


def _pieces(text: str) -> list[str]:
    """Encode a text in pieces whose lines stay readable."""
    return [encoded(text[at : at + _PIECE]) for at in range(0, max(len(text), 1), _PIECE)]


def _writable(name: str) -> bool:
    reserved = name in {"date", "date2", "type"} or name.startswith(OWN)
    return is_tag(name) and not reserved and not _UNSAFE.search(name)
