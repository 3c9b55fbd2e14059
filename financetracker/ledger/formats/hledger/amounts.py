"""Amounts as hledger writes them: a number, a commodity on either side of it, and the marks inside the number.

hledger takes a lone mark for the decimal mark unless a directive says otherwise, so that `1,000` is one. That is
where books go wrong by a factor of a thousand, so a lone mark before exactly three digits is read that way only if
a directive says so, or if the file uses that mark for decimals elsewhere and never between groups.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from financetracker.ledger.formats.plain import COMMODITY_WIDTH, shortened
from financetracker.ledger.money import MAX_SCALE, WHOLE_DIGITS

# The space belongs to the sign: two runs of spaces side by side would be tried in every division.
_SIGN = r"(?:([-+])\s*)?"
_NUMBER = r"(\.[0-9]+|[0-9][0-9.,]*(?:\ [0-9][0-9.,]*)*)"
_SYMBOL = r'("[^";]+"|[^\s\d"*+\-.=@{};]+)'

_LEFT = re.compile(rf"{_SIGN}{_SYMBOL}\s*{_SIGN}{_NUMBER}")
_RIGHT = re.compile(rf"{_SIGN}{_NUMBER}(?:\s*{_SYMBOL})?")
_EXPONENT = re.compile(r"[eE][-+]?[0-9]")
_SYMBOL_ALONE = re.compile(_SYMBOL)
_GROUPS = re.compile(r"[0-9]{1,3}(?:([., ])[0-9]{2,3})(?:\1[0-9]{2,3})*")

_CODE = re.compile(r"\w[\w.'/&:+%!#_-]*(?: [\w.'/&:+%!#_-]+)*")
_PLAIN_CODE = re.compile(r"[A-Za-z]+")


class BadText(ValueError):
    """A piece of a line that cannot be read; the message is the reason, for a person."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with its commodity as written ("" if none); `places` counts the digits behind the decimal mark."""

    value: Decimal
    symbol: str
    places: int
    mark: str


@dataclass(slots=True)
class Marks:
    """Which mark divides the decimals: what directives say, and how the file uses marks where that is plain."""

    file: str = ""
    directives: dict[str, str] = field(default_factory=dict)
    default: str = ""
    default_symbol: str = ""
    decimal: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    lone: list[tuple[int, str, str]] = field(default_factory=list)

    def declared(self, symbol: str) -> str:
        """Return the decimal mark in force for a commodity: `decimal-mark` over `commodity` over `D`, or none.

        A `D` directive speaks for every commodity that has no directive of its own.
        """
        return self.file or self.directives.get(symbol or self.default_symbol, "") or self.default

    def unsettled(self) -> Iterator[tuple[int, str]]:
        """Give line and text of each number whose only mark may mean thousands or decimals."""
        for line, raw, mark in self.lone:
            if mark not in self.decimal or mark in self.groups:
                yield line, raw


def scan(text: str, start: int, marks: Marks, line: int) -> tuple[Amount, int]:
    """Read the amount that begins at `start`; return it and where it ends. Raises BadText."""
    if text.startswith("(", start):
        raise BadText("an amount in parentheses is a calculation, which is not read: write its result")
    if match := _RIGHT.match(text, start):
        sign, raw, symbol = match[1] == "-", match[2], match[3] or ""
        if _EXPONENT.match(text, match.end(2)):
            raise BadText(f"“{shortened(raw)}E…” is in scientific notation: write the number out")
    elif match := _LEFT.match(text, start):
        sign, raw, symbol = (match[1] == "-") != (match[3] == "-"), match[4], match[2]
    else:
        raise BadText(f"“{shortened(text[start:])}” is no amount: write it like 1234.50 EUR or $1234.50")
    symbol = symbol.strip('"')
    value, places, mark = _number(raw, symbol, marks, line)
    return Amount(-value if sign else value, symbol, places, mark), match.end()


def scan_symbol(text: str, start: int = 0) -> tuple[str, int]:
    """Read a commodity without a number. Raises BadText."""
    match = _SYMBOL_ALONE.match(text, start)
    if not match:
        raise BadText('a commodity is missing; one with digits, spaces or signs stands in quotation marks: "A 1"')
    return match[1].strip('"'), match.end()


def skip(text: str, at: int) -> int:
    """Return where the text goes on behind white space."""
    return len(text) - len(text[at:].lstrip())


def _number(raw: str, symbol: str, marks: Marks, line: int) -> tuple[Decimal, int, str]:
    """Read the digits and marks of a number; return the value, its places and its decimal mark, if it has one."""
    declared = marks.declared(symbol)
    whole, mark, decimals = _divided(raw, declared)
    group = next((c for c in whole if not c.isdigit()), "")
    if group and not _GROUPS.fullmatch(whole):
        raise BadText(f"“{shortened(raw)}” groups its digits in no known way: write it without {group!r} marks")
    if group and whole[-4] != group:
        raise BadText(f"“{shortened(raw)}”: a digit is missing in the last group, which has three of them")
    digits = whole.replace(group, "") if group else whole
    if len(digits.lstrip("0")) > WHOLE_DIGITS:
        raise BadText(f"“{shortened(raw)}” is too large: at most {WHOLE_DIGITS} digits before the decimals")
    if len(decimals) > MAX_SCALE:
        raise BadText(f"“{shortened(raw)}” has more than {MAX_SCALE} decimal places")
    if group:
        marks.groups.add(group)
    elif mark and len(decimals) == 3 and 1 <= len(whole) <= 3 and whole[0] != "0" and mark != declared:
        marks.lone.append((line, raw, mark))
        return Decimal(f"{whole}.{decimals}"), 3, mark
    if mark:
        marks.decimal.add(mark)
    return Decimal(f"{digits or 0}.{decimals}"), len(decimals), mark


def _divided(raw: str, declared: str) -> tuple[str, str, str]:
    """Split a number at its decimal mark, as hledger would."""
    used = [c for c in raw if not c.isdigit()]
    points = [c for c in used if c != " "]
    if not points:
        return raw, "", ""
    last = points[-1]
    # A mark that comes twice, or is not the declared one, divides groups; so does a point before a space.
    repeated = used.count(last) > 1
    other = declared and declared != last and len(set(used)) == 1 and not raw.endswith(last)
    if repeated or other:
        return raw, "", ""
    whole, mark, decimals = raw.rpartition(last)
    if " " in decimals:
        raise BadText(f"“{shortened(raw)}” has a space behind its decimal mark")
    return whole, mark, decimals


def is_code(symbol: str) -> bool:
    """Whether a symbol of a file can be a commodity's code as it stands: letters and digits, no currency sign."""
    return len(symbol) <= COMMODITY_WIDTH and _CODE.fullmatch(symbol) is not None


def quoted(code: str) -> str:
    """Write a commodity so that hledger reads it: in quotation marks unless it is letters only."""
    return code if _PLAIN_CODE.fullmatch(code) else f'"{code}"'


@dataclass(slots=True)
class Codes:
    """Turns the symbols of a file into codes, and collects those that no mapping names."""

    mapping: Mapping[str, str]
    unknown: dict[str, int] = field(default_factory=dict)

    def of(self, symbol: str, line: int) -> str:
        """Return the code for a symbol. An unknown one stands for itself until the file is refused."""
        code = self.mapping.get(symbol)
        if code is None:
            if not is_code(symbol):
                self.unknown.setdefault(symbol, line)
            return symbol
        return code
