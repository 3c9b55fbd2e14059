"""The real hledger as a second opinion: it reads the same texts, and our exports, and sees the same balances."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from financetracker.ledger.formats.hledger import read, write
from financetracker.ledger.formats.plain import AccountDirective, Assertion, Entry, Journal, Refused, arranged
from financetracker.ledger.money import EXACT, decimals
from tests.ledger.formats.conftest import Balances, Hledger
from tests.ledger.formats.test_hledger_writer import ROOTS, accounts, codes, days, entries

SAMPLES = Path(__file__).parent / "samples"
CODES = {"$": "USD", "": "CHF"}


def ours(journal: Journal) -> Balances:
    """Every amount of every account. Legs that only round stand in no file, so hledger cannot know them."""
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    with localcontext(EXACT):
        for entry in journal.entries:
            for leg in entry.legs:
                if not leg.rounding:
                    sums[leg.account, leg.commodity] += leg.amount
    return {key: value for key, value in sums.items() if value}


@pytest.mark.parametrize("name", ["household", "plain"])
def test_a_file_its_reading_and_our_export_of_it_agree(oracle: Hledger, name: str) -> None:
    text = (SAMPLES / f"{name}.journal").read_text(encoding="utf-8")
    journal = read(text, filename=name, commodities=CODES)
    export = write(journal)
    assert ours(journal) == oracle.balances(text, CODES)
    assert ours(journal) == oracle.balances(export)
    assert oracle.run(export, "check", "accounts", "assertions").returncode == 0
    assert arranged(read(export, filename="export")) == arranged(journal)


def test_a_changed_amount_is_noticed(oracle: Hledger) -> None:
    """The comparison can fail."""
    text = (SAMPLES / "plain.journal").read_text(encoding="utf-8")
    journal = read(text, filename="plain", commodities=CODES)
    assert ours(journal) != oracle.balances(text.replace("45.5\n", "45.6\n").replace("-645.75", "-645.85"), CODES)


NUMBERS = [
    "1", "1.5", "1,5", ".5", "1.", "0.125", "1234.567", "1,234.50", "1.234,50", "1 234,50", "1,234,567",
    "12,34,567.00", "1,000", "1.000",
]  # fmt: skip
ABOVE = [
    "", "decimal-mark .", "decimal-mark ,", "commodity 1,000.00 EUR", "commodity 1.000,00 EUR",
    "commodity 1000. EUR", "commodity 1.000,00 USD", "D 1,000.00 EUR", "D 1.000,00 USD",
    "D 1,000.00 USD\ncommodity 1.000,00 EUR", "commodity EUR\n  format 1.000,00 EUR",
    "decimal-mark ,\ncommodity 1,000.00 EUR",
]  # fmt: skip


@pytest.mark.parametrize("above", ABOVE)
def test_numbers_mean_the_same_or_are_refused(oracle: Hledger, above: str) -> None:
    accepted, expected = [above], {}
    for number in NUMBERS:
        for amount in (f"{number} EUR", f"EUR -{number}", f"-{number}"):
            entry = f"2024-01-31\n  assets:{len(accepted)}  {amount}\n  equity:{len(accepted)}\n"
            with suppress(Refused):
                expected |= ours(read(f"{above}\n{entry}", filename="x", commodities=CODES))
                accepted.append(entry)
    assert len(accepted) > 20
    assert expected == oracle.balances("\n".join(accepted), CODES)


@pytest.mark.parametrize(
    "postings",
    [
        ["1 EUR", "-2 USD"],
        ["-2 USD", "1 EUR"],
        ["-2 USD", "1 EUR", "1 EUR"],
        ["1.00 EUR", "2.00 EUR", "-1.00 USD"],
        ["3 CHF", "-3 CHF", "1 EUR", "-2 GBP"],
        ["1 EUR", "-0.5 EUR", "-2 GBP"],
        ["1 EUR", "2 GBP", ""],
        ["1 EUR @ 2 USD", "2 GBP", ""],
        ["1 EUR @ 2 USD", "-1 EUR @ 3 USD", ""],
        ["3 HOOL @ 11.2345 USD", ""],
        ["-1 EUR @@ 2 USD", ""],
        ["1 EUR @@ 0 USD", ""],
        ["1 EUR@2USD", ""],
        ["10 HOOL @ 3.3333 USD", "-33.33 USD"],
        ["10 HOOL @ 3.04 USD", "-30 USD"],
        ["1 HOOL @@ 10.001 USD", "-10.00 USD"],
        ["0 EUR", "1 EUR", ""],
        ["= 2 EUR", ""],
        ["= 2 EUR", "= -3 EUR", ""],
        ["1 EUR", "= -1 EUR"],
        ["10 EUR", "= -15 USD"],
    ],
)
def test_postings_mean_the_same(oracle: Hledger, postings: list[str]) -> None:
    text = "2024-01-31\n" + "".join(f"  assets:{i}  {amount}\n" for i, amount in enumerate(postings))
    journal = read(text, filename="x")
    assert ours(journal) == oracle.balances(text)
    assert ours(journal) == oracle.balances(write(journal))


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-31\n  assets:a  1 EUR\n",
        "2024-01-31\n  assets:a  1 EUR\n  assets:b  2 USD\n",
        "2024-01-31\n  assets:a\n  assets:b\n",
        "2024-01-31\n  assets:a  10 HOOL @ 3.34 USD\n  assets:b  -33.33 USD\n",
        "commodity 1000.00 EUR\n2024-01-31\n  assets:a  1.0051 EUR\n  assets:b  -1 EUR\n",
        "2024-01-31\n  assets:a  1 EUR @ 1.3333 USD\n  assets:b  -1 GBP @ 1.333 USD\n",
        "2024-01-31\n  assets:a  1 EUR @@ 1 USD\n  assets:b  1 GBP\n  assets:c  -2 USD\n",
        "2024-01-02\n  assets:a  1 EUR = 1 EUR\n  assets:b\n2024-01-01\n  assets:a  2 EUR\n  assets:b\n",
        "2024-01-01\n  assets:a  1 EUR = 2 EUR\n  assets:a  1 EUR\n  assets:b\n",
        "2024-01-01\n  assets:a  1.2 EUR = 1 EUR\n  assets:b\n",
        "2024-01-01\n  assets:a  1 USD\n  assets:a  1 EUR == 1 EUR\n  assets:b\n",
        "2024-01-01\n  assets:a  1 EUR =* 2 EUR\n  assets:a:x  1 EUR\n  assets:b\n",
        "2023-02-30\n  assets:a  1 EUR\n  assets:b\n",
        "2024-01-31\n  assets:a  1_000 EUR\n  assets:b\n",
        "2024-01-31\n  assets:a  1 A1\n  assets:b\n",
        "2024-01-31\n\n  assets:a  1 EUR\n  assets:b\n",
        "2024-01-31 (1\n  assets:a  1 EUR\n  assets:b\n",
        "account assets:a  ; type: Z\n",
        "commodity 1000 EUR\n",
        "comment x\n",
        "end comment\n",
        "hello\n",
    ],
)
def test_what_hledger_refuses_is_refused(oracle: Hledger, text: str) -> None:
    assert oracle.refuses(text)
    with pytest.raises(Refused):
        read(text, filename="x")


@pytest.mark.parametrize("comment", ["date: 2024-02-01", "on [2/1]", "x, date:2/1"])
def test_a_posting_with_its_own_date_would_count_on_another_day(oracle: Hledger, comment: str) -> None:
    text = f"2024-01-31\n  assets:a  1 EUR ; {comment}\n  assets:b\n"
    assert "2024-02-01" in oracle.run(text, "register", "assets:a").stdout
    with pytest.raises(Refused, match="a date of its own"):
        read(text, filename="x")


def test_no_text_of_ours_moves_a_posting_to_another_day(oracle: Hledger) -> None:
    """Texts that hledger would take for a date or a tag are hidden from it."""
    text = "2024-01-31\n  assets:a  1 EUR\n  income\n"
    entry = read(text, filename="x").entries[0]
    traps = {"date": "2024-02-01", "date2": "x", "note": "[2/1]", "a b": "date:2024-02-01"}
    legs = tuple(replace(leg, memo="date: 2024-02-01 [2/1]", metadata=traps) for leg in entry.legs)
    export = write(Journal(entries=(Entry(entry.date, notes="date: x", metadata=traps, legs=legs),)))
    register = oracle.run(export, "register").stdout
    assert register.count("2024-01-31") == 1
    assert "2024-02" not in register
    assert read(export, filename="x").entries[0].legs == legs


def types(oracle: Hledger, names: Iterable[str]) -> dict[str, str]:
    done = oracle.run("".join(f"account {name}\n" for name in names), "accounts", "--types")
    found = [line.partition("    ; type: ") for line in done.stdout.splitlines()]
    return {name.strip(): kind.strip() for name, _, kind in found}


def test_roots_have_the_types_hledger_gives_them(oracle: Hledger) -> None:
    kinds = ["asset", "asset", "liability", "equity", "equity", "income", "expense"]
    letters = dict(zip("ACLEVRX", kinds, strict=True))
    names = (
        "asset ASSETS Assets:Bank debt Debts:x liability Liabilities equity equity:trading income Incomes revenue "
        "REVENUES:x expense expenses:y equities assetsx cash"
    )
    for name, letter in types(oracle, names.split()).items():
        text = f"2024-01-31\n  {name}  1 EUR\n  equity:opening\n"
        if letter:
            assert read(text, filename="x").accounts[0].type == letters[letter], name
        else:
            with pytest.raises(Refused, match=f"the type of account “{name}” is not known"):
                read(text, filename="x")


@st.composite
def books(draw: st.DrawFn) -> Journal:
    """Books with all the names and texts there are; hledger's JSON shows ten decimals, so amounts have no more."""
    booked = [
        entry
        for entry in draw(st.lists(entries(), min_size=1, max_size=4))
        if all(decimals(leg.amount) <= 10 for leg in entry.legs)
    ]
    names = {leg.account for entry in booked for leg in entry.legs}
    said = draw(st.lists(st.builds(Assertion, accounts, days, codes, st.integers(-2, 2).map(Decimal)), max_size=2))
    names |= {one.account for one in said}
    kinds = [AccountDirective(name, ROOTS[name.partition(":")[0]]) for name in sorted(names)]
    return Journal(entries=tuple(booked), accounts=tuple(kinds), assertions=tuple(said))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(books())
def test_hledger_reads_every_export(oracle: Hledger, journal: Journal) -> None:
    export = write(journal)
    spelled = spellings(export, journal)
    expected = ours(Journal(entries=tuple(map(counted, journal.entries))))
    assert oracle.balances(export) == {(spelled[name], code): value for (name, code), value in expected.items()}


def counted(entry: Entry) -> Entry:
    """The same entry with every leg counted: one that rounds is an ordinary posting in an export."""
    return replace(entry, legs=tuple(replace(leg, rounding=False) for leg in entry.legs))


def spellings(export: str, journal: Journal) -> dict[str, str]:
    """How each account of a journal is spelled in its export: its directives stand in the journal's order."""
    written = [line.removeprefix("account ") for line in export.splitlines() if line.startswith("account ")]
    return dict(zip((account.name for account in journal.accounts), written, strict=True))
