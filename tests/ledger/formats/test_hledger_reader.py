"""What the reader of hledger's journal makes of a text, and what it refuses: line and reason."""

import time
from contextlib import suppress
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from financetracker.ledger.formats.hledger import read
from financetracker.ledger.formats.plain import (
    AccountDirective,
    CommodityDirective,
    Entry,
    Journal,
    Leg,
    Price,
    Refused,
    decode,
    finest,
    identify,
)


def the(text: str, **options: object) -> Journal:
    return read(text, filename="the.journal", **options)  # type: ignore[arg-type]


def only(text: str, **options: object) -> Entry:
    (entry,) = the(text, **options).entries
    return entry


def legs(entry: Entry) -> list[tuple[str, str, str]]:
    """Account, amount and weight of each leg, the weight only where it is not the amount."""
    return [
        (
            leg.account,
            f"{leg.amount} {leg.commodity}",
            "" if leg.commodity == leg.weight_commodity else f"{leg.weight} {leg.weight_commodity}",
        )
        for leg in entry.legs
    ]


def refusals(text: str, **options: object) -> list[str]:
    with pytest.raises(Refused) as caught:
        the(text, **options)
    for error in caught.value.errors:
        assert str(error).startswith(f"the.journal:{error.line}: " if error.line else "the.journal: ")
    assert str(caught.value) == "\n".join(map(str, caught.value.errors))
    return [f"{error.line}: {error.reason}" for error in caught.value.errors]


def one_posting(rest: str) -> str:
    return f"2024-01-31\n  assets:bank{rest}\n  equity:opening\n"


# --- transactions ------------------------------------------------------------------------------------------------


def test_a_transaction_with_everything() -> None:
    entry = only(
        "2024/1/31 * (INV 7) Greengrocer | weekly shop  ; trip:, order: 12\n"
        "    ; paid in a hurry\n"
        "\t; see page 3\n"
        "  ! Expenses:Food and drink   12.50 EUR  ; apples\n"
        "      ; weight: 3 kg, and pears\n"
        "  Assets:Cash  EUR -12.50\n"
    )
    assert entry == Entry(
        date=date(2024, 1, 31),
        status="*",
        code="INV 7",
        payee="Greengrocer",
        narration="weekly shop",
        tags=("trip",),
        metadata={"order": "12"},
        notes="paid in a hurry\nsee page 3",
        legs=(
            Leg(
                "Expenses:Food and drink",
                Decimal("12.50"),
                "EUR",
                Decimal("12.50"),
                "EUR",
                memo="apples\nweight: 3 kg, and pears",
                metadata={"weight": "3 kg", "mark": "!"},
            ),
            Leg("Assets:Cash", Decimal("-12.50"), "EUR", Decimal("-12.50"), "EUR", state="cleared"),
        ),
    )
    assert entry.line == 1
    assert [leg.line for leg in entry.legs] == [4, 6]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("2024-01-31", ("", "", "", "", "")),
        ("2024-01-31 Shop", ("", "", "Shop", "", "")),
        ("2024.01.31 *Shop", ("*", "", "Shop", "", "")),
        ("2024-01-31 ! (1) Shop", ("!", "1", "Shop", "", "")),
        ("2024-01-31 (a;b(c) Shop", ("", "a;b(c", "Shop", "", "")),
        ("2024-01-31 () Shop", ("", "", "Shop", "", "")),
        ("2024-01-31 *(1) Shop", ("*", "", "(1) Shop", "", "")),
        ("2024-01-31 * ! Shop", ("*", "", "! Shop", "", "")),
        ("2024-01-31 Shop (1)", ("", "", "Shop (1)", "", "")),
        ("2024-01-31 Shop | one | two", ("", "", "Shop", "one | two", "")),
        ("2024-01-31 | one", ("", "", "", "one", "")),
        ("2024-01-31 Shop |", ("", "", "Shop", "", "")),
        ("2024-01-31 A\tshop", ("", "", "A shop", "", "")),
        ("2024-01-31 A  shop;said", ("", "", "A  shop", "", "said")),
        ("2024-01-31 = 3", ("", "", "= 3", "", "")),
        ("2024-01-31\tShop ; a ; b", ("", "", "Shop", "", "a ; b")),
    ],
)
def test_first_lines(head: str, expected: tuple[str, ...]) -> None:
    entry = only(f"{head}\n  assets:bank  1 EUR\n  income:pay\n")
    assert (entry.status, entry.code, entry.payee, entry.narration, entry.notes) == expected


@pytest.mark.parametrize(
    ("comment", "tags", "metadata", "notes"),
    [
        ("a:, b:", ("a", "b"), {}, ""),
        ("a: x y , b:z", (), {"a": "x y", "b": "z"}, ""),
        ("bought for a:1", (), {"a": "1"}, "bought for a:1"),
        ("a:1, a:2", (), {"a": "1, 2"}, ""),
        ("a:, a:", ("a",), {}, ""),
        ("see http://x.y/z", (), {"http": "//x.y/z"}, "see http://x.y/z"),
        ("a : b", (), {}, "a : b"),
        (":b", (), {}, ":b"),
        (",", (), {}, ","),
        ("a:b, ,", (), {"a": "b"}, ""),
        ("a::b", (), {"a": ":b"}, ""),
        ("a:b;c:d", (), {"a": "b;c:d"}, ""),
        ("#7:", (), {"#7": ""}, ""),
        ("[2024-02-01]", (), {}, "[2024-02-01]"),
        ("date: 2024-02-01", (), {"date": "2024-02-01"}, ""),
        ("ft-tag: x%20y, ft-meta: a%3Db=1%2C2", (), {"x y": "", "a=b": "1,2"}, ""),
    ],
)
def test_tags_in_comments(comment: str, tags: tuple[str, ...], metadata: dict[str, str], notes: str) -> None:
    entry = only(f"2024-01-31 ; {comment}\n  assets:bank  1 EUR\n  income:pay\n")
    assert (entry.tags, entry.metadata, entry.notes) == (tags, metadata, notes)


@pytest.mark.parametrize(
    ("above", "below", "state", "metadata"),
    [
        ("", "", "uncleared", {}),
        ("* ", "", "cleared", {}),
        ("! ", "", "uncleared", {}),
        ("", "* ", "cleared", {}),
        ("", "*", "cleared", {}),
        ("* ", "! ", "uncleared", {"mark": "!"}),
        ("! ", "! ", "uncleared", {}),
        ("! ", "* ", "cleared", {}),
    ],
)
def test_marks_of_transactions_and_postings(above: str, below: str, state: str, metadata: dict[str, str]) -> None:
    entry = only(f"2024-01-31 {above}x\n  {below}assets:bank  1 EUR\n  income:pay\n")
    assert (entry.legs[0].state, entry.legs[0].metadata) == (state, metadata)


