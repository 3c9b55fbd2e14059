"""Every rule of transactions, postings and history, attacked by SQL and by the ORM, as app role and as owner."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import models

from financetracker.accounts.models import Account
from financetracker.ledger.models import Posting, Transaction, TransactionTag
from tests import attacks
from tests.accounts import test_rules as accounts_rules
from tests.attacks import APP, OWNER, Act, Attack, World, add_legs, add_transaction, leg, pair, whole
from tests.builders import DAY

UNIQUE, WALL = accounts_rules.UNIQUE, accounts_rules.WALL

LOCKED = f"UPDATE accounts_book SET locked_through = '{DAY}' WHERE id = %(book)s"
BALANCES = "transaction_balances"


def change(name: str, columns: str) -> str:
    """Update one posting."""
    return f"UPDATE ledger_posting SET {columns} WHERE id = %({name})s"


def change_transaction(columns: str, name: str = "shop") -> str:
    return f"UPDATE ledger_transaction SET {columns} WHERE id = %({name})s"


def move_to(day: str, name: str = "shop") -> str:
    """Change a transaction's day as the journal does: the row and its legs in one statement."""
    return (
        f"WITH t AS (UPDATE ledger_transaction SET date = '{day}' WHERE id = %({name})s RETURNING id)"
        f" UPDATE ledger_posting SET date = '{day}' FROM t WHERE transaction_id = t.id"
    )


def void(name: str = "shop") -> str:
    return (
        f"WITH t AS (UPDATE ledger_transaction SET voided = true WHERE id = %({name})s RETURNING id)"
        " UPDATE ledger_posting SET voided = true FROM t WHERE transaction_id = t.id"
    )


def reaccount(name: str, account: str) -> str:
    return change(name, f"account_id = %({account})s")


def account(name: str, columns: str) -> str:
    return f"UPDATE accounts_account SET {columns} WHERE id = %({name})s"


def remove(table: str, row: str) -> str:
    return f"DELETE FROM {table} WHERE id = %({row})s"


def twice(name: str) -> str:
    """Both legs of a transaction count double; they still add up."""
    return f"UPDATE ledger_posting SET amount = amount * 2, weight = weight * 2 WHERE transaction_id = %({name})s"


def add_price(**values: str) -> str:
    row = {
        "book_id": "%(book)s",
        "commodity_id": "%(HOOL)s",
        "quote_id": "%(EUR)s",
        "date": f"'{DAY}'",
        "value": "1",
        "kind": "'manual'",
        "source": "''",
        "metadata": "'{}'",
    } | values
    return f"INSERT INTO ledger_price ({', '.join(row)}) VALUES ({', '.join(row.values())})"


def add_assertion(**values: str) -> str:
    row = {
        "book_id": "%(book)s",
        "account_id": "%(bank)s",
        "date": f"'{DAY}'",
        "commodity_id": "%(EUR)s",
        "amount": "1",
        "include_children": "false",
        "tolerance": "0",
        "metadata": "'{}'",
    } | values
    return f"INSERT INTO ledger_balanceassertion ({', '.join(row)}) VALUES ({', '.join(row.values())})"


def add_tagging(**values: str) -> str:
    row = {"book_id": "%(book)s", "transaction_id": "%(rent)s", "tag_id": "%(trip)s"} | values
    return f"INSERT INTO ledger_transactiontag ({', '.join(row)}) VALUES ({', '.join(row.values())})"


def add_name(table: str, name: str, book: str = "%(book)s") -> str:
    return f"INSERT INTO {table} (book_id, name) VALUES ({book}, E'{name}')"


def add_by_orm(w: World, **columns: object) -> object:
    """Add one leg by bulk_create, a debit of 1 EUR to Food in `shop` unless said."""
    row = {
        "book_id": w["book"],
        "transaction_id": w["shop"],
        "position": 9,
        "account_id": w["food"],
        "date": DAY,
        "amount": Decimal(1),
        "weight": Decimal(1),
        "commodity_id": w["EUR"],
        "weight_commodity_id": w["EUR"],
    } | columns
    return Posting.objects.using(w.using).bulk_create([Posting(**row)])


