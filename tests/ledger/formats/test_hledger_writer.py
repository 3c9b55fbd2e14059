"""What the writer of hledger's journal writes, and that our reader finds all of it again."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from financetracker.ledger.formats.hledger import read, write
from financetracker.ledger.formats.plain import (
    AccountDirective,
    AccountType,
    Assertion,
    CommodityDirective,
    Entry,
    Journal,
    Leg,
    Price,
    arranged,
)
from financetracker.ledger.money import EXACT

DAY = date(2024, 1, 31)


def plain_leg(account: str, amount: str, code: str = "EUR", **rest: object) -> Leg:
    value = Decimal(amount)
    return Leg(account, value, code, value, code, **rest)  # type: ignore[arg-type]


def simple(**rest: object) -> Entry:
    fields: dict[str, object] = {"date": DAY, "legs": (plain_leg("Assets:A", "1.5"), plain_leg("Income", "-1.5"))}
    return Entry(**(fields | rest))  # type: ignore[arg-type]


def lines(*entries: Entry, **rest: object) -> list[str]:
    """What is written below the first lines, without empty lines."""
    text = write(Journal(entries=entries, **rest))  # type: ignore[arg-type]
    first, mark, *others = text.splitlines()
    assert first.startswith("; Written by financetracker.")
    assert mark == "decimal-mark ."
    return [line for line in others if line]


def again(journal: Journal) -> Journal:
    return arranged(read(write(journal), filename="export.journal"))


def test_a_book_as_it_is_written() -> None:
    journal = Journal(
        commodities=(CommodityDirective("EUR", 2, {"name": "Euro"}), CommodityDirective("JPY", 0)),
        accounts=(
            AccountDirective("Assets:Bank", "asset", "the good one", {"iban": "DE12"}),
            AccountDirective("Income", "income"),
            AccountDirective("Expenses:Trip", "expense"),
        ),
        prices=(Price("EUR", "JPY", DAY, Decimal("161.5"), {"source": "bank"}),),
        entries=(
            Entry(
                date=date(2024, 2, 1),
                status="*",
                code="12",
                payee="Hotel",
                narration="one night",
                tags=("trip",),
                metadata={"id": "6c84fb90-12c4-11e1-840d-7b25c5ee775a"},
                notes="nice view",
                legs=(
                    Leg("Expenses:Trip", Decimal(16000), "JPY", Decimal("99.07"), "EUR", "reconciled", "room 7"),
                    plain_leg("Assets:Bank", "-99.07", state="cleared", metadata={"ref": "X1"}),
                ),
            ),
            Entry(date=DAY, payee="Work", legs=(plain_leg("Assets:Bank", "1000"), plain_leg("Income", "-1000"))),
        ),
        assertions=(
            Assertion("Assets:Bank", DAY, "EUR", Decimal(1000)),
            Assertion("Assets:Bank", date(2024, 2, 3), "EUR", Decimal("900.93"), include_children=True),
        ),
    )
    assert (
        write(journal)
        == """\
; Written by financetracker. Tags that begin with ft- hold what this format has no place for.
decimal-mark .

commodity 1000.00 EUR
    ; name: Euro
commodity 1000. JPY
account Assets:Bank
    ; type: A
    ; the good one
    ; iban: DE12
account Income
    ; type: R
account Expenses:Trip
    ; type: X
P 2024-01-31 EUR 161.5 JPY
    ; source: bank

2024-01-31 Work
    Assets:Bank  1000.00 EUR
    Income  -1000.00 EUR

2024-01-31 balance assertions
    ; ft-assertions: yes
    Assets:Bank  0 EUR = 1000.00 EUR

2024-02-01 * (12) Hotel | one night
    ; nice view
    ; trip:
    ; id: 6c84fb90-12c4-11e1-840d-7b25c5ee775a
    Expenses:Trip  16000 JPY @@ 99.07 EUR
        ; room 7
        ; ft-state: reconciled
    Assets:Bank  -99.07 EUR
        ; ref: X1

2024-02-03 balance assertions
    ; ft-assertions: yes
    Assets:Bank  0 EUR =* 900.93 EUR