def test_account_names_end_at_two_spaces_or_a_tab_after_one() -> None:
    entry = only(
        "2024-01-31\n  assets:my bank (old)\t \t1 EUR\n\tassets:b\u00a0c \t 2 EUR\n"
        " assets:d;e  3 EUR\n assets:cash   ; x\n"
    )
    assert [leg.account for leg in entry.legs] == [
        "assets:my bank (old)",
        "assets:b c",
        "assets:d;e",
        "assets:cash",
    ]
    assert entry.legs[3].memo == "x"


def test_one_space_before_an_amount_is_remarked() -> None:
    journal = the("2024-01-31\n  expenses:food 12.50 EUR\n  assets:cash  -12.50 EUR\n")
    assert journal.entries[0].legs[0].account == "expenses:food 12.50 EUR"
    assert [(remark.line, remark.text) for remark in journal.remarks] == [
        (2, "“12.50 EUR” is read as part of the account's name, as hledger does")
    ]


def test_windows_ends_of_lines_a_byte_order_mark_and_no_last_line_break() -> None:
    text = decode(
        b"\xef\xbb\xbf2024-01-31 x ; a:b\r\n  assets:bank  1 EUR\r\n  income:pay", filename="the.journal"
    )
    assert only(text).metadata == {"a": "b"}
    assert only("\ufeff" + text).metadata == {"a": "b"}


def test_comments_of_the_file_say_nothing() -> None:
    journal = the(
        "; one\n# two\n* three\n   ; four\n\ncomment\n2024-01-31 not read\nend comment\n"
        "2024-01-31\n  assets:bank  1 EUR\n  income:pay\n; five\ncomment\nto the end\n"
    )
    assert len(journal.entries) == 1
    assert journal.remarks == ()


# --- amounts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "amount", "code"),
    [
        ("1 EUR", "1", "EUR"),
        ("1EUR", "1", "EUR"),
        ("EUR1", "1", "EUR"),
        ("EUR 1.50", "1.50", "EUR"),
        ("-1 EUR", "-1", "EUR"),
        ("+1 EUR", "1", "EUR"),
        ("- 1 EUR", "-1", "EUR"),
        ("$-1", "-1", "USD"),
        ("-$1", "-1", "USD"),
        ("- $ 1", "-1", "USD"),
        ("-$-1", "1", "USD"),
        ("US$ 1", "1", "USD"),
        ('1 "ACME 1"', "1", "ACME 1"),
        ('"ACME 1" -1', "-1", "ACME 1"),
        ("1.5 EUR", "1.5", "EUR"),
        ("1,5 EUR", "1.5", "EUR"),
        (".5 EUR", "0.5", "EUR"),
        ("1. EUR", "1", "EUR"),
        ("1, EUR", "1", "EUR"),
        ("0.125 EUR", "0.125", "EUR"),
        ("1234.567 EUR", "1234.567", "EUR"),
        ("1,234.50 EUR", "1234.50", "EUR"),
        ("1.234,50 EUR", "1234.50", "EUR"),
        ("1 234,50 EUR", "1234.50", "EUR"),
        ("1 234 567 EUR", "1234567", "EUR"),
        ("12,34,567.00 EUR", "1234567.00", "EUR"),
        ("1,234,567 EUR", "1234567", "EUR"),
        ("1E EUR", "1", "E EUR"),
        ("12345678901234567890.123456789012345678 EUR", "12345678901234567890.123456789012345678", "EUR"),
    ],
)
def test_amounts(written: str, amount: str, code: str) -> None:
    text = one_posting(f"  {written}")
    if code == "E EUR":
        assert "left over" in refusals(text)[0]
        return
    entry = only(text, commodities={"$": "USD", "US$": "USD"})
    assert legs(entry)[0] == ("assets:bank", f"{amount} {code}", "")
    assert entry.legs[1].amount == Decimal(amount).copy_negate()


@pytest.mark.parametrize(
    ("above", "written", "amount"),
    [
        ("commodity 1,000.00 EUR", "1,000 EUR", "1000"),
        ("commodity 1.000,00 EUR", "1,000 EUR", "1.000"),
        ("commodity 1000.00 EUR", "1,000 EUR", "1000"),
        ("commodity EUR\n  format 1.000,00 EUR", "1.000 EUR", "1000"),
        ("commodity 1,000.00 USD", "1,000 EUR", None),
        ("D 1,000.00 USD", "1,000 EUR", "1000"),
        ("D 1,000.00 USD\ncommodity 1.000,00 EUR", "1,000 EUR", "1.000"),
        ("decimal-mark .", "1,000 EUR", "1000"),
        ("decimal-mark , ; comment", "1,000 EUR", "1.000"),
        ("decimal-mark ,\ncommodity 1,000.00 EUR", "1.000 EUR", "1000"),
        ("decimal-mark ,", "1000. EUR", "1000"),
        ("commodity 1,000.00 EUR", "1.000,50 EUR", "1000.50"),
        # the rest of the file shows what its marks mean
        ("2023-01-01\n  assets:bank  1.50 USD\n  income:pay\n", "1.000 EUR", "1.000"),
        ("2023-01-01\n  assets:bank  1,50 USD\n  income:pay\n", "1.000 EUR", None),
        ("2023-01-01\n  assets:bank  1.50 USD\n  assets:bank  1.000,00 EUR\n  income:pay\n", "1.000 EUR", None),
        ("", "1.000 EUR", None),
        ("", "123,456 EUR", None),
        ("commodity 1,000.00 EUR", "1000,50 EUR", None),
        ("commodity 1,000.00 EUR", "1,50 EUR", None),
    ],
)
def test_the_decimal_mark(above: str, written: str, amount: str | None) -> None:
    text = f"{above}\n" + one_posting(f"  {written}")
    if amount is None:
        line = text.count("\n") - 1
        assert refusals(text)[0].startswith(f"{line}: “{written.split(maxsplit=1)[0]}”")
    else:
        assert the(text).entries[-1].legs[0].amount == Decimal(amount)


