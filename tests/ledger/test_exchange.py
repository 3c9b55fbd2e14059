"""In and out as text: what a file brings in, what an export says, and whether the real hledger agrees."""

import csv
import datetime
import io
import subprocess
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from financetracker.accounts.errors import Refusal
from financetracker.accounts.models import Account, Book, Commodity
from financetracker.accounts.scope import scope
from financetracker.ledger import journal
from financetracker.ledger.exchange import export_journal, import_journal
from financetracker.ledger.formats import hledger, plain
from financetracker.ledger.models import BalanceAssertion, Posting, Price, Transaction
from financetracker.users.models import User
from tests.builders import Household, UserFactory
from tests.programs import HOW_TO_GET, hledger_path

SAMPLE = """\
commodity $1,000.00
account assets:bank
account assets:bank:checking  ; type: A

P 2024-01-31 HOOL $101.25

2024/01/01 * (101) ACME | January pay  ; trip:
    assets:bank:checking     $1,000.00
    income:salary

2024-01-05 Broker
    assets:depot             10 HOOL @ $3.3333
    assets:bank:checking     $-33.33 = $966.67

2024-01-06 ! Corner shop
    expenses:food            $4.25
    expenses:food            $4.25
    assets:bank:checking

2024-01-06 ! Corner shop
    expenses:food            $4.25
    expenses:food            $4.25
    assets:bank:checking
"""


def read(text: str) -> plain.Journal:
    return hledger.read(text, filename="test.journal", commodities={"$": "USD"})


