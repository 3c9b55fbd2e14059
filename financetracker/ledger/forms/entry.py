"""The form of one transaction: its head, and its legs in short or as rows, each error where it belongs."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from financetracker.accounts import books
from financetracker.accounts.errors import Refusal
from financetracker.accounts.iso4217 import CURRENCIES
from financetracker.ledger import money, suggest
from financetracker.ledger.derived import REFUND_OF
from financetracker.ledger.forms.chart import Chart, Offer
from financetracker.ledger.forms.head import HeadForm, head_of
from financetracker.ledger.forms.plain import COLUMNS as PLAIN_COLUMNS
from financetracker.ledger.forms.plain import TYPES, PlainLegs
from financetracker.ledger.forms.rows import COLUMNS, FILL, OPENED, Row, rows_in, rows_of, rows_to_see
from financetracker.ledger.journal import Entry, Leg, LegRefused, residue
from financetracker.ledger.models import Transaction
from financetracker.ledger.suggest import OWN, Usual

MAX_LEGS = 1000
EMPTY_ROWS = 4
# What may be suggested outside of the rows.
SUGGESTED = ("account", "category", "tags")

# The field of the form that a rule of the database is about; rules of a leg carry their row instead.
FIELDS_OF_RULES = {
    "period_is_open": "date",
    "transaction_date_in_calendar": "date",
    "payee_name_is_one_line": "payee",
    "tag_name_is_one_word": "tags",
}


class EntryForm:
    """The form of one transaction: its head, its legs, and what tells one submission from another.

    The legs stand in `plain` (one amount, one account, one category) or, where that is None, in `rows`. Bound to
    data it reads an `entry()`; without, it shows the entry that it amends or begins with, or an empty form with
    `initial` (`wide`: in rows). `errors` are those of no field, `told` is what the form did by itself; `suggested`
    names the fields that were filled in and not typed over since; a row knows by itself whether its account was.
    `stale` is the transaction as the books hold it now, where somebody was faster; `alike` are others that look
    the same.
    """

    def __init__(
        self,
        chart: Chart,
        *,
        transaction: Transaction | None = None,
        entry: Entry | None = None,
        data: MultiValueDict[str, str] | None = None,
        initial: Mapping[str, Any] | None = None,
        wide: bool = False,
    ) -> None:
        self.chart = chart
        self.transaction = transaction
        self.before = entry
        self.errors: list[str] = []
        self.told: list[str] = []
        self.suggested: set[str] = set()
        self.alike: list[Transaction] = []
        self.stale: Entry | None = None
        self.stale_rows: list[Row] = []
        self.read_rows: list[Row] = []
        self.plain: PlainLegs | None = None
        self.rows: list[Row] = []
        if data is not None:
            self._take_data(data)
        else:
            self._show(entry, dict(initial or {}), wide=wide)
        self._mark_states()
        if self.plain is None and len(self.rows) < MAX_LEGS:
            self.add_rows(EMPTY_ROWS if not self.rows else 2 if not entry or data is not None else 1)

    def _take_data(self, data: MultiValueDict[str, str]) -> None:
        self.head = HeadForm(data)
        if data.get("shape") == "plain":
            self.plain = PlainLegs.typed(data)
        else:
            self.rows = rows_in(data)
        # A mark comes back with what was suggested: it stays where that still stands, whoever wrote it.
        for name in SUGGESTED:
            suggested = (data.get(f"suggested-{name}") or "").strip()
            if suggested and suggested == self.typed(name):
                self.suggested.add(name)
        self._mark_suggested_rows()
        self.public_id = data.get("public_id", "")
        self.version = data.get("version", "")
        self.book_id = data.get("book", "")

    def _show(self, shown: Entry | None, initial: dict[str, Any], *, wide: bool) -> None:
        """Show an entry, or what is to stand in an empty form."""
        self.head = HeadForm(initial=(head_of(shown) if shown else {}) | initial)
        if not wide:
            back = bool(shown and shown.metadata.get(REFUND_OF))
            self.plain = (
                PlainLegs.of(shown.legs, self.chart, is_refund=back) if shown else PlainLegs.typed(initial)
            )
        if self.plain is None and shown:
            self.rows = rows_of(shown.legs, self.chart)
        elif self.plain is None:
            self.rows = PlainLegs.typed(initial).widened(self.chart)
        self.public_id = str(shown.public_id if shown else uuid.uuid4())
        self.version = str(self.transaction.version) if self.transaction else ""
        self.book_id = str(self.chart.book.public_id)

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
        typed = self._typed()
        if len(typed) > MAX_LEGS:
            self.errors.append(
                _("A form takes at most %(most)d legs, and this one has %(count)d: import a file for more.")
                % {"most": MAX_LEGS, "count": len(typed)}
            )
            return None
        own = {leg.id: leg for leg in self.before.legs if leg.id is not None} if self.before else {}
        legs = [row.read(self.chart, own) for row in typed]
        if self.plain is not None:
            self.plain.take_errors(typed)
        kept = [row.id for row in typed if row.id]
        if len(set(kept)) < len(kept):
            self.errors.append(_("Two rows are the same leg: open the transaction anew."))
        public_id = self._public_id()
        read = [leg for leg in legs if leg is not None]
        if not head_is_valid or self.is_wrong or public_id is None or len(read) < len(legs):
            return None
        self.read_rows = typed
        filled = self._fill(typed, read)
        return None if filled is None else self._entry(filled, public_id)

    def refuse(self, refusal: Refusal) -> None:
        """Show what the books said, at the row or field it is about."""
        if isinstance(refusal, LegRefused) and refusal.leg < len(self.read_rows):
            self.read_rows[refusal.leg].refuse(refusal.field, refusal.message)
            if self.plain is not None:
                self.plain.take_errors(self.read_rows)
        elif refusal.rule in FIELDS_OF_RULES:
            self.head.add_error(FIELDS_OF_RULES[refusal.rule], refusal.message)
        else:
            self.errors.append(refusal.message)

    def show_stale(self, transaction: Transaction, now: Entry, said: str) -> None:
        """Keep what was typed beside what the books hold now; saving again replaces that knowingly."""
        self.stale, self.transaction, self.version = now, transaction, str(transaction.version)
        self.stale_rows = rows_to_see(now.legs)
        self.errors.append(said)
        left = {str(leg.id) for leg in now.legs}
        for row in self.rows:
            if row.id not in left:
                row.id = ""

    @property
    def is_wrong(self) -> bool:
        """Whether anything is to be put right."""
        in_legs = self.plain.errors if self.plain is not None else any(row.errors for row in self.rows)
        return bool(self.errors or self.head.errors or in_legs)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Where something is to be put right: the id of the input and what it is called, in reading order."""
        found = [(field.id_for_label, str(field.label)) for field in self.head if field.errors]
        if self.plain is not None:
            names = {"amount": _("Amount"), "account": _("Paid with"), "category": _("Category")}
            names["charged"] = self.plain.asked(self.chart) or _("Charged")
            found += [(f"id_{name}", label) for name, label in names.items() if name in self.plain.errors]
        for number, row in enumerate(self.rows, 1):
            if row.errors and len(found) < 20:
                column = next((name for name in COLUMNS if name in row.errors and name != "id"), "account")
                found.append((f"leg-{row.index}-{column}", _("Leg %d") % number))
        return found

    @property
    def shows_more(self) -> bool:
        """Whether the fields that the short form folds away have something in them."""
        return self._has(("narration", "tags", "code", "notes"))

    @property
    def has_notes(self) -> bool:
        """Whether the fields that are folded away beside rows have something in them."""
        return self._has(("code", "notes"))

    def _has(self, names: tuple[str, ...]) -> bool:
        return any(self.typed(name) or name in self.head.errors for name in names)

    @property
    def says(self) -> str:
        """What the short form would save, in words; empty as long as it is not clear."""
        return "" if self.plain is None else self.plain.says(self.chart)

    @property
    def charged_label(self) -> str:
        """What the field asks for that says what an account was charged; empty where nothing is to be asked."""
        return "" if self.plain is None else self.plain.asked(self.chart)

    def widen(self) -> None:
        """Turn the short form into rows; what was typed stays."""
        if self.plain is not None:
            typed, self.plain = self.plain, None
            self.rows = typed.widened(self.chart)
            for row, name in zip(self.rows, ("category", "account"), strict=False):
                row.suggested = row.account if name in self.suggested else ""
            self._mark_suggested_rows()
            own = {leg.account.full_name: leg.id for leg in self.before.legs} if self.before else {}
            for row in self.rows:
                row.id = str(own.get(row.account) or "")
            self._mark_states()
            self.add_rows(EMPTY_ROWS if not self.rows else 2)

    @property
    def lacks_accounts(self) -> bool:
        """Whether there is a payee and nobody said yet where it went, so that the last entry may say it."""
        if self.transaction is not None or not self.typed("payee"):
            return False
        if self.plain is not None:
            return not self.plain.category
        return all(row.is_empty for row in self.rows)

    def forget_category(self) -> None:
        """Take out the category of the short form, because it is to be laid out anew."""
        if self.plain is not None:
            self.plain.category = ""
            self.suggested.discard("category")

    def take(self, usual: Usual) -> bool:
        """Fill in what is empty or suggested from a payee's last entry, marked; whether there was any."""
        filled: set[str] = set()
        if self.plain is not None and not usual.is_split:
            filled = self.plain.take(usual, self.suggested)
        elif usual.legs:
            self._take_split(usual)
            filled = {"rows"}
        if usual.tags and not self.typed("tags"):
            self._say("tags", " ".join(usual.tags))
            filled.add("tags")
        self.suggested |= filled
        return bool(filled)

    def typed(self, name: str) -> str:
        """Return what stands in a field of the head, or of the short form."""
        if name in PLAIN_COLUMNS:
            return "" if self.plain is None else str(getattr(self.plain, name))
        value = self.head[name].value()
        return "" if value is None else str(value).strip()

    def open_account(self, wanted: str) -> None:
        """Open the account that a button offers: `category:expense`, `leg-2:asset`. Its name is what was typed."""
        name, _colon, type_ = wanted.partition(":")
        row = next((row for row in self.rows if f"leg-{row.index}" == name), None)
        if type_ in CURRENCIES:
            self._add_currency(type_)
            return
        if row is None and (self.plain is None or name not in TYPES):
            return
        if type_ not in (TYPES[name] if row is None else OPENED):
            return
        typed = row.account if row is not None else getattr(self.plain, name)
        offer = next((one for one in self.chart.offers(typed, [type_]) if one.type == type_), None)
        try:
            if offer is not None:
                self._open(offer, row, name)
        except Refusal as refusal:
            self.chart = Chart(self.chart.book)
            if offer is not None and any(one.full_name == offer.full_name for one in self.chart.accounts):
                self._open(offer, row, name)  # somebody else was faster: there it is
            elif row is not None:
                row.refuse("account", refusal.message)
            elif self.plain is not None:
                self.plain.refuse(name, refusal.message)

    def asks_charged(self) -> bool:
        """Ask what was charged where an account would hold a commodity for the first time. One query at most."""
        own = self.plain.kept_in(self.chart) if self.plain is not None and not self.plain.charged else None
        if own is None or self.plain is None:
            return False
        account, code = self.chart.account(self.plain.account, within=OWN), self.plain.parted[1]
        commodity = self.chart.commodity(code)
        said = {"account": account.name, "code": commodity.code, "own": own.code}
        if account.commodity_ids:
            self.plain.refuse("charged", _("%(account)s holds no %(code)s: what was charged in %(own)s?") % said)
        elif not suggest.has_held(account, commodity):
            self.plain.refuse(
                "charged", _("%(account)s has never held %(code)s: what was charged in %(own)s?") % said
            )
            self.plain.holds = _("%(account)s holds %(code)s from now on: save it so") % said
        return bool(self.plain.errors)

    def _add_currency(self, code: str) -> None:
        try:
            if all(row.code != code for row in self.chart.commodities):
                books.add_commodity(self.chart.book, code)
                self.told.append(_("Added %(name)s (%(code)s).") % {"name": CURRENCIES[code].name, "code": code})
        except Refusal as refusal:
            self.errors.append(refusal.message)
        self.chart = Chart(self.chart.book)

    def _open(self, offer: Offer, row: Row | None, name: str) -> None:
        if all(account.full_name != offer.full_name for account in self.chart.accounts):
            books.open_account(self.chart.book, offer.full_name, offer.type)
            self.told.append(_("Opened the account “%(name)s”.") % {"name": offer.full_name})
            self.chart = Chart(self.chart.book)
        if row is not None:
            row.account = offer.full_name
        else:
            setattr(self.plain, name, offer.full_name)

    def _take_split(self, usual: Usual) -> None:
        """Lay out the rows of the last entry; an amount typed already is what the household's account gave."""
        amount = self.plain.parted[0] if self.plain is not None else ""
        own = [leg for leg in usual.legs if leg.is_given]
        self.plain, self.rows = None, []
        for index, leg in enumerate(usual.legs):
            code = "" if leg.commodity == self.chart.base.code else leg.commodity
            row = Row(index, "", leg.account, commodity=code, suggested=leg.account)
            if amount and own == [leg]:
                row.amount = amount if amount[0] in "+-\u2212" else f"-{amount}"
            self.rows.append(row)
        self.suggested -= set(PLAIN_COLUMNS)
        self.add_rows(1)

    def _say(self, name: str, value: str) -> None:
        if self.head.is_bound:
            self.head.data = {**self.head.data.dict(), name: value}  # type: ignore[attr-defined]
        else:
            self.head.initial[name] = value

    def _typed(self) -> list[Row]:
        """Return the rows to be read: those with something in them, or the two that the short form stands for."""
        if self.plain is not None:
            return self.plain.rows(self.chart, self.before.legs if self.before else ())
        return [row for row in self.rows if not row.is_empty]

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
            legs[at] = replace(legs[at], amount=off[legs[at].commodity.code].copy_negate())
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

    def _mark_suggested_rows(self) -> None:
        if any(row.is_suggested for row in self.rows):
            self.suggested.add("rows")

    def _mark_states(self) -> None:
        states = {str(leg.id): str(leg.state) for leg in self.before.legs} if self.before else {}
        for row in self.rows:
            row.state = states.get(row.id, "")
