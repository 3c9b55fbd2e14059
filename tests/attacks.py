"""Attacks on the rules of the database, behind Python's back.

An `Attack` names the rule it wants to break and how: one SQL statement, or a call of the ORM that no writer of
ours makes. `refused` runs it as the app role inside a scope or as the owner of the tables, `unopposed` runs it
with that one rule taken out, to show that nothing else had stopped it. Everything happens in transactions that
are rolled back, over one household that a module commits once.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, LiteralString, cast

from django.core.management import call_command
from django.db import connections
from django.db.transaction import atomic
from django.db.utils import DatabaseError, Error

from financetracker.accounts import books
from financetracker.accounts.models import Account
from financetracker.accounts.scope import scope
from financetracker.ledger.models import BalanceAssertion, Payee, Posting, Price, Tag
from tests.builders import DAY, Household

APP, OWNER = "default", "owner"


class World:
    """Two households with entries, and every id in them by a short name (`world["shop_food"]`).

    Accounts go by the last segment of their name in lower case, commodities by code; `shop`, `rent`, `quad`, `buy`
    and `settled` are transactions, `shop_food` the leg of `shop` in Food, and Rent is `rent_account`. Names of the
    other household begin with `their_`. `using` is the alias that the running attack goes through.
    """

    def __init__(self) -> None:
        self.using = APP
        self.home, self.other = Household("Home"), Household("Other")
        self.ids: dict[str, int] = {}
        for prefix, household in (("", self.home), ("their_", self.other)):
            self._furnish(prefix, household)
        self.ids |= {"person": self.home.owner.pk, "editor": self.home.editor.pk, "stranger": self.other.owner.pk}

    def _furnish(self, prefix: str, household: Household) -> None:
        with household.scope():
            usd = household.commodities["USD"]
            books.open_account(household.book, "Assets:Dollars", "asset", commodities=[usd])
            books.open_account(
                household.book, "Assets:Old", "asset", opened_on="2020-01-01", closed_on="2025-12-31"
            )
            books.open_account(household.book, "Assets:Spare", "asset")
            books.open_account(household.book, "Assets:Spare:Box", "asset")
            books.open_account(household.book, "Equity:Rounding", "equity")
            household.accounts = {row.name: row for row in Account.objects.filter(book=household.book)}
            made = {
                "shop": household.post("Food 12.50", "Cash -12.50", payee="Spar", tags=["trip"]),
                "rent": household.post("Rent 100", "Bank -100"),
                "quad": household.post("Food 1", "Cash -1", "Rent 2", "Bank -2"),
                "buy": household.post("Depot 1.5 HOOL @@ 33.33 USD", "Dollars -33.33 USD"),
                "settled": household.post("Food 7", "Bank -7"),
            }
            Posting.objects.filter(transaction=made["settled"], account=household.accounts["Bank"]).update(
                state="reconciled"
            )
            eur, cash = household.commodities["EUR"], household.accounts["Cash"]
            price = Price.objects.create(book=household.book, commodity=usd, quote=eur, date=DAY, value="0.9")
            claim = BalanceAssertion.objects.create(
                book=household.book, account=cash, date=DAY, commodity=eur, amount=-1
            )
            ids = {"book": household.book.pk, "price": price.pk, "assertion": claim.pk}
            ids |= {code: row.pk for code, row in household.commodities.items()}
            ids |= {name.lower(): row.pk for name, row in household.accounts.items()}
            ids["rent_account"] = ids["rent"]
            ids |= {name: row.pk for name, row in made.items()}
            ids |= {"spar": Payee.objects.get().pk, "trip": Tag.objects.get().pk}
            for name, row in made.items():
                for leg in row.postings.select_related("account"):
                    ids[f"{name}_{leg.account.name.lower()}"] = leg.pk
        self.ids |= {prefix + name: pk for name, pk in ids.items()}

    def __getitem__(self, name: str) -> int:
        return self.ids[name]

    def sql(self, statement: str) -> int:
        """Run one statement with `%(name)s` filled from the ids; return how many rows it touched."""
        with connections[self.using].cursor() as cursor:
            cursor.execute(cast(LiteralString, statement), self.ids if "%(" in statement else None)
            return int(cursor.rowcount)

    def run(self, act: "Act") -> object:
        """Run one part of an attack, and the checks that would wait for the commit."""
        result = self.sql(act) if isinstance(act, str) else act(self)
        self.sql("SET CONSTRAINTS ALL IMMEDIATE")
        return result

    @contextmanager
    def undone(self, using: str, member: str = "owner") -> Iterator[None]:
        """Go through `using` for a block that leaves nothing behind; the app role as a member of the home."""
        self.using = using
        try:
            with atomic(using=using):
                if using == APP:
                    user = {"owner": self.home.owner, "editor": self.home.editor, "viewer": self.home.viewer}[
                        member
                    ]
                    with scope(user.pk, self["book"], source="attack"):
                        yield
                else:
                    yield
                raise _Undo
        except _Undo:
            pass
        finally:
            self.using = APP


Act = str | Callable[[World], object]


class _Undo(Exception):
    """Rolls a block back."""


@dataclass(frozen=True)
class Attack:
    """One try to break one rule.

    `before` sets the scene and must be allowed. `behind` names rules that would also refuse it (`table:foreign
    keys` the keys that point at a table); the control takes them out too. `app` is the SQLSTATE of a wall that the
    app role meets earlier: row security or a missing right.
    """

    rule: str
    name: str
    act: Act
    before: Act | None = None
    behind: tuple[str, ...] = ()
    app: str = ""
    sqlstate: str = "23514"

    def __str__(self) -> str:
        return f"{self.rule}: {self.name}"


def build() -> Iterator[World]:
    """Commit a world for a module's attacks and clear it away."""
    yield World()
    call_command("flush", verbosity=0, interactive=False, database=OWNER, inhibit_post_migrate=True)
    for alias in (APP, OWNER):
        connections[alias].close()


