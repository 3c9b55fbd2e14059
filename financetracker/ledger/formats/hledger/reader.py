"""Reads hledger's journal: first every line on its own, then what lines mean together (`balance.py`).

Everything wrong with the lines is refused at once. Sums and assertions are checked only in a file whose lines can
all be read: one line that cannot would make many others look wrong.
"""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from decimal import localcontext

from financetracker.ledger.formats.hledger.amounts import BadText, Codes, is_code
from financetracker.ledger.formats.hledger.balance import Settled, settle
from financetracker.ledger.formats.hledger.comments import CONTROL, Damaged
from financetracker.ledger.formats.hledger.directives import (
    read_account,
    read_commodity,
    read_default,
    read_mark,
    read_price,
)
from financetracker.ledger.formats.hledger.entries import read_entry
from financetracker.ledger.formats.hledger.reading import Line, Reading, type_of_root
from financetracker.ledger.formats.plain import (
    ACCOUNT_TYPES,
    AccountDirective,
    AccountType,
    Assertion,
    FormatError,
    Journal,
    Refused,
    own_id,
)
from financetracker.ledger.money import EXACT

MAX_LINE = 100_000
ROUNDING_ACCOUNT = "Equity:Rounding"

_DIRECTIVES = {
    "account": read_account,
    "commodity": read_commodity,
    "D": read_default,
    "decimal-mark": read_mark,
    "P": read_price,
}
_PRINT = "run “hledger print” and import what it writes"
_REFUSED = {
    "~": "periodic transactions are not read: leave the rule out",
    "=": f"automated postings are not read: {_PRINT}",
    "include": f"other files are not read along: {_PRINT}",
    "alias": f"aliases are not read: {_PRINT}",
    "apply": f"apply directives are not read: {_PRINT}",
    "Y": f"a default year is not read: {_PRINT}",
    "payee": "payee directives are not read: leave them out, payees come with their transactions",
    "tag": "tag directives are not read: leave them out, tags come with their transactions",
    "end": "nothing is open here that could end",
}


def read(
    text: str,
    *,
    filename: str,
    commodities: Mapping[str, str] | None = None,
    types: Mapping[str, str] | None = None,
    default_year: int | None = None,
    rounding_account: str = ROUNDING_ACCOUNT,
) -> Journal:
    """Read a journal, or refuse it whole. Linear in its length; raises nothing but Refused.

    `commodities` gives the codes of symbols ("$" is USD; "" is an amount without a commodity), `types` the types
    of root accounts that neither an English name nor a `type:` tag tells. Dates without a year have
    `default_year`. `rounding_account` is given to legs that hold what a transaction leaves open in its tolerance.
    """
    codes = dict(commodities or {})
    reading = Reading(filename, Codes(codes), default_year)
    kinds = _checked_options(reading, codes, dict(types or {}))
    with localcontext(EXACT):
        _read_lines(reading, text.removeprefix("\ufeff"))
        settled = Settled()
        if not any(error.line for error in reading.errors):
            settled = settle(reading.drafts, reading.precision(), rounding_account)
    reading.errors += [FormatError(filename, line, reason) for line, reason in settled.problems]
    _check_symbols(reading)
    _check_ids(reading)
    accounts = _accounts(reading, kinds)
    if reading.errors:
        raise Refused(reading.errors)
    return Journal(
        entries=settled.entries,
        accounts=accounts,
        commodities=tuple(reading.commodities.values()),
        prices=tuple(reading.prices.values()),
        assertions=_distinct([*reading.assertions, *settled.assertions]),
        remarks=tuple(sorted([*reading.remarks, *settled.remarks], key=lambda remark: remark.line)),
    )


def _read_lines(reading: Reading, text: str) -> None:
    """Read the file block by block: a line that starts at the margin, and the indented ones below it."""
    lines = _lines(reading, text)
    at, commented = 0, False
    while at < len(lines):
        head, at = lines[at], at + 1
        if commented or head.text.rstrip() == "comment":
            commented = head.text.rstrip() != "end comment"
        elif head.text[:1].isspace():
            if head.text.strip() and not head.text.lstrip().startswith(";"):
                reading.error(head.number, "this indented line belongs to nothing above it", head.text)
        elif head.text and head.text[0] not in ";#*":
            end = at
            while end < len(lines) and lines[end].text[:1].isspace() and lines[end].text.strip():
                end += 1
            _read_block(reading, head, lines[at:end])
            at = end
    for number, raw in reading.marks.unsettled():
        reading.error(
            number,
            f"“{raw}” may mean thousands or decimals: say which with “decimal-mark .” or “decimal-mark ,” "
            "at the top of the file, or with a commodity directive",
        )