def half(w: World) -> object:
    legs = list(Posting.objects.using(w.using).filter(transaction_id=w["shop"]).order_by("amount"))
    legs[0].amount = legs[0].weight = Decimal("-6.25")
    return Posting.objects.using(w.using).bulk_update(legs, ["amount", "weight"])


# What a posting's columns may not point at: a row of theirs, or none.
STRAY = [
    ("transaction_id", "%(their_shop)s"),
    ("transaction_id", "-1"),
    ("account_id", "%(their_food)s"),
    ("account_id", "-1"),
    ("commodity_id", "%(their_EUR)s"),
    ("commodity_id", "-1"),
    ("weight_commodity_id", "%(their_EUR)s"),
]
BAD_PRICES = ("0", "-1", "1e20", "'NaN'", "'Infinity'")

# A leg that weighs in yen, so that only its weight names them.
IN_YEN = pair(commodity_id="%(HOOL)s", weight_commodity_id="%(JPY)s")
REMOVE_RENT = (
    "WITH d AS (DELETE FROM ledger_posting WHERE transaction_id = %(rent)s)"
    " DELETE FROM ledger_transaction WHERE id = %(rent)s"
)
SCALE = "UPDATE accounts_commodity SET scale = {1}, places = least(places, {1}) WHERE id = %({0})s"


def void_and_lock(w: World) -> None:
    w.sql(void())
    w.sql(LOCKED)


def void_in_box(w: World) -> None:
    w.sql(reaccount("shop_food", "box"))
    w.sql(void())


VOID_REVERSAL = (
    "WITH t AS (UPDATE ledger_transaction SET voided = true WHERE reverses_id = %(rent)s RETURNING id)"
    " UPDATE ledger_posting SET voided = true FROM t WHERE transaction_id = t.id"
)

BALANCE = [
    Attack("transaction_balances", "a new one is off", whole({"amount": "1"}, {"amount": "-2"})),
    Attack("transaction_balances", "a lone leg with weight", whole({"amount": "1"})),
    Attack(
        "transaction_balances",
        "in each commodity apart",
        whole({"amount": "1"}, {"amount": "-1", "account_id": "%(cash)s", "commodity_id": "%(USD)s"}),
    ),
    Attack("transaction_balances", "by a unit of the last place", whole({"amount": "1"}, {"amount": "-1.01"})),
    Attack("transaction_balances", "a leg more", add_legs(leg())),
    Attack("transaction_balances", "a leg more, by bulk_create", add_by_orm),
    Attack(
        "transaction_balances",
        "two that do, in two transactions",
        add_legs(leg(), leg(transaction_id="%(rent)s", amount="-1")),
    ),
    Attack("transaction_balances", "a leg less", remove("ledger_posting", "shop_food")),
    Attack(
        "transaction_balances",
        "an amount changes",
        change("shop_food", "amount = amount + 1, weight = weight + 1"),
    ),
    Attack(
        "transaction_balances",
        "an amount changes, by update()",
        lambda w: Posting.objects.using(w.using).filter(pk=w["shop_food"]).update(amount=1, weight=1),
    ),
    Attack("transaction_balances", "an amount changes, by bulk_update", half),
    Attack("transaction_balances", "a weight changes", change("buy_depot", "weight = weight + 1")),
    Attack(
        "transaction_balances",
        "a weight's commodity changes",
        change("buy_depot", "weight_commodity_id = %(EUR)s"),
    ),
    Attack("transaction_balances", "a leg moves", change("quad_food", "transaction_id = %(shop)s, position = 7")),
    Attack(
        "transaction_balances",
        "+1 from one and -1 from another move into a third",
        "UPDATE ledger_posting SET position = position + 7, transaction_id = %(shop)s"
        " WHERE id IN (%(quad_food)s, %(extra)s)".replace(
            "%(extra)s",
            "(SELECT id FROM ledger_posting WHERE transaction_id = %(rent)s AND amount = -1)",
        ),
        before=pair(transaction_id="%(rent)s"),
    ),
    Attack(
        "transaction_balances",
        "changed, removed and added in one statement",
        f"WITH u AS ({change('quad_food', 'amount = 3, weight = 3')}),"
        f" d AS ({remove('ledger_posting', 'quad_rent')}) {add_legs(leg(transaction_id='%(quad)s', amount='1'))}",
    ),
    Attack("transaction_has_postings", "a new one without", add_transaction()),
    Attack(
        "transaction_has_postings",
        "a new one without, by the ORM",
        lambda w: Transaction.objects.using(w.using).bulk_create([Transaction(book_id=w["book"], date=DAY)]),
    ),
    Attack("transaction_has_postings", "all go", "DELETE FROM ledger_posting WHERE transaction_id = %(shop)s"),
    Attack(
        "transaction_has_postings",
        "all move to another",
        "UPDATE ledger_posting SET position = position + 7, transaction_id = %(rent)s"
        " WHERE transaction_id = %(shop)s",
    ),
]

