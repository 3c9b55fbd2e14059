"""Writes hledger's journal so that hledger 1.25 shows equal balances and our own reader finds the same journal.

Plain digits with a decimal point, every place shown; a leg in another commodity than its weight always with its
whole price after @@. Assertions stand in transactions of their own at the end of their day; one that does not
hold, or only nearly, is kept in a comment, for hledger would refuse the whole file. What the format cannot carry
goes into `ft-` tags (`comments.py`).
"""

import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, localcontext
from itertools import groupby

from financetracker.ledger.formats.hledger import comments
from financetracker.ledger.formats.hledger.amounts import quoted
from financetracker.ledger.formats.hledger.balance import Holdings
from financetracker.ledger.formats.plain import (
    AccountDirective,
    Assertion,
    CommodityDirective,
    Entry,
    Journal,
    Leg,
    Price,
    arranged,
    finest,
    plain_number,
)
from financetracker.ledger.money import EXACT, decimals

_TYPE_LETTERS = {"asset": "A", "liability": "L", "equity": "E", "income": "R", "expense": "X"}

# What hledger would take for the end of a name, for a mark before it, or for white space of another kind.
_NAME_TRAPS = re.compile(r"\s{2,}|[^\S ]| (?=;)|^\s|\s\Z|" + comments.CONTROL.pattern)
_FIRST_TRAPS = re.compile(r"^[*!;(\[]")
_TEXT_TRAPS = re.compile(r"[;\t]|" + comments.CONTROL.pattern)


def write(journal: Journal) -> str:
    """Write a journal in the order of its days. Reading it back gives the same journal, so arranged."""
    with localcontext(EXACT):
        return "".join(f"{line}\n" for line in _lines(arranged(journal)))


def _lines(journal: Journal) -> Iterator[str]:
    names, places = _Names(journal), finest(journal)
    places |= {said.code: said.places for said in journal.commodities if said.places is not None}
    yield "; Written by financetracker. Tags that begin with ft- hold what this format has no place for."
    yield "decimal-mark ."
    yield ""
    for commodity in journal.commodities:
        yield from _commodity(commodity)
    for account in names.directives(journal.accounts):
        yield from _account(account, names)
    for price in journal.prices:
        yield from _price(price, places)
    holdings = Holdings(said.account for said in journal.assertions if said.include_children)
    waiting = {day: list(said) for day, said in groupby(journal.assertions, key=lambda said: said.date)}
    booked = {day: list(entries) for day, entries in groupby(journal.entries, key=lambda entry: entry.date)}
    for day in sorted({*waiting, *booked}):
        for entry in booked.get(day, ()):
            yield from _entry(entry, names, places)
            for leg in entry.legs:
                holdings.add(leg.account, leg.commodity, leg.amount)
        if day in waiting:
            yield from _assertions(waiting[day], holdings, names, places)


class _Names:
    """How each account is spelled: as it is called if hledger can read that, else something like it.

    The directive of a respelled account carries its real name. Sub-accounts stay below their parents, so that
    balances with sub-accounts agree.
    """

    def __init__(self, journal: Journal) -> None:
        used = [account.name for account in journal.accounts]
        used += [leg.account for entry in journal.entries for leg in entry.legs]
        used += [said.account for said in journal.assertions]
        self._spelled: dict[str, str] = {}
        names = dict.fromkeys(used)
        odd = [name for name in names if not _is_readable(name)]
        self._taken = names.keys() - set(odd)
        for name in odd:
            self.of(name)
        self._odd = odd

    def of(self, name: str) -> str:
        """Return the spelling of a full name."""
        if name in self._taken and name not in self._spelled:
            return name
        if name not in self._spelled:
            parent, colon, segment = name.rpartition(":")
            segment = _NAME_TRAPS.sub("_", segment)
            spelled = self.of(parent) + ":" + segment if colon else _FIRST_TRAPS.sub("_", segment)
            while spelled in self._taken:
                spelled += "_"
            self._spelled[name] = spelled
            self._taken.add(spelled)
        return self._spelled[name]

    def directives(self, accounts: Iterable[AccountDirective]) -> Iterator[AccountDirective]:
        """Give the declared accounts, and after them those whose real name no other line would tell."""
        declared = set()
        for account in accounts:
            declared.add(account.name)
            yield account
        yield from (AccountDirective(name) for name in self._odd if name not in declared)


def _is_readable(name: str) -> bool:
    return not _FIRST_TRAPS.search(name) and not any(map(_NAME_TRAPS.search, name.split(":")))


def _number(value: Decimal, places: int) -> str:
    return f"{value:.{max(places, decimals(value))}f}"


def _amount(value: Decimal, code: str, places: dict[str, int]) -> str:
    return f"{_number(value, places.get(code, 0))} {quoted(code)}"


def _comment(lines: Iterable[str], *, depth: int = 4) -> Iterator[str]:
    return (f"{'':{depth}}; {line}".rstrip() for line in lines)


