"""What people type, read into what `journal` takes, with each error at the field it belongs to.

Legs are rows of text: names are resolved here, on the server, so a form works without a script, and whatever was
typed can be shown again as it was. Rows are found by their own names in the data; no count is believed.
"""

import difflib
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from financetracker.accounts.errors import Refusal
from financetracker.accounts.models import Account, Book, Commodity
from financetracker.ledger import money
from financetracker.ledger.journal import Entry, Leg, LegRefused, residue
from financetracker.ledger.models import Posting, Transaction

MAX_LEGS = 1000
EMPTY_ROWS = 4
FILL = "="
# Close names are looked for this often a form: it is slow, and a thousand wrong rows need no thousand hints.
HINTS = 8

COLUMNS = ("id", "account", "amount", "commodity", "weight", "weight_commodity", "memo")
_ROW = re.compile(r"leg-([0-9]{1,6})-(" + "|".join(COLUMNS) + ")", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

# The field of the form that a rule of the database is about; rules of a leg carry their row instead.
FIELDS_OF_RULES = {
    "period_is_open": "date",
    "transaction_date_in_calendar": "date",
    "payee_name_is_one_line": "payee",
    "tag_name_is_one_word": "tags",
}


class BadName(ValueError):
    """No row of the book has this name; the message says which come close."""


def short(text: str) -> str:
    """Cut what is quoted back to a person."""
    return text if len(text) <= 60 else text[:59] + "…"


class DayField(forms.DateField):
    """A day as 2026-03-14: what a date input sends, and nothing that could be read in two ways."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_error_messages: ClassVar = {
        "invalid": gettext_lazy("That is not a day of the calendar: write it like 2026-03-14.")
    }

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip() and not _DAY.fullmatch(value.strip()):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class AmountField(forms.CharField):
    """An exact amount in plain digits; see money.parse_amount."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "class": "amount"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        for name in ("max_digits", "decimal_places", "localize"):
            kwargs.pop(name, None)
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        try:
            return money.parse_amount(str(value))
        except money.BadAmount as error:
            raise ValidationError(str(error), code="invalid") from error

    def run_validators(self, value: Any) -> None:
        """The validators of text have nothing to say about a number."""

    def prepare_value(self, value: Any) -> Any:
        """Show what is stored without an exponent and without trailing zeros."""
        return f"{value:f}" if isinstance(value, Decimal) else value


class Chart:
    """The names a form may use: accounts and commodities of one book. Two queries."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.accounts = list(Account.objects.filter(book=book).order_by("full_name"))
        self.commodities = list(Commodity.objects.filter(book=book).order_by("code"))
        self.by_id = {row.pk: row for row in self.commodities}
        self._hints = HINTS

    @property
    def base(self) -> Commodity:
        return self.by_id[self.book.base_commodity_id]

    def offered(self) -> list[tuple[str, str]]:
        """Return the accounts to suggest, each with the code of the only commodity it holds (or none)."""
        return [
            (row.full_name, self.default_commodity(row).code if len(row.commodity_ids) == 1 else "")
            for row in self.accounts
            if not (row.placeholder or row.hidden or row.closed_on)
        ]

    def account(self, typed: str) -> Account:
        """Find an account by its full name, or by the end of it where only one fits. Raises BadName."""
        wanted = typed.casefold()
        for row in self.accounts:
            if row.full_name == typed:
                return row
        found = [row for row in self.accounts if f":{row.full_name.casefold()}".endswith(f":{wanted}")]
        whole = [row for row in found if row.full_name.casefold() == wanted]
        if len(whole or found) == 1:
            return (whole or found)[0]
        if found:
            names = ", ".join(row.full_name for row in found[:5])
            raise BadName(
                _("“%(name)s” fits several accounts: %(names)s.") % {"name": short(typed), "names": names}
            )
        raise BadName(self._no_such(_("There is no account “%(name)s”."), typed, self._account_names()))

    def commodity(self, typed: str, account: Account | None = None) -> Commodity:
        """Find a commodity by its code; nothing typed means the account's only one, or the base."""
        if not typed:
            return self.default_commodity(account)
        for row in self.commodities:
            if row.code == typed or row.code == typed.upper():
                return row
        raise BadName(
            self._no_such(
                _("There is no commodity “%(name)s”."),
                typed,
                {r.code.casefold(): r.code for r in self.commodities},
            )
        )

    def default_commodity(self, account: Account | None) -> Commodity:
        if account is not None and len(account.commodity_ids) == 1:
            return self.by_id.get(account.commodity_ids[0], self.base)
        return self.base

    def _account_names(self) -> dict[str, str]:
        names = {row.name.casefold(): row.full_name for row in self.accounts}
        return names | {row.full_name.casefold(): row.full_name for row in self.accounts}

    def _no_such(self, sentence: str, typed: str, names: Mapping[str, str]) -> str:
        message = sentence % {"name": short(typed)}
        self._hints -= 1
        if self._hints < 0 or len(typed) > 200:
            return message
        close = difflib.get_close_matches(typed.casefold(), names, n=3)
        if not close:
            return message
        near = ", ".join(dict.fromkeys(names[name] for name in close))
        return message + " " + _("Did you mean %(names)s?") % {"names": near}


@dataclass(slots=True)
class Row:
    """One leg as it was typed: text only, and what is wrong with it, by column."""

    index: int
    id: str = ""
    account: str = ""
    amount: str = ""
    commodity: str = ""
    weight: str = ""
    weight_commodity: str = ""
    memo: str = ""
    state: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nobody wrote anything into it; such a row is no leg, and one that was a leg goes."""
        return not (self.account or self.amount or self.weight or self.memo)

    @property
    def is_reconciled(self) -> bool:
        return self.state == Posting.State.RECONCILED

    @property
    def messages(self) -> list[str]:
        """All that is wrong with the row, in reading order."""
        return [text for column in (*COLUMNS, "state") for text in self.errors.get(column, ())]

    def refuse(self, column: str, message: str) -> None:
        """Note what is wrong with a column."""
        self.errors.setdefault(column, []).append(message)

    def read(self, chart: Chart, own: Mapping[int, Leg]) -> Leg | None:
        """Return the leg, or None if something is wrong with it. `=` as amount gives zero, to be filled."""
        for column in COLUMNS:
            if "\x00" in getattr(self, column):
                self.refuse(column, _("Null characters are not allowed."))
        if len(self.memo) > 500:
            self.refuse("memo", _("A memo has at most 500 characters (this one has %d).") % len(self.memo))
        before = self._before(own)
        account = self._named("account", chart.account)
        commodity = self._named("commodity", lambda text: chart.commodity(text, account))
        amount = self._number("amount", commodity)
        weight, weight_commodity = self._weight(chart, amount)
        if self.errors or account is None or commodity is None or amount is None:
            return None
        leg = before or Leg(account, amount, commodity)
        return replace(
            leg,
            account=account,
            amount=amount,
            commodity=commodity,
            weight=weight,
            weight_commodity=weight_commodity,
            memo=self.memo,
        )

    def _before(self, own: Mapping[int, Leg]) -> Leg | None:
        if not self.id:
            return None
        before = own.get(int(self.id)) if re.fullmatch(r"[0-9]{1,18}", self.id, re.ASCII) else None
        if before is None:
            self.refuse("id", _("This row is no leg of this transaction: open it anew."))
        return before

    def _named(self, column: str, find: Any) -> Any:
        typed = getattr(self, column)
        if column == "account" and not typed:
            self.refuse(column, _("An account is missing."))
            return None
        try:
            return find(typed)
        except BadName as error:
            self.refuse(column, str(error))
            return None

    def _number(self, column: str, commodity: Commodity | None) -> Decimal | None:
        typed = getattr(self, column)
        if column == "amount" and typed == FILL:
            return Decimal(0)
        try:
            return money.parse_amount(typed, places=commodity.scale if commodity else money.MAX_SCALE)
        except money.BadAmount as error:
            self.refuse(column, str(error))
            return None

    def _weight(self, chart: Chart, amount: Decimal | None) -> tuple[Decimal | None, Commodity | None]:
        if not self.weight:
            if self.weight_commodity:
                self.refuse(
                    "weight", _("Say what it was worth in %(code)s.") % {"code": short(self.weight_commodity)}
                )
            return None, None
        commodity = self._named("weight_commodity", chart.commodity)
        weight = self._number("weight", commodity)
        if weight is not None and amount is not None and amount < 0 and self.weight[0] not in "+-\u2212":
            weight = -weight  # what was paid is written without a sign; it counts with the amount's
        return weight, commodity


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
            rows[at].amount = f"{legs[at].amount:f}"
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


def rows_in(data: MultiValueDict[str, str]) -> list[Row]:
    """Find the rows in what was sent, in the order of their numbers, whatever else was sent."""
    rows: dict[int, Row] = {}
    for key in data:
        match = _ROW.fullmatch(key)
        if match:
            row = rows.setdefault(int(match[1]), Row(int(match[1])))
            setattr(row, match[2], (data.get(key) or "").strip())
    return [rows[index] for index in sorted(rows)]


def rows_of(legs: Iterable[Leg]) -> list[Row]:
    """Write legs as rows of text, with the places people type."""
    return [
        Row(
            index=index,
            id=str(leg.id or ""),
            account=leg.account.full_name,
            amount=plain(leg.amount, leg.commodity),
            commodity=leg.commodity.code,
            weight=""
            if leg.weight is None or leg.weight_commodity is None
            else plain(leg.weight, leg.weight_commodity),
            weight_commodity=leg.weight_commodity.code if leg.weight_commodity else "",
            memo=leg.memo,
        )
        for index, leg in enumerate(legs)
    ]


def plain(amount: Decimal, commodity: Commodity) -> str:
    """Write an amount as it is typed: 1234.50, with at least the commodity's places and no separators."""
    return f"{amount:.{max(commodity.places, money.decimals(amount))}f}"


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


class FilterForm(forms.Form):
    """What narrows the list of transactions. Names are names of the chosen book."""

    STATES: ClassVar = [("", gettext_lazy("any state")), *Posting.State.choices]
    VOID: ClassVar = [
        ("", gettext_lazy("void or not")),
        ("no", gettext_lazy("not void")),
        ("yes", gettext_lazy("void only")),
    ]

    q = forms.CharField(label=gettext_lazy("Search"), max_length=200, required=False)
    account = forms.CharField(label=gettext_lazy("Account"), max_length=1000, required=False)
    tag = forms.CharField(label=gettext_lazy("Tag"), max_length=60, required=False)
    state = forms.ChoiceField(label=gettext_lazy("State"), choices=STATES, required=False)
    void = forms.ChoiceField(label=gettext_lazy("Void"), choices=VOID, required=False)
    since = DayField(label=gettext_lazy("From"), required=False)
    until = DayField(label=gettext_lazy("To"), required=False)

    def __init__(self, chart: Chart, data: Any) -> None:
        super().__init__(data, auto_id="filter_%s")
        self.chart = chart
        self.fields["q"].widget.attrs.update({"type": "search", "placeholder": _("Payee, words, 42.50 or >100")})
        self.fields["account"].widget.attrs.update({"list": "accounts", "autocomplete": "off"})
        self.fields["tag"].widget.attrs.update({"list": "tags", "autocomplete": "off"})

    def clean_account(self) -> list[int]:
        """Return the ids of the account and of everything below it; empty for no filter."""
        typed = self.cleaned_data["account"]
        if not typed:
            return []
        try:
            chosen = self.chart.account(typed)
        except BadName as error:
            raise ValidationError(str(error)) from error
        below = chosen.full_name + ":"
        return [row.pk for row in self.chart.accounts if row == chosen or row.full_name.startswith(below)]