ONE_LEG = [
    Attack(
        "posting_position_is_unique", "two legs in one place", change("shop_food", "position = 1"), sqlstate=UNIQUE
    ),
    Attack("posting_amount_is_not_zero", "a leg of nothing", whole({"amount": "0"}, {"amount": "0"})),
    Attack(
        "posting_amount_is_not_zero", "emptied", change("buy_depot", "amount = 0, weight = 0"), behind=(BALANCES,)
    ),
    *(
        Attack(
            "posting_amount_in_bounds",
            f"{amount} as {column}",
            pair(commodity_id="%(HOOL)s", weight_commodity_id="%(USD)s", **{column: amount}),
            behind=(BALANCES, "posting_weight_within_scale", "posting_weight_has_sign_of_amount"),
        )
        for column in ("amount", "weight")
        for amount in ("1e20", "-1e20", "1e40", "'NaN'::numeric", "'Infinity'::numeric", "'-Infinity'::numeric")
    ),
    Attack("posting_amount_within_scale", "added", pair(amount="0.001")),
    Attack(
        "posting_amount_within_scale",
        "changed",
        twice("shop").replace("* 2", "* 1.0001"),
    ),
    Attack(
        "posting_weight_within_scale",
        "added",
        pair(commodity_id="%(HOOL)s", weight="0.001", weight_commodity_id="%(USD)s"),
    ),
    Attack("posting_weight_is_amount", "added", whole({"weight": "2"}, {"amount": "-1", "weight": "-2"})),
    Attack("posting_weight_is_amount", "changed", change("shop_food", "weight = 13"), behind=(BALANCES,)),
    Attack(
        "posting_weight_has_sign_of_amount",
        "added",
        pair(commodity_id="%(HOOL)s", weight="-1", weight_commodity_id="%(USD)s"),
    ),
    Attack(
        "posting_weight_has_sign_of_amount",
        "turned",
        lambda w: Posting.objects.using(w.using).filter(pk=w["buy_depot"]).update(amount=-1),
    ),
    Attack("posting_state_is_known", "another one", change("shop_food", "state = 'open'")),
    Attack("posting_account_is_no_placeholder", "added", pair(account_id="%(assets)s")),
    Attack("posting_account_is_no_placeholder", "changed", reaccount("shop_food", "expenses")),
    Attack("posting_account_is_open", "closed before", pair(account_id="%(old)s")),
    Attack(
        "posting_account_is_open",
        "opened later",
        whole({"account_id": "%(old)s"}, {"amount": "-1"}, date="'2019-12-31'"),
    ),
    Attack("posting_account_is_open", "changed", reaccount("shop_food", "old")),
    Attack(
        "posting_account_is_open",
        "taken to another day",
        move_to("2025-12-31"),
        before=account("food", "opened_on = '2026-01-01'"),
    ),
    Attack("posting_account_holds_commodity", "added", pair(account_id="%(dollars)s")),
    Attack("posting_account_holds_commodity", "account changed", reaccount("shop_food", "dollars")),
    Attack(
        "posting_account_holds_commodity",
        "commodity changed",
        change("buy_dollars", "commodity_id = %(EUR)s"),
    ),
    *(
        Attack("posting_references_stay_in_book", f"added: {column} {value}", pair(**{column: value}))
        for column, value in STRAY
    ),
    *(
        Attack(
            "posting_references_stay_in_book",
            f"changed: {column} {value}",
            change("buy_depot", f"{column} = {value}, position = 7"),
            behind=(BALANCES,),
        )
        for column, value in STRAY
    ),
    *(
        Attack("posting_references_stay_in_book", f"{row} is removed", remove(table, row), before=before, app=app)
        for table, row, before, app in (
            ("accounts_account", "bank", None, ""),
            ("accounts_commodity", "HOOL", None, ""),
            ("accounts_commodity", "JPY", IN_YEN, ""),
            ("ledger_transaction", "rent", None, WALL),
        )
    ),
    Attack(
        "posting_stays_in_book",
        "taken to theirs",
        "UPDATE ledger_posting SET book_id = %(their_book)s WHERE transaction_id = %(shop)s",
        behind=("posting_references_stay_in_book",),
        app=WALL,
    ),
    Attack("posting_mirrors_transaction", "added on another day", pair(date="'2026-03-15'")),
    Attack("posting_mirrors_transaction", "added void", pair(voided="true")),
    Attack("posting_mirrors_transaction", "a leg's day", change("shop_food", "date = date + 1")),
    Attack("posting_mirrors_transaction", "a leg is void", change("shop_food", "voided = true")),
    Attack("posting_mirrors_transaction", "a transaction's day", change_transaction("date = date + 1")),
    Attack("posting_mirrors_transaction", "a transaction is void", change_transaction("voided = true")),
    Attack(
        "posting_mirrors_transaction",
        "moved to one of another day",
        "UPDATE ledger_posting SET position = position + 7, transaction_id = %(shop)s"
        " WHERE id IN (%(quad_food)s, %(quad_cash)s)",
        before=move_to("2026-03-15"),
    ),
]

