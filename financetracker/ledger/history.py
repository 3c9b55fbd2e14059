"""History in words: who changed what, from what to what, as sentences for a page. Reads the revisions alone."""

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Field, ForeignKey, Model, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from financetracker.accounts.models import Account, Commodity
from financetracker.ledger import money
from financetracker.ledger.models import (
    History,
    Operation,
    Payee,
    Posting,
    PostingRevision,
    Revision,
    Tag,
    Transaction,
    TransactionRevision,
    TransactionTag,
)
from financetracker.writing.days import show_day

# The tags of a submission are written in a statement of their own, moments after the rest.
TOGETHER = datetime.timedelta(seconds=1)
NOTHING = "∅"

# Columns that say nothing to a person, or that another line says already.
SILENT = frozenset({"id", "book_id", "public_id", "version", "full_name", "metadata"})


@dataclass(slots=True)
class Event:
    """What one submission changed: one line for each change."""

    recorded_at: datetime.datetime
    actor: str
    source: str
    reason: str
    lines: list[str] = field(default_factory=list)


def history_of_transaction(row: Transaction) -> list[Event]:
    """Return what happened to a transaction, its legs and its tags, newest first. Seven queries at most."""
    heads = list(TransactionRevision.objects.filter(transaction=row.pk).select_related("actor").order_by("pk"))
    legs = list(
        PostingRevision.objects.annotate(of=Coalesce("new_transaction_id", "old_transaction_id"))
        .filter(of=row.pk)
        .select_related("actor")
        .order_by("pk")
    )
    tags = list(
        Revision.objects.filter(Q(new__transaction_id=row.pk) | Q(old__transaction_id=row.pk))
        .filter(book=row.book_id, table=TransactionTag._meta.db_table)
        .select_related("actor")
        .order_by("pk")
    )
    names = _Names(heads, legs, tags)
    told = [
        *((head, names.lines_of_head(head)) for head in heads),
        *((leg, [line]) for leg in legs if (line := names.line_of_leg(leg))),
        *((tag, [names.line_of_tag(tag)]) for tag in tags),
    ]
    return _events(told)


def history_of_row(row: Model, *, columns: Collection[str] = ()) -> list[Event]:
    """Return what happened to a row of any other table of a book, newest first. Names are read once a table.

    `columns` keeps the changes of these alone.
    """
    revisions = list(
        Revision.objects.filter(book=_book_id(row), table=row._meta.db_table, row_id=row.pk)
        .select_related("actor")
        .order_by("pk")
    )
    fields = {
        field.attname: field for field in row._meta.concrete_fields if not columns or field.attname in columns
    }
    show = _shower(fields, revisions)
    kept = (row for row in revisions if not columns or row.operation == Operation.UPDATE)
    return _events((revision, _lines_of_row(revision, fields, show)) for revision in kept)


def arrow(old: str, new: str) -> str:
    """Write a change."""
    return f"{old or NOTHING} → {new or NOTHING}"


class _Names:
    """The names that revisions of a transaction speak of, read at once."""

    def __init__(
        self,
        heads: Sequence[TransactionRevision],
        legs: Sequence[PostingRevision],
        tags: Sequence[Revision],
    ) -> None:
        self.payees = _by_id(Payee, (i for head in heads for i in (head.old_payee_id, head.new_payee_id)))
        self.accounts = _by_id(Account, (i for leg in legs for i in (leg.old_account_id, leg.new_account_id)))
        self.commodities = _by_id(
            Commodity,
            (
                i
                for leg in legs
                for i in (
                    leg.old_commodity_id,
                    leg.new_commodity_id,
                    leg.old_weight_commodity_id,
                    leg.new_weight_commodity_id,
                )
            ),
        )
        self.tags = _by_id(Tag, ((tag.new or tag.old or {}).get("tag_id") for tag in tags))

    def lines_of_head(self, change: TransactionRevision) -> list[str]:
        if change.operation == Operation.INSERT:
            return [_("Entered")]
        if change.operation == Operation.DELETE:
            return [_("Removed")]
        lines = []
        if change.old_voided != change.new_voided:
            lines.append(_("Voided") if change.new_voided else _("Brought back"))
        if change.old_date != change.new_date and change.old_date and change.new_date:
            lines.append(f"{_('date')} {arrow(show_day(change.old_date), show_day(change.new_date))}")
        if change.old_payee_id != change.new_payee_id:
            old, new = (_name(self.payees, pk) for pk in (change.old_payee_id, change.new_payee_id))
            lines.append(f"{_('payee')} {arrow(old, new)}")
        for name, label in (
            ("narration", _("narration")),
            ("notes", _("notes")),
            ("code", _("code")),
            ("flag", _("flag")),
        ):
            old, new = getattr(change, f"old_{name}") or "", getattr(change, f"new_{name}") or ""
            if old != new:
                lines.append(f"{label} {arrow(_cut(old), _cut(new))}")
        return lines

    def line_of_leg(self, change: PostingRevision) -> str:
        """Say what became of a leg; nothing where only the mirrored columns moved."""
        if change.operation == Operation.INSERT:
            return _("%(account)s %(amount)s added") % {
                "account": _name(self.accounts, change.new_account_id),
                "amount": self.amount(change, "new"),
            }
        if change.operation == Operation.DELETE:
            return _("%(account)s %(amount)s removed") % {
                "account": _name(self.accounts, change.old_account_id),
                "amount": self.amount(change, "old"),
            }
        parts = []
        if change.old_account_id != change.new_account_id:
            old, new = (_name(self.accounts, pk) for pk in (change.old_account_id, change.new_account_id))
            parts.append(f"{_('account')} {arrow(old, new)}")
        old, new = self.amount(change, "old"), self.amount(change, "new")
        if old != new:
            parts.append(f"{_('amount')} {arrow(old, new)}")
        if change.old_state != change.new_state:
            parts.append(arrow(_state(change.old_state), _state(change.new_state)))
        if change.old_memo != change.new_memo:
            parts.append(f"{_('memo')} {arrow(_cut(change.old_memo or ''), _cut(change.new_memo or ''))}")
        if not parts:
            return ""
        return f"{_name(self.accounts, change.old_account_id)}: {', '.join(parts)}"

    def line_of_tag(self, change: Revision) -> str:
        name = _name(self.tags, (change.new or change.old or {}).get("tag_id"))
        if change.operation == Operation.INSERT:
            return _("tag %(name)s added") % {"name": name}
        return _("tag %(name)s removed") % {"name": name}

    def amount(self, change: PostingRevision, side: str) -> str:
        """Write an amount with what it was worth, as the books had it."""
        text = self._money(getattr(change, f"{side}_amount"), getattr(change, f"{side}_commodity_id"))
        if getattr(change, f"{side}_commodity_id") == getattr(change, f"{side}_weight_commodity_id"):
            return text
        worth = self._money(getattr(change, f"{side}_weight"), getattr(change, f"{side}_weight_commodity_id"))
        return _("%(amount)s (worth %(worth)s)") % {"amount": text, "worth": worth}

    def _money(self, value: Decimal | None, commodity_id: int | None) -> str:
        commodity = self.commodities.get(commodity_id or 0)
        if value is None or commodity is None:
            return ""
        return f"{money.show(value, commodity.places)} {commodity.code}"


