"""Whatever is typed or put into an address: no server error, nothing saved, and what was typed is still there."""

import html
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode
from uuid import UUID

import pytest

from financetracker.ledger.models import Posting, Transaction
from tests.site.matrix import PAGES
from tests.site.world import Answer, World

MEGABYTE = "x" * 1_000_000
LONG = "1" * 20_000

# As they go over the wire, so that there may be bytes among them that are no text.
POISON = {
    "NUL": "%00",
    "NUL inside": "a%00b",
    "huge number": "9" * 40,
    "negative": "-1",
    "no day": "9999-99-99",
    "year 10000": "10000-01-01",
    "year 0": "0000-01-01",
    "fullwidth digits": quote("１２"),
    "arabic digits": quote("٢٠٢٦-٠٣-١٤"),
    "underscore": "1_000",
    "not a number": "NaN",
    "exponent": "1e999",
    "surrogate": "%ED%A0%80",
    "no utf-8": "%FF%FE",
    "formats": quote("%s%(x)s{0}{}\\"),
    "markup": quote("\"'><script>alert(1)</script>"),
    "dots": "..",
    "cursor": "9999-12-31.999999999999999999",
    "megabyte": MEGABYTE,
}

AMOUNTS = {
    "underscore": "1_000",
    "fullwidth": "１２",
    "not a number": "NaN",
    "infinite": "-Infinity",
    "exponent": "1e999",
    "forty digits": "1" * 40,
    "forty decimals": "0." + "1" * 40,
    "twenty-one digits": "1" + "0" * 20,
    "comma": "1,5",
    "NUL": "1\x00",
    "hexadecimal": "0x10",
    "long": LONG,
}
DAYS = {
    "no day": "2026-02-30",
    "nines": "9999-99-99",
    "year 10000": "10000-01-01",
    "year 0": "0000-01-01",
    "arabic digits": "٢٠٢٦-٠٣-١٤",
    "american": "03/14/2026",
    "NUL": "2026-03-14\x00",
    "long": LONG,
}
NUMBERS = {
    "huge": "9" * 40,
    "small integer": "32768",
    "negative": "-1",
    "not a number": "NaN",
    "exponent": "1e3",
    "NUL": "1\x00",
    "long": LONG,
}
# What no text of ours may hold, and what some may.
TEXTS = {"NUL": "a\x00b", "megabyte": MEGABYTE}
ODD_TEXTS = {"markup": "\"'><script>", "direction": "\u202ea\u200b", "lines": "a\nb", "blank": "   "}
CHOICES = {
    "NUL": "\x00",
    "huge": "9" * 40,
    "negative": "-1",
    "text": "x'",
    "fullwidth": "１",
    "megabyte": MEGABYTE,
}

ADD = PAGES["admin:ledger_transaction_add"]
CHANGE = PAGES["admin:ledger_transaction_change"]


# --- Addresses

STOCK = ("q", "o", "p", "all", "_to_field")
LOOKUPS = ("date__year", "id__in", "book__name__startswith")
OUR_LIST = ("q", "account", "tag", "state", "void", "since", "until", "below", "above")
SHOWN_AGAIN = frozenset({"q", "account", "tag", "since", "until"})
SEARCHED = frozenset({"/admin/ledger/transaction/", "/admin/accounts/account/{account}/register/"})

ADDRESSES = {
    "/admin/ledger/transaction/": ("owner", OUR_LIST),
    "/admin/ledger/transaction/add/": (
        "owner",
        ("date", "payee", "amount", "account", "category", "notes", "wide"),
    ),
    "/admin/ledger/transaction/usual/": ("owner", ("payee",)),
    "/admin/ledger/price/": ("owner", STOCK + LOOKUPS),
    "/admin/users/user/": ("superuser", ("q", "o", "p")),
    "/admin/ledger/transaction/csv/": ("owner", ("q", "since")),
    "/admin/accounts/account/": ("owner", ("all", "on")),
    "/admin/accounts/account/{account}/register/": ("owner", ("q", "account", "since", "below", "above")),
    "/admin/accounts/account/{account}/register/csv/": ("owner", ("q", "since")),
    "/admin/accounts/account/add/": ("owner", ("parent",)),
    "/admin/book/": ("both", ("next",)),
    "/users/login/": ("anonymous", ("next",)),
}
OTHER_LISTS = (
    "ledger/payee",
    "ledger/tag",
    "ledger/balanceassertion",
    "accounts/commodity",
    "accounts/membership",
)


