"""Balances at a day, as known at an instant, converted, and page by page."""

import datetime
from dataclasses import replace
from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext

from financetracker.accounts.models import Account
from financetracker.ledger import balances, journal, register
from financetracker.ledger.models import PostingRevision, Price
from tests.builders import DAY, Household

D = Decimal


def after(days: int) -> datetime.date:
    return DAY + datetime.timedelta(days)


def held(home: Household, **when: object) -> dict[tuple[str, str], Decimal]:
    names = {account.pk: account.name for account in home.accounts.values()}
    codes = {commodity.pk: commodity.code for commodity in home.commodities.values()}
    found = balances.balances(home.book, **when)  # type: ignore[arg-type]
    return {(names[row.account_id], codes[row.commodity_id]): row.amount for row in found}


def test_as_of_is_the_end_of_the_day(home: Household) -> None:
    with home.scope():
        home.post("Bank 1000", "Salary -1000", date=DAY)
        home.post("Food 12.50", "Bank -12.50", date=after(1))
        assert held(home, as_of=after(-1)) == {}
        assert held(home, as_of=DAY) == {("Bank", "EUR"): 1000, ("Salary", "EUR"): -1000}
        assert held(home)["Bank", "EUR"] == D("987.50")
        assert sum(row.amount for row in balances.balances(home.book)) == 0


def test_void_counts_nowhere_and_zero_is_left_out(home: Household) -> None:
    with home.scope():
        made = home.post("Food 5", "Cash -5")
        journal.void(made, version=1)
        home.post("Rent 7", "Bank -7")
        home.post("Bank 7", "Rent -7")
        assert held(home) == {}


def test_known_at_answers_with_what_the_books_said(home: Household) -> None:
    with home.scope():
        made = home.post("Food 12.50", "Cash -12.50")
        food, cash = journal.legs_of(made)
        first = PostingRevision.objects.latest("id").recorded_at
        moved = home.entry(
            replace(food, amount=D(20), account=home.accounts["Rent"]), replace(cash, amount=D(-20)), date=after(5)
        )
        journal.amend(made, moved, version=1)
        second = PostingRevision.objects.latest("id").recorded_at
        journal.void(made, version=2)
        third = PostingRevision.objects.latest("id").recorded_at
        assert first < second < third
        before = first - datetime.timedelta(microseconds=1)
        assert held(home, known_at=before) == {}
        assert held(home, known_at=first) == {("Food", "EUR"): D("12.50"), ("Cash", "EUR"): D("-12.50")}
        assert held(home, known_at=second) == {("Rent", "EUR"): 20, ("Cash", "EUR"): -20}
        assert held(home, known_at=second, as_of=after(4)) == {}
        assert held(home, known_at=third) == {}
        journal.reinstate(made, version=3)
        assert held(home) == held(home, known_at=PostingRevision.objects.latest("id").recorded_at)


def price(home: Household, code: str, quote: str, value: str, day: datetime.date, **columns: str) -> None:
    Price.objects.create(
        book=home.book,
        commodity=home.commodities[code],
        quote=home.commodities[quote],
        value=D(value),
        date=day,
        **columns,
    )


def test_rates_are_direct_turned_round_or_two_hops_away(home: Household) -> None:
    with home.scope():
        price(home, "USD", "EUR", "0.90", DAY)
        price(home, "EUR", "JPY", "160", after(1))
        price(home, "HOOL", "USD", "100", after(-3))
        eur = home.commodities["EUR"]
        rates = balances.rates_in(home.book, eur, after(2))
        assert rates["USD"] == (D("0.90"), DAY, "")
        assert rates["JPY"] == (D("0.00625"), after(1), "")
        assert rates["HOOL"] == (D("90.00"), after(-3), "USD")
        assert "JPY" not in balances.rates_in(home.book, eur, DAY)
        assert balances.rate(home.book, home.commodities["USD"], eur, after(-1)) is None


def test_of_one_day_the_market_is_believed_first(home: Household) -> None:
    with home.scope():
        price(home, "USD", "EUR", "0.80", DAY, source="a", kind="manual")
        price(home, "USD", "EUR", "0.90", DAY, source="b", kind="market")
        price(home, "USD", "EUR", "0.70", DAY, source="c", kind="transaction")
        price(home, "USD", "EUR", "0.10", after(-1), source="b", kind="market")
        assert balances.rates_in(home.book, home.commodities["EUR"], DAY)["USD"].value == D("0.90")