def test_a_directive_speaks_only_for_what_follows_it() -> None:
    after = one_posting("  1,000 EUR") + "commodity 1,000.00 EUR\n"
    assert refusals(after) == [
        "2: “1,000” may mean thousands or decimals: say which with “decimal-mark .” or “decimal-mark ,” "
        "at the top of the file, or with a commodity directive"
    ]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("1_000 EUR", "“000 EUR” is left over"),
        ("１２ EUR", "“１２ EUR” is no amount"),
        ("1２ EUR", "“２ EUR” is left over"),
        ("NaN EUR", "“NaN EUR” is no amount"),
        ("Infinity", "“Infinity” is no amount"),
        ("1E3 EUR", "“1E…” is in scientific notation"),
        ("1e-3", "“1E…” is in scientific notation"),
        ("--1 EUR", "“--1 EUR” is no amount"),
        ("1-1 EUR", "“-1 EUR” is left over"),
        ("1'000 EUR", "“000 EUR” is left over"),
        ("1\u00a0000 EUR", "“000 EUR” is left over"),
        ("1,234,56 EUR", "“1,234,56”: a digit is missing in the last group"),
        ("1 00 EUR", "“1 00”: a digit is missing in the last group"),
        ("1 2 EUR", "“1 2” groups its digits in no known way"),
        ("1,000.000,00 EUR", "“1,000.000,00” groups its digits in no known way"),
        ("1.000.5 EUR", "“1.000.5” groups its digits in no known way"),
        ("1..5 EUR", "“1..5” groups its digits in no known way"),
        ("1,000 000 EUR", "“1,000 000” has a space behind its decimal mark"),
        ("123456789012345678901 EUR", "“123456789012345678901” is too large: at most 20 digits"),
        ("1" * 40 + " EUR", "“1111111111111111111111111111111111111111” is too large"),
        ("0.1234567890123456789 EUR", "“0.1234567890123456789” has more than 18 decimal places"),
        ("1 A1", "“1” is left over"),
        ('1 "A', '“"A” is left over'),
        ("1 EUR {2 USD}", "lots in braces are not read"),
        ("1 EUR {{2 USD}}", "lots in braces are not read"),
        ("1 EUR [2024-01-01]", "lot dates are not read"),
        ("1 EUR (@) 2 USD", "@ and @@ in parentheses are not read"),
        ("1 EUR (@@) 2 USD", "@ and @@ in parentheses are not read"),
        ("(1 EUR * 2)", "an amount in parentheses is a calculation"),
        ("($10)", "an amount in parentheses is a calculation"),
        ("1 EUR @", "“” is no amount"),
        ("1 EUR @ x", "“x” is no amount"),
        ("1 EUR @ 2 USD @ 3 GBP", "a price stands once"),
        ("1 EUR = 1 EUR @ 2 USD", "a price stands once, and not behind an asserted balance"),
        ("1 EUR = 1 EUR = 1 EUR", "a posting asserts one balance"),
        ("1 EUR := 1 EUR", "assignments with := are not read"),
        ("1 EUR = ", "“” is no amount"),
        ("1 EUR # one", "“# one” is left over"),
        ("1 EUR  * x", "“* x” is left over"),
    ],
)
def test_amounts_that_are_refused(written: str, reason: str) -> None:
    got = refusals(one_posting(f"  {written}"))
    assert got[0].startswith(f"2: {reason}"), got


# --- what postings mean together ---------------------------------------------------------------------------------


def test_an_amount_left_out_becomes_a_leg_for_each_commodity() -> None:
    entry = only(
        "2024-01-31\n  assets:a  1.10 EUR\n  assets:b  2 GBP @ 1.5 USD\n"
        "  equity:x  ; why: because\n  assets:c  -3 CHF\n"
    )
    assert legs(entry) == [
        ("assets:a", "1.10 EUR", ""),
        ("assets:b", "2 GBP", "3 USD"),
        ("equity:x", "3 CHF", ""),
        ("equity:x", "-1.1 EUR", ""),
        ("equity:x", "-3 USD", ""),
        ("assets:c", "-3 CHF", ""),
    ]
    assert [leg.metadata for leg in entry.legs[2:5]] == [{"why": "because"}] * 3


def test_an_amount_left_out_keeps_every_digit() -> None:
    entry = only("2024-01-31\n  assets:a  3 HOOL @ 11.2345 USD\n  assets:b\n")
    assert legs(entry) == [("assets:a", "3 HOOL", "33.7035 USD"), ("assets:b", "-33.7035 USD", "")]


@pytest.mark.parametrize(
    ("posting", "weight"),
    [
        ("10 HOOL @ 3.33 USD", "33.3 USD"),
        ("10 HOOL @@ 33.30 USD", "33.3 USD"),
        ("-10 HOOL @ 3.33 USD", "-33.3 USD"),
        ("-10 HOOL @@ 33.30 USD", "-33.3 USD"),
        ("10 HOOL@3.33USD", "33.3 USD"),
        ("10 HOOL @ $3.33", "33.3 USD"),
        ("10 HOOL @@ 0 USD", "0 USD"),
        ("10 HOOL @ 0.00 USD", "0 USD"),
        ('10 HOOL @ "A 1" 2', "20 A 1"),
    ],
)
def test_prices(posting: str, weight: str) -> None:
    entry = only(one_posting(f"  {posting}"), commodities={"$": "USD"})
    assert legs(entry)[0][2] == weight


def test_what_is_open_goes_into_the_weight_of_the_largest_priced_leg() -> None:
    entry = only("2024-01-31\n  assets:a  10 HOOL @ 3.3333 USD\n  assets:b  -33.33 USD\n")
    assert legs(entry) == [("assets:a", "10 HOOL", "33.33 USD"), ("assets:b", "-33.33 USD", "")]
    entry = only(
        "2024-01-31\n  assets:a  3 HOOL @ 3.3333 USD\n  assets:a  7 HOOL @ 3.3333 USD\n"
        "  assets:a  9 GOOG @@ 90.00 USD\n  assets:b  -123.33 USD\n"
    )
    assert [weight for _, _, weight in legs(entry)[:3]] == ["9.9999 USD", "23.3301 USD", "90 USD"]


def test_what_is_open_without_a_price_becomes_a_leg_of_its_own() -> None:
    journal = the("commodity 1000.00 EUR\n2024-01-31\n  assets:a  1.004 EUR\n  assets:b  -1.00 EUR\n")
    assert legs(journal.entries[0])[2] == ("Equity:Rounding", "-0.004 EUR", "")
    assert [leg.rounding for leg in journal.entries[0].legs] == [False, False, True]
    assert [(remark.line, remark.text) for remark in journal.remarks] == [
        (2, "the 0.004 EUR its legs leave open go to Equity:Rounding")
    ]
    assert "Equity:Rounding" not in [account.name for account in journal.accounts]


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("  assets:a  1.005 EUR\n  assets:b  -1.00 EUR\n", False),
        ("commodity 1000.00 EUR;  assets:a  1.005 EUR\n  assets:b  -1.00 EUR\n", True),
        ("commodity 1000.00 EUR;  assets:a  1.0051 EUR\n  assets:b  -1.00 EUR\n", False),
        ("D 1000.00 EUR;  assets:a  1.005\n  assets:b  -1.00\n", True),
        ("  assets:a  10 HOOL @ 3.34 USD\n  assets:b  -33.33 USD\n", False),
        ("  assets:a  10 HOOL @ 3.3335 USD\n  assets:b  -33.33 USD\n", True),
        ("  assets:a  10 HOOL @ 3.33351 USD\n  assets:b  -33.33 USD\n", False),
        ("  assets:a  10 HOOL @ 3.04 USD\n  assets:b  -30 USD\n", True),
        ("P 2024-01-01 EUR 1.5 USD;  assets:a  10 HOOL @ 3.04 USD\n  assets:b  -30 USD\n", False),
        ("P 2024-01-01 EUR 1.555 USD;  assets:a  10 HOOL @ 3.0004 USD\n  assets:b  -30.00 USD\n", True),
        ("  assets:a  1 EUR @ 1.3333 USD\n  assets:b  -1 GBP @ 1.333 USD\n", False),
        ("  assets:a  1 HOOL @@ 10.001 USD\n  assets:b  -10.00 USD\n", True),
    ],
)
def test_the_tolerance(text: str, accepted: bool) -> None:
    above, _, postings = text.rpartition(";")
    whole = f"{above}\n2024-01-31\n{postings}"
    if accepted:
        assert len(the(whole).entries) == 1
    else:
        (reason,) = refusals(whole)
        assert reason.startswith("2: this transaction does not balance: its postings sum to ")


