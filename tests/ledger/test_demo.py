"""The demo households: the same figures every time, written once, kept apart."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, Sum
from django.test import TestCase

from financetracker.accounts.errors import Refusal
from financetracker.accounts.models import Account, Book, Commodity, Membership
from financetracker.accounts.scope import NotAMember, scope
from financetracker.ledger import balances, journal, money
from financetracker.ledger.demo import HOUSEHOLDS, seed
from financetracker.ledger.demo.ana_and_ben import MORTGAGE, AnaAndBen, instalment
from financetracker.ledger.demo.clara import Clara
from financetracker.ledger.demo.plan import Chart, Household, Plan
from financetracker.ledger.entries import residue
from financetracker.ledger.models import BalanceAssertion, Posting, Price, Tag, Transaction
from financetracker.users.models import User

D = Decimal


def keep(household: type[Household]) -> Plan:
    """Write a household's books on rows that no database has seen."""
    accounts = {
        row.full_name: Account(pk=n, full_name=row.full_name, type=row.type)
        for n, row in enumerate(household.accounts)
    }
    codes = [household.base, *(row.code for row in household.commodities)]
    return household(Chart(accounts, {code: Commodity(pk=n, code=code) for n, code in enumerate(codes)})).keep()


def figures(plan: Plan) -> list[object]:
    """Everything of a plan that a reader would see."""
    rows: list[object] = [plan.quotes, plan.asserted, plan.voided, plan.reversals, plan.locked_through]
    for entry in plan.entries:
        rows.append(
            (entry.public_id, entry.date, entry.payee, entry.narration, entry.code, entry.tags, entry.notes)
        )
        rows += [
            (leg.account.full_name, leg.amount, leg.commodity.code, leg.weight, leg.state) for leg in entry.legs
        ]
    return rows


@pytest.mark.parametrize("household", HOUSEHOLDS)
def test_the_same_figures_every_time(household: type[Household]) -> None:
    first, second = keep(household), keep(household)
    assert figures(first) == figures(second)
    assert len({entry.public_id for entry in first.entries}) == len(first.entries)
    assert [entry.date for entry in first.entries] == sorted(entry.date for entry in first.entries)
    assert {row.date >= household.first and row.date <= household.last for row in first.entries} == {True}
    assert [residue(entry.legs) for entry in first.entries if residue(entry.legs)] == []


def test_three_years_that_read_like_a_household() -> None:
    plan = keep(AnaAndBen)
    assert 3_900 <= len(plan.entries) <= 4_100
    months = {(entry.date.year, entry.date.month) for entry in plan.entries}
    assert len(months) == 36
    payees = {entry.payee for entry in plan.entries}
    assert 60 <= len(payees) <= 120
    assert {len(entry.legs) for entry in plan.entries} >= {2, 3, 4}
    held: dict[str, Decimal] = {}
    for entry in plan.entries:
        for leg in entry.legs:
            name = leg.account.full_name
            held[name] = held.get(name, D(0)) + leg.amount
            # Nobody's cash, bank account or depot is ever overdrawn.
            assert held[name] >= 0 or leg.account.type != "asset", (entry.date, name, held[name])
    states = [leg.state for entry in plan.entries for leg in entry.legs]
    assert states.count("cleared") > 0.95 * len(states)


def test_the_mortgage_is_paid_off_to_the_cent() -> None:
    owed = D(238_000)
    paid = [entry for entry in keep(AnaAndBen).entries if entry.narration.startswith("Mortgage")]
    assert len(paid) == 18
    for entry in paid:
        principal, interest, bank = (leg.amount for leg in entry.legs)
        assert interest == money.round_to(owed * D("0.0345") / 12, 2)
        assert principal + interest == -bank == instalment() == D("1185.11")
        owed -= principal
    with_all_legs = [leg for entry in keep(AnaAndBen).entries for leg in entry.legs]
    assert -sum(leg.amount for leg in with_all_legs if leg.account.full_name == MORTGAGE) == owed


def book_of(login: str) -> tuple[User, Book]:
    user = User.objects.get(email=login)
    with scope(user.pk, None):
        return user, Book.objects.get(memberships__user=user)


def test_a_run_that_broke_leaves_nothing_and_the_next_completes_it(db: None) -> None:
    heard: list[str] = []

    def break_at_the_second(text: str) -> None:
        heard.append(text)
        if len(heard) == 2:
            raise KeyboardInterrupt

    people = {"ana@example.org": "Ana", "ben@example.org": "Ben", "clara@example.org": "Clara"}
    with pytest.raises(KeyboardInterrupt):
        seed.seed(Clara, people, "household-demo", break_at_the_second)
    assert not User.objects.exists()
    assert seed.seed(Clara, people, "household-demo", heard.append)
    clara, book = book_of("clara@example.org")
    with scope(clara.pk, book.pk):
        assert Transaction.objects.count() == len(keep(Clara).entries)


