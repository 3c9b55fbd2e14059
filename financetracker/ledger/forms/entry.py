"""The form of one transaction: its head and its rows, each error at the field it belongs to."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from financetracker.accounts.errors import Refusal
from financetracker.ledger import money
from financetracker.ledger.forms.chart import Chart, short
from financetracker.ledger.forms.fields import DayField
from financetracker.ledger.forms.rows import FILL, Row, rows_in, rows_of
from financetracker.ledger.journal import Entry, Leg, LegRefused, residue
from financetracker.ledger.models import Transaction

MAX_LEGS = 1000
EMPTY_ROWS = 4

# The field of the form that a rule of the database is about; rules of a leg carry their row instead.
FIELDS_OF_RULES = {
    "period_is_open": "date",
    "transaction_date_in_calendar": "date",
    "payee_name_is_one_line": "payee",
    "tag_name_is_one_word": "tags",
}


class HeadForm(forms.Form):
    """What a transaction says besides its legs."""

    date = DayField(label=gettext_lazy("Date"))
    payee = forms.CharField(label=gettext_lazy("Payee"), max_length=200, required=False)
    narration = forms.CharField(label=gettext_lazy("What for"), max_length=500, required=False)
    tags = forms.CharField(label=gettext_lazy("Tags"), max_length=1000, required=False)
    code = forms.CharField(label=gettext_lazy("Code"), max_length=60, required=False)
    notes = forms.CharField(
        label=gettext_lazy("Notes"), required=False, max_length=100_000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.fields["payee"].widget.attrs.update({"list": "payees", "autocomplete": "off"})
        self.fields["tags"].widget.attrs.update({"list": "tags", "autocomplete": "off"})
        for name in self.fields:
            # The server says it in words, and typed text must not be cut by the browser.
            self.fields[name].widget.attrs.pop("maxlength", None)

    def clean_tags(self) -> tuple[str, ...]:
        """Read words, separated by spaces or commas, with or without a hash sign."""
        words = tuple(dict.fromkeys(word.lstrip("#") for word in re.split(r"[\s,]+", self.cleaned_data["tags"])))
        for word in words:
            if len(word) > 60 or ":" in word or ";" in word or "#" in word:
                raise ValidationError(
                    _("“%(tag)s”: a tag is one word of at most 60 characters, without colon or semicolon.")
                    % {"tag": short(word)}
                )
        return tuple(word for word in words if word)


class EntryForm:
    """The form of one transaction: its head, its rows, and what tells one submission from another.

    Bound to data it reads an `entry()`; without, it shows a transaction or an empty form. `errors` are those of no
    field. `stale` is the transaction as the books hold it now, where somebody was faster.
    """

    def __init__(
        self,
        chart: Chart,
        *,
        transaction: Transaction | None = None,
        entry: Entry | None = None,
        data: MultiValueDict[str, str] | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self.chart = chart
        self.transaction = transaction
        self.before = entry
        self.errors: list[str] = []
        self.stale: Entry | None = None
        self.stale_rows: list[Row] = []
        self.read_rows: list[Row] = []
        if data is not None:
            self.head = HeadForm(data)
            self.rows = rows_in(data)
            self.public_id = data.get("public_id", "")
            self.version = data.get("version", "")
            self.book_id = data.get("book", "")
        else:
            self.head = HeadForm(initial=head_of(entry) if entry else dict(initial or {}))
            self.rows = rows_of(entry.legs) if entry else []
            self.public_id = str(entry.public_id if entry else uuid.uuid4())
            self.version = str(transaction.version) if transaction else ""
            self.book_id = str(chart.book.public_id)
        self._mark_states()
        if len(self.rows) < MAX_LEGS:
            self.add_rows(EMPTY_ROWS if not self.rows else 2 if not entry or data is not None else 1)

    def add_rows(self, count: int) -> None:
        """Add empty rows at the end, up to the number a form may have."""
        empty = 0
        for row in reversed(self.rows):
            if not row.is_empty:
                break
            empty += 1
        first = self.rows[-1].index + 1 if self.rows else 0
        missing = max(0, count - empty)
        self.rows += [Row(first + i) for i in range(min(missing, max(0, MAX_LEGS - len(self.rows))))]

    def entry(self) -> Entry | None:
        """Read what was typed; None if something is wrong, and then it is said where."""
        head_is_valid = self.head.is_valid()
        typed = [row for row in self.rows if not row.is_empty]
        if len(typed) > MAX_LEGS:
            self.errors.append(
                _("A form takes at most %(most)d legs, and this one has %(count)d: import a file for more.")
                % {"most": MAX_LEGS, "count": len(typed)}
            )
            return None
        own = {leg.id: leg for leg in self.before.legs if leg.id is not None} if self.before else {}
        legs = [row.read(self.chart, own) for row in typed]
        kept = [row.id for row in typed if row.id]
        if len(set(kept)) < len(kept):
            self.errors.append(_("Two rows are the same leg: open the transaction anew."))
        public_id = self._public_id()
        read = [leg for leg in legs if leg is not None]
        if not head_is_valid or self.errors or public_id is None or len(read) < len(legs):
            return None
        self.read_rows = typed
        filled = self._fill(typed, read)
        return None if filled is None else self._entry(filled, public_id)

    def refuse(self, refusal: Refusal) -> None:
        """Show what the books said, at the row or field it is about."""
        if isinstance(refusal, LegRefused) and refusal.leg < len(self.read_rows):
            self.read_rows[refusal.leg].refuse(refusal.field, refusal.message)
        elif refusal.rule in FIELDS_OF_RULES:
            self.head.add_error(FIELDS_OF_RULES[refusal.rule], refusal.message)
        else:
            self.errors.append(refusal.message)

    def show_stale(self, transaction: Transaction, now: Entry) -> None:
        """Keep what was typed beside what the books hold now; saving again replaces that knowingly."""
        self.stale, self.transaction, self.version = now, transaction, str(transaction.version)
        self.stale_rows = rows_of(now.legs)
        left = {str(leg.id) for leg in now.legs}
        for row in self.rows:
            if row.id not in left:
                row.id = ""

    @property
    def is_wrong(self) -> bool:
        """Whether anything is to be put right."""
        return bool(self.errors or self.head.errors or any(row.errors for row in self.rows))

    def _entry(self, legs: list[Leg], public_id: uuid.UUID) -> Entry:
        said = self.head.cleaned_data
        return Entry(
            date=said["date"],
            legs=legs,
            payee=said["payee"],
            narration=said["narration"],
            notes=said["notes"],
            code=said["code"],
            tags=said["tags"],
            public_id=public_id,
            flag=self.before.flag if self.before else "",
            metadata=self.before.metadata if self.before else {},
        )

    def _fill(self, rows: list[Row], legs: list[Leg]) -> list[Leg] | None:
        """Put what is missing into the row whose amount is `=`."""
        places = [i for i, row in enumerate(rows) if row.amount == FILL]
        if not places:
            return legs
        at = places[0]
        others = [leg for i, leg in enumerate(legs) if i != at]
        off = residue(others)
        if len(places) > 1:
            rows[places[1]].refuse("amount", _("Only one row can take what is left."))
        elif legs[at].weight is not None or set(off) - {legs[at].commodity.code}:
            rows[at].refuse("amount", _("What is left is not in one commodity: write the amount."))
        elif not off:
            rows[at].refuse("amount", _("Nothing is left for this row."))
        else:
            legs[at] = replace(legs[at], amount=-off[legs[at].commodity.code])
            rows[at].amount = money.typed(legs[at].amount, legs[at].commodity.places)
            return legs
        return None

    def _public_id(self) -> uuid.UUID | None:
        try:
            return uuid.UUID(self.public_id)
        except ValueError:
            self.public_id = str(uuid.uuid4())
            self.errors.append(_("The form came without its number. It has a new one now: save again."))
            return None

    def _mark_states(self) -> None:
        states = {str(leg.id): str(leg.state) for leg in self.before.legs} if self.before else {}
        for row in self.rows:
            row.state = states.get(row.id, "")


def head_of(entry: Entry) -> dict[str, Any]:
    """Write what an entry says besides its legs as the form shows it."""
    return {
        "date": entry.date,
        "payee": entry.payee,
        "narration": entry.narration,
        "notes": entry.notes,
        "code": entry.code,
        "tags": " ".join(entry.tags),
    }