FIXED = [
    *(
        Attack("period_is_open", name, act, before=LOCKED, behind=behind, app=app)
        for name, act, behind, app in (
            ("a new one", whole(), (), ""),
            ("a new one long ago", whole(date="'2001-01-01'"), (), ""),
            ("legs more", pair(), (), ""),
            ("amounts", twice("shop"), (), ""),
            ("a weight", change("buy_depot", "weight = weight + 1"), (BALANCES,), ""),
            ("a commodity", change("buy_depot", "commodity_id = %(JPY)s"), ("posting_amount_within_scale",), ""),
            ("an account", reaccount("shop_food", "rent_account"), (), ""),
            ("taken out", move_to("2026-03-15"), (), ""),
            ("two legs less", "DELETE FROM ledger_posting WHERE id IN (%(quad_food)s, %(quad_cash)s)", (), ""),
            (
                "all legs moved",
                "UPDATE ledger_posting SET position = position + 7, transaction_id = %(rent)s"
                " WHERE id IN (%(quad_food)s, %(quad_cash)s)",
                (),
                "",
            ),
            ("removed", REMOVE_RENT, (), WALL),
            ("void", void(), (), ""),
        )
    ),
    Attack("period_is_open", "taken in", move_to("2026-03-13"), before=LOCKED.replace(str(DAY), "2026-03-13")),
    Attack("period_is_open", "brought back", void().replace("= true", "= false"), before=void_and_lock),
    *(
        Attack("reconciled_posting_is_fixed", name, act, behind=behind, app=app)
        for name, act, behind, app in (
            ("its amount", twice("settled"), (), ""),
            ("its account", reaccount("settled_bank", "cash"), (), ""),
            ("its day", move_to("2026-03-15", "settled"), (), ""),
            (
                "its transaction",
                change("settled_bank", "transaction_id = %(rent)s, position = 7"),
                (BALANCES,),
                "",
            ),
            ("its commodity and weight", change("settled_bank", "commodity_id = %(USD)s"), (), ""),
            ("void with it", void("settled"), (), ""),
            ("removed", remove("ledger_posting", "settled_bank"), (BALANCES,), ""),
            (
                "freed and changed at once",
                change("settled_bank", "state = 'uncleared', account_id = %(cash)s"),
                (),
                "",
            ),
        )
    ),
]

