"""Two households that a whole module looks at; what a request does to them is taken back."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.site.world import World, made


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Home and the neighbours, made once in a transaction that is rolled back after the module."""
    with django_db_blocker.unblock(), made() as world:
        yield world
