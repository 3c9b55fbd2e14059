"""Somebody who has never seen it: from a login without a book to a closed month, on a phone and on a laptop."""

import pytest
from django.conf import settings
from playwright.sync_api import expect

from financetracker.accounts import books
from financetracker.accounts.models import Membership
from financetracker.accounts.scope import scope
from financetracker.ledger.models import Posting
from tests.browser.conftest import Watched, both
from tests.builders import Household, UserFactory


@pytest.mark.parametrize(
    "width",
    [
        pytest.param(1280, marks=pytest.mark.window(width=1280, timezone_id="Asia/Tokyo", locale="en-US")),
        pytest.param(
            390, marks=pytest.mark.window(width=390, color_scheme="dark", timezone_id="Asia/Tokyo", locale="en-US")
        ),
    ],
)
def test_a_book_of_ones_own(window: Watched, transactional_db: None, width: int) -> None:
    person = UserFactory()
    page = window.log_in(person.email)
    page.locator("[name=name]").fill("Ours")
    assert page.locator("[name=time_zone]").input_value() == "Asia/Tokyo"
    page.locator("[name=base]").fill("EUR")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.get_by_label("Balance 1", exact=True).fill("2000")
    expect(page.locator("[data-sum=have]")).to_have_text("2,000.00 EUR")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith("/add/")

    window.go("/admin/ledger/transaction/transfer/")
    page.locator("[name=source]").fill("Assets:Bank:Checking")
    page.locator("[name=target]").fill("Assets:Bank:Savings")
    assert not page.locator("[name=received]").is_visible()
    page.locator("[name=amount]").fill("500")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "Moved 500.00 EUR from Checking to Savings." in page.locator("#sentence").inner_text()
    with page.expect_navigation():
        page.locator("#states button").first.click()
    assert page.locator("#states .is-cleared").count() == 1
    with page.expect_navigation():
        page.locator("#amend").click()
    page.locator("[name=fee]").fill("1.50")
    page.locator("[name=fee_account]").fill("Bank fees")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#sentence")
    assert "paid 1.50 EUR for Bank fees" in page.locator("#sentence").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0

    window.go("/admin/")
    assert "1,998.50" in page.locator("#net-worth").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    window.go("/admin/period/")
    with page.expect_navigation():
        page.get_by_role("button", name="Lock through this day").click()
    assert "The book is locked through" in page.locator("#locked-through").inner_text()
    page.locator("#unlock-form [name$=reason]").fill("a receipt came late")
    with page.expect_navigation():
        page.get_by_role("button", name="Unlock after this day").click()
    assert "a receipt came late" in page.locator("main").inner_text()
    with scope(person.pk, None):
        mine = Membership.objects.get(user=person)
    with scope(person.pk, mine.book_id):
        found = Posting.objects.select_related("account").order_by("pk")
        assert [f"{leg.account.name} {leg.amount}" for leg in found] == [
            "Checking 2000",
            "Opening Balances -2000",
            "Checking -501.50",
            "Savings 500.00",
            "Bank fees 1.50",
        ]


@both
def test_the_rate_is_shown_and_a_lost_login_loses_nothing(window: Watched, home: Household) -> None:
    with home.scope():
        books.open_account(home.book, "Assets:Yen envelope", "asset", commodities=[home.commodities["JPY"]])
    page = window.enter(home.owner, "/admin/ledger/transaction/transfer/")
    page.locator("[name=source]").fill("Assets:Bank")
    page.locator("[name=target]").fill("yen envelope")
    page.locator("[name=amount]").fill("100")
    page.locator("[name=received]").fill("16399")
    expect(page.locator("#rate")).to_have_text("163.99 JPY per EUR")
    window.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.keyboard.press("Enter")
    page.wait_for_url("**/users/login/**")
    page.locator("input[name=login]").fill(home.owner.email)
    page.locator("input[name=password]").fill("password")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Send it again").click()
    page.wait_for_selector("#sentence")
    assert "Exchanged 100.00 EUR from Bank for 16,399 JPY" in page.locator("#sentence").inner_text()