def test_the_tree_adds_up_and_names_what_has_no_price(home: Household) -> None:
    with home.scope():
        home.post("Bank 1000", "Salary -1000")
        home.post("Cash 100 USD @@ 90 EUR", "Bank -90")
        home.post("Depot 3 HOOL @@ 300 USD", "Cash -300 USD")
        price(home, "USD", "EUR", "0.91", after(-10))
        nodes = {node.account.full_name: node for node in balances.tree(home.book, as_of=DAY)}
        assert list(nodes)[:4] == ["Assets", "Assets:Bank", "Assets:Cash", "Assets:Depot"]
        assets = nodes["Assets"]
        assert (assets.depth, nodes["Assets:Cash"].depth) == (0, 1)
        assert assets.own == {}
        assert assets.total == {"EUR": 910, "HOOL": 3, "USD": -200}
        assert assets.value.amount == D("728.00")
        assert assets.value.missing == ("HOOL",)
        assert assets.value.age(DAY) == 10
        assert nodes["Income"].total == {"EUR": -1000}


def test_what_was_spent_abroad_counts_as_what_was_paid_for_it(home: Household) -> None:
    with home.scope():
        home.post("Food 40 USD @@ 37.10 EUR", "Card -37.10")
        home.post("Food -10 USD @@ -9 EUR", "Card 9", date=after(-400))
        home.post("Food 5", "Cash -5")
        home.post("Rent 7 USD", "Cash -7 USD")
        tree = balances.tree(home.book, as_of=DAY, flows_since=DAY.replace(month=1, day=1))
        nodes = {node.account.full_name: node for node in tree}
        assert nodes["Expenses:Food"].own == {"EUR": 5, "USD": 40}
        assert nodes["Expenses:Food"].worth == {"EUR": D("42.10")}
        assert nodes["Expenses:Food"].value == balances.Valuation(D("42.10"))
        assert nodes["Expenses"].worth == {"EUR": D("42.10"), "USD": 7}
        assert nodes["Expenses"].value.missing == ("USD",)
        assert nodes["Liabilities:Card"].value.amount == D("-28.10")


def test_siblings_stand_by_order_then_name(home: Household) -> None:
    with home.scope():
        Account.objects.filter(pk=home.accounts["Depot"].pk).update(position=-1)
        names = [node.account.name for node in balances.tree(home.book) if node.depth == 1]
        assert names[:3] == ["Depot", "Bank", "Cash"]


def test_the_register_pages_by_key_with_an_exact_balance(home: Household) -> None:
    with home.scope():
        for n in range(1, 8):
            home.post(f"Cash {n}", f"Salary -{n}", date=after(n % 3))
        home.post("Cash 10 USD @@ 9 EUR", "Bank -9", date=after(1))
        journal.void(home.post("Cash 500", "Salary -500"), version=1)
        seen, pages, cursor = [], 0, None
        while True:
            page = register.register(home.accounts["Cash"], before=cursor, limit=3)
            seen += page.lines
            pages += 1
            if page.older is None:
                break
            cursor = page.older
        assert pages == 3
        assert len(seen) == 8
        running: dict[str, Decimal] = {}
        for line in reversed(seen):
            code = line.posting.commodity.code
            running[code] = running.get(code, D(0)) + line.posting.amount
            assert line.balance == running[code]
        assert running == {"EUR": 28, "USD": 10}
        only = register.register(home.accounts["Cash"], commodity=home.commodities["USD"])
        assert [(line.posting.amount, line.balance) for line in only.lines] == [(10, 10)]


def test_balance_of_one_account_with_its_children(home: Household) -> None:
    with home.scope():
        home.post("Cash 5", "Bank -3", "Salary -2")
        assets = Account.objects.get(full_name="Assets")
        assert balances.balance(assets) == {}
        assert balances.balance(assets, with_children=True) == {"EUR": 2}
        assert balances.balance(home.accounts["Cash"], as_of=after(-1)) == {}


def test_reads_cost_the_same_for_few_and_many(home: Household) -> None:
    def queries() -> tuple[int, int]:
        with CaptureQueriesContext(
            connection,
        ) as of_tree:
            balances.tree(home.book)
        with CaptureQueriesContext(connection) as of_register:
            for line in register.register(home.accounts["Cash"]).lines:
                assert str(line.posting.transaction.payee or "") == ""
        return len(of_tree), len(of_register)

    with home.scope():
        home.post("Food 1", "Cash -1")
        few = queries()
        journal.post_many(home.book, [home.entry("Food 1", "Cash -1") for _ in range(60)])
        assert queries() == few == (4, 3)