TRANSACTIONS = [
    *(
        Attack("transaction_references_stay_in_book", f"added: {column} {value}", whole(**{column: value}))
        for column, value in (
            ("payee_id", "%(their_spar)s"),
            ("payee_id", "-1"),
            ("reverses_id", "%(their_rent)s"),
        )
    ),
    Attack(
        "transaction_references_stay_in_book",
        "changed to their payee",
        lambda w: Transaction.objects.using(w.using).filter(pk=w["shop"]).update(payee_id=w["their_spar"]),
    ),
    Attack(
        "transaction_references_stay_in_book",
        "changed to reverse theirs",
        change_transaction("reverses_id = %(their_rent)s"),
    ),
    Attack("transaction_references_stay_in_book", "its payee is removed", remove("ledger_payee", "spar")),
    Attack(
        "transaction_references_stay_in_book",
        "what it reverses is removed",
        REMOVE_RENT,
        before=whole(reverses_id="%(rent)s"),
        app=WALL,
    ),
    Attack(
        "transaction_keeps_book_and_id", "another public id", change_transaction("public_id = gen_random_uuid()")
    ),
    Attack(
        "transaction_keeps_book_and_id",
        "taken to their book",
        change_transaction("book_id = %(their_book)s", "rent"),
        app=WALL,
    ),
    Attack(
        "transaction_is_reversed_once",
        "again",
        whole(reverses_id="%(rent)s"),
        before=whole(reverses_id="%(rent)s"),
        sqlstate=UNIQUE,
    ),
    Attack("transaction_version_counts_from_one", "zero", change_transaction("version = 0")),
    *(
        Attack("transaction_date_in_calendar", day, whole(date=f"'{day}'"))
        for day in ("infinity", "-infinity", "0001-12-31 BC", "10000-01-01")
    ),
]

IN_USE = [
    Attack("account_type_is_fixed", "with its root", account("food", "type = 'asset', parent_id = NULL")),
    Attack(
        "account_type_is_fixed",
        "the whole tree",
        "UPDATE accounts_account SET type = 'income' WHERE type = 'expense' AND book_id = %(book)s",
    ),
    Attack("account_with_postings_is_no_placeholder", "with postings", account("food", "placeholder = true")),
    Attack(
        "account_with_postings_is_no_placeholder",
        "with void postings",
        account("box", "placeholder = true"),
        before=void_in_box,
    ),
    Attack(
        "account_commodity_is_fixed", "to another", account("cash", "commodity_ids = ARRAY[%(USD)s]::bigint[]")
    ),
    Attack("account_is_open_on_posting_dates", "closed before", account("food", "closed_on = '2026-03-13'")),
    Attack(
        "account_is_open_on_posting_dates",
        "opened later, by the ORM",
        lambda w: Account.objects.using(w.using).filter(pk=w["food"]).update(opened_on="2026-03-15"),
    ),
    Attack("commodity_scale_holds_postings", "below an amount", SCALE.format("HOOL", 0)),
    Attack(
        "commodity_scale_holds_postings",
        "below a weight",
        SCALE.format("USD", 0),
        before="UPDATE accounts_commodity SET places = 0 WHERE id = %(USD)s",
    ),
]

