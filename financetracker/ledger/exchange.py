"""Between plain journals (`formats/plain.py`) and a book: what a file brings in, and what a book says as text."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from financetracker.accounts.books import add_commodity, open_account
from financetracker.accounts.errors import Refusal, refusals
from financetracker.accounts.iso4217 import CURRENCIES
from financetracker.accounts.models import Account, Book, Commodity
from financetracker.ledger import journal, money
from financetracker.ledger.formats import plain
from financetracker.ledger.models import BalanceAssertion, Payee, Posting, Price, Transaction

# A leg that no file wrote, kept so that an export can say so again.
ROUNDING = {"rounding": "yes"}
# Only a statement reconciles a leg. What a file says of it is kept as a remark.
RECONCILED = {"reconciled": "yes"}


@dataclass(slots=True)
class Imported:
    """What an import did, or would do: counts, and everything that a person may want to know before it counts."""

    transactions: int = 0
    known: int = 0
    accounts: list[str] = field(default_factory=list)
    commodities: list[str] = field(default_factory=list)
    prices: int = 0
    assertions: int = 0
    remarks: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether the book held all of it already."""
        return not (self.transactions or self.accounts or self.commodities or self.prices or self.assertions)


def import_journal(book: Book, source: plain.Journal) -> Imported:
    """Bring a journal into a book, all or nothing: what it names, what happened, prices and assertions.

    What the book knows already is left alone and counted: an entry by its `id` or by its content and its place
    among equals (decision 0004), also when it was amended or voided since. Missing accounts and commodities are
    made; a commodity's stored places are raised where the file holds more digits, and the answer says so. Raises
    Refusal for what the book's own rules forbid.
    """
    done = Imported(remarks=[f"line {remark.line}: {remark.text}" for remark in source.remarks])
    with atomic(), refusals():
        commodities = _commodities(book, source, done)
        accounts = _accounts(book, source, done)
        _set_rounding_account(book, source, accounts)
        posted = journal.post_many(book, _entries(book, source, accounts, commodities))
        done.transactions, done.known = posted.added, posted.known
        done.prices = _prices(book, source, commodities)
        done.assertions = _assertions(book, source, accounts, commodities)
    return done


def export_journal(book: Book) -> plain.Journal:
    """Return everything a book says today as a plain journal, in the order of its days.

    Voided transactions count in no sum and are left out; history stays behind. Eight queries.
    """
    accounts = list(Account.objects.filter(book=book).order_by("full_name"))
    commodities = list(Commodity.objects.filter(book=book).order_by("code"))
    return plain.Journal(
        entries=tuple(_written(book, accounts, commodities)),
        accounts=tuple(
            plain.AccountDirective(row.full_name, _type(row.type), row.notes, _texts(row.metadata))
            for row in accounts
        ),
        commodities=tuple(
            plain.CommodityDirective(row.code, row.places, _texts(row.metadata)) for row in commodities
        ),
        prices=tuple(
            plain.Price(
                row.commodity.code,
                row.quote.code,
                row.date,
                row.value,
                _texts(row.metadata) | ({"source": row.source} if row.source else {}),
            )
            for row in Price.objects.filter(book=book)
            .select_related("commodity", "quote")
            .order_by("date", "commodity__code", "quote__code", "source")
        ),
        assertions=tuple(
            plain.Assertion(
                row.account.full_name,
                row.date,
                row.commodity.code,
                row.amount,
                row.include_children,
                row.tolerance,
                _texts(row.metadata),
            )
            for row in BalanceAssertion.objects.filter(book=book)
            .select_related("account", "commodity")
            .order_by("date", "account__full_name", "commodity__code", "include_children")
        ),
    )


# --- In


def _commodities(book: Book, source: plain.Journal, done: Imported) -> dict[str, Commodity]:
    """Return the book's commodities by code, with those of the file made, and wide enough for its digits."""
    known = {row.code: row for row in Commodity.objects.filter(book=book)}
    declared = {said.code: said for said in source.commodities}
    for code, digits in sorted(_digits(source).items()):
        said = declared.get(code)
        if code not in known:
            # A currency has its places by the standard; anything else shows what its file shows.
            places = said.places if said and said.places is not None else None
            made = add_commodity(book, code, places=places if places is not None else _places_of(code, digits))
            known[code] = made
            done.commodities.append(code)
            if said and said.metadata:
                Commodity.objects.filter(pk=made.pk).update(metadata=said.metadata)
        row = known[code]
        if digits > row.scale:
            done.remarks.append(
                _("%(code)s is stored with %(digits)d decimal places now, it was %(scale)d.")
                % {"code": code, "digits": digits, "scale": row.scale}
            )
            Commodity.objects.filter(pk=row.pk).update(scale=digits)
            row.scale = digits
    return known