def _events(told: Iterable[tuple[History, list[str]]]) -> list[Event]:
    """Put together what one submission did, newest first: one statement, and the tags written right after it."""
    events: list[Event] = []
    for change, lines in sorted(told, key=lambda pair: pair[0].recorded_at):
        actor = str(change.actor) if change.actor else pgettext("who", "the system")
        last = events[-1] if events else None
        if last is None or last.actor != actor or not _belongs(change, last):
            last = Event(change.recorded_at, actor, change.source, change.reason)
            events.append(last)
        last.reason = last.reason or change.reason
        last.lines += lines
    return [event for event in reversed(events) if event.lines]


def _belongs(change: History, event: Event) -> bool:
    if change.recorded_at == event.recorded_at:
        return True
    is_tag = isinstance(change, Revision) and change.table == TransactionTag._meta.db_table
    return is_tag and change.recorded_at - event.recorded_at <= TOGETHER


def _lines_of_row(
    change: Revision, fields: Mapping[str, "Field[Any, Any]"], show: Callable[[str, Any], str]
) -> list[str]:
    if change.operation == Operation.INSERT:
        return [_("Added")]
    if change.operation == Operation.DELETE:
        return [_("Removed")]
    old, new = change.old or {}, change.new or {}
    return [
        _lock(old.get(name), new.get(name))
        if name == "locked_through"
        else f"{fields[name].verbose_name} {arrow(show(name, old.get(name)), show(name, new.get(name)))}"
        for name in fields
        if name not in SILENT and old.get(name) != new.get(name)
    ]


def _lock(old: str | None, new: str | None) -> str:
    """Say how far a book was locked, or that it was opened again."""
    if new is None:
        return _("Opened again")
    day = show_day(datetime.date.fromisoformat(new))
    if old is None or old < new:
        return _("Locked through %(day)s") % {"day": day}
    return _("Opened again after %(day)s") % {"day": day}


def _shower(fields: Mapping[str, "Field[Any, Any]"], revisions: Sequence[Revision]) -> Callable[[str, Any], str]:
    """Return a function that writes a column's JSON value for a person; rows it points at by their names."""
    values = [row for revision in revisions for row in (revision.old, revision.new) if row]
    named = {
        name: _by_id(column.related_model, (row.get(name) for row in values))
        for name, column in fields.items()
        if isinstance(column, ForeignKey) and name not in SILENT
    }
    held = _by_id(Commodity, (pk for row in values for pk in row.get("commodity_ids") or ()))

    def show(name: str, value: Any) -> str:
        if name in named:
            return _name(named[name], value)
        if name == "commodity_ids":
            return ", ".join(_name(held, pk) for pk in value or ()) or _("any")
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        choices = dict(getattr(fields[name], "flatchoices", ()))
        if value in choices:
            return str(choices[value])
        if fields[name].get_internal_type() == "DateField" and value:
            return show_day(datetime.date.fromisoformat(value))
        if fields[name].get_internal_type() == "DecimalField":
            return _decimal(value)
        return "" if value is None else _cut(str(value))

    return show


def _decimal(value: Any) -> str:
    try:
        return money.show(Decimal(str(value)), 0)
    except InvalidOperation:
        return str(value)


def _by_id(model: type[Model], ids: Iterable[Any]) -> dict[int, Any]:
    wanted = {pk for pk in ids if pk is not None}
    return model._default_manager.in_bulk(wanted) if wanted else {}


def _name(rows: Mapping[int, Any], pk: Any) -> str:
    if pk is None:
        return ""
    return str(rows[pk]) if pk in rows else _("something removed since")


def _state(value: str | None) -> str:
    return str(dict(Posting.State.choices).get(value or "", value or ""))


def _cut(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


def _book_id(row: Model) -> int:
    return int(getattr(row, "book_id", row.pk))
