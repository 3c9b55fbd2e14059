"""Every rule of the chart of accounts, attacked by SQL and by the ORM, as app role and as owner."""

from collections.abc import Iterator

import pytest

from financetracker.accounts.models import Account, Book, Commodity, Membership
from tests import attacks
from tests.attacks import APP, OWNER, Attack, World, add_account

UNIQUE = "23505"
# Row security or a right that is missing meets the app role before the rule does.
WALL = "42501"


# What would also miss the book's old id.
KEYS = ("accounts_book:foreign keys", "book_references_stay_in_book")


def add_commodity(**values: str) -> str:
    row = {
        "book_id": "%(book)s",
        "code": "'NEW'",
        "name": "''",
        "kind": "'other'",
        "places": "2",
        "scale": "2",
        "metadata": "'{}'",
    } | values
    return f"INSERT INTO accounts_commodity ({', '.join(row)}) VALUES ({', '.join(row.values())})"


def add_member(user: str = "%(stranger)s", role: str = "'viewer'") -> str:
    return f"INSERT INTO accounts_membership (book_id, user_id, role) VALUES (%(book)s, {user}, {role})"


def move(account: str, parent: str) -> str:
    return f"UPDATE accounts_account SET parent_id = {parent} WHERE id = %({account})s"


ATTACKS = [
    # Account: the tree
    Attack("account_tree_has_no_cycle", "below itself", move("spare", "%(spare)s")),
    Attack("account_tree_has_no_cycle", "below its own child", move("spare", "%(box)s")),
    Attack(
        "account_tree_has_no_cycle",
        "two in one statement, below each other",
        "UPDATE accounts_account SET parent_id = CASE id WHEN %(spare)s THEN %(cash)s ELSE %(spare)s END"
        " WHERE id IN (%(spare)s, %(cash)s)",
    ),
    Attack(
        "account_tree_has_no_cycle",
        "two new ones, each the other's parent",
        "INSERT INTO accounts_account (id, public_id, book_id, parent_id, name, type, commodity_ids, code,"
        " placeholder, hidden, position, notes, iban, bank_code, account_number, metadata)"
        " SELECT n, gen_random_uuid(), %(book)s, -3 - n, 'New' || n, 'asset', '{}', '', false, false, 0, '', '',"
        " '', '', '{}' FROM (VALUES (-1), (-2)) AS v (n)",
    ),
    Attack(
        "account_tree_has_no_cycle",
        "by bulk_update",
        lambda w: Account.objects.using(w.using).bulk_update(
            [Account(pk=w["spare"], parent_id=w["box"])], ["parent"]
        ),
    ),
    Attack("account_type_equals_parent", "a new child", add_account(parent_id="%(spare)s", type="'liability'")),
    Attack("account_type_equals_parent", "a moved one", move("spare", "%(liabilities)s")),
    Attack(
        "account_type_equals_parent",
        "a child changes",
        lambda w: Account.objects.using(w.using).filter(pk=w["box"]).update(type="expense"),
    ),
    Attack(
        "account_type_equals_parent",
        "a parent changes",
        "UPDATE accounts_account SET type = 'expense' WHERE id = %(spare)s",
    ),
    Attack("account_references_stay_in_book", "a new child of theirs", add_account(parent_id="%(their_spare)s")),
    Attack("account_references_stay_in_book", "moved below theirs", move("spare", "%(their_cash)s")),
    Attack(
        "account_references_stay_in_book",
        "a new one in a commodity of theirs",
        lambda w: Account.objects.using(w.using).bulk_create(
            [Account(book_id=w["book"], name="New", type="asset", commodity_ids=[w["their_USD"]])]
        ),
    ),
    Attack(
        "account_references_stay_in_book",
        "a commodity of theirs is allowed",
        lambda w: (
            Account.objects.using(w.using).filter(pk=w["spare"]).update(commodity_ids=[w["USD"], w["their_USD"]])
        ),
    ),
    Attack(
        "account_references_stay_in_book",
        "no commodity at all is allowed",
        "UPDATE accounts_account SET commodity_ids = ARRAY[NULL]::bigint[] WHERE id = %(spare)s",
    ),
    Attack(
        "account_references_stay_in_book",
        "a listed commodity is removed",
        "DELETE FROM accounts_commodity WHERE id = %(JPY)s",
        before="UPDATE accounts_account SET commodity_ids = ARRAY[%(JPY)s]::bigint[] WHERE id = %(spare)s",
    ),
    Attack(
        "account_stays_in_book",
        "moved to their book",
        "UPDATE accounts_account SET book_id = %(their_book)s WHERE id = %(opening)s",
        before="UPDATE accounts_account SET parent_id = NULL WHERE id = %(opening)s",
        app=WALL,
    ),
    # Account: one row
    Attack(
        "account_name_is_unique",
        "twice below one parent",
        "UPDATE accounts_account SET name = 'Cash' WHERE id = %(bank)s",
        sqlstate=UNIQUE,
    ),
    Attack("account_name_is_unique", "two roots", add_account(name="'Assets'"), sqlstate=UNIQUE),
    *(
        Attack("account_name_is_one_segment", repr(name), add_account(name=f"E'{name}'"))
        for name in ("A:B", "", " A", "A ", "A\\nB", "A\\tB", ":")
    ),
    Attack("account_type_is_known", "another one", add_account(type="'assets'")),
    Attack(
        "account_closes_after_it_opens", "before", add_account(opened_on="'2026-01-02'", closed_on="'2026-01-01'")
    ),
    # Commodity
    Attack(
        "commodity_stays_in_book",
        "moved to their book",
        "UPDATE accounts_commodity SET book_id = %(their_book)s WHERE id = %(fresh)s".replace("%(fresh)s", "-1"),
        before=add_commodity(id="-1"),
        app=WALL,
    ),
    Attack(
        "commodity_code_is_unique",
        "twice",
        lambda w: Commodity.objects.using(w.using).bulk_create([Commodity(book_id=w["book"], code="EUR")]),
        sqlstate=UNIQUE,
    ),
    Attack("commodity_places_within_scale", "fewer stored than shown", add_commodity(places="3", scale="2")),
    Attack("commodity_places_within_scale", "more than 18 stored", add_commodity(scale="19")),
    *(
        Attack("commodity_code_is_printable", repr(code), add_commodity(code=f"E'{code}'"))
        for code in ("", "A;B", 'A"', "A\\nB", " A", "A ", "A  B", "A\\u0007")
    ),
    Attack("commodity_kind_is_known", "another one", add_commodity(kind="'coin'")),
    # Book
    Attack(
        "book_references_stay_in_book",
        "their commodity as base",
        lambda w: Book.objects.using(w.using).filter(pk=w["book"]).update(base_commodity_id=w["their_USD"]),
    ),
    Attack(
        "book_references_stay_in_book",
        "their account for rounding",
        "UPDATE accounts_book SET rounding_account_id = %(their_rounding)s WHERE id = %(book)s",
    ),
    Attack(
        "book_references_stay_in_book",
        "an expense account for rounding",
        "UPDATE accounts_book SET rounding_account_id = %(food)s WHERE id = %(book)s",
    ),
    Attack(
        "book_references_stay_in_book",
        "the account for rounding becomes another type",
        "UPDATE accounts_account SET parent_id = NULL, type = 'asset' WHERE id = %(rounding)s",
        before="UPDATE accounts_book SET rounding_account_id = %(rounding)s WHERE id = %(book)s",
    ),
    Attack(
        "book_references_stay_in_book",
        "a new book on a commodity of another",
        "INSERT INTO accounts_book (public_id, name, base_commodity_id, time_zone)"
        " VALUES (gen_random_uuid(), 'New', %(EUR)s, 'UTC')",
        app=WALL,
    ),
    Attack(
        "book_first_day_of_week_is_known",
        "an eighth day",
        "UPDATE accounts_book SET first_day_of_week = 7 WHERE id = %(book)s",
    ),
    # Membership
    Attack("membership_is_unique", "twice", add_member("%(editor)s"), sqlstate=UNIQUE),
    Attack("membership_role_is_known", "another one", add_member(role="'admin'")),
    Attack(
        "membership_keeps_person_and_book",
        "handed to another person",
        lambda w: Membership.objects.using(w.using).filter(user_id=w["editor"]).update(user_id=w["stranger"]),
    ),
    Attack(
        "membership_keeps_person_and_book",
        "taken to another book",
        "UPDATE accounts_membership SET book_id = %(their_book)s WHERE user_id = %(editor)s",
        app=WALL,
    ),
    Attack(
        "book_keeps_an_owner",
        "the last owner leaves",
        "DELETE FROM accounts_membership WHERE book_id = %(book)s AND role = 'owner'",
    ),
    Attack(
        "book_keeps_an_owner",
        "the last owner steps back",
        lambda w: Membership.objects.using(w.using).filter(book_id=w["book"]).update(role="editor"),
    ),
    Attack("book_keeps_an_owner", "all leave", "DELETE FROM accounts_membership WHERE book_id = %(book)s"),
    # Every table
    Attack(
        "id_is_fixed", "another id: book", "UPDATE accounts_book SET id = -id WHERE id = %(book)s", behind=KEYS
    ),
    Attack(
        "id_is_fixed",
        "another id: commodity",
        "UPDATE accounts_commodity SET id = -2 WHERE id = -1",
        before=add_commodity(id="-1"),
    ),
    Attack("id_is_fixed", "another id: account", "UPDATE accounts_account SET id = -id WHERE id = %(box)s"),
    Attack(
        "id_is_fixed",
        "another id: membership",
        "UPDATE accounts_membership SET id = -id WHERE user_id = %(editor)s",
    ),
    *(
        Attack(
            "id_is_fixed",
            f"another public id: {table}",
            f"UPDATE {table} SET public_id = gen_random_uuid() WHERE id = {row}",
        )
        for table, row in (("accounts_book", "%(book)s"), ("accounts_account", "%(spare)s"))
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