def _digits(source: plain.Journal) -> dict[str, int]:
    """Return the most decimal places the file needs for each commodity, those it only names included."""
    digits: dict[str, int] = defaultdict(int)
    for said in source.commodities:
        digits[said.code] = 0
    for entry in source.entries:
        for leg in entry.legs:
            digits[leg.commodity] = max(digits[leg.commodity], money.decimals(leg.amount))
            digits[leg.weight_commodity] = max(digits[leg.weight_commodity], money.decimals(leg.weight))
    for price in source.prices:
        digits[price.commodity], digits[price.quote] = digits[price.commodity], digits[price.quote]
    for assertion in source.assertions:
        digits[assertion.commodity] = digits[assertion.commodity]
    return dict(digits)


def _places_of(code: str, digits: int) -> int | None:
    """Leave a currency's places to the standard; show anything else with the digits its file has."""
    return None if code in CURRENCIES else digits


def _accounts(book: Book, source: plain.Journal, done: Imported) -> dict[str, Account]:
    """Return the book's accounts by full name, with those of the file made, parents first."""
    known = {row.full_name: row for row in Account.objects.filter(book=book)}
    for said in sorted(source.accounts, key=lambda account: account.name.count(":")):
        row = known.get(said.name)
        if row is None:
            assert said.type is not None
            row = open_account(book, said.name, said.type, notes=said.notes, metadata=said.metadata)
            known[said.name] = row
            done.accounts.append(said.name)
        elif said.type and row.type != said.type:
            raise Refusal(
                _("%(account)s is of type %(known)s in the book and %(said)s in the file (line %(line)d).")
                % {"account": said.name, "known": row.type, "said": said.type, "line": said.line},
                rule="account_type_is_fixed",
            )
    done.accounts.sort()
    return known


def _set_rounding_account(book: Book, source: plain.Journal, accounts: Mapping[str, Account]) -> None:
    """Note which account takes what a file's tolerance leaves open, the first time one does."""
    names = {leg.account for entry in source.entries for leg in entry.legs if leg.rounding}
    if not names or book.rounding_account_id is not None:
        return
    (name,) = names
    if not Book.objects.filter(pk=book.pk).update(rounding_account=accounts[name]):
        raise Refusal(
            _("The file needs a rounding account, and only an owner of the book may name one."), rule="may_write"
        )
    book.rounding_account = accounts[name]


def _entries(
    book: Book, source: plain.Journal, accounts: Mapping[str, Account], commodities: Mapping[str, Commodity]
) -> Iterator[journal.Entry]:
    identified = plain.identify(source)
    ids = {key for entry, key in identified if plain.own_id(entry)}
    # An id that this book does not hold may belong to another one: the entry then gets one of its own here.
    held = set(
        map(str, Transaction.objects.filter(book=book, public_id__in=ids).values_list("public_id", flat=True))
    )
    for entry, key in identified:
        legs = [
            journal.Leg(
                account=accounts[leg.account],
                amount=leg.amount,
                commodity=commodities[leg.commodity],
                weight=None if leg.commodity == leg.weight_commodity else leg.weight,
                weight_commodity=None
                if leg.commodity == leg.weight_commodity
                else commodities[leg.weight_commodity],
                state="cleared" if leg.state == "reconciled" else leg.state,
                memo=leg.memo,
                metadata=leg.metadata
                | (ROUNDING if leg.rounding else {})
                | (RECONCILED if leg.state == "reconciled" else {}),
            )
            for leg in entry.legs
        ]
        yield journal.Entry(
            date=entry.date,
            legs=legs,
            payee=entry.payee,
            narration=entry.narration,
            notes=entry.notes,
            code=entry.code,
            flag="!" if entry.status == "!" else "",
            tags=entry.tags,
            metadata={name: text for name, text in entry.metadata.items() if name != "id"},
            public_id=uuid.UUID(key) if key in held else uuid.uuid5(book.public_id, key),
        )


