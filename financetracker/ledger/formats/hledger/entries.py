"""Reads one transaction: its first line, its postings and their comments."""

import json
import re
from datetime import date
from typing import Any

from financetracker.ledger.formats.hledger import comments
from financetracker.ledger.formats.hledger.amounts import Amount, BadText, scan, skip
from financetracker.ledger.formats.hledger.balance import Asserted, Draft, DraftLeg
from financetracker.ledger.formats.hledger.comments import Comment, Damaged
from financetracker.ledger.formats.hledger.reading import Line, Reading
from financetracker.ledger.formats.plain import (
    CODE_WIDTH,
    MEMO_WIDTH,
    NARRATION_WIDTH,
    PAYEE_WIDTH,
    TAG_WIDTH,
    Assertion,
    Entry,
    State,
    shortened,
)
from financetracker.ledger.money import parse_amount
from financetracker.writing.locale import PLAIN

_DATE = re.compile(r"([0-9]+)([-/.])([0-9]+)(?:([-/.])([0-9]+))?")
_HEADER = re.compile(r"(?:\s+([*!]))?(?:\s+\(([^)]*)\))?\s*([^;]*)(?:;(.*))?", re.DOTALL)
_GAP = re.compile(r"\s\s")
_MARK = re.compile(r"([*!])\s*")
_LOOKS_LIKE_AMOUNT = re.compile(r"\s([-+]?[$€£¥]\s?[-+]?[0-9][0-9.,]*|[-+]?[0-9][0-9.,]*\s?([$€£¥]|[A-Z]{3}))$")


def read_entry(reading: Reading, head: Line, block: list[Line]) -> None:
    """Read a transaction into a draft. Raises BadText or Damaged for its head; reports postings one by one."""
    day, end = read_date(reading, head.text, 0)
    before, postings = _sorted_lines(block)
    header = _HEADER.fullmatch(head.text, end)
    if head.text[end : end + 1] == "=":
        raise BadText("secondary dates are not read: keep one date, or put the other into a tag")
    if not header or head.text[end : end + 1].strip():
        raise BadText(f"“{shortened(head.text)}” does not begin with a date like 2024-01-31 and a space")
    mark, code, description, said = (group or "" for group in header.groups())
    if header[2] is None and description.startswith("(") and ")" not in description:
        raise BadText("the parenthesis of the transaction's code is not closed")
    comment = comments.parse([said, *before])
    draft = Draft(_entry(head.number, day, (mark, code, description), comment))
    draft.silent = bool(comment.take_all("ft-assertions"))
    for text in comment.take_all("ft-assertion"):
        reading.assertions.append(_stored_assertion(reading, text, head.number))
    comment.finish()
    for line, below in postings:
        try:
            draft.legs.append(_leg(reading, line, below, mark))
        except (BadText, Damaged) as problem:
            reading.error(line.number, str(problem), line.text)
    reading.drafts.append(draft)


def read_date(reading: Reading, text: str, start: int) -> tuple[date, int]:
    """Read the date at `start`; return it and where it ends. Raises BadText."""
    match = _DATE.match(text, start)
    if not match:
        raise BadText(f"“{shortened(text[start:])}” does not begin with a date like 2024-01-31")
    shown = shortened(match[0])
    if match[4] is None:
        if reading.default_year is None:
            raise BadText(f"the date {shown} has no year: write it like 2024-01-31")
        parts = (str(reading.default_year).zfill(4), match[1], match[3])
    else:
        parts = (match[1], match[3], match[5])
    if match[4] not in {None, match[2]} or len(parts[0]) != 4 or max(map(len, parts)) > 4:
        raise BadText(f"{shown} is not a date: write it like 2024-01-31, with a year of four digits")
    try:
        return date(*map(int, parts)), match.end()
    except ValueError:
        raise BadText(f"{shown} is not a day of the calendar") from None


def _sorted_lines(block: list[Line]) -> tuple[list[str], list[tuple[Line, list[str]]]]:
    """Split the lines below a head into the comment before the first posting, and postings with theirs."""
    before: list[str] = []
    postings: list[tuple[Line, list[str]]] = []
    for line in block:
        stripped = line.text.strip()
        if not stripped.startswith(";"):
            postings.append((line, []))
        else:
            (postings[-1][1] if postings else before).append(stripped[1:])
    return before, postings


def _entry(line: int, day: date, header: tuple[str, str, str], comment: Comment) -> Entry:
    """Put a transaction together from its first line and its comment. Raises BadText or Damaged."""
    mark, code, description = header
    payee, pipe, narration = description.partition("|")
    words = [*comment.words, *comment.take_all("ft-tag")]
    entry = Entry(
        date=day,
        status=comment.take("ft-status", mark),
        code=comment.take("ft-code", code.strip()),
        payee=comment.take("ft-payee", " ".join(payee.split("\t")).strip()),
        narration=comment.take("ft-narration", narration.strip() if pipe else ""),
        tags=tuple(dict.fromkeys(word for word in words if comments.is_tag(word))),
        metadata={word: "" for word in words if not comments.is_tag(word)} | comment.values | comment.hidden,
        notes=comment.notes,
        line=line,
    )
    widths = [("payee", entry.payee, PAYEE_WIDTH), ("note behind |", entry.narration, NARRATION_WIDTH)]
    widths += [("code", entry.code, CODE_WIDTH), *(("tag", tag, TAG_WIDTH) for tag in entry.tags)]
    for name, text, width in widths:
        if len(text) > width:
            raise BadText(f"the {name} is longer than {width} characters")
    return entry