AROUND = [
    Attack("payee_name_is_unique", "twice", add_name("ledger_payee", "Spar"), sqlstate=UNIQUE),
    *(
        Attack("payee_name_is_one_line", repr(name), add_name("ledger_payee", name))
        for name in ("", " A", "A ", "A\\nB", "A\\u0001")
    ),
    Attack(
        "payee_stays_in_book",
        "taken to theirs",
        "UPDATE ledger_payee SET book_id = %(their_book)s WHERE name = 'Fresh'",
        before=add_name("ledger_payee", "Fresh"),
        app=WALL,
    ),
    Attack("tag_name_is_unique", "twice", add_name("ledger_tag", "trip"), sqlstate=UNIQUE),
    *(
        Attack("tag_name_is_one_word", repr(name), add_name("ledger_tag", name))
        for name in ("", "a b", "a,b", "a:b", "a;b", "#a", "a\\nb")
    ),
    Attack(
        "tag_stays_in_book",
        "taken to theirs",
        "UPDATE ledger_tag SET book_id = %(their_book)s WHERE name = 'fresh'",
        before=add_name("ledger_tag", "fresh"),
        app=WALL,
    ),
    Attack("transaction_tag_is_unique", "twice", add_tagging(transaction_id="%(shop)s"), sqlstate=UNIQUE),
    *(
        Attack("transactiontag_references_stay_in_book", f"{column} {value}", add_tagging(**{column: value}))
        for column, value in (
            ("transaction_id", "%(their_rent)s"),
            ("tag_id", "%(their_trip)s"),
        )
    ),
    Attack(
        "transactiontag_references_stay_in_book",
        "another book than both",
        add_tagging(book_id="%(their_book)s"),
        app=WALL,
    ),
    Attack(
        "transactiontag_references_stay_in_book",
        "changed, by update()",
        lambda w: TransactionTag.objects.using(w.using).filter(tag_id=w["trip"]).update(tag_id=w["their_trip"]),
    ),
    Attack(
        "transactiontag_stays_in_book",
        "taken to theirs with all it names",
        "UPDATE ledger_transactiontag SET book_id = %(their_book)s, transaction_id = %(their_rent)s,"
        " tag_id = %(their_trip)s WHERE tag_id = %(trip)s",
        app=WALL,
    ),
    *(Attack("price_is_positive", value, add_price(value=value)) for value in BAD_PRICES),
    Attack("price_is_in_another_commodity", "in itself", add_price(commodity_id="%(EUR)s")),
    Attack("price_kind_is_known", "another one", add_price(kind="'guess'")),
    Attack("price_is_unique", "twice", add_price(commodity_id="%(USD)s"), sqlstate=UNIQUE),
    *(
        Attack("price_references_stay_in_book", f"added: {column}", add_price(**{column: "%(their_USD)s"}))
        for column in ("commodity_id", "quote_id")
    ),
    *(
        Attack(
            "price_references_stay_in_book",
            f"changed: {column}",
            f"UPDATE ledger_price SET {column} = %(their_JPY)s WHERE id = %(price)s",
        )
        for column in ("commodity_id", "quote_id")
    ),
    Attack(
        "price_stays_in_book",
        "taken to theirs with all it names",
        "UPDATE ledger_price SET book_id = %(their_book)s, commodity_id = %(their_HOOL)s, quote_id = %(their_USD)s"
        " WHERE id = %(price)s",
        app=WALL,
    ),
    *(
        Attack("assertion_amount_in_bounds", f"{column} {value}", add_assertion(**{column: value}))
        for column, value in (
            ("amount", "1e20"),
            ("amount", "'NaN'"),
            ("amount", "'-Infinity'"),
            ("tolerance", "-1"),
            ("tolerance", "'NaN'"),
        )
    ),
    Attack("assertion_is_unique", "twice", add_assertion(account_id="%(cash)s", amount="2"), sqlstate=UNIQUE),
    *(
        Attack(
            "balanceassertion_references_stay_in_book",
            f"{column}, {name}",
            act.format(column=column, value=f"%(their_{value})s") if isinstance(act, str) else act,
        )
        for column, value in (("account_id", "bank"), ("commodity_id", "EUR"))
        for name, act in (
            ("added", add_assertion(**{column: f"%(their_{value})s"}).replace("{", "{{").replace("}", "}}")),
            ("changed", "UPDATE ledger_balanceassertion SET {column} = {value} WHERE id = %(assertion)s"),
        )
    ),
    Attack(
        "balanceassertion_stays_in_book",
        "taken to theirs with all it names",
        "UPDATE ledger_balanceassertion SET book_id = %(their_book)s, account_id = %(their_bank)s,"
        " commodity_id = %(their_EUR)s WHERE id = %(assertion)s",
        app=WALL,
    ),
    *(
        Attack(
            "id_is_fixed", f"another id: {table}", f"UPDATE {table} SET id = -id WHERE id = {row}", behind=behind
        )
        for table, row, behind in (
            ("ledger_transaction", "%(rent)s", ()),
            ("ledger_posting", "%(shop_food)s", ()),
            ("ledger_payee", "%(spar)s", ()),
            ("ledger_tag", "%(trip)s", ("ledger_tag:foreign keys",)),
            ("ledger_transactiontag", "(SELECT id FROM ledger_transactiontag WHERE tag_id = %(trip)s)", ()),
            ("ledger_price", "%(price)s", ()),
            ("ledger_balanceassertion", "%(assertion)s", ()),
        )
    ),
]

ATTACKS: list[Attack] = [*BALANCE, *ONE_LEG, *FIXED, *TRANSACTIONS, *IN_USE, *AROUND]