def _lines(reading: Reading, text: str) -> list[Line]:
    """Number the lines; one that is no text is reported and read as empty."""
    lines = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.removesuffix("\r")
        if len(line) > MAX_LINE:
            reading.error(number, f"this line is longer than {MAX_LINE} characters", line[:200])
            line = ""
        elif match := CONTROL.search(line):
            reading.error(number, f"this line holds the control character U+{ord(match[0]):04X}", ascii(line))
            line = ""
        lines.append(Line(number, line))
    return lines


def _read_block(reading: Reading, head: Line, block: list[Line]) -> None:
    """Read one directive or transaction; a reason against it becomes an error with its line."""
    word = head.text.split(maxsplit=1)[0]
    try:
        if head.text[0] in "0123456789":
            read_entry(reading, head, block)
        elif word in _DIRECTIVES:
            _DIRECTIVES[word](reading, head, block)
        else:
            known = _REFUSED.get(word) or _REFUSED.get(word[0])
            raise BadText(known or "this is neither a transaction nor a directive that is read")
    except (BadText, Damaged) as problem:
        reading.error(head.number, str(problem), head.text)


def _checked_options(reading: Reading, codes: dict[str, str], types: dict[str, str]) -> dict[str, AccountType]:
    """Report options that name no commodity code or no type; return the types of accounts that are left."""
    for symbol, code in codes.items():
        if not is_code(code):
            reading.error(0, f"--commodity {shlex.quote(f'{symbol}={code}')}: “{code}” is no commodity code")
    known: dict[str, AccountType] = {kind: kind for kind in ACCOUNT_TYPES}
    for name, kind in types.items():
        if kind not in known:
            reading.error(0, f"--type {shlex.quote(f'{name}={kind}')}: the types are {', '.join(ACCOUNT_TYPES)}")
    return {name: known[kind] for name, kind in types.items() if kind in known}


def _check_symbols(reading: Reading) -> None:
    """Report every symbol that is no code, each with the option that cures it."""
    for symbol, line in reading.codes.unknown.items():
        option = f"--commodity {shlex.quote(f'{symbol}=CODE')}, like --commodity {shlex.quote(f'{symbol}=USD')}"
        if symbol:
            reading.error(line, f"“{symbol}” is no commodity code: say which it is with {option}")
        else:
            reading.error(
                line, f"an amount has no commodity: say which it is with {option}, or with a D directive"
            )


def _check_ids(reading: Reading) -> None:
    seen: dict[str, int] = {}
    for draft in reading.drafts:
        key = own_id(draft.entry)
        if key and seen.setdefault(key, draft.entry.line) != draft.entry.line:
            reading.error(draft.entry.line, f"the id {key} is taken by the transaction on line {seen[key]}")


def _accounts(reading: Reading, kinds: dict[str, AccountType]) -> tuple[AccountDirective, ...]:
    """Type every account by its root; report every root whose type is not known, with the option that cures it."""
    declared = {name: account.type for name, account in reading.accounts.items() if account.type}
    said: dict[str, AccountType] = declared | kinds
    trees: dict[str, list[str]] = {}
    for name in reading.used():
        trees.setdefault(name.partition(":")[0], []).append(name)
    typed: dict[str, AccountType] = {}
    for root, names in trees.items():
        below = {said[name] for name in names if name in said}
        kind = said.get(root) or type_of_root(root) or (below.pop() if len(below) == 1 else None)
        if kind is None:
            options = f"--type {shlex.quote(f'{root}=TYPE')} with one of {', '.join(ACCOUNT_TYPES)}"
            line = min(_line_of(reading, name) for name in names)
            reading.error(line, f"the type of account “{root}” is not known: say {options}")
            continue
        typed |= dict.fromkeys(names, kind)
        for name in names:
            if said.get(name, kind) != kind:
                reason = f"“{name}” is said to be of type {said[name]}, but “{root}” above it is of type {kind}"
                reading.error(_line_of(reading, name), reason)
    used = (
        reading.accounts.get(name) or AccountDirective(name, line=_line_of(reading, name))
        for name in reading.used()
    )
    return tuple(replace(account, type=typed.get(account.name)) for account in used)


def _line_of(reading: Reading, name: str) -> int:
    return reading.accounts[name].line if name in reading.accounts else reading.first_use[name]


def _distinct(assertions: list[Assertion]) -> tuple[Assertion, ...]:
    """Drop what is asserted twice of one day, and number the rest in the file's order."""
    kept: dict[tuple[object, ...], Assertion] = {}
    for assertion in sorted(assertions, key=lambda assertion: assertion.line):
        key = (assertion.account, assertion.date, assertion.commodity, assertion.include_children)
        kept.setdefault(key, assertion)
    return tuple(replace(assertion, position=number) for number, assertion in enumerate(kept.values()))
