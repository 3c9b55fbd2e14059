"""What is counted: each request once, under the name of its page, and nothing that a client can make up."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from financetracker.site import metrics, requests
from tests.builders import Household

pytestmark = pytest.mark.django_db

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples() -> Samples:
    """Every figure, by its name and labels."""
    text = metrics.exposition()[0].decode()
    families = text_string_to_metric_families(text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def counted(before: Samples, name: str = "financetracker_http_requests_total") -> dict[tuple[str, ...], float]:
    """What was added to a counter meanwhile, by the values of its labels in the order of their names."""
    found = {}
    for (one, labels), value in samples().items():
        more = value - before.get((one, labels), 0)
        if one == name and more:
            found[tuple(value for _, value in labels)] = more
    return found


def test_a_page_is_counted_under_its_name() -> None:
    home, client, before = Household(), Client(), samples()
    client.force_login(home.editor)
    for _ in range(3):
        client.get("/admin/ledger/transaction/", {"q": "Geheimnis"})
    client.get("/users/login/")
    client.get("/admin/ledger/transaction/999999/change/")
    assert counted(before) == {
        ("GET", "admin:ledger_transaction_changelist", "200"): 3,
        ("GET", "account_login", "302"): 1,
        ("GET", "admin:ledger_transaction_change", "404"): 1,
    }
    durations = counted(before, "financetracker_http_request_duration_seconds_count")
    assert durations["GET", "admin:ledger_transaction_changelist"] == 3
    assert "Geheimnis" not in str(samples())


def test_what_clients_make_up_is_one_label(client: Client) -> None:
    before = samples()
    for n in range(20):
        client.generic(f"METHOD{n}", f"/nowhere/{n}/", headers={"host": "localhost"})
        client.get(f"/static/nothing-{n}.css")
    assert counted(before) == {("other", "other", "404"): 20, ("GET", "static", "404"): 20}


def test_an_exception_is_counted_by_its_class(monkeypatch: Any) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise LookupError("Geheimnis")

    home, client, before = Household(), Client(raise_request_exception=False), samples()
    client.force_login(home.editor)
    monkeypatch.setattr("financetracker.site.tree.tree", broken)
    assert client.get("/admin/accounts/account/").status_code == 500
    assert counted(before, "financetracker_http_errors_total") == {
        ("LookupError", "GET", "admin:accounts_account_changelist"): 1
    }
    assert samples()["financetracker_http_requests_in_progress", ()] == 0


def test_following_a_request_runs_no_query() -> None:
    """Nor does it ask who somebody is where nothing else did."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = Client().get("/nowhere/", headers={"cookie": "ft-session=abc"})
    assert answer.status_code == 404
    assert [query for query in queries if "users_user" in query["sql"]] == []


def test_the_pools_figures_are_copied_and_never_go_back() -> None:
    class Stats:
        closed = False
        now: dict[str, int] = {}

        def get_stats(self) -> dict[str, int]:
            return dict(self.now)

    stats, pool = Stats(), metrics.Pool()
    before = samples()
    for now in ({"requests_num": 5, "requests_wait_ms": 250}, {"requests_num": 7}, {"requests_num": 2}):
        stats.now = {"pool_max": 8, "pool_size": 3, "pool_available": 1, "requests_waiting": 4} | now
        pool.sample_of(stats)
    name = "financetracker_db_pool_"
    after = samples_of_pool()
    assert (after["max"], after["size"], after["in_use"], after["waiting"]) == (8, 3, 2, 4)
    assert counted(before, f"{name}requests_total") == {(): 9}
    assert counted(before, f"{name}wait_seconds_total") == pytest.approx({(): 0.25})  # a difference of floats
    stats.closed = True
    pool.sample_of(stats)
    assert samples_of_pool()["in_use"] == 0


def samples_of_pool() -> dict[str, float]:
    """The pool's gauges, as they were written last."""
    return {
        metric.name.removeprefix("financetracker_db_pool_"): metric.samples[0].value
        for gauge in metrics.POOL_NOW.values()
        for metric in gauge.collect()
    }


@pytest.mark.parametrize(
    ("given", "proxies", "taken"),
    [
        ("7a" * 16, 1, True),
        ("7a" * 16, 0, False),
        ("6f1c0b1e-8f0a-4f5e-9d7a-2f1c0b1e8f0a", 1, True),
        ("7a", 1, False),
        ("7a" * 40, 1, False),
        ("Muellers-Bakery-0012", 1, False),
        ('7a7a7a7a7a7a7a7a"}\n', 1, False),
    ],
)
def test_a_request_id_is_taken_from_a_proxy_alone(given: str, proxies: int, taken: bool, settings: Any) -> None:
    settings.PROXIES = proxies
    request = RequestFactory().get("/", headers={"x-request-id": given})
    found = requests.request_id(request)
    assert (found == given) is taken
    assert requests.HARMLESS.fullmatch(found)


def test_each_answer_carries_its_own_id(client: Client) -> None:
    ids = {client.get("/nowhere/")["X-Request-ID"] for _ in range(3)}
    assert len(ids) == 3
