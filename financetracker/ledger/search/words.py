"""What people type into the search box, read into terms.

Words are looked for in payee, narration, notes, code, the memos of legs and the names of accounts; `>100`, `42.50`
and `10..20` are amounts, `#trip` a tag, `2026-03` and `last month` days. `account:`, `payee:`, `tag:`, `since:`,
`until:` and `state:` say what a word is about, "quotes" keep words together, and a minus before a word leaves out
what has it. A minus before a number is the number's sign: amounts are found without it.
"""

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import Any

from django.utils.translation import gettext as _

from financetracker.accounts.models import Account
from financetracker.ledger import money
from financetracker.ledger.models import Posting
from financetracker.ledger.search.days import Days, days_named, phrases

_TOKEN = re.compile(
    r'(?P<minus>-)?(?:(?P<key>account|payee|tag|since|until|state):)?(?:"(?P<quoted>[^"]*)"?|(?P<plain>\S+))',
    re.IGNORECASE,
)
_COMPARED = re.compile(r"(?P<sign>[<>]=?)(?P<amount>\S+)")
_COMPARISONS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
# Of a word of one or two letters nobody means an account.
_SHORT = 3


ANY_DAY = Days(None, None)


class Kind(Enum):
    """What a term is about."""

    WORDS = "words"
    PAYEE = "payee"
    AMOUNT = "amount"
    ACCOUNT = "account"
    TAG = "tag"
    DAYS = "days"
    STATE = "state"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a search is read against: the book's today, its first day of the week (0 is Monday), its accounts."""

    today: datetime.date
    first_day: int
    accounts: Sequence[Account]

    def below(self, account: Account) -> list[int]:
        """Return the ids of an account and of everything below it."""
        path = account.full_name + ":"
        return [row.pk for row in self.accounts if row.pk == account.pk or row.full_name.startswith(path)]


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that was asked for: as it was written, as it was understood, and what the database is asked.

    `amounts` are conditions on the size of a leg, by lookup; `accounts` are ids.
    """

    text: str
    kind: Kind
    said: str
    value: str = ""
    negated: bool = False
    amounts: tuple[tuple[str, Decimal], ...] = ()
    accounts: tuple[int, ...] = ()
    days: Days = ANY_DAY


def understand(text: str, ground: Ground) -> list[Term]:
    """Read what was typed; every word is in one of the terms."""
    return [_term(token, ground) for token in _tokens(text.replace("\x00", ""))]


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    key: str
    word: str
    minus: bool
    is_quoted: bool


def _tokens(text: str) -> Iterator[_Token]:
    known = {phrase for phrase in phrases() if " " in phrase}
    waiting: _Token | None = None
    for match in _TOKEN.finditer(text):
        quoted = match["quoted"]
        word = match["plain"] if quoted is None else quoted.strip()
        token = _Token(match[0], (match["key"] or "").lower(), word, bool(match["minus"]), quoted is not None)
        if waiting is not None:
            both = f"{waiting.word} {word}"
            if both.casefold() in known and not (token.key or token.minus or token.is_quoted or waiting.is_quoted):
                yield replace(waiting, text=f"{waiting.text} {token.text}", word=both)
                waiting = None
                continue
            yield waiting
        waiting = token if word else None
    if waiting is not None:
        yield waiting


def _term(token: _Token, ground: Ground) -> Term:
    reader = _READERS.get(token.key)
    if reader is not None:
        found = reader(token, ground)
    elif token.is_quoted:
        found = _words(token, ground)
    else:
        found = _tag(token, ground) or _days(token, ground) or _amount(token) or _words(token, ground)
    assert found is not None
    return found


def _made(token: _Token, kind: Kind, said: str, **columns: Any) -> Term:
    if token.minus and kind is not Kind.WRONG:
        said = _("not %(what)s") % {"what": said}
    return Term(token.text, kind, said, negated=token.minus, **columns)


def _words(token: _Token, ground: Ground) -> Term:
    """Look for a word wherever there are words, and in the accounts whose name has a word that begins like it."""
    wanted = token.word.casefold()
    accounts = [row for row in ground.accounts if len(wanted) >= _SHORT and _begins(row.full_name, wanted)]
    said = f"“{_cut(token.word)}”"
    found = _made(token, Kind.WORDS, said, value=token.word, accounts=tuple(row.pk for row in accounts))
    names = list(dict.fromkeys(row.name for row in accounts if _begins(row.name, wanted)))
    if not names:
        return found
    both = _("neither %(word)s nor in %(accounts)s") if token.minus else _("%(word)s or in %(accounts)s")
    few = ", ".join(names[:2]) + ("…" if len(names) > 2 else "")
    return replace(found, said=both % {"word": said, "accounts": few})


def _begins(name: str, wanted: str) -> bool:
    return any(f" {part}".find(f" {wanted}") >= 0 for part in name.casefold().split(":"))


def _payee(token: _Token, _ground: Ground) -> Term:
    return _made(token, Kind.PAYEE, _("payee “%(name)s”") % {"name": _cut(token.word)}, value=token.word)


def _tag(token: _Token, _ground: Ground) -> Term | None:
    """A tag after `tag:`, or with its hash sign."""
    if not token.key and not (token.word.startswith("#") and len(token.word) > 1):
        return None
    name = token.word.lstrip("#")
    return _made(token, Kind.TAG, f"#{_cut(name)}", value=name)


def _account(token: _Token, ground: Ground) -> Term:
    """The account of this name or, where there is none, all with a word that begins like it; and those below."""
    wanted = token.word.casefold()
    exact = [row for row in ground.accounts if f":{row.full_name.casefold()}".endswith(f":{wanted}")]
    rows = exact or [row for row in ground.accounts if _begins(row.full_name, wanted)]
    if not rows:
        return _made(token, Kind.WRONG, _("There is no account “%(name)s”.") % {"name": _cut(token.word)})
    ids = {pk for row in rows for pk in ground.below(row)}
    names = ", ".join(row.full_name for row in (exact or rows)[:2]) + ("…" if len(exact or rows) > 2 else "")
    return _made(token, Kind.ACCOUNT, names, accounts=tuple(sorted(ids)))


def _state(token: _Token, _ground: Ground) -> Term:
    states = dict(Posting.State.choices) | {"void": _("void")}
    wanted = token.word.casefold()
    for value, label in states.items():
        if wanted in (value, str(label).casefold()):
            return _made(token, Kind.STATE, str(label), value=value)
    return _made(token, Kind.WRONG, _("“%(word)s” is no state of a leg.") % {"word": _cut(token.word)})


def _days(token: _Token, ground: Ground) -> Term | None:
    days = days_named(token.word, today=ground.today, first_day=ground.first_day)
    if days is None or (token.minus and _is_number(token.word)):
        return None
    return _made(token, Kind.DAYS, str(days), days=days)


def _end(token: _Token, ground: Ground) -> Term:
    """Days from or up to what was named."""
    days = days_named(token.word, today=ground.today, first_day=ground.first_day)
    if days is None:
        return _made(token, Kind.WRONG, _("“%(word)s” is no day that I know.") % {"word": _cut(token.word)})
    days = Days(days.since, None) if token.key == "since" else Days(None, days.until)
    return _made(token, Kind.DAYS, str(days), days=days)


def _amount(token: _Token) -> Term | None:
    """An amount, a comparison with one, or a range of two; the sign of an amount is not asked for."""
    compared = _COMPARED.fullmatch(token.word)
    low, dots, high = token.word.partition("..")
    try:
        if compared is not None:
            lookup, told = _COMPARISONS[compared["sign"]], _told(compared["sign"], compared["amount"])
            return _made(token, Kind.AMOUNT, told, amounts=((lookup, _size(compared["amount"])),))
        if dots and low and high and _is_number(low):
            ends = sorted((_size(low), _size(high)))
            told = _("from %(low)s to %(high)s") % {"low": low, "high": high}
            return _made(token, Kind.AMOUNT, told, amounts=(("gte", ends[0]), ("lte", ends[1])))
        if _is_number(token.word):
            bare = replace(token, minus=False)
            size = (("exact", _size(token.word)),)
            return _made(bare, Kind.AMOUNT, token.word, value=token.word, amounts=size)
    except money.BadAmount as error:
        return _made(token, Kind.WRONG, _(error.sentence) % error.values)
    return None


def _is_number(word: str) -> bool:
    return bool(re.fullmatch(r"[+\-\u2212]?[0-9][0-9.,'\u2019\u00a0\u202f]*", word, re.ASCII))


def _size(text: str) -> Decimal:
    return abs(money.parse_amount(text))


def _told(sign: str, amount: str) -> str:
    sentences = {
        ">": _("more than %(amount)s"),
        ">=": _("%(amount)s or more"),
        "<": _("less than %(amount)s"),
        "<=": _("%(amount)s or less"),
    }
    return sentences[sign] % {"amount": _cut(amount)}


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


_READERS = {"account": _account, "payee": _payee, "tag": _tag, "state": _state, "since": _end, "until": _end}
