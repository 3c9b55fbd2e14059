"""The code narrows every query to the chosen book, and row security shows no other: each alone is enough."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.site.twins import ROW_PAGES, all_twins, away_twins, faults
from tests.site.world import World, made, without_queryset_scoping


@pytest.fixture
def guarded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The households, served by the app role as ever."""
    with django_db_blocker.unblock(), made() as world:
        yield world


@pytest.fixture
def unguarded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The same households, served by the role whom row security does not bind."""
    with django_db_blocker.unblock(), made(as_owner=True) as world:
        yield world


def test_row_security_alone_keeps_the_neighbours_apart(guarded: World) -> None:
    """No query of the code is narrowed to a book any more."""
    with without_queryset_scoping():
        assert [fault for twin in all_twins(guarded) for fault in faults(guarded, twin, ("owner",))] == []


def test_the_querysets_alone_keep_the_neighbours_apart(unguarded: World) -> None:
    assert [fault for twin in all_twins(unguarded) for fault in faults(unguarded, twin, ("owner",))] == []


def test_without_both_walls_everything_is_seen(unguarded: World) -> None:
    """Control: the tests above can see a leak and a foreign row that was changed."""
    with without_queryset_scoping():
        found = [
            fault
            for name in ROW_PAGES
            for twin in away_twins(name, unguarded.own, unguarded.foreign)
            for fault in faults(unguarded, twin, ("owner",))
        ]
        listed = unguarded.ask("owner", "GET", "/admin/ledger/payee/")
    assert "nbrcanary" in listed.body
    shown = {fault.split(":")[1].split(" away")[0] for fault in found if "shows" in fault}
    changed = {fault.split(":")[1].split(" away")[0] for fault in found if "'theirs'" in fault}
    assert len(shown) >= 20
    assert len(changed) >= 8
