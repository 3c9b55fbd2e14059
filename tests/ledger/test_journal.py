"""The verbs of the journal: what they write, and what they refuse."""

import datetime
from dataclasses import replace
from decimal import Decimal

import pytest
from django.utils import timezone

from financetracker.accounts import books
from financetracker.accounts.errors import NotAllowed, Refusal
from financetracker.accounts.models import Commodity
from financetracker.ledger import journal
from financetracker.ledger.models import Posting, PostingRevision, Transaction, TransactionRevision
from tests.builders import DAY, Household, new_id


def rows(transaction: Transaction) -> list[tuple[str, Decimal]]:
    """The legs as they stand in the database."""
    found = Posting.objects.filter(transaction=transaction).order_by("position")
    return [(row.account.name, row.amount) for row in found.select_related("account")]


def test_post_writes_the_legs_in_their_order(home: Household) -> None:
    with home.scope():
        made = home.post("Food 12.50", "Cash -12.50", payee="Spar", narration="Milk", tags=["trip"], code="7")
        assert rows(made) == [("Food", Decimal("12.50")), ("Cash", Decimal("-12.50"))]
        saved = Transaction.objects.get(pk=made.pk)
        assert (saved.date, saved.payee.name, saved.narration, saved.code) == (DAY, "Spar", "Milk", "7")
        assert [tag.name for tag in saved.tags.all()] == ["trip"]
        assert saved.version == 1


def test_an_exchange_balances_by_what_was_paid(home: Household) -> None:
    with home.scope():
        made = home.post("Depot 10 HOOL @@ 33.33 USD", "Bank -33.33 USD")
        stored = Posting.objects.get(transaction=made, position=0)
        assert (stored.amount, stored.weight, stored.weight_commodity.code) == (10, Decimal("33.33"), "USD")


def test_unbalanced_is_refused_with_the_difference(home: Household) -> None:
    with home.scope():
        with pytest.raises(journal.Unbalanced) as refused:
            home.post("Food 12.50", "Cash -12.00", "Bank 5 USD")
        assert refused.value.residue == {"EUR": Decimal("0.50"), "USD": Decimal(5)}
        assert str(refused.value) == "The legs do not add up: off by 0.50 EUR, 5.00 USD."
        assert not Transaction.objects.exists()


def test_amend_keeps_the_ids_of_the_legs_that_stay(home: Household) -> None:
    with home.scope():
        made = home.post("Food 12.50", "Cash -12.50")
        food, cash = journal.legs_of(made)
        changed = home.entry(
            replace(food, amount=Decimal(10)), home.leg("Rent 2.50"), cash, date=DAY + datetime.timedelta(1)
        )
        after = journal.amend(made, changed, version=1)
        assert after.version == 2
        kept = dict(Posting.objects.filter(transaction=made).values_list("account__name", "pk"))
        assert (kept["Food"], kept["Cash"]) == (food.id, cash.id)
        assert set(Posting.objects.values_list("date", flat=True)) == {DAY + datetime.timedelta(1)}
        assert rows(made) == [("Food", 10), ("Rent", Decimal("2.50")), ("Cash", Decimal("-12.50"))]


def test_the_second_of_two_amendments_is_told(home: Household) -> None:
    with home.scope():
        made = home.post("Food 12.50", "Cash -12.50")
    with home.scope(home.editor):
        journal.amend(made, replace(journal.entry_of(made), narration="mine"), version=1)
    with home.scope():
        with pytest.raises(journal.Stale) as refused:
            journal.amend(made, replace(journal.entry_of(made), narration="yours"), version=1)
        assert refused.value.current == 2
        assert Transaction.objects.get(pk=made.pk).narration == "mine"


def test_the_same_submission_posts_once(home: Household) -> None:
    with home.scope():
        first = home.post("Food 12.50", "Cash -12.50", public_id=new_id(1))
        journal.amend(first, replace(journal.entry_of(first), narration="later"), version=1)
        again = home.post("Food 12.50", "Cash -12.50", public_id=new_id(1))
        assert (again.pk, again.version) == (first.pk, 2)
        with pytest.raises(journal.Reused):
            home.post("Food 13.50", "Cash -13.50", public_id=new_id(1))
        assert Transaction.objects.count() == 1
        assert Posting.objects.count() == 2