def asked(world: World, role: str, path: str, shown: str = "") -> Iterator[str]:
    """Say what is wrong with the answer to an address; `shown` is to be a value in it."""
    where = path[:80]
    try:
        answer = world.ask(role, "GET", path)
    except Exception as error:
        yield f"{where}: raises {repr(error)[:200]}"
        return
    if answer.status >= 500:
        yield f"{where}: {answer.status}"
    if answer.changed:
        yield f"{where}: changes {sorted(answer.changed)}"
    if answer.status == 200 and shown and not stands_in(shown, answer.body):
        yield f"{where}: what was typed is gone"


def stands_in(text: str, body: str) -> bool:
    """Whether a page shows a text in a field."""
    return f'value="{html.escape(text)}"' in body or f">\n{html.escape(text)}</textarea>" in body


@pytest.mark.parametrize("path", ADDRESSES)
def test_no_parameter_breaks_a_page(world: World, path: str) -> None:
    role, names = ADDRESSES[path]
    wrong = []
    for name in names:
        for value in POISON.values():
            is_ours = path in SEARCHED and name in SHOWN_AGAIN
            typed = unquote_plus(value, errors="replace") if is_ours else ""
            at = path.format(account=world.own.account)
            wrong += asked(world, role, f"{at}?{name}={value}", typed)
    assert wrong == []


@pytest.mark.parametrize("path", OTHER_LISTS)
def test_no_set_of_parameters_breaks_a_list(world: World, path: str) -> None:
    wrong: list[str] = []
    for value in POISON.values():
        wrong += asked(world, "owner", f"/admin/{path}/?q={value}&o={value}&p={value}")
    assert wrong == []


def test_a_password_is_found_by_no_search(world: World) -> None:
    """Nor by a lookup, an order or a page that reaches for it."""
    plain = world.ask("superuser", "GET", "/admin/users/user/?e=1").body
    for lookup in (
        "password__startswith=md5",
        "password=md5",
        "q=md5$",
        "o=password",
        "memberships__book__name=Home",
    ):
        answer = world.ask("superuser", "GET", f"/admin/users/user/?{lookup}")
        assert answer.status in (200, 302, 400)
        assert "md5$" not in answer.body.replace('value="md5$"', "")
    assert "md5$" not in plain


@pytest.mark.parametrize(
    "path",
    [
        "/admin/ledger/transaction/{}/change/",
        "/admin/ledger/transaction/{}/history/",
        "/admin/ledger/payee/{}/change/",
        "/admin/ledger/payee/{}/delete/",
        "/admin/ledger/payee/{}/history/",
        "/admin/ledger/payee/{}/",
        "/admin/accounts/account/{}/change/",
        "/admin/accounts/account/{}/place/",
        "/admin/ledger/transaction/{}/",
        "/admin/ledger/transaction/{}/refund/",
        "/admin/ledger/transaction/{}/transfer/",
        "/admin/accounts/account/{}/register/",
        "/admin/accounts/account/{}/register/csv/",
        "/admin/accounts/membership/{}/delete/",
        "/admin/{}/",
        "/{}",
    ],
)
def test_no_id_breaks_a_page(world: World, path: str) -> None:
    values = {**POISON, "quoted": "1_2F", "long": "a" * 5000, "list": "1,2"}
    assert [fault for value in values.values() for fault in asked(world, "owner", path.format(value))] == []


@pytest.mark.parametrize("value", ["9" * 40, "%00", "-1", quote("１２"), "x"])
def test_no_id_breaks_a_page_of_the_logins(world: World, value: str) -> None:
    for page in ("change", "password", "delete"):
        assert list(asked(world, "superuser", f"/admin/users/user/{value}/{page}/")) == []


# --- Forms: by page, its fields, each with what it must refuse


def kept(text: str, body: str) -> bool:
    """Whether a page shows what was typed; space around it may go."""
    return not text.strip() or stands_in(text, body) or stands_in(text.strip(), body)