def refused(world: World, attack: Attack, using: str) -> tuple[str, str]:
    """Run an attack; return the SQLSTATE and the constraint's name it was refused with."""
    try:
        with world.undone(using):
            if attack.before is not None:
                world.run(attack.before)
            try:
                world.run(attack.act)
            except DatabaseError as error:
                raise Refused from error
    except Refused as refusal:
        cause: Any = refusal.__cause__.__cause__  # type: ignore[union-attr]
        return cause.sqlstate, cause.diag.constraint_name or ""
    return "", "nothing refused it"


class Refused(Exception):
    """The attack itself, not what set its scene, met an error."""


def unopposed(world: World, attack: Attack) -> object:
    """Run an attack as the owner with its rule taken out; return what it touched."""
    with world.undone(OWNER):
        if attack.before is not None:
            world.run(attack.before)
        take_out([attack.rule, *attack.behind])
        return world.run(attack.act)


# --- The rules that the database really has


def rules_of_functions() -> set[str]:
    """The names that our trigger functions refuse with: written in their bodies, or given to their triggers."""
    rules: set[str] = set()
    for body in bodies().values():
        rules.update(re.findall(r"CONSTRAINT = '(\w+)'", body))
        if "CONSTRAINT = bad.rule" in body:
            cases = body[body.index("CASE") : body.index("AS rule")]
            rules.update(re.findall(r"(?:THEN|ELSE) '(\w+)'", cases))
    for _trigger, _table, arguments, _function in triggers():
        if arguments and _function in NAMED_BY_TRIGGER:
            rules.add(arguments[0])
    return rules


# Functions whose rule's name is the first argument of the trigger.
NAMED_BY_TRIGGER = {"references_stay_in_book", "still_named", "stays_in_book"}

# What a function does instead of refusing: a walk up a cycle must end, and a row trigger must return.
INSTEAD = {"account_tree_has_no_cycle": "EXIT;", "id_is_fixed": "RETURN NEW;"}


def bodies() -> Mapping[str, str]:
    """The definitions of our functions, by name."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute(
            "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        )
        return dict(cursor.fetchall())


def triggers() -> list[tuple[str, str, list[str], str]]:
    """Our triggers: name, table, arguments, function."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute(
            "SELECT t.tgname, c.relname, encode(t.tgargs, 'escape'), p.proname FROM pg_trigger t"
            " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal"
        )
        return [(name, table, args.split("\\000")[:-1], call) for name, table, args, call in cursor.fetchall()]


def take_out(rules: Iterable[str]) -> None:
    """Take rules out of the database, for the owner's running transaction, and leave all others in."""
    with connections[OWNER].cursor() as cursor:
        for rule in rules:
            table, _colon, keys = rule.partition(":foreign ")
            cursor.execute(
                "SELECT conrelid::regclass, conname FROM pg_constraint WHERE conname = %s"
                " OR (contype = 'f' AND confrelid = to_regclass(%s))",
                [rule, table if keys else None],
            )
            for relation, name in cursor.fetchall():
                cursor.execute(f'ALTER TABLE {relation} DROP CONSTRAINT "{name}"')
            cursor.execute(f'DROP INDEX IF EXISTS "{rule}"')
        for name, table, arguments, call in triggers():
            if arguments and call in NAMED_BY_TRIGGER and arguments[0] in rules:
                cursor.execute(f'ALTER TABLE {table} DISABLE TRIGGER "{name}"')
        for body in bodies().values():
            changed = body
            for rule in rules:
                instead = INSTEAD.get(rule, "NULL;")
                changed = re.sub(rf"RAISE EXCEPTION [^;]*CONSTRAINT = '{rule}';", instead, changed)
                if f"'{rule}'" in changed:
                    changed = re.sub(
                        r"(?:IF FOUND)((?: AND bad.rule <> '\w+')*) THEN(\s+RAISE EXCEPTION '%', CASE bad.rule)",
                        rf"IF FOUND\1 AND bad.rule <> '{rule}' THEN\2",
                        changed,
                    )
            if changed != body:
                # Bodies hold single percent signs, and there are no parameters that would need them doubled.
                cursor.execute(changed)


