"""A household whose accounts are looked at."""

import pytest

from tests.builders import Household


@pytest.fixture
def home(db: None) -> Household:
    """A book with people and accounts; open `home.scope()` to look or write."""
    return Household()