def each(names: str, values: dict[str, str]) -> dict[str, dict[str, str]]:
    return dict.fromkeys(names.split(), values)


def some(values: dict[str, str], *kinds: str) -> dict[str, str]:
    return {kind: values[kind] for kind in kinds}


ACCOUNT = (
    each("name code notes iban bank_code account_number", TEXTS)
    | each("opened_on closed_on", DAYS)
    | each("parent commodities type", CHOICES)
)
ENTRY = (
    each("payee narration notes code tags leg-0-memo", TEXTS)
    | each("leg-0-account leg-0-commodity leg-0-weight_commodity", TEXTS)
    | each("leg-0-amount leg-0-weight", AMOUNTS)
    | each("date", DAYS)
    | each("public_id book", {"NUL": "\x00", "text": "x", "megabyte": MEGABYTE, "braces": "{" * 40})
)
TRANSFER = (
    each("narration source target commodity received_commodity fee_account", TEXTS)
    | each("amount received fee", AMOUNTS)
    | each("date", DAYS)
    | each("public_id book", {"NUL": "\x00", "text": "x", "megabyte": MEGABYTE, "braces": "{" * 40})
)
FORMS: dict[str, dict[str, dict[str, str]]] = {
    "admin:ledger_payee_add": each("name", TEXTS),
    "admin:ledger_payee_change": each("name", TEXTS),
    "admin:ledger_tag_add": each("name", TEXTS | {"two words": "a b", "hash": "#a"}),
    "admin:accounts_commodity_add": (
        each("code name", TEXTS) | each("places scale", NUMBERS) | each("kind", CHOICES)
    ),
    "admin:accounts_account_add": ACCOUNT,
    "admin:accounts_account_change": ACCOUNT,
    "admin:accounts_account_place": each("name", TEXTS | {"colon": "a:b", "blank": "  "})
    | each("parent", TEXTS | {"nobody": "Nobody"})
    | each("was", {"NUL": "\x00", "text": "x", "megabyte": MEGABYTE}),
    "admin:ledger_price_add": (
        each("date", DAYS) | each("value", AMOUNTS) | each("commodity quote kind", CHOICES) | each("source", TEXTS)
    ),
    "admin:ledger_balanceassertion_add": (
        each("date", DAYS) | each("amount tolerance", AMOUNTS) | each("account commodity", CHOICES)
    ),
    "admin:accounts_membership_change": each("role", CHOICES),
    "admin:period": each("date", DAYS) | each("reason", some(TEXTS, "NUL")),
    "admin:ledger_transaction_add": ENTRY,
    "admin:ledger_transaction_change": ENTRY | each("leg-0-id version", CHOICES),
    "admin:ledger_transaction_refund": each("date", DAYS) | each("leg-0-amount", AMOUNTS),
    "admin:ledger_transaction_split": each("payee leg-0-account", TEXTS) | each("version", CHOICES),
    "admin:ledger_transaction_transfer": TRANSFER,
    "admin:ledger_transaction_transfer_change": TRANSFER | each("version", CHOICES),
    "admin:book_new": each("name base time_zone", TEXTS) | each("first_day_of_week preset", CHOICES),
    "admin:book_start": (
        each("row-0-account row-0-commodity row-1-account", TEXTS)
        | each("row-0-amount row-1-amount", AMOUNTS)
        | each("date", DAYS)
        | each("public_id book", {"NUL": "\x00", "text": "x", "megabyte": MEGABYTE})
    ),
    "admin:users_user_add": each("email name", TEXTS),
    "admin:users_user_change": each("email name", TEXTS),
}
# What is chosen, hidden or a secret is not typed again into the page.
NOT_TYPED = frozenset(
    (
        *(
            "public_id",
            "book",
            "leg-0-id",
            "version",
            "parent",
            "commodities",
            "type",
            "kind",
            "role",
            "commodity",
        ),
        *(
            "first_day_of_week",
            "preset",
            "was",
            "quote",
            "account",
            "lock",
            "is_active",
            "usable_password",
            "password1",
            "password2",
        ),
    )
)


