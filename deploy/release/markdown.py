"""Text of other people inside our Markdown: shown letter by letter, and of no effect on GitHub."""

import re
import unicodedata

GAP = "\u200b"  # no width; what stands on both sides of it is no mention, no reference and no link
SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#!|~&$])")
ACTIVE = (
    (re.compile(r"([@#])"), rf"\1{GAP}"),  # @somebody, #1, owner/name#1
    (re.compile(r"\b(GH)-(?=\d)", re.IGNORECASE), rf"\1{GAP}-"),
    (re.compile(r"://"), f":{GAP}//"),
    (re.compile(r"\b(www)\.", re.IGNORECASE), rf"\1{GAP}."),
)


def plain(text: str, longest: int = 200) -> str:
    """One line of somebody's text: no HTML, no Markdown, no mention, no reference that would close an issue.

    What does not fit is cut with an ellipsis. Safe inside a table too; not for the beginning of a line.
    """
    words = " ".join("".join(letter if visible(letter) else " " for letter in text).split())
    words = words if len(words) <= longest else f"{words[: longest - 1]}…"
    for active, harmless in ACTIVE:
        words = active.sub(harmless, words)
    return SPECIAL.sub(r"\\\1", words)


def visible(letter: str) -> bool:
    """Whether a letter shows; what turns the direction of writing round, or hides, does not."""
    return unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn")


def fenced(text: str, language: str = "") -> str:
    """A block of code; its fence is longer than any inside."""
    inside = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, inside + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def shortened(text: str, longest: int) -> tuple[str, int]:
    """The first whole lines that fit, and how many more there are."""
    lines = text.splitlines()
    kept, length = [], 0
    for line in lines:
        length += len(line) + 1
        if length > longest:
            break
        kept.append(line)
    return "\n".join(kept), len(lines) - len(kept)