def test_products_finer_than_the_books_are_rounded_into_the_weights() -> None:
    entry = only(
        "2024-01-31\n  assets:a  1.23456789012 ETH @ 0.0691234567891 BTC\n"
        "  assets:a  2.23456789012 ETH @ 0.0691234567891 BTC\n  assets:b  -0.239799 BTC\n"
    )
    assert sum((leg.weight for leg in entry.legs), Decimal(0)) == 0
    assert [leg.weight for leg in entry.legs[:2]] == [
        Decimal("0.085337600205920177"),
        Decimal("0.154461399794079823"),
    ]


@pytest.mark.parametrize(
    ("postings", "expected"),
    [
        (["1 EUR", "-2 USD"], ["2 USD", ""]),
        (["-2 USD", "1 EUR"], ["-1 EUR", ""]),
        (["-2 USD", "1 EUR", "1 EUR"], ["-2 EUR", "", ""]),
        (["1.00 EUR", "2.00 EUR", "-1.00 USD"], ["0.33 USD", "0.67 USD", ""]),
        (["1 EUR", "2 EUR", "-1 USD"], ["0.3 USD", "0.7 USD", ""]),
        (["3 CHF", "-3 CHF", "1 EUR", "-2 GBP"], ["", "", "2 GBP", ""]),
        (["1 EUR", "-0.5 EUR", "-2 GBP"], ["4 GBP", "-2 GBP", ""]),
    ],
)
def test_two_commodities_without_a_price_pay_for_each_other(postings: list[str], expected: list[str]) -> None:
    entry = only("2024-01-31\n" + "".join(f"  assets:{i}  {amount}\n" for i, amount in enumerate(postings)))
    assert [
        f"{leg.weight.normalize():f} {leg.weight_commodity}" if weight else ""
        for leg, (_, _, weight) in zip(entry.legs, legs(entry), strict=True)
    ] == expected
    assert sum(leg.weight for leg in entry.legs if leg.weight_commodity == entry.legs[-1].commodity) == 0


@pytest.mark.parametrize(
    ("postings", "reason"),
    [
        (["1 EUR"], "this transaction does not balance: its postings sum to 1 EUR"),
        (["1 EUR", "-2 EUR"], "this transaction does not balance: its postings sum to -1 EUR"),
        (["1 EUR", "2 USD"], "two commodities without a price both have the same sign"),
        (
            ["1 EUR", "1 GBP", "-1 USD"],
            "this transaction does not balance: its postings sum to 1 EUR, 1 GBP, -1 USD",
        ),
        (["1 EUR @@ 1 USD", "1 GBP", "-2 USD"], "this transaction does not balance"),
        (["", ""], "the amount is left out of 2 postings"),
        (["1 EUR @ 2 EUR", ""], "line 3: EUR has a price in itself"),
        (["1 EUR @ -2 USD", ""], "line 3: a price is not below zero"),
        (["-1 EUR @@ -2 USD", ""], "line 3: a price is not below zero"),
        (["0 EUR @@ 2 USD", ""], "line 3: nothing was bought, but it has a price"),
        (["== 2 EUR", ""], "line 3: == without an amount is not read"),
        (["1 EUR @ 2 USD", "= -2 USD"], "line 4 assigns a balance beside a price"),
        (
            ["0.123456789012345678 EUR @ 1.5 USD", ""],
            "line 4: the amount left out needs 0.185185183518518517, which",
        ),
    ],
)
def test_sums_that_are_refused(postings: list[str], reason: str) -> None:
    text = "\n2024-01-31\n" + "".join(f"  assets:{i}  {amount}\n" for i, amount in enumerate(postings))
    if postings[0].startswith("0.1234"):
        text = text.replace("@ 1.5", "@ 1.5555")
        reason = "line 4: the amount left out needs "
    (got,) = refusals(text)
    assert got.startswith(f"2: {reason}"), got


def test_a_rest_that_would_turn_a_price_is_refused() -> None:
    postings = "  assets:a  1 H @@ 0.002 USD\n  assets:b  1.002 USD\n  income  -1.00 USD\n"
    assert refusals("commodity 1000.00 USD\n2024-01-31\n" + postings) == [
        "2: what is open, 0.004 USD, is more than any price holds"
    ]


def test_computed_amounts_beyond_the_bounds_are_refused() -> None:
    text = "2024-01-31\n  assets:a  99999999999999999999 EUR @ 10 USD\n  assets:b\n"
    assert refusals(text) == [f"{line}: an amount here has more than 20 digits" for line in (2, 3)]


def test_postings_of_zero_are_left_out_and_said() -> None:
    journal = the(
        "2024-01-31 x\n  assets:a  1 EUR\n  expenses:fee  0\n  income:x  -1 EUR\n  income:y\n"
        "2024-02-01 y\n  assets:a  0 EUR\n  ; nothing\n2024-02-02 z\n"
    )
    assert [leg.account for leg in journal.entries[0].legs] == ["assets:a", "income:x"]
    assert len(journal.entries) == 1
    assert [(remark.line, remark.text) for remark in journal.remarks] == [
        (3, "a posting of zero to expenses:fee is left out"),
        (5, "a posting of zero to income:y is left out"),
        (6, "a transaction that moves nothing is left out"),
        (7, "a posting of zero to assets:a is left out"),
        (9, "a transaction that moves nothing is left out"),
    ]


# --- balances asserted and assigned ------------------------------------------------------------------------------


def asserted(journal: Journal) -> list[tuple[str, str, str, bool]]:
    return [
        (said.account, said.date.isoformat(), f"{said.amount} {said.commodity}", said.include_children)
        for said in journal.assertions
    ]


def test_assertions_are_checked_in_the_order_of_days() -> None:
    journal = the(
        "2024-01-02\n  assets:a  1 EUR = 3 EUR\n  income:x\n2024-01-01\n  assets:a  2 EUR = 2 EUR\n  income:x\n"
    )
    assert asserted(journal) == [
        ("assets:a", "2024-01-02", "3 EUR", False),
        ("assets:a", "2024-01-01", "2 EUR", False),
    ]
    assert [said.position for said in journal.assertions] == [0, 1]
    assert [entry.date.day for entry in journal.entries] == [2, 1]


def test_an_assertion_of_everything_falls_when_something_else_arrives() -> None:
    journal = the(
        "2024-01-01\n  assets:a  1 EUR == 1 EUR\n  income:x\n2024-01-01\n  assets:a  1 USD\n  income:x\n"
    )
    assert journal.assertions == ()
    assert journal.entries[0].legs[0].metadata == {"assertion": "== 1 EUR"}