def sent(world: World, name: str, body: dict[str, Any]) -> Iterator[str]:
    """Say what is wrong with the answer to a body that nobody may save."""
    page = PAGES[name]
    try:
        answer = world.ask("superuser" if page.of_logins else "owner", "POST", page.at(world.own), body)
    except Exception as error:
        yield f"raises {repr(error)[:200]}"
        return
    if answer.changed:
        yield f"changes {sorted(answer.changed)}"
    if answer.status != 200:
        yield f"answers {answer.status}"
    for field, value in body.items():
        if field not in NOT_TYPED and value and not stands_in(str(value), answer.body):
            yield f"{field} is gone"


@pytest.mark.parametrize("name", FORMS)
def test_a_form_refuses_in_words_and_keeps_what_was_typed(world: World, name: str) -> None:
    wrong = []
    for field, values in FORMS[name].items():
        for kind, value in values.items():
            body = {**PAGES[name].body(world.own), field: value}
            wrong += [f"{field}, {kind}: {fault}" for fault in sent(world, name, body)]
    assert wrong == []


def answered(world: World, role: str, path: str, body: dict[str, Any] | str, **options: Any) -> Answer | str:
    """The answer to a body that may be saved or not, or what it raised."""
    try:
        return world.ask(role, "POST", path, body, **options)
    except Exception as error:
        return f"raises {repr(error)[:200]}"


@pytest.mark.parametrize("name", [name for name in FORMS if "user" not in name])
def test_odd_texts_break_no_form(world: World, name: str) -> None:
    """Some of them are fine words, some are not: either is an answer, and what is refused is kept."""
    wrong = []
    for field, values in FORMS[name].items():
        for kind, value in ODD_TEXTS.items() if values is TEXTS else ():
            body = {**PAGES[name].body(world.own), field: value}
            answer = answered(world, "owner", PAGES[name].at(world.own), body)
            if isinstance(answer, str) or answer.status not in (200, 302):
                wrong.append(f"{field}, {kind}: {answer}"[:300])
            elif answer.status == 200 and (answer.changed or not kept(value, answer.body)):
                wrong.append(f"{field}, {kind}: is gone, or saved")
    assert wrong == []


@pytest.mark.parametrize("value", ["%ED%A0%80", "%FF", "%00", "%u0000", "%", "a=b=c;d", quote("𝕏" * 300)])
def test_bytes_that_are_no_text_break_no_form(world: World, value: str) -> None:
    for name in ("admin:ledger_payee_add", "admin:ledger_transaction_add", "admin:accounts_account_add"):
        body = urlencode(PAGES[name].body(world.own), doseq=True)
        for field in ("name", "payee", "leg-0-account", "nosuch"):
            answer = answered(world, "owner", PAGES[name].path, f"{body}&{field}={value}")
            assert isinstance(answer, Answer), answer
            assert answer.status in (200, 302)


# --- The transaction's form

SHORT = (
    each("amount", AMOUNTS | {"sum": "1+", "by zero": "1/0"})
    | each("account category", TEXTS | some(ODD_TEXTS, "markup", "direction"))
    | each("payee notes tags", TEXTS)
    | each("date", DAYS)
    | each(
        "public_id book open", {"NUL": "\x00:\x00", "text": "x", "braces": "{" * 40, "account": "category:equity"}
    )
)


@pytest.mark.parametrize("field", SHORT)
def test_the_short_form_and_its_reader_take_no_nonsense(world: World, field: str) -> None:
    things = world.own
    body = {"shape": "plain", "public_id": str(UUID(int=77)), "version": "", "book": things.book_public_id}
    body |= {"date": "2026-03-20", "amount": "10", "account": things.account_name, "category": "Nothing"}
    wrong = []
    for kind, value in SHORT[field].items():
        for more in ({}, {"wide": "1"}, {"usual": "1"}):
            for fault in sent(world, "admin:ledger_transaction_add", {**body, field: value, **more}):
                if not fault.startswith(("shape", "wide", "usual", "open")):
                    wrong.append(f"{field}, {kind}, {more}: {fault}"[:300])
        answer = world.ask(
            "owner", "POST", "/admin/ledger/transaction/read/", {**body, field: value, "draft": "1"}
        )
        if answer.status != 200 or answer.changed:
            wrong.append(f"reading {field}, {kind}: {answer}"[:300])
    assert wrong == []


