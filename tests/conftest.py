"""What all tests share: the database of a run, the programs beside us, and no silent skip in CI."""

import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from django.db import connections
from django.test.utils import setup_databases, teardown_databases
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

from tests.builders import Household
from tests.programs import HOW_TO_GET, chromium_path, hledger_path

# A shared machine is slow for reasons of its own: no example fails for the time it took.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, print_blob=True)
CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
settings.load_profile("ci" if CI else "here")

# Reasons that CI accepts, one a line: `.ci/run` gives those of a run that is partial on purpose.
ALLOWED_SKIPS = [line for line in os.environ.get("SKIPS_ALLOWED", "").splitlines() if line]


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    django_db_keepdb: bool,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """Makes one database through `owner`; `default` is the same one, seen by the app role."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases=["owner"], keepdb=django_db_keepdb)
        app, owner = (connections[alias].settings_dict["NAME"] for alias in ("default", "owner"))
        assert app == owner, f"the tests would write into {app}"
        keep_statistics_out()
    yield
    with django_db_blocker.unblock():
        connections["default"].close()
        connections["default"].close_pool()
        if not django_db_keepdb:
            await_sessions()
            teardown_databases(made, verbosity=0)


def keep_statistics_out() -> None:
    """Turns autovacuum off for the tables of the tests.

    What a test writes is rolled back, and leaves pages full of dead rows: autovacuum would note tables of
    many pages and no row, and the planner would join the next test's thousands of rows one by one.
    """
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relowner = current_user::regrole"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")


def await_sessions(seconds: float = 30) -> None:
    """Waits until nobody else uses the database, or says who does: DROP DATABASE gives up after five seconds."""
    until = time.monotonic() + seconds
    with connections["owner"].cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT backend_type, usename, application_name, state FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            others = cursor.fetchall()
            if not others:
                return
            assert time.monotonic() < until, f"a test left sessions open: {others}"
            time.sleep(0.1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that commits is cleaned up by TRUNCATE, which only the owner may."""
    for item in items:
        mark = item.get_closest_marker("django_db")
        commits = mark is not None and mark.kwargs.get("transaction")
        if commits or {"live_server", "transactional_db"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.django_db(transaction=True, databases=["default", "owner"]), append=False)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser that Playwright can drive; without one the test is skipped, in CI it fails."""
    found = chromium_path()
    if found is None:
        pytest.skip(f"no Chromium or Chrome here: {HOW_TO_GET}")
    return found


@pytest.fixture(scope="session")
def hledger() -> str:
    """The path of hledger, the second opinion; without it the test is skipped, in CI it fails."""
    found = hledger_path()
    if found is None:
        pytest.skip(f"no hledger here: {HOW_TO_GET}")
    return found


@pytest.fixture(scope="session")
def project() -> Path:
    """The top folder of the project."""
    return Path(__file__).resolve().parent.parent


def forbidden_skip(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """The reason of a skip that CI does not accept; None for everything else."""
    if not CI or not report.skipped or hasattr(report, "wasxfail"):
        return None
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return None if any(allowed in reason for allowed in ALLOWED_SKIPS) else reason


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failed one: nothing may go unseen."""
    report = yield
    reason = forbidden_skip(report)
    if reason is not None:
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself as a whole."""
    report = yield
    reason = forbidden_skip(report)
    if reason is not None:
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {reason}"
    return report


@pytest.fixture
def home(db: None) -> Household:
    """A book with people and accounts; open `home.scope()` to look or write."""
    return Household()