def test_an_assertion_that_does_not_hold_at_the_end_of_the_day_stays_with_its_leg() -> None:
    journal = the(
        "2024-01-01\n  assets:a  1 EUR = 1 EUR\n  income:x\n2024-01-01\n  assets:a  2 EUR = 3 EUR\n  income:x\n"
        "2024-01-01\n  assets:b  0 EUR = 0 EUR\n2024-01-01\n  assets:b  1 EUR = 1 EUR\n  income:x\n"
    )
    assert asserted(journal) == [
        ("assets:a", "2024-01-01", "3 EUR", False),
        ("assets:b", "2024-01-01", "1 EUR", False),
    ]
    assert journal.entries[0].legs[0].metadata == {"assertion": "= 1 EUR"}
    assert [(remark.line, remark.text) for remark in journal.remarks] == [
        (7, "a transaction that moves nothing is left out"),
        (8, "assets:b = 0 EUR holds here but not at the end of the day: left out"),
    ]


def test_assertions_with_sub_accounts_and_of_everything() -> None:
    journal = the(
        "2024-01-01\n  assets:a:x  1 EUR\n  assets:ab  5 EUR\n  assets:a  2 EUR =* 3 EUR\n  income:x\n"
        "2024-01-02\n  assets:a  3 USD\n  assets:a  -3 USD\n  assets:a  0 EUR == 2 EUR ; why: count\n"
        "2024-01-03\n  assets:a  1 EUR ==* 4 EUR\n  income:x\n"
    )
    assert asserted(journal) == [
        ("assets:a", "2024-01-01", "3 EUR", True),
        ("assets:a", "2024-01-02", "2 EUR", False),
        ("assets:a", "2024-01-02", "0 USD", False),
        ("assets:a", "2024-01-03", "4 EUR", True),
        ("assets:a", "2024-01-03", "0 USD", True),
    ]
    assert [said.metadata for said in journal.assertions] == [{}, {"why": "count"}, {"why": "count"}, {}, {}]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("  assets:a  1 EUR = 2 EUR\n  income:x\n", "3: assets:a holds 1 EUR here, not the asserted 2 (off by 1)"),
        ("  assets:a  1 EUR =* 2 EUR\n  income:x\n", "3: assets:a with its sub-accounts holds 1 EUR here, not"),
        (
            "  assets:a  1.2 EUR = 1 EUR\n  income:x\n",
            "3: assets:a holds 1.2 EUR here, not the asserted 1 (off by -0.2)",
        ),
        (
            "  assets:a  1 USD\n  assets:a  1 EUR == 1 EUR\n  income:x\n",
            "4: assets:a also holds USD here, which == denies",
        ),
        ("  assets:a  1 EUR = 1\n  income:x\n", "3: this balance names no commodity"),
        ("  assets:a  1 EUR = 0\n  income:x\n", "3: this balance names no commodity"),
        ("  assets:a  -3 EUR = 6 EUR\n  assets:b  -3 EUR\n  assets:a\n", "3: assets:a holds -3 EUR here"),
    ],
)
def test_assertions_that_are_refused(text: str, reason: str) -> None:
    assert refusals(f"\n2024-01-01\n{text}")[0].startswith(reason)


def test_balances_assigned_are_computed_in_the_order_of_days() -> None:
    journal = the(
        "2024-01-03\n  assets:a   = 5.00 EUR\n  income:x\n"
        "2024-01-01\n  assets:a  1 EUR\n  assets:a:b  1 EUR\n  income:x\n"
        "2024-01-04\n  assets:a  =* 7 EUR ; counted\n  income:x\n"
        "2024-01-05\n  assets:a  1 EUR\n  assets:a  = 9 EUR\n  assets:b  -3 EUR\n  income:x\n"
    )
    assert [legs(entry)[0][1] for entry in journal.entries] == ["4.00 EUR", "1 EUR", "1.00 EUR", "1 EUR"]
    assert legs(journal.entries[3])[1][1] == "2.00 EUR"
    assert asserted(journal)[0] == ("assets:a", "2024-01-03", "5.00 EUR", False)
    assert len(journal.assertions) == 3


def test_sums_are_told_before_assertions_which_they_would_upset() -> None:
    text = "2024-01-01\n  assets:a  1 EUR\n  income:x  -2 EUR\n2024-01-02\n  assets:a  1 EUR = 1 EUR\n  income:x\n"
    assert refusals(text) == ["1: this transaction does not balance: its postings sum to -1 EUR"]


# --- directives --------------------------------------------------------------------------------------------------


def test_account_directives() -> None:
    journal = the(
        "account Assets:Bank  ; type: C, iban: DE12\n    ; the good one\n    ; code: 7\n"
        "account Einkommen\n  ; type:R\n"
        "account Kosten:Brot  ; type: expense\n"
        "2024-01-31\n  Assets:Bank  1 EUR\n  Einkommen:Lohn\n"
    )
    assert journal.accounts == (
        AccountDirective("Assets:Bank", "asset", "the good one", {"iban": "DE12", "code": "7"}),
        AccountDirective("Einkommen", "income"),
        AccountDirective("Kosten:Brot", "expense"),
        AccountDirective("Einkommen:Lohn", "income"),
    )
    assert [account.line for account in journal.accounts] == [1, 4, 6, 9]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("assets", "asset"), ("ASSET:x", "asset"), ("Debts:x", "liability"), ("liability", "liability"),
        ("Liabilities:Card", "liability"), ("equity:conversion", "equity"), ("revenue", "income"),
        ("Revenues:x", "income"), ("income", "income"), ("expense:x", "expense"), ("Expenses", "expense"),
    ],
)  # fmt: skip
def test_types_of_english_roots(name: str, kind: str) -> None:
    journal = the(f"2024-01-31\n  {name}  1 EUR\n  equity:opening\n")
    assert journal.accounts[0] == AccountDirective(name, kind)  # type: ignore[arg-type]


def test_every_root_without_a_type_is_named_at_once() -> None:
    text = "2024-01-31\n  Bank:Giro  1 EUR\n  My Life  1 EUR\n  Bank  1 EUR\n  Bank:Giro  1 EUR\n  Essen\n"
    kinds = "asset, liability, equity, income, expense"
    assert refusals(text) == [
        f"2: the type of account “Bank” is not known: say --type Bank=TYPE with one of {kinds}",
        f"3: the type of account “My Life” is not known: say --type 'My Life=TYPE' with one of {kinds}",
        f"6: the type of account “Essen” is not known: say --type Essen=TYPE with one of {kinds}",
    ]
    journal = the(text, types={"Bank": "asset", "My Life": "equity", "Essen": "expense"})
    assert [account.type for account in journal.accounts] == ["asset", "equity", "asset", "expense"]


def test_sub_accounts_type_their_root_only_if_they_agree() -> None:
    text = "account x:a  ; type: A\naccount x:b  ; type: {}\n"
    assert [account.type for account in the(text.format("C")).accounts] == ["asset", "asset"]
    assert refusals(text.format("L"))[0].startswith("1: the type of account “x” is not known: say --type x=TYPE")