# --- Statements that attacks are made of


# A place for each leg that is ever added: no two of one transaction stand in the same.
PLACES = count(9)


def leg(**values: str) -> str:
    """One row for `add_legs`: SQL by column name, an uncleared debit of 1 EUR to Food in `shop` unless said."""
    row = {
        "book_id": "%(book)s",
        "transaction_id": "%(shop)s",
        "position": str(next(PLACES)),
        "account_id": "%(food)s",
        "date": f"'{DAY}'",
        "voided": "false",
        "amount": "1",
        "commodity_id": "%(EUR)s",
        "weight": values.get("amount", "1"),
        "weight_commodity_id": values.get("commodity_id", "%(EUR)s"),
        "state": "'uncleared'",
        "memo": "''",
        "metadata": "'{}'",
    }
    assert not values.keys() - row.keys(), values
    return "(" + ", ".join((row | values).values()) + ")"


def add_legs(*legs: str) -> str:
    """Insert postings: rows made by `leg`."""
    return (
        "INSERT INTO ledger_posting (book_id, transaction_id, position, account_id, date, voided, amount,"
        " commodity_id, weight, weight_commodity_id, state, memo, metadata) VALUES " + ", ".join(legs)
    )


def pair(**values: str) -> str:
    """Insert two legs that add up: `leg(**values)` and its opposite in Cash."""
    amount = values.get("amount", "1")
    back = {"account_id": "%(cash)s", "amount": f"-({amount})"}
    if "weight" in values:
        back["weight"] = f"-({values['weight']})"
    return add_legs(leg(**values), leg(**{**values, **back}))


def add_transaction(**values: str) -> str:
    """Insert a transaction row: SQL by column name."""
    row = {
        "public_id": "gen_random_uuid()",
        "book_id": "%(book)s",
        "date": f"'{DAY}'",
        "payee_id": "NULL",
        "narration": "''",
        "notes": "''",
        "code": "''",
        "flag": "''",
        "metadata": "'{}'",
        "version": "1",
        "voided": "false",
        "reverses_id": "NULL",
    }
    assert not values.keys() - row.keys(), values
    columns = ", ".join(row)
    return f"INSERT INTO ledger_transaction ({columns}) VALUES ({', '.join((row | values).values())})"


def whole(*legs: Mapping[str, str], **values: str) -> str:
    """Insert a transaction with its legs in one statement, as the journal does; two legs unless said."""
    rows = legs or ({"amount": "1"}, {"amount": "-1", "account_id": "%(cash)s"})
    inherited = {name: values[name] for name in ("date", "voided", "book_id") if name in values}
    made = [leg(**{"transaction_id": "(SELECT id FROM t)", **inherited, **row}) for row in rows]
    return f"WITH t AS ({add_transaction(**values)} RETURNING id) {add_legs(*made)}"


def add_account(**values: str) -> str:
    """Insert an account row: SQL by column name, an asset account of no parent unless said."""
    row = {
        "public_id": "gen_random_uuid()",
        "book_id": "%(book)s",
        "parent_id": "NULL",
        "name": "'New'",
        "type": "'asset'",
        "commodity_ids": "'{}'",
        "code": "''",
        "placeholder": "false",
        "hidden": "false",
        "position": "0",
        "notes": "''",
        "iban": "''",
        "bank_code": "''",
        "account_number": "''",
        "metadata": "'{}'",
    } | values
    return f"INSERT INTO accounts_account ({', '.join(row)}) VALUES ({', '.join(row.values())})"


# --- Looking at the database


def tables() -> dict[str, str]:
    """Every table whose rows belong to a book, and the column that says to which."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns JOIN pg_class c"
            " ON c.oid = to_regclass(table_name) AND c.relkind = 'r'"
            " WHERE table_schema = 'public' AND column_name = 'book_id' ORDER BY 1"
        )
        return dict(cursor.fetchall()) | {"accounts_book": "id"}


def run(statement: str, *parameters: object, using: str = APP) -> Any:
    """One statement; its rows, or how many it touched."""
    with connections[using].cursor() as cursor:
        cursor.execute(cast(LiteralString, statement), parameters or None)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def copy_of_a_row(table: str) -> str:
    """Insert a row like one that is there: row security looks at it before any constraint does."""
    columns = run(
        "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = %s AND column_name <> 'id'",
        table,
        using=OWNER,
    )[0][0]
    return f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} LIMIT 1"


def sqlstate(statement: str, using: str = APP) -> str:
    """What a statement is refused with; "" if it is not."""
    try:
        with atomic(using=using):
            run(statement, using=using)
    except Error as error:
        return str(error.__cause__.sqlstate)  # type: ignore[union-attr]
    return ""
