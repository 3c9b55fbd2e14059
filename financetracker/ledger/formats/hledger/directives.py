"""Reads the directives: accounts, commodities, the default commodity, the decimal mark, prices."""

import re

from financetracker.ledger.formats.hledger import comments
from financetracker.ledger.formats.hledger.amounts import Amount, BadText, scan, scan_symbol, skip
from financetracker.ledger.formats.hledger.entries import read_date
from financetracker.ledger.formats.hledger.reading import Line, Reading, account_type
from financetracker.ledger.formats.plain import AccountDirective, CommodityDirective, Price, shortened

_GAP = re.compile(r"\s\s")
_TIME = re.compile(r"\s+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?=\s)")
_HAS_DIGIT = re.compile(r'(?:"[^"]*"|[^"0-9])*[0-9]')


def read_account(reading: Reading, head: Line, block: list[Line]) -> None:
    """Read an `account` directive: name, comment with tags, type. Raises BadText or Damaged."""
    rest = head.text.removeprefix("account").strip()
    gap = _GAP.search(rest)
    written, said = (rest[: gap.start()], rest[gap.end() :].lstrip()) if gap else (rest, "")
    if not written or (said and said[0] != ";"):
        raise BadText("an account directive holds a name and, after two spaces, a comment behind a semicolon")
    comment = comments.parse([said[1:], *_below(block)])
    if "ft-name" in comment.own:
        reading.rename(written, comment.take("ft-name", ""))
    name = reading.account(written, head.number)
    if name in reading.accounts:
        raise BadText(f"“{shortened(name)}” is declared a second time: line {reading.accounts[name].line} has it")
    comment.finish()
    kind = account_type(comment.values.pop("type", "")) if "type" in {*comment.values, *comment.words} else None
    reading.accounts[name] = AccountDirective(name, kind, comment.notes, comment.metadata(), head.number)


def _below(block: list[Line]) -> list[str]:
    """Return the comment lines below a directive. Raises BadText for a line that is none."""
    for line in block:
        if not line.text.lstrip().startswith(";"):
            raise BadText(f"line {line.number}, “{shortened(line.text.strip())}”, is no comment: leave it out")
    return [line.text.strip()[1:] for line in block]


def read_commodity(reading: Reading, head: Line, block: list[Line]) -> None:
    """Read a `commodity` directive, with its sample on the same line or after `format`. Raises BadText."""
    sample, _, said = head.text.removeprefix("commodity").partition(";")
    sample = sample.strip()
    formats = [line for line in block if line.text.split()[0] == "format"]
    comment = comments.parse([said, *_below([line for line in block if line not in formats])])
    comment.finish()
    if _HAS_DIGIT.match(sample):
        if formats:
            raise BadText("this commodity has its format twice: on this line and below it")
        amount: Amount | None = _sample(reading, sample, head.number)
        symbol = amount.symbol if amount else ""
    else:
        symbol, end = scan_symbol(sample)
        if sample[end:].strip():
            raise BadText(f"“{shortened(sample)}” is no commodity: write it like 1000.00 EUR or $1,000.00")
        amount = None
        for line in formats:
            sample = line.text.split(maxsplit=1)[-1].partition(";")[0].strip()
            amount = _sample(reading, sample, line.number)
            if amount.symbol != symbol:
                raise BadText(f"the format on line {line.number} is one of {amount.symbol!r}, not of {symbol!r}")
    if amount:
        reading.marks.directives[symbol] = amount.mark
    if not symbol and "" not in reading.codes.mapping:
        return  # it says how numbers without a commodity are written, and declares none
    code = reading.codes.of(symbol, head.number)
    if amount:
        reading.declared_places[code] = amount.places
    metadata = comment.metadata() | ({"notes": comment.notes} if comment.notes else {})
    reading.commodities[code] = CommodityDirective(
        code, amount.places if amount else None, metadata, sample, head.number
    )


def read_default(reading: Reading, head: Line, block: list[Line]) -> None:
    """Read a `D` directive: the commodity of amounts without one. Raises BadText."""
    _below(block)
    amount = _sample(reading, head.text.removeprefix("D").partition(";")[0].strip(), head.number)
    reading.marks.default_symbol, reading.marks.default = amount.symbol, amount.mark
    if amount.symbol:
        reading.default_places[reading.codes.of(amount.symbol, head.number)] = amount.places


def _sample(reading: Reading, text: str, line: int) -> Amount:
    """Read the sample amount of a directive, which must show its decimal mark. Raises BadText."""
    amount, end = scan(text, 0, reading.marks, line)
    if text[end:].strip():
        raise BadText(f"“{shortened(text[end:].strip())}” is left over behind the sample amount")
    if not amount.mark:
        raise BadText(f"“{shortened(text)}” shows no decimal mark: write it like 1000.00 EUR, or 1000. for none")
    return amount


def read_mark(reading: Reading, head: Line, block: list[Line]) -> None:
    """Read a `decimal-mark` directive. Raises BadText."""
    _below(block)
    mark = head.text.removeprefix("decimal-mark").partition(";")[0].strip()
    if mark not in {".", ","}:
        raise BadText("the decimal mark is . or ,")
    reading.marks.file = mark


def read_price(reading: Reading, head: Line, block: list[Line]) -> None:
    """Read a `P` directive: the price of a commodity on a day. Raises BadText or Damaged.

    Of several prices for one day the last counts, as in hledger; those whose tag `source` differs are all kept.
    """
    day, at = read_date(reading, head.text, skip(head.text, 1))
    if time := _TIME.match(head.text, at):
        reading.remark(head.number, f"the time {time[0].strip()} of a price is left out: a price is one of a day")
        at = time.end()
    symbol, at = scan_symbol(head.text, skip(head.text, at))
    amount, at = scan(head.text, skip(head.text, at), reading.marks, head.number)
    rest = head.text[at:].strip()
    if rest and rest[0] != ";":
        raise BadText(f"“{shortened(rest)}” is left over behind the price")
    comment = comments.parse([rest[1:], *_below(block)])
    comment.finish()
    commodity, quote = reading.codes.of(symbol, head.number), reading.code(amount, head.number)
    if amount.value <= 0 or commodity == quote:
        raise BadText("a price is above zero and in another commodity")
    reading.see(quote, amount.places)
    metadata = comment.metadata() | ({"notes": comment.notes} if comment.notes else {})
    key = (commodity, quote, day, metadata.get("source", ""))
    if key in reading.prices and reading.prices[key].value != amount.value:
        other = reading.prices.pop(key)
        reading.remark(other.line, f"this price is left out: line {head.number} has a later one for the same day")
    reading.prices[key] = Price(commodity, quote, day, amount.value, metadata, head.number)