def test_a_mapping_wins_over_tags_and_names() -> None:
    text = "account assets  ; type: L\n2024-01-31\n  assets  1 EUR\n  equity\n"
    assert the(text).accounts[0].type == "liability"
    assert the(text, types={"assets": "expense"}).accounts[0].type == "expense"


def test_every_symbol_without_a_code_is_named_at_once() -> None:
    text = "P 2024-01-01 £ $2\n2024-01-31\n  assets:a  $1\n  assets:b  2 €\n  assets:c  3\n  equity:x\n"
    assert refusals(text) == [
        "1: “£” is no commodity code: say which it is with --commodity '£=CODE', like --commodity '£=USD'",
        "1: “$” is no commodity code: say which it is with --commodity '$=CODE', like --commodity '$=USD'",
        "4: “€” is no commodity code: say which it is with --commodity '€=CODE', like --commodity '€=USD'",
        "5: an amount has no commodity: say which it is with --commodity =CODE, like --commodity =USD, or with a "
        "D directive",
    ]
    journal = the(text, commodities={"$": "USD", "€": "EUR", "£": "GBP", "": "CHF"})
    assert [leg.commodity for leg in journal.entries[0].legs[:3]] == ["USD", "EUR", "CHF"]
    assert journal.prices[0] == Price("GBP", "USD", date(2024, 1, 1), Decimal(2))


def test_options_that_say_nothing_useful() -> None:
    text = one_posting("  $1")
    assert refusals(text, commodities={"$": "U$"}) == ["0: --commodity '$=U$': “U$” is no commodity code"]
    assert refusals(one_posting("  1 EUR"), types={"x": "thing"}) == [
        "0: --type x=thing: the types are asset, liability, equity, income, expense"
    ]


def test_commodity_directives() -> None:
    journal = the(
        "commodity $1,000.00  ; name: US dollar\n"
        'commodity "A 1"\n   format 1000.000 "A 1" ; c\n   ; kind: security\n   ; a note\n'
        "commodity EUR ; c\ncommodity 1000. JPY\ncommodity 1000.0\n",
        commodities={"$": "USD"},
    )
    assert journal.commodities == (
        CommodityDirective("USD", 2, {"name": "US dollar"}),
        CommodityDirective("A 1", 3, {"kind": "security", "notes": "a note"}),
        CommodityDirective("EUR", None, {"notes": "c"}),
        CommodityDirective("JPY", 0),
    )
    assert [said.style for said in journal.commodities] == ["$1,000.00", '1000.000 "A 1"', "EUR", "1000. JPY"]


def test_the_default_commodity_holds_from_its_directive_on() -> None:
    journal = the(
        "D $1,000.00\n2024-01-31\n  assets:a  1,000\n  assets:b  2 EUR @ 3\n  income:x\n"
        "D 1000.00 EUR\n2024-02-01\n  assets:a  1 = 1\n  income:x\n",
        commodities={"$": "USD"},
    )
    assert legs(journal.entries[0])[:2] == [("assets:a", "1000 USD", ""), ("assets:b", "2 EUR", "6 USD")]
    assert legs(journal.entries[1])[0] == ("assets:a", "1 EUR", "")
    assert asserted(journal) == [("assets:a", "2024-02-01", "1 EUR", False)]


def test_the_decimals_a_journal_needs() -> None:
    journal = the(
        "P 2024-01-31 GBP 1.123456 EUR\n"
        "2024-01-31\n  assets:a  3.00 HOOL @ 11.2345 USD\n  assets:b\n"
        "2024-02-01\n  assets:c  10 EUR\n  assets:d  -10.50 CHF\n  assets:c  0 EUR = 10.000 EUR\n"
    )
    assert finest(journal) == {"HOOL": 0, "USD": 4, "EUR": 0, "CHF": 1, "GBP": 0}
    assert legs(journal.entries[1])[0] == ("assets:c", "10 EUR", "10.50 CHF")


def test_prices_of_a_day() -> None:
    journal = the(
        'P 2024-01-31 EUR 1.10 USD  ; source: bank\nP 2024/1/31 "A 1" $12\n'
        "P 2024-01-31 EUR 1.20 USD ; source: paper\n"
        "P 2024-02-01 12:30:00 EUR $1,10\nP 2024-02-01 EUR 1.11 USD\nP 2024-02-01 EUR 1.11 USD\n",
        commodities={"$": "USD"},
    )
    day, later = date(2024, 1, 31), date(2024, 2, 1)
    assert journal.prices == (
        Price("EUR", "USD", day, Decimal("1.10"), {"source": "bank"}),
        Price("A 1", "USD", day, Decimal(12)),
        Price("EUR", "USD", day, Decimal("1.20"), {"source": "paper"}),
        Price("EUR", "USD", later, Decimal("1.11")),
    )
    assert [(remark.line, remark.text) for remark in journal.remarks] == [
        (4, "the time 12:30:00 of a price is left out: a price is one of a day"),
        (4, "this price is left out: line 5 has a later one for the same day"),
    ]


