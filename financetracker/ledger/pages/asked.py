"""What narrows a list of entries: the fields of the address, how a search was understood, and as a condition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from financetracker.accounts.books import today
from financetracker.accounts.models import Book
from financetracker.ledger import search
from financetracker.ledger.forms import Chart, FilterForm
from financetracker.writing.days import show_day


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing that narrows a list, in words, and the address of the list without it."""

    said: str
    without: str
    is_wrong: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What narrows a list: the form, how its search was understood, and as one condition on transactions.

    In a register `of_leg` is what is asked of the account's own leg, and not of any leg of its transaction.
    """

    form: FilterForm
    terms: list[search.Term]
    condition: Q
    of_leg: Q
    chips: list[Chip]

    @property
    def typed(self) -> dict[str, str]:
        """What was typed into the form, as an address carries it."""
        return _typed(self.form)

    @property
    def is_valid(self) -> bool:
        return not self.form.errors

    @property
    def filters_are_open(self) -> bool:
        """Whether the fields beside the search are to be seen at once: where one of them is wrong."""
        return any(name != "q" for name in self.form.errors)


def asked_of(request: HttpRequest, chart: Chart, *, in_register: bool = False) -> Asked:
    """Read what narrows a list from the address. No query.

    A register shows no void legs, so nobody asks for them there.
    """
    form = FilterForm(chart, request.GET)
    if in_register:
        del form.fields["void"]
    book = chart.book
    ground = search.Ground(today(book, timezone.now()), book.week_begins, chart.accounts)
    valid = form.is_valid()
    terms = search.understand(form.cleaned_data.get("q", ""), ground)
    of_legs = [term for term in terms if in_register and term.kind is search.Kind.STATE and term.value != "void"]
    condition, of_leg = Q(pk__lt=0), Q()
    if valid:
        wanted = dict(form.cleaned_data)
        states = [(term.value, term.negated) for term in of_legs]
        if in_register and (state := wanted.pop("state", "")):
            states.append((state, False))
        for state, negated in states:
            of_leg &= ~Q(state=state) if negated else Q(state=state)
        rest = [term for term in terms if term not in of_legs]
        condition = search.condition(book, rest) & _filters(book, wanted)
    typed = _typed(form)
    chips = [*_chips_of_terms(terms, typed), *_chips_of_fields(form, typed)]
    return Asked(form, terms, condition, of_leg, chips)


def _filters(book: Book, wanted: Mapping[str, Any]) -> Q:
    """What the fields beside the search ask of a transaction."""
    asked = Q()
    if wanted.get("account"):
        asked &= search.leg(account__in=wanted["account"])
    if wanted.get("state"):
        asked &= search.leg(state=wanted["state"])
    if wanted.get("tag"):
        asked &= search.tagged(book, wanted["tag"].lstrip("#"))
    if wanted.get("void"):
        asked &= Q(voided=wanted["void"] == "yes")
    if wanted.get("since"):
        asked &= Q(date__gte=wanted["since"])
    if wanted.get("until"):
        asked &= Q(date__lte=wanted["until"])
    return asked


def _chips_of_terms(terms: list[search.Term], typed: dict[str, str]) -> Iterator[Chip]:
    for at, term in enumerate(terms):
        rest = " ".join(other.text for i, other in enumerate(terms) if i != at)
        without = {name: value for name, value in (typed | {"q": rest}).items() if value}
        yield Chip(term.said, "?" + urlencode(without), term.kind is search.Kind.WRONG)


def _chips_of_fields(form: FilterForm, typed: dict[str, str]) -> Iterator[Chip]:
    said: dict[str, Any] = getattr(form, "cleaned_data", {})
    for name, value in typed.items():
        if name == "q" or name in form.errors:
            continue
        shown = value
        if name in ("state", "void"):
            shown = str(dict(form.fields[name].choices)[value])  # type: ignore[attr-defined]
        elif name in ("since", "until"):
            label = _("since %(day)s") if name == "since" else _("until %(day)s")
            shown = label % {"day": show_day(said[name])}
        elif name == "tag":
            shown = "#" + value.lstrip("#")
        yield Chip(shown, "?" + urlencode({key: kept for key, kept in typed.items() if key != name}))


def _typed(form: FilterForm) -> dict[str, str]:
    return {name: value for name, value in form.data.items() if name in form.fields and value}