def test_a_thousand_wrong_legs_are_each_told_so(world: World) -> None:
    body = ADD.body(world.own)
    for leg in range(1000):
        body |= {f"leg-{leg}-account": f"Assets:Nonsense {leg}", f"leg-{leg}-amount": "NaN"}
    answer = world.ask("owner", "POST", ADD.path, body)
    assert answer.status == 200
    assert not answer.changed
    assert answer.body.count('class="leg-errors"') == 1000


def test_a_form_beyond_all_measure_is_refused_before_it_is_read(world: World) -> None:
    for body in ("&".join(f"leg-{n}-memo=x" for n in range(100_001)), "notes=" + "x" * 6_000_000):
        answer = world.ask("owner", "POST", ADD.path, body)
        assert answer.status == 400
        assert not answer.changed


@pytest.mark.parametrize("count", [None, "", "-1", "0", "9" * 30, "NaN", "１", "\x00", "1" + "0" * 9])
def test_no_count_of_rows_is_believed(world: World, count: str | None) -> None:
    """Rows are found by their names: with any count, and with none, the two legs are saved."""
    counts = {} if count is None else {f"{at}-{what}_FORMS": count for at in ("leg", "form") for what in COUNTED}
    kept: list[Any] = []
    body = ADD.body(world.own) | counts
    answer = world.ask("owner", "POST", ADD.path, body, then=lambda: kept.extend(_metadata(world)))
    assert answer.status == 302
    assert len(kept) == 1 + 2


COUNTED = ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")


@pytest.mark.parametrize(
    "key",
    ["leg-9999999-account", "leg--1-account", "leg-１-account", "leg-0-account[]", "leg-0-book", "leg-\x00-id"],
)
def test_a_row_of_an_odd_name_is_no_row(world: World, key: str) -> None:
    answer = world.ask("owner", "POST", ADD.path, ADD.body(world.own) | {key: "x"})
    assert answer.status == 302


@pytest.mark.parametrize(
    "value", ['{"a": "\\u0000"}', '"\\ud800"', "[" * 10_000 + "]" * 10_000, '{"a": NaN}', "\x00", "1" * 10_000]
)
def test_metadata_is_no_field_of_any_form(world: World, value: str) -> None:
    kept: list[Any] = []
    body = ADD.body(world.own) | {"metadata": value, "leg-0-metadata": value}
    answer = world.ask("owner", "POST", ADD.path, body, then=lambda: kept.extend(_metadata(world)))
    assert answer.status == 302
    assert kept == [{}, {}, {}]
    for name in ("admin:accounts_commodity_add", "admin:ledger_price_add", "admin:accounts_account_add"):
        answer = world.ask("owner", "POST", PAGES[name].path, PAGES[name].body(world.own) | {"metadata": value})
        assert answer.status == 302


def _metadata(world: World) -> list[Any]:
    """The metadata of the newest transaction and of each of its legs."""
    with world.home.scope():
        row = Transaction.objects.filter(book=world.home.book).latest("pk")
        return [row.metadata, *Posting.objects.filter(transaction=row).values_list("metadata", flat=True)]


@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data", "multipart/form-data; boundary=x", "x"]
)
@pytest.mark.parametrize(
    "body", ["", "{" * 10_000, '{"date": "\\ud800"}', "--x\r\nContent-Disposition: form-data; name"]
)
def test_a_body_of_another_kind_saves_nothing(world: World, content_type: str, body: str) -> None:
    for path in (ADD.path, PAGES["admin:ledger_payee_add"].path):
        answer = world.ask("owner", "POST", path, body, content_type=content_type)
        assert answer.status in (200, 400)
        assert not answer.changed


# --- Buttons, and the pages before the books

BUTTONS = {
    "admin:ledger_transaction_void": {"version": CHOICES},
    "admin:ledger_transaction_reinstate": {"version": CHOICES},
    "admin:ledger_transaction_reverse": {"version": CHOICES, "date": DAYS},
    "admin:accounts_account_register": {
        "posting": CHOICES | {"state": "1:reconciled", "no state": "1:", "NUL state": "1:\x00"},
    },
    "admin:accounts_account_arrange": {
        "do": CHOICES | {"verb": "fly:1", "no account": "hide:", "far": "up:" + "9" * 40}
    },
    "admin:ledger_transaction_clear": {
        "version": CHOICES,
        "posting": CHOICES | {"state": "1:reconciled", "no state": "1:", "NUL state": "1:\x00"},
    },
}