REFUSED_LINES = [
    ("~ monthly\n  assets:a  1 EUR\n  income:x", 1, "periodic transactions are not read"),
    ("= expenses\n  assets:a  *1", 1, "automated postings are not read"),
    ("include other.journal", 1, "other files are not read along"),
    ("alias a = b", 1, "aliases are not read"),
    ("end aliases", 1, "nothing is open here"),
    ("apply account x", 1, "apply directives are not read"),
    ("end apply account", 1, "nothing is open here"),
    ("Y2024", 1, "a default year is not read"),
    ("Y 2024", 1, "a default year is not read"),
    ("payee Shop", 1, "payee directives are not read"),
    ("tag trip", 1, "tag directives are not read"),
    ("end comment", 1, "nothing is open here"),
    ("comment x", 1, "this is neither a transaction nor a directive"),
    ("hello", 1, "this is neither a transaction nor a directive"),
    ("!account x", 1, "this is neither a transaction nor a directive"),
    ("N $", 1, "this is neither a transaction nor a directive"),
    ("i 2024-01-01 08:00:00 work", 1, "this is neither a transaction nor a directive"),
    ("bucket assets:a", 1, "this is neither a transaction nor a directive"),
    ("２024-01-31 x", 1, "this is neither a transaction nor a directive"),
    ("  2024-01-31 x", 1, "this indented line belongs to nothing above it"),
    ("2024-01-31 x\n\n  assets:a  1 EUR", 3, "this indented line belongs to nothing above it"),
    ("2024-01-31 x\n  assets:a  1 EUR\n \t \n  income:x", 4, "this indented line belongs to nothing above it"),
    ("2024-01-31 x\n  assets:a  1 EUR\n; c\n  income:x", 4, "this indented line belongs to nothing above it"),
    ("2023-02-30 x", 1, "2023-02-30 is not a day of the calendar"),
    ("2024-13-01 x", 1, "2024-13-01 is not a day of the calendar"),
    ("0000-01-01 x", 1, "0000-01-01 is not a day of the calendar"),
    ("10000-01-01 x", 1, "10000-01-01 is not a date"),
    ("24-01-31 x", 1, "24-01-31 is not a date"),
    ("2024-01/31 x", 1, "2024-01/31 is not a date"),
    ("2024-01-" + "9" * 5000 + " x", 1, "2024-01-9999"),
    ("2024-01-" + "9" * 30 + " x", 1, f"2024-01-{'9' * 30} is not a date"),
    ("1/31 x", 1, "the date 1/31 has no year"),
    ("20240131 x", 1, "“20240131 x” does not begin with a date"),
    ("2024-01 x", 1, "the date 2024-01 has no year"),
    ("2024-01-31x", 1, "“2024-01-31x” does not begin with a date like 2024-01-31 and a space"),
    ("2024-01-31=2024-02-01 x", 1, "secondary dates are not read"),
    ("2024-01-31 (1 x", 1, "the parenthesis of the transaction's code is not closed"),
    ("2024-01-31 " + "x" * 201, 1, "the payee is longer than 200 characters"),
    ("2024-01-31 x | " + "y" * 501, 1, "the note behind | is longer than 500 characters"),
    ("2024-01-31 (" + "1" * 61 + ")", 1, "the code is longer than 60 characters"),
    ("2024-01-31 ; " + "t" * 61 + ":", 1, "the tag is longer than 60 characters"),
    ("2024-01-31\n  assets:a  1 EUR ; " + "m" * 501, 2, "the comment of a posting is longer than 500 characters"),
    ("2024-01-31\n  (assets:a)  1 EUR", 2, "virtual postings"),
    ("2024-01-31\n  [assets:a]  1 EUR", 2, "virtual postings"),
    ("2024-01-31\n  assets:a ; c", 2, "two spaces stand before a comment"),
    ("2024-01-31\n  assets::a  1 EUR", 2, "“assets::a” is no account"),
    ("2024-01-31\n  :a  1 EUR", 2, "“:a” is no account"),
    ("2024-01-31\n  assets: a  1 EUR", 2, "“assets: a” is no account"),
    ("2024-01-31\n  assets:" + "a" * 121 + "  1 EUR", 2, "“aaaa"),
    ("2024-01-31\n  a" + ":a" * 100 + "  1 EUR", 2, "this account lies deeper than 100 levels"),
    ("2024-01-31\n  assets:a  1 EUR ; date: 2024-02-01", 2, "a date of its own is not read for a posting"),
    ("2024-01-31\n  assets:a  1 EUR\n  ; x, date2:2024-02-01", 2, "a date of its own is not read for a posting"),
    ("2024-01-31\n  assets:a  1 EUR ; on [2/1]", 2, "a date of its own is not read for a posting"),
    ("account", 1, "an account directive holds a name"),
    ("account assets:a  x", 1, "an account directive holds a name"),
    ("account assets:a ; type: A", 1, "two spaces stand before a comment"),
    ("account assets:a  ; type: Z", 1, "“Z” is not an account type"),
    ("account assets:a  ; type:", 1, "“” is not an account type"),
    ("account assets:a\n  note x", 1, "line 2, “note x”, is no comment"),
    ("account assets:a\naccount assets:a", 2, "“assets:a” is declared a second time: line 1 has it"),
    ("account assets\naccount assets:a  ; type: L", 2, "“assets:a” is said to be of type liability, but"),
    ("commodity", 1, "a commodity is missing"),
    ("commodity 1000 EUR", 1, "“1000 EUR” shows no decimal mark"),
    ("commodity EUR x", 1, "“EUR x” is no commodity"),
    ("commodity A1", 1, "“A1” shows no decimal mark"),
    ("commodity 1.000 KWD", 1, "“1.000” may mean thousands or decimals"),
    ("commodity EUR\n  format 1.00 USD", 1, "the format on line 2 is one of 'USD', not of 'EUR'"),
    ("commodity 1.00 EUR\n  format 1.00 EUR", 1, "this commodity has its format twice"),
    ("commodity 1.00 EUR @ 2.0 USD", 1, "“@ 2.0 USD” is left over"),
    ("commodity EUR\n  nomarket", 1, "line 2, “nomarket”, is no comment"),
    ("D EUR", 1, "“EUR” is no amount"),
    ("D 1000 EUR", 1, "“1000 EUR” shows no decimal mark"),
    ("decimal-mark ;", 1, "the decimal mark is . or ,"),
    ("P 2024-01-31 EUR", 1, "“” is no amount"),
    ("P 2024-01-31 EUR 0 USD", 1, "a price is above zero"),
    ("P 2024-01-31 EUR -1 USD", 1, "a price is above zero"),
    ("P 2024-01-31 EUR 1 EUR", 1, "a price is above zero and in another commodity"),
    ("P 2024-01-31 EUR 1 USD x", 1, "“x” is left over behind the price"),
    ("P 2024-01-31 A1 1 USD", 1, "“1 1” groups its digits"),
    ("P 2023-02-30 EUR 1 USD", 1, "2023-02-30 is not a day of the calendar"),
    ("2024-01-31 x\0", 1, "this line holds the control character U+0000"),
    ("2024-01-31 x\ry", 1, "this line holds the control character U+000D"),
    ("; \x1b[31m", 1, "this line holds the control character U+001B"),
    ("\n\n2024-01-31 x\u2028", 3, "this line holds the control character U+2028"),
    ("; \ud800", 1, "this line holds the control character U+D800"),
    ("; " + "x" * 1_000_000, 1, "this line is longer than 100000 characters"),
    ("2024-01-31 ; ft-payee: %G1", 1, "the tag ft-payee holds a broken % sequence"),
    ("2024-01-31 ; ft-payee: %FF", 1, "the tag ft-payee holds bytes that are no text"),
    ("2024-01-31 ; ft-meta: x", 1, "the tag ft-meta holds no key"),
    ("2024-01-31 ; ft-future: x", 1, "the tag ft-future is not known here"),
    ("2024-01-31 ; ft-assertion: {}", 1, "the tag ft-assertion holds no assertion"),
    ("2024-01-31 ; ft-assertion: " + "%5B" * 5000, 1, "the tag ft-assertion holds no assertion"),
]


@pytest.mark.parametrize(("text", "line", "reason"), REFUSED_LINES)
def test_lines_that_are_refused(text: str, line: int, reason: str) -> None:
    got = refusals(f"{text}\n")
    assert any(each.startswith(f"{line}: ") and reason in each for each in got), got


def test_everything_wrong_is_told_at_once_in_the_files_order() -> None:
    text = (
        "include x\n\n2024-02-30 a\n  assets:a  1 EUR\n  income:x\n"
        "2024-01-31 b\n  assets:a  1_0 EUR\n  (assets:b)  2 EUR\n  Bank  $1\nYELLOW\n"
    )
    assert [int(each.partition(":")[0]) for each in refusals(text)] == [1, 3, 7, 8, 9, 9, 10]


def test_dates_without_a_year_need_one_given() -> None:
    assert only("1/31\n  assets:a  1 EUR\n  income:x\n", default_year=2024).date == date(2024, 1, 31)