def _prices(book: Book, source: plain.Journal, commodities: Mapping[str, Commodity]) -> int:
    """Write the file's prices; those the book has from the same source stay. Return how many were new."""
    rows = [
        Price(
            book=book,
            commodity=commodities[price.commodity],
            quote=commodities[price.quote],
            date=price.date,
            value=price.value,
            source=price.metadata.get("source", "journal")[:60],
            metadata={name: said for name, said in price.metadata.items() if name != "source"},
        )
        for price in source.prices
    ]
    before = Price.objects.filter(book=book).count()
    Price.objects.bulk_create(rows, ignore_conflicts=True)
    return Price.objects.filter(book=book).count() - before


def _assertions(
    book: Book, source: plain.Journal, accounts: Mapping[str, Account], commodities: Mapping[str, Commodity]
) -> int:
    """Write the file's assertions. One that the book has with another amount is refused, not overwritten."""
    new = 0
    for said in source.assertions:
        row, made = BalanceAssertion.objects.get_or_create(
            book=book,
            account=accounts[said.account],
            date=said.date,
            commodity=commodities[said.commodity],
            include_children=said.include_children,
            defaults={"amount": said.amount, "tolerance": said.tolerance, "metadata": said.metadata},
        )
        if row.amount != said.amount:
            raise Refusal(
                _(
                    "Line %(line)d says %(account)s holds %(said)s %(code)s on %(date)s;"
                    " the book was told %(known)s."
                )
                % {
                    "line": said.line,
                    "account": said.account,
                    "said": said.amount,
                    "code": said.commodity,
                    "date": said.date,
                    "known": row.amount,
                },
                rule="assertion_is_unique",
            )
        new += made
    return new


# --- Out


def _written(book: Book, accounts: Iterable[Account], commodities: Iterable[Commodity]) -> Iterator[plain.Entry]:
    names = {row.pk: row.full_name for row in accounts}
    codes = {row.pk: row.code for row in commodities}
    payees = dict(Payee.objects.filter(book=book).values_list("pk", "name"))
    legs: dict[int, list[plain.Leg]] = defaultdict(list)
    for row in Posting.objects.filter(book=book, voided=False).order_by("transaction_id", "position", "pk"):
        legs[row.transaction_id].append(_written_leg(row, names, codes))
    rows = Transaction.objects.filter(book=book, voided=False).prefetch_related("tags").order_by("date", "pk")
    for transaction in rows:
        states = {leg.state for leg in legs[transaction.pk]}
        yield plain.Entry(
            date=transaction.date,
            status="!" if transaction.flag == "!" else "" if "uncleared" in states else "*",
            code=transaction.code,
            payee=payees.get(transaction.payee_id or 0, ""),
            narration=transaction.narration,
            tags=tuple(sorted(tag.name for tag in transaction.tags.all())),
            metadata={**_texts(transaction.metadata), "id": str(transaction.public_id)},
            notes=transaction.notes,
            legs=tuple(legs[transaction.pk]),
        )


def _written_leg(row: Posting, names: Mapping[int, str], codes: Mapping[int, str]) -> plain.Leg:
    rounding = row.metadata.get("rounding") == "yes"
    return plain.Leg(
        account=names[row.account_id],
        amount=row.amount,
        commodity=codes[row.commodity_id],
        weight=row.weight,
        weight_commodity=codes[row.weight_commodity_id],
        state=row.state,  # type: ignore[arg-type]
        memo=row.memo,
        metadata=_texts(
            {name: said for name, said in row.metadata.items() if not (rounding and name == "rounding")}
        ),
        rounding=rounding,
    )


def _type(name: str) -> plain.AccountType:
    return next(known for known in plain.ACCOUNT_TYPES if known == name)


def _texts(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return metadata as the texts a journal can hold. Ours are texts; a number from elsewhere is spelled out."""
    return {
        str(name): said if isinstance(said, str) else str(said) if isinstance(said, Decimal | int) else repr(said)
        for name, said in metadata.items()
    }
