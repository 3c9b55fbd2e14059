"""Every page, light and dark, wide and narrow: nothing serious for axe, no sideways scroll."""

from typing import Any

import pytest

from financetracker.accounts import books
from financetracker.ledger.models import BalanceAssertion, Price
from financetracker.users.models import User
from tests.browser.conftest import Watched
from tests.builders import DAY, Household


def serious(page: Any, axe: str) -> list[str]:
    """What axe finds that keeps people out, as `rule: where`."""
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{page.url} {said['id']}: {node['target']} {node['html'][:120]}"
        for said in found["violations"]
        if said["impact"] in ("serious", "critical")
        for node in said["nodes"]
    ]


def furnish(home: Household) -> list[str]:
    """Fill a book with one of everything; return the pages that show it."""
    with home.scope():
        made = home.post("Food 12.50", "Cash 5", "Bank -17.50", payee="Spar", narration="Milk", tags=["trip"])
        Price.objects.create(
            book=home.book,
            commodity=home.commodities["USD"],
            quote=home.commodities["EUR"],
            date=DAY,
            value="0.9",
        )
        BalanceAssertion.objects.create(
            book=home.book,
            account=home.accounts["Cash"],
            commodity=home.commodities["EUR"],
            date=DAY,
            amount=5,
        )
    row = f"/admin/ledger/transaction/{made.pk}"
    return [
        "/admin/",
        "/admin/ledger/transaction/",
        "/admin/ledger/transaction/add/",
        f"{row}/",
        f"{row}/change/",
        f"{row}/refund/",
        f"{row}/history/",
        "/admin/ledger/transaction/transfer/",
        "/admin/book/new/",
        "/admin/book/start/",
        "/admin/accounts/account/",
        "/admin/ledger/transaction/?q=food+%3E1&since=2026-01-01",
        "/admin/ledger/transaction/?q=account:nowhere",
        "/admin/accounts/account/arrange/",
        f"/admin/accounts/account/{home.accounts['Cash'].pk}/register/",
        f"/admin/accounts/account/{home.accounts['Cash'].pk}/place/",
        "/admin/accounts/account/add/",
        f"/admin/accounts/account/{home.accounts['Cash'].pk}/change/",
        "/admin/accounts/commodity/",
        "/admin/accounts/commodity/add/",
        "/admin/accounts/membership/",
        "/admin/ledger/payee/",
        "/admin/ledger/tag/",
        "/admin/ledger/price/",
        "/admin/ledger/balanceassertion/",
        "/admin/ledger/balanceassertion/add/",
        "/admin/period/",
        "/users/password/",
        "/admin/ledger/transaction/999999/change/",
    ]


@pytest.mark.parametrize(
    "look",
    [
        pytest.param("light", marks=pytest.mark.window(color_scheme="light")),
        pytest.param("dark", marks=pytest.mark.window(color_scheme="dark")),
        pytest.param("phone", marks=pytest.mark.window(width=390)),
    ],
)
def test_every_page(window: Watched, home: Household, axe: str, look: str) -> None:
    found = serious(window.go("/users/login/"), axe)
    pages = furnish(home)
    page = window.log_in(home.owner.email)
    for path in pages:
        window.go(path)
        found += serious(page, axe)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            found.append(f"{path} is {wide} px too wide")
    window.go("/admin/ledger/transaction/add/?wide=1")
    page.locator("[name=leg-0-account]").fill("Nothing")
    with page.expect_navigation():
        page.get_by_role("button", name="Save", exact=True).last.click()
    found += serious(page, axe)
    assert not found, "\n".join(found)


def test_choosing_a_book_and_managing_logins(window: Watched, home: Household, axe: str) -> None:
    books.create_book(home.owner, name="Second", base="USD")
    page = window.log_in(home.owner.email)
    found = serious(page, axe)
    assert "Second" in page.locator("main").inner_text()
    window.context.clear_cookies()
    User.objects.create_superuser("root@example.org", "password")
    window.log_in("root@example.org")
    for path in ("/admin/", "/admin/users/user/", "/admin/users/user/add/"):
        found += serious(window.go(path), axe)
    assert not found, "\n".join(found)
