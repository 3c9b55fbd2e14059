"""Writes a made-up household into the database, once: through the verbs that people use, in one transaction."""

import uuid
from collections.abc import Callable
from dataclasses import replace

from django.db import connection
from django.db.transaction import atomic

from financetracker.accounts import books
from financetracker.accounts.errors import refusals
from financetracker.accounts.models import Account, Book, Commodity
from financetracker.accounts.scope import scope
from financetracker.ledger import journal
from financetracker.ledger.demo.plan import NAMESPACE, Chart, Household, Plan
from financetracker.ledger.models import BalanceAssertion, Posting, Price, Transaction
from financetracker.users.models import User

# Any number that nothing else locks: two runs at once must not make two books.
LOCK = 7_400_301


def seed(household: type[Household], people: dict[str, str], password: str, say: Callable[[str], None]) -> bool:
    """Write the household with its people; return False, having changed nothing, if the owner has such a book.

    All or nothing: a run that was killed has left nothing behind. `people` are names by address, `say` hears what
    is going on. Opens its own scopes; the app role's rights are enough.
    """
    with atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        owner = _person(household.owner, people, password)
        with scope(owner.pk, None):
            if Book.objects.filter(name=household.name, memberships__user=owner).exists():
                return False
        book = books.create_book(
            owner, name=household.name, base=household.base, time_zone=household.time_zone, source="demo"
        )
        with scope(owner.pk, book.pk, source="demo"):
            for login, role in household.members:
                books.add_member(book, _person(login, people, password), role)
            say(f"{household.name}: {len(household.accounts)} accounts …")
            plan = household(_open_chart(book, household)).keep()
            say(f"{household.name}: {len(plan.entries):,} transactions …")
            journal.post_many(book, plan.entries)
            _note_prices(book, plan)
            _put_right(book, plan)
            if plan.locked_through:
                journal.lock_through(book, plan.locked_through, reason="The first year is closed.")
    return True


def _person(login: str, people: dict[str, str], password: str) -> User:
    """Return who logs in by this address, made with the demo password if there is nobody."""
    found = User.objects.filter(email=login).first()
    return found or User.objects.create_user(login, password, name=people[login])


def _open_chart(book: Book, household: type[Household]) -> Chart:
    for commodity in household.commodities:
        books.add_commodity(book, commodity.code, **commodity.columns)
    commodities = {row.code: row for row in Commodity.objects.filter(book=book)}
    for account in household.accounts:
        holds = [commodities[code] for code in account.holds]
        books.open_account(book, account.full_name, account.type, commodities=holds, **account.columns)
    return Chart({row.full_name: row for row in Account.objects.filter(book=book)}, commodities)


def _note_prices(book: Book, plan: Plan) -> None:
    """Write market prices and what the bank's statements said."""
    commodities = {row.code: row for row in Commodity.objects.filter(book=book)}
    accounts = {row.full_name: row for row in Account.objects.filter(book=book)}
    base = book.base_commodity
    with refusals():
        Price.objects.bulk_create(
            Price(
                book=book,
                commodity=commodities[quote.code],
                quote=base,
                date=quote.date,
                value=quote.value,
                kind=Price.Kind.MARKET,
                source="demo",
            )
            for quote in plan.quotes
        )
        BalanceAssertion.objects.bulk_create(
            BalanceAssertion(
                book=book,
                account=accounts[row.account],
                date=row.date,
                commodity=commodities[row.code or base.code],
                amount=row.amount,
            )
            for row in plan.asserted
        )


def _put_right(book: Book, plan: Plan) -> None:
    """Void, amend and reverse what was written wrong."""
    for public_id, reason in plan.voided.items():
        journal.void(Transaction.objects.get(public_id=public_id), version=1, reason=reason)
    for amendment in plan.amendments:
        wrong = Transaction.objects.get(public_id=amendment.public_id)
        ids = [leg.id for leg in journal.legs_of(wrong)]
        legs = [replace(leg, id=pk) for leg, pk in zip(amendment.entry.legs, ids, strict=True)]
        journal.amend(wrong, replace(amendment.entry, legs=legs), version=1, reason=amendment.reason)
    for reversal in plan.reversals:
        opposite = journal.reverse(
            Transaction.objects.get(public_id=reversal.public_id),
            date=reversal.date,
            narration=reversal.narration,
            public_id=uuid.uuid5(NAMESPACE, f"reversal/{reversal.public_id}"),
        )
        journal.clear(book, Posting.objects.filter(transaction=opposite))
