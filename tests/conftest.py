"""The database of a test run: built by the owner, used by the app role."""

from collections.abc import Iterator

import pytest
from django.db import connections
from django.test.utils import setup_databases, teardown_databases


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: pytest.FixtureRequest,
    django_db_keepdb: bool,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """Makes one database through `owner`; `default` is the same one, seen by the app role."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases=["owner"], keepdb=django_db_keepdb)
        app, owner = (connections[alias].settings_dict["NAME"] for alias in ("default", "owner"))
        assert app == owner, f"the tests would write into {app}"
    yield
    with django_db_blocker.unblock():
        # DROP DATABASE waits for nobody: the pool's idle connections must be gone.
        connections["default"].close()
        connections["default"].close_pool()
        if not django_db_keepdb:
            teardown_databases(made, verbosity=0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that commits is cleaned up by TRUNCATE, which only the owner may."""
    for item in items:
        mark = item.get_closest_marker("django_db")
        commits = mark is not None and mark.kwargs.get("transaction")
        if commits or {"live_server", "transactional_db"} & set(item.fixturenames):
            item.add_marker(pytest.mark.django_db(transaction=True, databases=["default", "owner"]), append=False)