def test_post_many_counts_what_was_there(home: Household) -> None:
    entries = [home.entry(f"Food {n}", f"Cash -{n}", public_id=new_id(n)) for n in range(1, 6)]
    with home.scope():
        assert journal.post_many(home.book, entries[:3]) == (3, 0)
        assert journal.post_many(home.book, [*entries, entries[4]]) == (2, 4)
        assert Posting.objects.count() == 10


def test_of_the_same_id_twice_the_first_is_posted_and_the_order_stays(home: Household) -> None:
    first, second = (home.entry(f"Food {n}", f"Cash -{n}", public_id=new_id(n)) for n in (1, 2))
    changed = replace(second, public_id=first.public_id)
    with home.scope():
        assert journal.post_many(home.book, [first, second, changed]) == (2, 1)
        assert [rows(made)[0] for made in Transaction.objects.order_by("pk")] == [("Food", 1), ("Food", 2)]


def test_an_id_that_another_book_spent_is_refused_and_not_counted_as_known(home: Household) -> None:
    other = Household("Next door")
    with other.scope():
        other.post("Food 1", "Cash -1", public_id=new_id(1))
    entries = [home.entry(f"Food {n}", f"Cash -{n}", public_id=new_id(n)) for n in (1, 2)]
    with home.scope():
        with pytest.raises(journal.Reused):
            journal.post_many(home.book, entries)
        with pytest.raises(journal.Reused):
            journal.post(home.book, entries[0])
        assert not Transaction.objects.exists()


def test_void_and_reinstate(home: Household) -> None:
    with home.scope():
        made = home.post("Food 12.50", "Cash -12.50")
        gone = journal.void(made, version=1, reason="typed twice")
        assert gone.voided
        assert set(Posting.objects.values_list("voided", flat=True)) == {True}
        last = TransactionRevision.objects.filter(transaction=made).latest("id")
        assert (last.operation, last.new_voided, last.reason) == ("update", True, "typed twice")
        assert last.actor == home.owner
        back = journal.reinstate(made, version=2)
        assert (back.voided, back.version) == (False, 3)
        with pytest.raises(Refusal, match="not void"):
            journal.reinstate(made, version=3)


def test_reverse_writes_the_opposite_once(home: Household) -> None:
    with home.scope():
        made = home.post("Depot 10 HOOL @@ 33.33 USD", "Bank -33.33 USD", narration="Buy")
        opposite = journal.reverse(made, date=DAY + datetime.timedelta(2))
        assert rows(opposite) == [("Depot", -10), ("Bank", Decimal("33.33"))]
        assert opposite.reverses == made
        with pytest.raises(Refusal, match="reversed already"):
            journal.reverse(made, date=DAY + datetime.timedelta(2))


def test_clear_is_all_or_none(home: Household) -> None:
    with home.scope():
        made = home.post("Food 12.50", "Cash -12.50")
        legs = list(Posting.objects.filter(transaction=made))
        assert journal.clear(home.book, legs) == 2
        assert journal.clear(home.book, legs[:1], "uncleared") == 1
        Posting.objects.filter(pk=legs[1].pk).update(state="reconciled")
        with pytest.raises(Refusal) as refused:
            journal.clear(home.book, legs)
        assert refused.value.rule == "reconciled_posting_is_fixed"
        assert list(Posting.objects.order_by("pk").values_list("state", flat=True)) == ["uncleared", "reconciled"]


