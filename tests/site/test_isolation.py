"""Nobody sees or changes another household's rows: every address, every role, every kind of row.

The addresses and what is expected of them stand in `matrix.py`, the households and their people in `world.py`.
"""

from types import ModuleType

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import get_resolver, include, path

from tests.site.matrix import PAGES, routes, stray
from tests.site.twins import REF_PAGES, ROW_PAGES, away_twins, body_twins, faults, probe_twins
from tests.site.world import MEMBERS, MISSING, ROLES, World

# Who asks for each thing twice. The others are stopped before anything is looked for; see the table.
WITH_A_BOOK = (*MEMBERS, "stranger")


# --- The table is whole


def test_every_address_stands_in_the_table() -> None:
    found = list(routes(get_resolver()))
    assert sorted(set(found)) == sorted(PAGES)
    assert len(found) == len(set(found)), "two addresses of one name: one of them is looked at by nobody"


def test_an_address_that_stands_not_in_the_table_is_seen() -> None:
    """Control: what a new page would do to the test above."""

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    urls = ModuleType("urls_of_tomorrow")
    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("", include("financetracker.urls")),
        path("statement/<int:pk>/", view, name="statement"),
        path("nameless/", view),
    ]
    assert set(routes(get_resolver(urls))) - set(PAGES) == {"statement", "nameless/"}  # type: ignore[arg-type]


def test_a_message_that_names_something_is_seen(world: World) -> None:
    """Control: messages go in a signed cookie, where a plain search would not find a word."""
    page = PAGES["admin:ledger_payee_change"]
    answer = world.ask("owner", "POST", page.at(world.own), {"name": "nbrcanary"})
    assert (answer.status, answer.changed) == (302, {"home"})
    assert world.leaks("owner", answer, []) == {"nbrcanary"}


# --- What belongs to Home


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_each_role_gets_what_the_table_says(world: World, name: str, method: str) -> None:
    """A body carries, beside what the page wants, rows of the neighbours in fields that no form of ours has."""
    page = PAGES[name]
    planted = stray(world.foreign)
    got, wrong = {}, []
    for role in ROLES:
        body = {**planted, **page.body(world.own)} if method == "POST" else None
        answer = world.ask(role, method, page.at(world.own), body)
        got[role] = answer.kind
        people = page.of_logins and role == "superuser"
        sent = [str(value) for value in planted.values()] + world.values(world.own, page, body)
        if words := world.leaks(role, answer, sent, people=people):
            wrong.append(f"{role} reads {sorted(words)}")
        if changed := answer.changed - page.may_change(role, method, answer.kind):
            wrong.append(f"{role} changes {sorted(changed)}")
    assert got == page.expected(method)
    assert wrong == []


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if page.saves])
def test_what_is_sent_is_good_enough_to_be_saved(world: World, name: str) -> None:
    """Control: a body that nobody could save would prove nothing when somebody else's is refused."""
    page = PAGES[name]
    role = "superuser" if page.of_logins else "owner"
    answer = world.ask(role, "POST", page.at(world.own), page.body(world.own))
    assert answer.kind == "302"
    assert answer.changed == {page.saves}


@pytest.mark.parametrize("name", ROW_PAGES)
def test_a_stranger_cannot_tell_a_row_of_home_from_none(world: World, name: str) -> None:
    page = PAGES[name]
    sent = [*world.values(world.own, page), *world.values(MISSING, page)]
    for method in ("GET", "POST"):
        for role in ("stranger",):
            body = page.body(world.foreign) if method == "POST" else None
            there, nowhere = (world.ask(role, method, page.at(of), body) for of in (world.own, MISSING))
            assert there.without(sent) == nowhere.without(sent), f"{role} {method}"
            assert not there.changed


# --- What belongs to the neighbours


@pytest.mark.parametrize("name", ROW_PAGES)
def test_a_row_of_the_neighbours_is_a_row_of_nobody(world: World, name: str) -> None:
    look, send = away_twins(name, world.own, world.foreign)
    assert [*faults(world, look, WITH_A_BOOK), *faults(world, send, WITH_A_BOOK)] == []


@pytest.mark.parametrize("name", REF_PAGES)
def test_a_form_takes_no_row_of_the_neighbours(world: World, name: str) -> None:
    """One at a time, each place of the body that names a row."""
    found = body_twins(name, world.own, world.foreign)
    assert [fault for twin in found for fault in faults(world, twin, ("owner", "viewer"))] == []


def test_no_parameter_and_no_bulk_action_reaches_the_neighbours(world: World) -> None:
    found = probe_twins(world.own, world.foreign)
    assert [fault for twin in found for fault in faults(world, twin, ("owner",))] == []


@pytest.mark.parametrize("name", ROW_PAGES)
def test_another_book_of_the_same_person_is_another_book(world: World, name: str) -> None:
    """Who is at home in both and chose Home finds nothing of the other one under Home's name."""
    found = away_twins(name, world.own, world.foreign)
    assert [fault for twin in found for fault in faults(world, twin, ("both",))] == []


def test_a_name_of_the_neighbours_is_free_here(world: World) -> None:
    """Names are names of a book: taking the neighbours' is no clash, and joins nothing."""
    page, things = PAGES["admin:ledger_transaction_add"], world.foreign
    body = {**page.body(world.own), "payee": things.payee_name, "tags": things.tag_name, "narration": things.word}
    answer = world.ask("owner", "POST", page.path, body)
    assert (answer.kind, answer.changed) == ("302", {"home"})
    for name, word in (("payee", things.payee_name), ("tag", things.tag_name)):
        answer = world.ask("owner", "POST", PAGES[f"admin:ledger_{name}_add"].path, {"name": word})
        assert (answer.kind, answer.changed) == ("302", {"home"})


def test_the_number_of_a_strangers_form_shows_nothing_of_it(world: World) -> None:
    """Numbers of submissions are unique in the whole database: the one answer that a guess of 122 bits changes."""
    page = PAGES["admin:ledger_transaction_add"]
    body = {**page.body(world.own), "public_id": world.foreign.public_id}
    answer = world.ask("owner", "POST", page.path, body)
    assert answer.status == 200
    assert not answer.changed
    assert not world.leaks("owner", answer, [world.foreign.public_id])