def test_two_transactions_with_one_id_are_refused() -> None:
    text = (
        "2024-01-31 ; id: 6c84fb90-12c4-11e1-840d-7b25c5ee775a\n  assets:a  1 EUR\n  income:x\n"
        "2024-02-01 ; id: 6C84FB90-12C4-11E1-840D-7B25C5EE775A\n  assets:a  1 EUR\n  income:x\n"
    )
    assert refusals(text) == [
        "4: the id 6c84fb90-12c4-11e1-840d-7b25c5ee775a is taken by the transaction on line 1"
    ]


def test_bytes_that_are_no_utf8_are_refused_with_their_line() -> None:
    with pytest.raises(Refused) as caught:
        decode(b"; \xc3\xa9\n\n2024-01-31 caf\xe9\n", filename="the.journal")
    assert str(caught.value) == "the.journal:3: this line is not UTF-8 text: save the file as UTF-8"


# --- hostile input -----------------------------------------------------------------------------------------------


# fmt: off
TOKENS = [
    " ", "  ", "\n", "\n  ", "\t", "\r\n", "account ", "commodity ", "P ", "D ", "decimal-mark ", "\0",
    "2024-01-31", "assets:a", "income", "EUR", '"A 1"', "$", "1", "1,000", "1.000,5", "-", "@", "@@", "=", "==*",
    ";", "a:b", ",", "*", "!", "(", ")", "|", "é", "0", ".", "{", "[", "]", "type: A",
    "ft-tag: %41", "ft-meta: a=b",
]
# fmt: on


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=60).map("".join) | st.text(max_size=200))
@example("2024-01-31\n  assets:a  0 EUR @ 0 USD\n")
@example("2024-01-31\n  assets:a  = 0 EUR\n")
def test_no_text_does_more_than_be_read_or_refused(text: str) -> None:
    try:
        journal = the(text, commodities={"$": "USD", "": "CHF"})
    except Refused:
        return
    for entry in journal.entries:
        sums: dict[str, Decimal] = {}
        for leg in entry.legs:
            sums[leg.weight_commodity] = sums.get(leg.weight_commodity, Decimal(0)) + leg.weight
            assert leg.amount != 0
            assert leg.weight == 0 or (leg.weight > 0) == (leg.amount > 0)
            assert leg.commodity != leg.weight_commodity or leg.weight == leg.amount
        assert not any(sums.values())


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_read_or_refused(data: bytes) -> None:
    with suppress(Refused):
        the(decode(data, filename="the.journal"))


def many(count: int) -> str:
    head = "2024-01-31 * (7) Shop | weekly\n  ; id-of: 5, trip:\n"
    return f"{head}  expenses:food  12.50 EUR ; apples\n  assets:cash\n\n" * count


def seconds(text: str) -> float:
    started = time.process_time()
    with suppress(Refused):
        the(text)
    return time.process_time() - started


@pytest.mark.parametrize(
    "trap",
    [
        "2024-01-31 " + " " * 90_000 + "(x",
        "2024-01-31\n  assets:a  EUR" + " " * 90_000 + "x",
        "2024-01-31\n  assets:a  1" + ",1" * 45_000,
        "2024-01-31\n  assets:a  1" + " 1" * 45_000,
        "2024-01-31\n  " + ":" * 90_000,
        "2024-01-31\n  assets:a  1 EUR ; " + "a" * 90_000,
        "2024-01-31\n  assets:a  1 EUR ; " + "a:" * 45_000,
        "2024-01-31\n  assets:a  1 EUR ; " + "[1" * 45_000,
        "2024-01-31\n  assets:a  1 EUR ; [" + "1-" * 45_000,
        "2024-01-31 ; " + "a,b " * 22_000,
        "commodity " + '"a' * 45_000,
        "commodity " + "a" * 90_000,
        "2024-01-31 ; ft-notes: " + "%" * 90_000,
    ],
    ids=range(13),
)
def test_no_line_takes_more_than_its_length(trap: str) -> None:
    assert seconds(trap) < 2


@pytest.mark.slow
def test_a_hundred_thousand_lines_take_linear_time() -> None:
    seconds(many(200))
    small, large = seconds(many(2_000)), seconds(many(20_000))
    assert large < 10 * small * 2.5, (small, large)


# --- identity ----------------------------------------------------------------------------------------------------

ONE = "2024-01-31 * (7) Shop | weekly\n  expenses:food  12.50 EUR\n  assets:cash  -12.50 EUR\n"


def keys(text: str, **options: object) -> list[str]:
    return [key for _, key in identify(the(text, **options))]


def test_the_key_of_an_entry_is_fixed_for_good() -> None:
    assert keys(ONE) == ["v1:a3367c0c08cffb70bbd69ac035440a7e7dae7b63043f99a7690032465bde8844:1"]


@pytest.mark.parametrize(
    "other",
    [
        ONE.replace("-12.50 EUR", ""),
        "decimal-mark .\n" + ONE.replace("12.50 EUR", "EUR 12.500"),
        ONE.replace("2024-01-31", "2024/1/31"),
        ONE.replace("* ", "! "),
        ONE.replace("weekly", "weekly  ; trip:, a:b\n  ; note"),
        "2024-01-31 * (7) Shop | weekly\n  assets:cash  -12.50 EUR\n  expenses:food  12.50 EUR\n",
        "account assets:cash  ; type: A\n" + ONE,
        "2023-01-01\n  assets:cash  1 EUR\n  equity:x\n" + ONE,
    ],
)
def test_layout_comments_and_other_entries_do_not_change_a_key(other: str) -> None:
    assert keys(other)[-1] == keys(ONE)[0]


@pytest.mark.parametrize(
    "other",
    [
        ONE.replace("2024-01-31", "2024-02-01"),
        ONE.replace("(7)", "(8)"),
        ONE.replace("Shop", "Shops"),
        ONE.replace("weekly", "monthly"),
        ONE.replace("12.50", "12.51"),
        ONE.replace("EUR", "USD"),
        ONE.replace("food", "drink"),
        ONE.replace("12.50 EUR\n", "12.50 EUR @@ 12.50 USD\n", 1).replace("-12.50 EUR", "-12.50 USD"),
    ],
)
def test_what_an_entry_is_changes_its_key(other: str) -> None:
    assert keys(other) != keys(ONE)


def test_twins_are_counted_and_own_ids_are_kept() -> None:
    tagged = ONE.replace("weekly", "weekly ; id: 6C84FB90-12C4-11E1-840D-7B25C5EE775A")
    first, second, named = keys(ONE + ONE + tagged)
    assert (first[-2:], second[-2:]) == (":1", ":2")
    assert first[:-2] == second[:-2]
    assert named == "6c84fb90-12c4-11e1-840d-7b25c5ee775a"
    assert keys(ONE.replace("weekly", "weekly ; id: 7")) == keys(ONE)


def test_a_leg_of_rounding_is_no_part_of_a_key() -> None:
    text = "commodity 1000.00 EUR\n2024-01-31\n  assets:a  1.004 EUR\n  assets:b  -1.00 EUR\n"
    assert keys(text) == keys(text, rounding_account="Equity:Rest")
