"""What the books refuse, and the one place that translates a constraint's name into it.

Every rule of the database raises SQLSTATE 23514 (or 23505, 23503) with its name; `refusals()` turns that into an
error a person can read. An unknown name is our bug and passes through.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from django.db.utils import DatabaseError, DataError, IntegrityError, InternalError, ProgrammingError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from financetracker.writing.days import with_days


class Refusal(Exception):
    """The books refuse this.

    `rule` is the name of the constraint that stands behind it, `message` one sentence for a person.
    """

    rule: str = ""
    text: ClassVar[str | Promise] = _("The books refuse this.")

    def __init__(self, message: str = "", *, rule: str = "") -> None:
        self.message = message or str(self.text)
        if rule:
            self.rule = rule
        super().__init__(self.message)


class NotAllowed(Refusal):
    """This person may look at the book, but not change it."""

    rule = "may_write"
    text: ClassVar[str | Promise] = _("You may look at this book, but not change it.")


class BrokenRule(Refusal):
    """A rule of the database said no; `rule` is its name, the sentence its own, days as people write them."""


class Taken(Refusal):
    """Something of this name is there already."""

    text: ClassVar[str | Promise] = _("There is one of this name already.")


class Used(Refusal):
    """It is still used elsewhere."""

    text: ClassVar[str | Promise] = _("It is still used and cannot be removed.")


# Constraints of one row and unique ones cannot speak for themselves; rules in triggers bring their own sentence.
SENTENCES = {
    "account_name_is_unique": _("There is an account of this name at this place."),
    "account_name_is_one_segment": _("A name has no colon, no line break and no space around it."),
    "account_closes_after_it_opens": _("An account cannot close before it opens."),
    "commodity_code_is_unique": _("There is a commodity of this code."),
    "commodity_places_within_scale": _("Shown places may not exceed stored places, and those may not exceed 18."),
    "commodity_code_is_printable": _("A code has no quotation mark, semicolon or line break."),
    "membership_is_unique": _("This person is a member already."),
    "payee_name_is_unique": _("There is a payee of this name."),
    "payee_name_is_one_line": _("A payee's name is one line, without space around it."),
    "tag_name_is_unique": _("There is a tag of this name."),
    "tag_name_is_one_word": _("A tag is one word without comma, colon, semicolon or hash sign."),
    "posting_amount_is_not_zero": _("A posting moves an amount other than zero."),
    "posting_amount_in_bounds": _("An amount has at most 20 digits before the point."),
    "posting_weight_is_amount": _("Without an exchange the weight is the amount."),
    "posting_weight_has_sign_of_amount": _("What is received for something counts with its sign."),
    "price_is_unique": _("There is a price of that day from this source."),
    "price_is_positive": _("A price is above zero and has at most 20 digits before the point."),
    "price_is_in_another_commodity": _("A commodity is priced in another one."),
    "assertion_is_unique": _("There is an assertion for that day."),
    "assertion_amount_in_bounds": _(
        "An amount has at most 20 digits before the point, and no tolerance is negative."
    ),
    "transaction_date_in_calendar": _("A date lies between the years 1 and 9999."),
    "transaction_tag_is_unique": _("The transaction has this tag already."),
    "transaction_is_reversed_once": _("This transaction is reversed already."),
}


def refusal_of(error: DatabaseError) -> Refusal | None:
    """Return what a database error means to a person, or None where it is not a rule of ours."""
    cause = error.__cause__
    diagnosis = getattr(cause, "diag", None)
    state = getattr(cause, "sqlstate", None)
    if diagnosis is None:
        return None
    rule = diagnosis.constraint_name or ""
    if state == "42501":
        return NotAllowed()
    if state == "23514":
        return BrokenRule(str(SENTENCES.get(rule) or with_days(diagnosis.message_primary)), rule=rule)
    if state == "23505":
        return Taken(str(SENTENCES.get(rule, "")), rule=rule)
    if state == "23503":
        return Used(rule=rule)
    return None


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the database's refusals inside the block into `Refusal`, with the database error as cause."""
    try:
        yield
    except (IntegrityError, InternalError, ProgrammingError, DataError) as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error
