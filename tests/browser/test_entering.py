"""Entering in a real browser: suggestions, sums, words, and nothing typed that is ever lost."""

import datetime
from decimal import Decimal

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from financetracker.ledger.models import Posting, Transaction
from tests.browser.conftest import Watched
from tests.browser.test_entry import LIST, amounts
from tests.builders import Household

ADD = f"{LIST}add/"
SAVE = "[name=_save].button"


@pytest.fixture
def known(home: Household) -> Household:
    """A household that knows a shop and a market."""
    with home.scope():
        home.post("Food 5", "Card -5", payee="Greenmarket", tags=["weekly"], date=datetime.date(2026, 3, 1))
        home.post("Food 5", "Rent 7", "Cash -12", payee="Market Hall", date=datetime.date(2026, 3, 2))
    return home


def serious(window: Watched, axe: str) -> list[str]:
    """What axe finds serious or critical on the open page."""
    session = window.context.new_cdp_session(window.page)
    session.send("Runtime.evaluate", {"expression": axe})
    found = session.send(
        "Runtime.evaluate",
        {
            "expression": "axe.run().then(r => r.violations"
            ".filter(v => ['serious', 'critical'].includes(v.impact))"
            ".map(v => v.id + ' ' + v.nodes.map(n => n.html).join(' | ')))",
            "awaitPromise": True,
            "returnByValue": True,
        },
    )
    return list(found["result"]["value"])


@pytest.mark.parametrize(
    "width",
    [
        pytest.param(1280, marks=pytest.mark.window(width=1280, color_scheme="dark")),
        pytest.param(390, marks=pytest.mark.window(width=390)),
    ],
)
def test_suggestions_are_filled_in_marked_and_cleared(
    window: Watched, known: Household, axe: str, width: int
) -> None:
    page = window.enter(known.owner, ADD)
    assert page.evaluate("document.querySelector('.save').getBoundingClientRect().bottom <= innerHeight")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    page.keyboard.type("gre")
    expect(page.get_by_role("option")).to_have_count(2)
    assert serious(window, axe) == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "amount"
    for name, value in (("account", "Liabilities:Card"), ("category", "Expenses:Food"), ("tags", "weekly")):
        expect(page.locator(f"[name={name}]")).to_have_value(value)
    expect(page.locator(".suggested")).to_have_count(3)
    page.keyboard.type("12.50+3")
    expect(page.locator("#says")).to_have_text("Food: 15.50 EUR from Card")
    expect(page.locator("[data-read=amount]")).to_have_text("= 15.50")
    page.locator("[name=date]").fill("3.3.26")
    expect(page.locator("[data-read=day]")).to_have_text("Tuesday, Mar 3, 2026")
    assert serious(window, axe) == []
    page.locator("[name=amount]").fill("1o")
    with page.expect_navigation():
        page.locator(SAVE).click()
    expect(page.locator(".suggested")).to_have_count(3)
    page.locator("[name=category]").fill("rent")
    expect(page.locator(".suggested")).to_have_count(2)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("[name=account]")).to_have_value("")
    expect(page.locator("[name=category]")).to_have_value("rent")
    page.locator("[name=payee]").fill("Market Hall")
    page.locator("[name=amount]").fill("40")
    with page.expect_navigation():
        page.locator("#as-usual").click()
    expect(page.locator("[name=leg-2-amount]")).to_have_value("-40")
    expect(page.locator("#balance")).to_have_text("Off by −40.00 EUR")
    page.locator("[name=leg-0-amount]").fill("33.50")
    page.locator("[name=leg-1-amount]").press("=")
    expect(page.locator("[name=leg-1-amount]")).to_have_value("6.50")
    expect(page.locator("#balance")).to_have_text("Adds up")
    assert serious(window, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    with page.expect_navigation():
        page.locator(SAVE).click()
    assert amounts(known)[-3:] == ["Food 33.50", "Rent 6.50", "Cash -40"]


def test_what_was_begun_is_there_again(window: Watched, known: Household) -> None:
    page = window.enter(known.owner, ADD)
    page.keyboard.type("Greenmarket")
    page.keyboard.press("Tab")
    expect(page.locator(".suggested")).to_have_count(3)
    page.locator("[name=amount]").fill("7.80")
    page.locator("[name=notes]").evaluate("input => input.closest('details').open = true")
    page.locator("[name=notes]").fill("two\nlines")
    number = page.locator("[name=public_id]").input_value()
    window.go(LIST)
    page.go_back()
    expect(page.locator("#begun")).to_be_visible()
    expect(page.locator("[name=amount]")).to_have_value("7.80")
    expect(page.locator("[name=notes]")).to_have_value("two\nlines")
    expect(page.locator("[name=public_id]")).to_have_value(number)
    expect(page.locator(".suggested")).to_have_count(3)

    window.context.set_offline(True)
    page.locator("[name=account]").fill("cash")
    page.locator("[name=category]").fill("food")
    page.locator(SAVE).click()
    expect(page.locator("#offline")).to_be_visible()
    expect(page.locator("[name=amount]")).to_have_value("7.80")
    window.complaints.clear()
    window.context.set_offline(False)
    with page.expect_navigation():
        page.locator(SAVE).click()
    assert amounts(known)[-2:] == ["Food 7.80", "Cash -7.80"]
    page.go_back()
    expect(page.locator("[name=payee]")).to_be_focused()
    window.go(ADD)
    expect(page.locator("[name=payee]")).to_have_value("")
    assert page.locator("#begun").count() == 0

    page.keyboard.type("Again")
    window.go(ADD)
    expect(page.locator("[name=payee]")).to_have_value("Again")
    with page.expect_navigation():
        page.locator("#begun button").click()
    expect(page.locator("[name=payee]")).to_have_value("")


@pytest.mark.window(width=390, color_scheme="dark")
def test_rows_that_were_begun_are_offered_and_what_is_typed_now_stays(
    window: Watched, known: Household, axe: str
) -> None:
    page = window.enter(known.owner, ADD)
    page.keyboard.type("Hardware store")
    with page.expect_navigation():
        page.locator("[name=wide]").click()
    page.locator("[name=leg-2-account]").fill("rent")
    page.locator("[name=leg-2-amount]").fill("41.20")
    page.locator(".memo > summary").nth(2).click()
    page.locator("[name=leg-2-memo]").fill("paint")
    window.go(LIST)
    page.go_back()
    waiting = page.locator("#waiting")
    expect(waiting).to_contain_text("not saved: Hardware store")
    assert serious(window, axe) == []
    page.locator("[name=payee]").fill("Kiosk")
    window.go(LIST)
    window.go(ADD)
    expect(page.locator("[name=payee]")).to_have_value("Kiosk")
    with page.expect_navigation():
        waiting.get_by_text("Bring it back").click()
    expect(page.locator("[name=leg-2-memo]")).to_have_value("paint")
    expect(page.locator("[name=leg-2-amount]")).to_have_value("41.20")

    # An answer that comes late finds something typed already.
    page.route("**/read/", lambda _route: None)
    with page.expect_request("**/read/"):
        window.go(ADD)
    page.locator("[name=payee]").fill("Baker")
    page.unroute("**/read/")  # lets go what is held
    expect(waiting).to_contain_text("Hardware store")
    expect(page.locator("[name=payee]")).to_have_value("Baker")
    waiting.get_by_text("Throw it away").click()
    window.go(ADD)
    expect(page.locator("[name=payee]")).to_have_value("Baker")
    expect(waiting).to_have_count(0)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(True, marks=pytest.mark.window(width=1280)),
        pytest.param(False, marks=pytest.mark.window(width=390, color_scheme="dark", java_script_enabled=False)),
    ],
)
def test_a_login_that_ended_loses_nothing(window: Watched, known: Household, script: bool) -> None:
    page = window.enter(known.owner, ADD)
    for name, value in (("payee", "Kiosk"), ("amount", "3.20"), ("account", "cash"), ("category", "food")):
        page.locator(f"[name={name}]").fill(value)
    Session.objects.all().delete()
    with page.expect_navigation():
        page.locator(SAVE).click()
    expect(page.locator("#kept")).to_be_visible()
    page.locator("[name=login]").fill(known.owner.email)
    page.locator("[name=password]").fill("password")
    with page.expect_navigation():
        page.locator("#login-form button").click()
    with page.expect_navigation():
        page.locator("#resend-form button").click()
    assert amounts(known)[-2:] == ["Food 3.20", "Cash -3.20"]
    with known.scope():
        assert Transaction.objects.filter(payee__name="Kiosk").count() == 1