def _commodity(commodity: CommodityDirective) -> Iterator[str]:
    if commodity.places is None:
        yield f"commodity {quoted(commodity.code)}"
    else:
        yield f"commodity 1000.{'0' * commodity.places} {quoted(commodity.code)}"
    yield from _comment(comments.tag_lines(commodity.metadata, empty_values=True))


def _account(account: AccountDirective, names: _Names) -> Iterator[str]:
    spelled = names.of(account.name)
    yield f"account {spelled}"
    lines = [f"type: {_TYPE_LETTERS[account.type]}"] if account.type else []
    if spelled != account.name:
        lines.append(f"ft-name: {comments.encoded(account.name)}")
    lines += comments.lines_of(account.notes) + comments.tag_lines(account.metadata, empty_values=True)
    yield from _comment(lines)


def _price(price: Price, places: dict[str, int]) -> Iterator[str]:
    value = _amount(price.value, price.quote, places)
    yield f"P {price.date.isoformat()} {quoted(price.commodity)} {value}"
    yield from _comment(comments.tag_lines(price.metadata, empty_values=True))


def _entry(entry: Entry, names: _Names, places: dict[str, int]) -> Iterator[str]:
    # A posting without a mark takes its transaction's, so a mark above only says what is true of every leg.
    cleared = all(leg.state != "uncleared" for leg in entry.legs)
    mark = entry.status if entry.status == "!" or (entry.status == "*" and cleared) else ""
    own = {} if mark == entry.status else {"ft-status": entry.status}
    words = [entry.date.isoformat(), mark]
    if entry.code and (_TEXT_TRAPS.search(entry.code) or ")" in entry.code or entry.code != entry.code.strip()):
        own["ft-code"] = entry.code
    elif entry.code:
        words.append(f"({entry.code})")
    payee, narration = _readable(entry.payee, "|"), _readable(entry.narration, "")
    payee = re.sub(r"^[*!(]", "_", payee)
    own |= {"ft-payee": entry.payee} if payee != entry.payee else {}
    own |= {"ft-narration": entry.narration} if narration != entry.narration else {}
    words += [payee, "|", narration] if narration else [payee]
    yield ""
    yield " ".join(word for word in words if word)
    yield from _comment(comments.lines_of(entry.notes))
    yield from _comment(comments.tag_lines(entry.metadata, entry.tags))
    yield from _comment(f"{name}: {comments.encoded(text)}" for name, text in own.items())
    for leg in entry.legs:
        yield from _leg(leg, mark, names, places)


def _readable(text: str, traps: str) -> str:
    """Return a text as a description can hold it; where that differs, a tag holds the real one."""
    clean = _TEXT_TRAPS.sub("_", text).strip()
    return clean.replace(traps, "_") if traps else clean


def _leg(leg: Leg, entry_mark: str, names: _Names, places: dict[str, int]) -> Iterator[str]:
    mark = "* " if leg.state != "uncleared" and entry_mark != "*" else ""
    amount = _amount(leg.amount, leg.commodity, places)
    if leg.commodity != leg.weight_commodity:
        amount += f" @@ {_amount(abs(leg.weight), leg.weight_commodity, places)}"
    yield f"    {mark}{names.of(leg.account)}  {amount}"
    lines = comments.lines_of(leg.memo) + comments.tag_lines(leg.metadata, empty_values=True)
    lines += ["ft-state: reconciled"] if leg.state == "reconciled" else []
    lines += ["ft-rounding: yes"] if leg.rounding else []
    yield from _comment(lines, depth=8)


def _assertions(
    said: Iterable[Assertion], holdings: Holdings, names: _Names, places: dict[str, int]
) -> Iterator[str]:
    """Write what is asserted of the end of one day, after all of its transactions."""
    true: list[Assertion] = []
    other: list[Assertion] = []
    for one in said:
        held = holdings.of(one.account, inclusive=one.include_children)[one.commodity]
        (true if held == one.amount and not one.tolerance else other).append(one)
    yield ""
    yield f"{(true or other)[0].date.isoformat()} balance assertions"
    yield from _comment(["ft-assertions: yes"])
    yield from _comment(f"ft-assertion: {comments.encoded(_as_json(one, names))}" for one in other)
    for one in true:
        sign = "=*" if one.include_children else "="
        balance = _amount(one.amount, one.commodity, places)
        yield f"    {names.of(one.account)}  0 {quoted(one.commodity)} {sign} {balance}"
        yield from _comment(comments.tag_lines(one.metadata, empty_values=True), depth=8)


def _as_json(said: Assertion, names: _Names) -> str:
    fields = {
        "account": names.of(said.account),
        "date": said.date.isoformat(),
        "commodity": said.commodity,
        "amount": plain_number(said.amount),
        "include_children": said.include_children,
        "tolerance": plain_number(said.tolerance),
        "metadata": said.metadata,
    }
    return json.dumps(fields, ensure_ascii=False)