def test_production_refuses_logins_that_everybody_knows(db: None, settings: object) -> None:
    settings.PRODUCTION = True  # type: ignore[attr-defined]
    with pytest.raises(CommandError, match="password that everybody knows"):
        call_command("demo")
    assert not User.objects.exists()


class Seeded(TestCase):
    """What the command wrote; a class, so that it is written once for all these tests."""

    said: str

    @classmethod
    def setUpTestData(cls) -> None:
        heard = StringIO()
        call_command("demo", stdout=heard)
        cls.said = heard.getvalue()

    def test_the_books_hold_what_was_planned(self) -> None:
        ana, book = book_of("ana@example.org")
        with scope(ana.pk, book.pk):
            plan = keep(AnaAndBen)
            assert Transaction.objects.count() == len(plan.entries) + len(plan.reversals)
            sums = Posting.objects.values("transaction", "weight_commodity").annotate(off=Sum("weight"))
            assert not sums.exclude(off=0).exists()
            trial = (
                Posting.objects.filter(voided=False).values("weight_commodity__code").annotate(off=Sum("weight"))
            )
            assert {row["weight_commodity__code"]: row["off"] for row in trial} == {"EUR": 0, "JPY": 0}
            used = Posting.objects.values_list("commodity__code").annotate(n=Count("pk"))
            assert {code for code, n in used if n > 40} == {"EUR", "JPY"}
            assert Price.objects.count() == 74
            assert [tag.name for tag in Tag.objects.filter(name__startswith="japan")] == ["japan-2026"]
            assert str(book.locked_through) == "2024-10-31"
            with pytest.raises(Refusal, match="locked through 31 Oct 2024"):
                journal.void(Transaction.objects.order_by("date", "id")[0], version=1)

    def test_assertions_hold(self) -> None:
        for login, least in (("ana@example.org", 30), ("clara@example.org", 8)):
            user, book = book_of(login)
            with scope(user.pk, book.pk):
                rows = BalanceAssertion.objects.select_related("account", "commodity")
                assert rows.count() >= least
                for row in rows:
                    held = balances.balance(row.account, as_of=row.date)
                    assert held.get(row.commodity.code, D(0)) == row.amount, (row.date, row.account.full_name)

    def test_mistakes_are_put_right(self) -> None:
        ana, book = book_of("ana@example.org")
        with scope(ana.pk, book.pk):
            gone = Transaction.objects.get(voided=True)
            assert gone.narration == "With Mia and Jonas"
            assert Transaction.objects.filter(date=gone.date, payee=gone.payee, voided=False).count() == 1
            changed = Transaction.objects.get(version=2, voided=False)
            assert [leg.amount for leg in journal.legs_of(changed)] == [D("61.90"), D("-61.90")]
            assert changed.narration == "Party"
            back = Transaction.objects.get(reverses__isnull=False)
            assert [leg.amount for leg in journal.legs_of(back)] == [D("-89.00"), D("89.00")]
            assert set(back.postings.values_list("state", flat=True)) == {"cleared"}

    def test_a_second_run_adds_nothing(self) -> None:
        assert "ana@example.org" in self.said

        def rows() -> list[int]:
            counted = []
            for login in ("ana@example.org", "clara@example.org"):
                user, book = book_of(login)
                with scope(user.pk, book.pk):
                    counted += [
                        model.objects.count() for model in (Transaction, Posting, Price, Account, Membership)
                    ]
            return [*counted, User.objects.count()]

        before, said = rows(), StringIO()
        call_command("demo", stdout=said)
        assert rows() == before
        assert "Ana & Ben: is there already, nothing added." in said.getvalue()
        assert "Clara: is there already, nothing added." in said.getvalue()

    def test_neither_household_sees_the_other(self) -> None:
        ana, home = book_of("ana@example.org")
        ben, same = book_of("ben@example.org")
        clara, other = book_of("clara@example.org")
        assert home == same != other
        for stranger, book in ((ana, other), (ben, other), (clara, home)):
            with pytest.raises(NotAMember), scope(stranger.pk, book.pk):
                pass
        with scope(ana.pk, home.pk):
            assert set(Posting.objects.values_list("book_id", flat=True)) == {home.pk}
            assert not Commodity.objects.filter(code="USD").exists()
            assert Membership.objects.get(user=ben).role == "editor"
            assert not Membership.objects.filter(user=clara).exists()
        assert ana.check_password("household-demo")