@pytest.mark.window(java_script_enabled=False, width=390)
def test_without_a_script_the_short_form_does_it_all(window: Watched, known: Household) -> None:
    page = window.enter(known.owner, ADD)
    page.locator("[name=date]").fill("2026-03-20")
    page.locator("[name=payee]").fill("Greenmarket")
    page.locator("[name=amount]").fill("3*4.20")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "Filled in as Greenmarket was entered" in page.locator(".told").inner_text()
    page.locator("[name=category]").fill("Food:Snacks")
    with page.expect_navigation():
        page.locator("[name=amount]").press("Enter")
    with page.expect_navigation():
        page.get_by_role("button", name="Open expense account “Expenses:Food:Snacks”").click()
    with page.expect_navigation():
        page.locator("[name=amount]").press("Enter")
    with known.scope():
        made = Posting.objects.get(account__full_name="Expenses:Food:Snacks")
        assert (made.amount, made.date) == (Decimal("12.60"), datetime.date(2026, 3, 20))
    window.go(ADD)
    for name, value in (("date", "2026-03-21"), ("amount", "12.60"), ("account", "card"), ("category", "snacks")):
        page.locator(f"[name={name}]").fill(value)
    with page.expect_navigation():
        page.locator("[name=amount]").press("Enter")
    assert "This may be in the books already" in page.locator("#alike").inner_text()
    with page.expect_navigation():
        page.get_by_role("button", name="Save all the same").press("Enter")
    assert page.locator("#alike").count() == 0