def balances_by_hledger(
    path: Path, rename: dict[str, str] | None = None, options: Sequence[str] = ()
) -> dict[tuple[str, str], Decimal]:
    """Every account's balance by commodity, as the real program sees the file."""
    program = hledger_path()
    if program is None:
        pytest.skip(f"hledger is not installed: {HOW_TO_GET}")
    command = [program, "-f", str(path), "balance", "-N", "--flat", "-O", "csv", "--layout", "bare", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {}
    for row in list(csv.reader(io.StringIO(done.stdout)))[1:]:
        account, code, amount = row[0], row[1].strip('"'), Decimal(row[2])
        if amount:
            found[account, (rename or {}).get(code, code)] = amount
    return found


def balances_of_book(book: Book, as_of: datetime.date = datetime.date.max) -> dict[tuple[str, str], Decimal]:
    rows = (
        Posting.objects.filter(book=book, voided=False, date__lte=as_of)
        .order_by()
        .values_list("account__full_name", "commodity__code", "amount")
    )
    sums: dict[tuple[str, str], Decimal] = {}
    for name, code, amount in rows:
        sums[name, code] = sums.get((name, code), Decimal(0)) + amount
    return {key: amount for key, amount in sums.items() if amount}


def test_a_journal_becomes_books(home: Household) -> None:
    with home.scope():
        done = import_journal(home.book, read(SAMPLE))
        assert (done.transactions, done.known, done.prices, done.assertions) == (4, 0, 1, 1)
        assert "income:salary" in done.accounts
        pay = Transaction.objects.get(code="101")
        assert (pay.payee.name if pay.payee else "", pay.narration) == ("ACME", "January pay")
        assert [tag.name for tag in pay.tags.all()] == ["trip"]
        assert set(pay.postings.values_list("state", flat=True)) == {"cleared"}
        bought = Posting.objects.get(account__full_name="assets:depot")
        assert (bought.amount, bought.weight) == (10, Decimal("33.33"))
        assert Account.objects.get(full_name="assets").placeholder
        assert not Account.objects.get(full_name="assets:bank").placeholder
        asserted = BalanceAssertion.objects.get()
        assert (asserted.account.full_name, asserted.amount) == ("assets:bank:checking", Decimal("966.67"))
        assert Price.objects.get().value == Decimal("101.25")


def test_the_same_file_twice_adds_nothing(home: Household) -> None:
    with home.scope():
        import_journal(home.book, read(SAMPLE))
        voided = Transaction.objects.get(code="101")
        journal.void(voided, version=1)
        again = import_journal(home.book, read(SAMPLE.replace("    expenses", "  expenses")))
        assert again.is_empty
        assert again.known == 4
        twins = Transaction.objects.filter(payee__name="Corner shop").count()
        assert twins == 2


def test_an_export_read_into_another_book_says_the_same(home: Household) -> None:
    with home.scope():
        import_journal(home.book, read(SAMPLE))
        home.post("Food 5", "Cash -5", payee="Ünü | ; x", narration="a: b", tags=["été"], notes="two\nlines")
        text = hledger.write(export_journal(home.book))
        before = balances_of_book(home.book)
    other = Household("Other")
    with other.scope():
        back = import_journal(other.book, read(text))
        assert back.transactions == 5
        assert balances_of_book(other.book) == before
        odd = Transaction.objects.get(payee__name="Ünü | ; x")
        assert (odd.narration, odd.notes, [tag.name for tag in odd.tags.all()]) == ("a: b", "two\nlines", ["été"])
        assert import_journal(other.book, read(text)).known == 5
    with home.scope():
        assert import_journal(home.book, read(text)).is_empty


def test_more_digits_raise_the_stored_places_and_say_so(home: Household) -> None:
    text = "2024-01-01 x\n  assets:a  1.12345 USD\n  assets:b\n"
    with home.scope():
        done = import_journal(home.book, read(text))
        assert done.remarks == ["USD is stored with 5 decimal places now, it was 2."]
        usd = Commodity.objects.get(code="USD")
        assert (usd.places, usd.scale) == (2, 5)


def test_a_type_that_the_book_knows_otherwise_is_refused_whole(home: Household) -> None:
    text = "account Expenses  ; type: A\n2024-01-01 x\n  Expenses:Food  1 EUR\n  assets:b\n"
    with home.scope():
        with pytest.raises(Refusal, match="Expenses is of type expense in the book and asset in the file"):
            import_journal(home.book, read(text))
        assert not Transaction.objects.exists()
        assert not Account.objects.filter(full_name="assets:b").exists()


def test_the_real_hledger_agrees(home: Household, tmp_path: Path) -> None:
    original, exported = tmp_path / "original.journal", tmp_path / "exported.journal"
    original.write_text(SAMPLE)
    with home.scope():
        import_journal(home.book, read(SAMPLE))
        exported.write_text(hledger.write(export_journal(home.book)))
        ours = balances_of_book(home.book)
    assert balances_by_hledger(original, {"$": "USD"}) == ours
    assert balances_by_hledger(exported) == ours


def test_the_real_hledger_agrees_on_the_demo_households(db: None, tmp_path: Path) -> None:
    """Every balance of every account, at the end and at the end of each year."""
    call_command("demo", stdout=io.StringIO())
    for name, login in (("Ana & Ben", "ana@example.org"), ("Clara", "clara@example.org")):
        path = tmp_path / f"{login}.journal"
        call_command("export_journal", "--book", name, "--owner", login, "--output", str(path))
        with scope(User.objects.get(email=login).pk, None):
            book = Book.objects.get(name=name)
        with scope(User.objects.get(email=login).pk, book.pk):
            assert balances_by_hledger(path) == balances_of_book(book)
            for year in (2023, 2024, 2025):
                until = balances_by_hledger(path, options=["-e", f"{year + 1}-01-01"])
                assert until == balances_of_book(book, as_of=datetime.date(year, 12, 31)), year


@pytest.mark.django_db(transaction=True)
def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    user = UserFactory()
    path, out = tmp_path / "a.journal", tmp_path / "out.journal"
    path.write_text(SAMPLE)
    call = ["import_journal", str(path), "--book", "Mine", "--create", "--base", "USD", "--owner", user.email]
    call += ["--commodity", "$=USD"]
    call_command(*call, "--dry-run")
    assert "would add 4 transactions" in capsys.readouterr().out
    with scope(user.pk, None):
        assert not Book.objects.exists()
    call_command(*call)
    assert "“Mine”: added 4 transactions" in capsys.readouterr().out
    call_command(*call)
    assert "Nothing was added." in capsys.readouterr().out
    call_command("export_journal", "--book", "Mine", "--format", "hledger", "--output", str(out))
    assert balances_by_hledger(out) == balances_by_hledger(path, {"$": "USD"})
    path.write_text("2024-01-01 x\n  assets:a  1 EUR\n  assets:b  -2 EUR\n\n~ monthly\n  a  1\n")
    with pytest.raises(CommandError, match=r"refused for .* Nothing was imported"):
        call_command(*call)
    assert "a.journal:5: periodic transactions are not read" in capsys.readouterr().err
    with pytest.raises(CommandError, match="There is no book “Nobody”"):
        call_command("export_journal", "--book", "Nobody")