"""
    )
    assert again(journal) == arranged(journal)
    assert read(write(journal), filename="x").remarks == ()


@pytest.mark.parametrize(
    ("payee", "narration", "head", "tags"),
    [
        ("", "", "2024-01-31", []),
        ("Shop", "", "2024-01-31 Shop", []),
        ("", "tea", "2024-01-31 | tea", []),
        ("Shop", "tea | milk", "2024-01-31 Shop | tea | milk", []),
        ("A|B", "", "2024-01-31 A_B", ["ft-payee: A|B"]),
        ("A;B", "c;d", "2024-01-31 A_B | c_d", ["ft-payee: A;B", "ft-narration: c;d"]),
        ("(1) A", "", "2024-01-31 _1) A", ["ft-payee: (1) A"]),
        ("*A", "", "2024-01-31 _A", ["ft-payee: *A"]),
        ("A\tB", "", "2024-01-31 A_B", ["ft-payee: A\tB"]),
        ("A", "one\ntwo, three", "2024-01-31 A | one_two, three", ["ft-narration: one%0Atwo%2C three"]),
        ("A", " ", "2024-01-31 A", ["ft-narration: %20"]),
    ],
)
def test_descriptions(payee: str, narration: str, head: str, tags: list[str]) -> None:
    entry = simple(payee=payee, narration=narration)
    assert lines(entry)[: 1 + len(tags)] == [head, *(f"    ; {tag}" for tag in tags)]
    assert again(Journal(entries=(entry,))).entries == (entry,)


@pytest.mark.parametrize(
    ("status", "states", "head", "marks"),
    [
        ("", ("uncleared", "uncleared"), "", ("", "")),
        ("*", ("cleared", "cleared"), " *", ("", "")),
        ("", ("cleared", "uncleared"), "", ("* ", "")),
        ("*", ("cleared", "uncleared"), "", ("* ", "")),
        ("!", ("uncleared", "cleared"), " !", ("", "* ")),
        ("*", ("cleared", "reconciled"), " *", ("", "")),
        ("P", ("uncleared", "uncleared"), "", ("", "")),
    ],
)
def test_marks(status: str, states: Sequence[str], head: str, marks: Sequence[str]) -> None:
    legs = (plain_leg("Assets:A", "1", state=states[0]), plain_leg("Income", "-1", state=states[1]))
    entry = simple(status=status, legs=legs)
    written = lines(entry)
    assert written[0] == f"2024-01-31{head}"
    assert f"    {marks[0]}Assets:A  1 EUR" in written
    assert f"    {marks[1]}Income  -1 EUR" in written
    assert again(Journal(entries=(entry,))).entries == (entry,)


@pytest.mark.parametrize(
    ("code", "written"),
    [("EUR", "EUR"), ("A 1", '"A 1"'), ("A1", '"A1"'), ("é", '"é"'), ("BRK.B", '"BRK.B"'), ("a-b", '"a-b"')],
)
def test_commodities_are_quoted_unless_they_are_letters(code: str, written: str) -> None:
    entry = simple(legs=(plain_leg("Assets:A", "-0.5", code), plain_leg("Income", "0.5", code)))
    assert lines(entry)[1] == f"    Assets:A  -0.5 {written}"
    assert again(Journal(entries=(entry,))).entries == (entry,)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Assets:My bank (old)", "Assets:My bank (old)"),
        ("Assets:A;B", "Assets:A;B"),
        ("Assets:A  B", "Assets:A_B"),
        ("Assets:A ;B", "Assets:A_;B"),
        ("Assets:A\u00a0B", "Assets:A_B"),
        ("*Assets", "_Assets"),
        ("(Assets)", "_Assets)"),
    ],
)
def test_accounts_are_respelled_only_where_hledger_would_misread_them(name: str, written: str) -> None:
    journal = Journal(
        accounts=(AccountDirective(name, "asset"), AccountDirective("Income", "income")),
        entries=(simple(legs=(plain_leg(name, "1"), plain_leg("Income", "-1"))),),
    )
    assert lines(*journal.entries, accounts=journal.accounts)[0] == f"account {written}"
    assert f"    {written}  1 EUR" in write(journal).splitlines()
    assert again(journal) == journal


def test_spellings_stay_apart_and_below_their_parents() -> None:
    names = ("Assets:A_B", "Assets:A  B", "Assets:A \u00a0B:Sub", "Assets:A_B:Sub")
    accounts = (*(AccountDirective(name, "asset") for name in names), AccountDirective("Income", "income"))
    legs = (*(plain_leg(name, "1") for name in names), plain_leg("Income", "-4"))
    said = Assertion("Assets:A \u00a0B:Sub", DAY, "EUR", Decimal(1), include_children=True)
    journal = Journal(entries=(simple(legs=legs),), accounts=accounts, assertions=(said,))
    written = re.findall("^account (.*)$", write(journal), re.MULTILINE)
    assert written[:2] == ["Assets:A_B", "Assets:A_B_"]
    assert written[3] == "Assets:A_B:Sub"
    assert len(set(written)) == 5
    assert again(journal) == journal


def test_an_undeclared_account_that_cannot_be_written_gets_a_directive() -> None:
    journal = Journal(entries=(simple(legs=(plain_leg("Assets:A ;B", "1"), plain_leg("Income", "-1"))),))
    assert again(journal).entries == journal.entries


def test_assertions_that_do_not_hold_are_kept_where_hledger_does_not_look() -> None:
    journal = Journal(
        entries=(simple(),),
        assertions=(
            Assertion("Assets:A", DAY, "EUR", Decimal("1.49"), metadata={"by": "me, myself"}),
            Assertion("Assets:A", DAY, "USD", Decimal("0.01"), tolerance=Decimal("0.01")),
            Assertion("Income", DAY, "EUR", Decimal("-1.5"), metadata={"by": "me"}),
        ),
    )
    written = lines(*journal.entries, assertions=journal.assertions)
    assert sum("ft-assertion: " in line for line in written) == 2
    assert written[-2:] == ["    Income  0 EUR = -1.50 EUR", "        ; by: me"]
    assert again(journal).assertions == journal.assertions


def test_very_long_notes_are_written_in_pieces() -> None:
    notes = "long, " * 50_000 + "\n[1/2] "
    entry = simple(notes=notes, metadata={"a b": "x" * 30_000, "c": "y" * 30_000, "d": "%" * 30_000})
    assert max(map(len, lines(entry))) < 100_000
    assert again(Journal(entries=(entry,))).entries == (entry,)


# --- everything there is, and back -------------------------------------------------------------------------------

ROOTS: dict[str, AccountType] = {
    "Assets": "asset", "Schulden": "liability", "*Equity": "equity", "(Income)": "income", "x  y": "expense",
}  # fmt: skip

words = st.text("abcXYZ é-_'/&1234567890", min_size=1, max_size=9).map(str.strip).filter(bool)
nasty = st.text("ab ;*!()[]|,%=@\"'#~\u00a0{}&-.\u3000é1", min_size=1, max_size=9).map(str.strip).filter(bool)
one_line = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["", "a: b", "a:", ", ", " x", "x ", "\n", "a\n\nb", "\ta", "[2/1]", "%41", "%", "ft-tag: x", "; ;", "date: x"]
)
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["date", "date2", "type", "ft-meta", "memo", "notes", "mark", "a=b", "a b", "", "iban", "#1"]
)
metadata = st.dictionaries(keys.filter(lambda key: key != "id"), any_text, max_size=3)
tag_letters = st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters=",:;#")
tags = st.text(tag_letters, min_size=1, max_size=9)
days = st.dates() | st.sampled_from([DAY, date(2024, 2, 1)])
codes = st.sampled_from(["EUR", "USD", "JPY", "A 1", "Ä", "1INCH", "E3", "h2o", "X-1", "BRK.B"])
accounts = st.tuples(st.sampled_from(list(ROOTS)), st.lists(words | nasty, max_size=3)).map(
    lambda path: ":".join([path[0], *path[1]])
)


@st.composite
def numbers(draw: st.DrawFn, digits: int = 38) -> Decimal:
    """Anything the books can hold but zero: up to 20 digits before the point and 18 behind it."""
    places = draw(st.sampled_from([0, 2, 2, 2, 3, 8, 18]))
    whole = draw(
        st.integers(1, 10 ** min(digits, 6 + places)) | st.integers(1, 10 ** min(digits, 20 + places) - 1)
    )
    with localcontext(EXACT):
        return Decimal(whole).scaleb(-places) * draw(st.sampled_from([1, -1]))


STATES = ["uncleared", "cleared", "reconciled"]
SIDES = st.builds(Leg, accounts, numbers(), codes, st.just(Decimal(0)), codes)
SAYINGS = st.fixed_dictionaries({
    "state": st.sampled_from(STATES), "memo": any_text, "metadata": metadata, "rounding": st.booleans(),
})  # fmt: skip
HEADS = st.fixed_dictionaries({
    "date": days, "status": st.sampled_from(["", "!", "*", "P"]), "code": any_text | words, "narration": any_text,
    "payee": one_line | words, "tags": st.lists(tags, max_size=3, unique=True).map(tuple), "metadata": metadata,
    "notes": any_text,
})  # fmt: skip


def balancing(code: str, value: Decimal) -> Iterator[Leg]:
    """Legs that take a sum back to zero, none of them beyond the bounds."""
    while value:
        part = min(abs(value), Decimal(10) ** 20 - 1).copy_sign(-value)
        yield plain_leg("Assets", str(part), code)
        value += part


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """A transaction whose weights sum to zero."""
    legs: list[Leg] = []
    sums: dict[str, Decimal] = {}
    with localcontext(EXACT):
        for leg in draw(st.lists(SIDES, min_size=1, max_size=4)):
            weight = leg.amount
            if leg.commodity != leg.weight_commodity:
                weight = draw(st.just(Decimal(0)) | numbers()).copy_sign(leg.amount)
            legs.append(replace(leg, weight=weight, **draw(SAYINGS)))
            sums[leg.weight_commodity] = sums.get(leg.weight_commodity, Decimal(0)) + weight
        for code, value in sums.items():
            legs += balancing(code, value)
    return Entry(legs=tuple(legs), **draw(HEADS))


@st.composite
def journals(draw: st.DrawFn) -> Journal:
    """A whole book, with an account directive for every account."""
    booked = draw(st.lists(entries(), max_size=5))
    amounts, tolerances = numbers() | st.just(Decimal(0)), st.sampled_from([Decimal(0), Decimal("0.05")])
    claims = st.builds(Assertion, accounts, days, codes, amounts, st.booleans(), tolerances, metadata)
    said = draw(st.lists(claims, max_size=4, unique_by=lambda one: (one.account, one.date, one.commodity)))
    names = draw(st.lists(accounts, max_size=2))
    names += [leg.account for entry in booked for leg in entry.legs] + [one.account for one in said]
    quotes = st.builds(Price, codes, codes, days, numbers().map(Decimal.copy_abs), metadata)
    quotes = quotes.filter(lambda one: one.commodity != one.quote)
    directives = st.builds(CommodityDirective, codes, st.none() | st.integers(0, 18), metadata)
    return Journal(
        entries=tuple(booked),
        assertions=tuple(said),
        accounts=tuple(
            AccountDirective(name, ROOTS[name.partition(":")[0]], draw(any_text), draw(metadata))
            for name in dict.fromkeys(names)
        ),
        commodities=tuple(draw(st.lists(directives, max_size=3, unique_by=lambda one: one.code))),
        prices=tuple(
            draw(st.lists(quotes, max_size=3, unique_by=lambda one: (one.commodity, one.quote, one.date)))
        ),
    )


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(journals())
@example(Journal(entries=(simple(metadata={"x": ""}, tags=("x", "ft-y")),)))
@example(Journal(entries=(simple(notes="a\n"), simple(notes="\na"), simple(notes="a\n\nb"))))
@example(Journal(entries=(simple(code="a)b", notes=","), simple(code=" ", notes=", \n;"))))
def test_what_is_written_is_read_again(journal: Journal) -> None:
    back = read(write(journal), filename="export.journal")
    if not journal.accounts:
        back = Journal(back.entries, (), back.commodities, back.prices, back.assertions)
    assert arranged(back) == arranged(journal)
    assert write(arranged(journal)) == write(journal)