def _stored_assertion(reading: Reading, text: str, line: int) -> Assertion:
    """Read an assertion that our export could not write as hledger's own. Raises Damaged."""
    try:
        said: dict[str, Any] = json.loads(text)
        return Assertion(
            account=reading.account(said["account"], line),
            date=date.fromisoformat(said["date"]),
            commodity=reading.codes.of(str(said["commodity"]), line),
            amount=parse_amount(str(said["amount"]), by=PLAIN),
            include_children=bool(said["include_children"]),
            tolerance=parse_amount(str(said["tolerance"]), by=PLAIN),
            metadata={str(key): str(value) for key, value in said["metadata"].items()},
            line=line,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Damaged("the tag ft-assertion holds no assertion: it is written by exports only") from None


def _leg(reading: Reading, line: Line, below: list[str], entry_mark: str) -> DraftLeg:
    """Read one posting. Raises BadText or Damaged."""
    text = line.text.strip()
    match = _MARK.match(text)
    mark, start = (match[1], match.end()) if match else ("", 0)
    gap = _GAP.search(text, start)
    written, at = (text[start : gap.start()], gap.end()) if gap else (text[start:], len(text))
    leg = DraftLeg(line.number, reading.account(written, line.number))
    at = _value(reading, leg, text, skip(text, at))
    if text[at : at + 1] not in {"", ";"}:
        raise BadText(_trailing(text[at:]))
    comment = comments.parse([text[at + 1 :], *below])
    if leg.amount is None and not leg.asserted and (close := _LOOKS_LIKE_AMOUNT.search(written)):
        reading.remark(
            line.number, f"“{shortened(close[1])}” is read as part of the account's name, as hledger does"
        )
    return _with_comment(leg, comment, mark, entry_mark, [text[at + 1 :], *below])


def _value(reading: Reading, leg: DraftLeg, text: str, at: int) -> int:
    """Read amount, price and assertion of a posting, each of which may be missing; return where they end."""
    if text[at : at + 1] not in {"", ";", "="}:
        amount, at = _amount(reading, text, at, leg.line)
        leg.amount, leg.code, leg.places = amount.value, reading.code(amount, leg.line), amount.places
        reading.see(leg.code, amount.places)
        if text.startswith("@", at):
            leg.total = text.startswith("@@", at)
            price, at = _amount(reading, text, at + 1 + leg.total, leg.line)
            leg.price = price.value
            leg.price_code = reading.codes.of(price.symbol or reading.marks.default_symbol, leg.line)
    if text.startswith("=", at):
        sign = at + 1 + text.startswith("==", at)
        inclusive = text.startswith("*", sign)
        amount, end = _amount(reading, text, sign + inclusive, leg.line)
        if not amount.symbol and not reading.marks.default_symbol and "" not in reading.codes.mapping:
            raise BadText("this balance names no commodity, so that hledger checks nothing: write it with one")
        code = reading.code(amount, leg.line)
        leg.asserted = Asserted(code, amount.value, inclusive, sign - at == 2, text[at:end].strip())
        at = end
    return at


def _amount(reading: Reading, text: str, at: int, line: int) -> tuple[Amount, int]:
    """Read an amount with the space around it."""
    amount, end = scan(text, skip(text, at), reading.marks, line)
    return amount, skip(text, end)


def _trailing(rest: str) -> str:
    """Say why what follows an amount is not read."""
    reasons = {
        "{": "lots in braces are not read: give the whole cost after @@",
        "[": "lot dates are not read: leave the brackets out",
        "(": "@ and @@ in parentheses are not read: write them without",
        "@": "a price stands once, and not behind an asserted balance",
        "=": "a posting asserts one balance: use a posting of zero for each other",
        ":": "assignments with := are not read: write = and the balance",
    }
    return (
        reasons.get(rest[0])
        or f"“{shortened(rest)}” is left over: an amount, a price, a balance and ; are read here"
    )


def _with_comment(leg: DraftLeg, comment: Comment, mark: str, entry_mark: str, said: list[str]) -> DraftLeg:
    """Take over what a posting's comment says. Raises BadText or Damaged."""
    if {"date", "date2"} & {*comment.values, *comment.words} or any(map(comments.has_date, said)):
        raise BadText("a date of its own is not read for a posting: give the other day a transaction of its own")
    state: State = "cleared" if (mark or entry_mark) == "*" else "uncleared"
    leg.state = "reconciled" if comment.take("ft-state", "") == "reconciled" else state
    leg.rounding = comment.take("ft-rounding", "") == "yes"
    leg.memo, leg.metadata = comment.notes, comment.metadata()
    if mark == "!" != entry_mark:
        leg.metadata.setdefault("mark", "!")
    comment.finish()
    if len(leg.memo) > MEMO_WIDTH:
        raise BadText(f"the comment of a posting is longer than {MEMO_WIDTH} characters")
    return leg