@pytest.mark.parametrize("name", BUTTONS)
def test_a_button_with_nonsense_changes_nothing(world: World, name: str) -> None:
    page, wrong = PAGES[name], []
    for field, values in BUTTONS[name].items():
        for kind, value in values.items():
            answer = answered(world, "owner", page.at(world.own), {**page.body(world.own), field: value})
            if isinstance(answer, str) or answer.status != 302 or answer.changed:
                wrong.append(f"{field}, {kind}: {answer}"[:300])
    assert wrong == []


# Every other address that takes anything: what is sent there may be refused or not, but it is answered.
REST = [name for name in PAGES if name not in FORMS and name not in BUTTONS]
NASTY = ("", "\x00", "-1", "'\"><script>", "𝕏" * 300)


@pytest.mark.parametrize("name", REST)
def test_every_other_address_answers_nonsense(world: World, name: str) -> None:
    page, wrong = PAGES[name], []
    body = page.body(world.own)
    for field in [*body, "nosuch"]:
        for value in NASTY:
            answer = answered(world, "owner", page.at(world.own), {**body, field: value})
            if isinstance(answer, str) or answer.status >= 500:
                wrong.append(f"{field}, {value[:20]!r}: {answer}"[:300])
    assert wrong == []


def test_the_forms_of_settings_keep_what_was_typed(world: World) -> None:
    for name, field, value in (
        ("admin:book_settings", "time_zone", "Middle/Earth"),
        ("admin:book_settings", "name", "x" * 300),
        ("admin:preferences", "name", "n" * 300),
    ):
        page = PAGES[name]
        answer = world.ask("owner", "POST", page.at(world.own), {**page.body(world.own), field: value})
        assert (answer.status, answer.changed) == (200, set()), (name, field)
        assert value in answer.body


@pytest.mark.parametrize("reason", ["a\x00b", MEGABYTE, "\x00", quote("𝕏" * 600)])
def test_any_reason_is_cut_to_what_history_holds(world: World, reason: str) -> None:
    page = PAGES["admin:ledger_transaction_void"]
    answer = world.ask("owner", "POST", page.at(world.own), {"version": "1", "reason": reason})
    assert (answer.status, answer.changed) == (302, {"home"})


@pytest.mark.parametrize("value", ["\x00", "a\x00@example.org", MEGABYTE, "１", "'\"><script>"])
def test_nothing_typed_at_the_door_breaks_it(world: World, value: str) -> None:
    door = {
        "/users/login/": ("anonymous", ("login", "password", "next", "remember")),
        "/users/reauthenticate/": ("owner", ("password", "next")),
        "/users/password/": ("owner", ("oldpassword", "password1", "password2")),
        "/admin/book/": ("both", ("book", "next")),
    }
    typed = {"login": "a@example.org", "password": "x", "oldpassword": "x", "password1": "x", "password2": "x"}
    wrong = []
    for path, (role, names) in door.items():
        for name in names:
            answer = answered(world, role, path, {**typed, "book": world.own.book_public_id, name: value})
            if isinstance(answer, str) or answer.status >= 500 or answer.changed:
                wrong.append(f"{path} {name}: {answer}"[:300])
            elif "example" not in answer.location and answer.location.startswith(("//", "http")):
                wrong.append(f"{path} {name}: leads to {answer.location[:80]}")
    assert wrong == []


@pytest.mark.parametrize("field", ["password1", "password2", "usable_password", "oldpassword"])
def test_no_password_breaks_the_pages_of_logins(world: World, field: str) -> None:
    for name in ("admin:users_user_add", "admin:auth_user_password_change"):
        for value in ("a\x00long-new-secret", MEGABYTE, "𝕏" * 500):
            body = {**PAGES[name].body(world.own), field: value}
            answer = answered(world, "superuser", PAGES[name].at(world.own), body)
            assert isinstance(answer, Answer), answer
            assert answer.status in (200, 302)