# What the rules leave free, and so must go on working: name, what set the scene, what is done.
FREE: list[tuple[str, Act | None, Act]] = [
    ("a balanced pair more", None, pair()),
    ("a balanced pair less", None, "DELETE FROM ledger_posting WHERE id IN (%(quad_food)s, %(quad_cash)s)"),
    ("bonus shares", None, whole({"commodity_id": "%(HOOL)s", "weight": "0", "weight_commodity_id": "%(EUR)s"})),
    ("the largest amount", None, pair(amount="99999999999999999999.99")),
    ("18 places", SCALE.format("HOOL", 18), pair(commodity_id="%(HOOL)s", amount="0.000000000000000001")),
    ("posting after the lock", LOCKED, whole(date="'2026-03-15'")),
    *(
        (f"in a locked period: {name}", LOCKED, act)
        for name, act in (
            ("state", change("shop_food", "state = 'cleared'")),
            ("memo, place and metadata", change("shop_food", "memo = 'm', position = 5, metadata = '{\"a\": 1}'")),
            ("payee", change_transaction("payee_id = NULL, version = version + 1")),
            ("words", change_transaction("narration = 'n', notes = 'n', code = '7', flag = '!'")),
            ("tags", add_tagging()),
            ("tags less", "DELETE FROM ledger_transactiontag WHERE transaction_id = %(shop)s"),
            ("accounts and commodities", account("food", "name = 'Groceries', hidden = true")),
        )
    ),
    ("beside a reconciled leg: the account", None, reaccount("settled_food", "rent_account")),
    ("beside a reconciled leg: a pair more", None, pair(transaction_id="%(settled)s")),
    ("beside a reconciled leg: words", None, change_transaction("narration = 'n', payee_id = NULL", "settled")),
    ("on a reconciled leg: memo", None, change("settled_bank", "memo = 'm', position = 4")),
    ("on a reconciled leg: its state alone", None, change("settled_bank", "state = 'uncleared'")),
    ("void", None, void()),
    ("another day", None, move_to("2025-01-01")),
    ("closing on the last posting's day", None, account("food", f"closed_on = '{DAY}', opened_on = '{DAY}'")),
    ("closing before a void posting", void_in_box, account("box", "closed_on = '2026-01-01'")),
    ("a wider scale", None, SCALE.format("EUR", 4)),
    ("an allowed commodity more", None, account("dollars", "commodity_ids = ARRAY[%(USD)s, %(EUR)s]::bigint[]")),
    ("removing what nobody names", None, remove("accounts_account", "box")),
    (
        "reversing again what was voided",
        lambda w: (w.sql(whole(reverses_id="%(rent)s")), w.sql(VOID_REVERSAL)),
        whole(reverses_id="%(rent)s"),
    ),
]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[World]:
    """Two committed households for all attacks of this module; each attack is rolled back."""
    with django_db_blocker.unblock():
        yield from attacks.build()


@pytest.mark.parametrize("using", [APP, OWNER])
@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_refused(world: World, attack: Attack, using: str) -> None:
    wanted = (attack.app, "") if using == APP and attack.app else (attack.sqlstate, attack.rule)
    assert attacks.refused(world, attack, using) == wanted


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_without_the_rule_it_succeeds(world: World, attack: Attack) -> None:
    assert attacks.unopposed(world, attack) not in (0, None)


@pytest.mark.parametrize("using", [APP, OWNER])
@pytest.mark.parametrize(("before", "act"), [pytest.param(*rest, id=name) for name, *rest in FREE])
def test_free(world: World, before: Act | None, act: Act, using: str) -> None:
    with world.undone(using):
        if before is not None:
            world.run(before)
        assert world.run(act) not in (0, None)


def test_every_rule_is_attacked(world: World) -> None:
    named = {
        constraint.name
        for label in ("accounts", "ledger")
        for model in apps.get_app_config(label).get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, models.CheckConstraint | models.UniqueConstraint)
    }
    attacked = {attack.rule for attack in [*ATTACKS, *accounts_rules.ATTACKS]}
    # Needs a transaction of another kind: tests/ledger/test_concurrency.py.
    attacked.add("writer_reads_what_is_committed")
    assert named | attacks.rules_of_functions() == attacked