def test_lock_and_unlock(home: Household) -> None:
    with home.scope():
        made = home.post("Food 12.50", "Cash -12.50")
        journal.lock_through(home.book, DAY, reason="March is done")
        with pytest.raises(Refusal, match="locked through 14 Mar 2026") as refused:
            home.post("Food 1", "Cash -1")
        assert refused.value.rule == "period_is_open"
        with pytest.raises(Refusal, match="locked"):
            journal.void(made, version=1)
        renamed = journal.amend(made, replace(journal.entry_of(made), narration="free", payee="Spar"), version=1)
        assert renamed.narration == "free"
        with pytest.raises(Refusal, match="Say why"):
            journal.unlock(home.book, reason=" ")
        journal.unlock(home.book, reason="a forgotten receipt")
        home.post("Food 1", "Cash -1")
        ahead = books.today(home.book, timezone.now()) + datetime.timedelta(2)
        with pytest.raises(Refusal, match="has not come yet: lock through today at most"):
            journal.lock_through(home.book, ahead)
    with home.scope(home.editor), pytest.raises(NotAllowed):
        journal.lock_through(home.book, DAY)


def test_a_viewer_writes_nothing(home: Household) -> None:
    with home.scope():
        made = home.post("Food 12.50", "Cash -12.50")
    with home.scope(home.viewer):
        for attempt in (
            lambda: home.post("Food 1", "Cash -1"),
            lambda: journal.void(made, version=1),
            lambda: journal.amend(made, journal.entry_of(made), version=1),
            lambda: journal.clear(home.book, list(Posting.objects.all())),
            lambda: journal.lock_through(home.book, DAY),
        ):
            with pytest.raises(NotAllowed):
                attempt()
        assert Transaction.objects.get().version == 1


def test_history_has_old_and_new(home: Household) -> None:
    with home.scope():
        made = home.post("Food 12.50", "Cash -12.50")
        food, cash = journal.legs_of(made)
        changed = home.entry(replace(food, amount=Decimal(20)), replace(cash, amount=Decimal(-20)))
        journal.amend(made, changed, version=1)
        history = PostingRevision.objects.filter(posting_id=food.id).order_by("id")
        assert [(row.operation, row.old_amount, row.new_amount) for row in history] == [
            ("insert", None, Decimal("12.50")),
            ("update", Decimal("12.50"), Decimal(20)),
        ]
        assert {(row.actor, row.source) for row in history} == {(home.owner, "test")}


def test_a_reversal_is_exact_beyond_28_digits(home: Household) -> None:
    with home.scope():
        books.add_commodity(home.book, "ETH", kind="crypto", places=8, scale=18)
        home.commodities = {row.code: row for row in Commodity.objects.filter(book=home.book)}
        amount = "12345678901234567890.123456789012345678"
        made = home.post(f"Depot {amount} ETH", f"Cash -{amount} ETH")
        assert rows(journal.reverse(made, date=DAY)) == [
            ("Depot", Decimal("-" + amount)),
            ("Cash", Decimal(amount)),
        ]


def test_reverse_takes_what_the_books_say_now(home: Household) -> None:
    with home.scope():
        made = home.post("Food 12.50", "Cash -12.50", narration="x" * 500)
        food, cash = journal.legs_of(made)
        changed = home.entry(replace(food, amount=Decimal(20)), replace(cash, amount=Decimal(-20)))
        journal.amend(made, changed, version=1)
        with pytest.raises(journal.Stale):
            journal.reverse(made, date=DAY, version=1)
        assert rows(journal.reverse(made, date=DAY)) == [("Food", -20), ("Cash", 20)]
        long = home.post("Food 1", "Cash -1", narration="x" * 500)
        assert len(journal.reverse(long, date=DAY).narration) == 500


@pytest.mark.parametrize(
    "columns",
    [{"payee": "x" * 201}, {"narration": "x" * 501}, {"code": "x" * 61}, {"notes": "a\0b"}, {"tags": ["x" * 61]}],
)
def test_texts_that_do_not_fit_are_refused(home: Household, columns: dict[str, object]) -> None:
    with home.scope():
        with pytest.raises(Refusal) as refused:
            home.post("Food 1", "Cash -1", **columns)
        assert refused.value.rule == "text_fits"
        assert not Transaction.objects.exists()
