"""Keeping books in a real browser: enter, correct, take back, find, and lose nothing."""

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from financetracker.accounts import books
from financetracker.ledger import journal
from financetracker.ledger.models import Posting, Transaction
from tests.browser.conftest import Watched, both
from tests.builders import Household

ADD = "/admin/ledger/transaction/add/?wide"
LIST = "/admin/ledger/transaction/"


def fill(window: Watched, *legs: tuple[str, str], payee: str = "", date: str = "") -> None:
    """Type an entry into the open form."""
    page = window.page
    if date:
        page.locator("[name=date]").fill(date)
    if payee:
        page.locator("[name=payee]").fill(payee)
    for n, (account, amount) in enumerate(legs):
        page.locator(f"[name=leg-{n}-account]").fill(account)
        page.locator(f"[name=leg-{n}-amount]").fill(amount)


def save(window: Watched) -> None:
    with window.page.expect_navigation():
        window.page.get_by_role("button", name="Save", exact=True).last.click()


def amounts(home: Household) -> list[str]:
    """What the books hold, leg by leg."""
    with home.scope():
        return [
            f"{row.account.name} {row.amount}" for row in Posting.objects.select_related("account").order_by("pk")
        ]


def made_id(home: Household) -> int:
    """The only transaction there is."""
    with home.scope():
        return Transaction.objects.get().pk


def history(window: Watched) -> str:
    return window.page.locator("#history").inner_text()


@both
def test_a_life_of_a_transaction(window: Watched, home: Household) -> None:
    page = window.enter(home.owner, ADD)
    fill(window, ("Expenses:Food", "12.50"), ("Assets:Cash", ""), payee="Spar", date="2026-03-14")
    expect(page.locator("#balance")).to_have_text("Off by 12.50 EUR")
    page.locator("[name=leg-1-amount]").press("=")
    expect(page.locator("[name=leg-1-amount]")).to_have_value("-12.50")
    expect(page.locator("#balance")).to_have_text("Adds up")
    page.locator("#add-rows").click()
    for leg in (0, 4):  # one of the server's, and one that the script added
        memo = page.locator(f"[name=leg-{leg}-memo]")
        if not memo.is_visible():
            assert page.evaluate("innerWidth") == 390
            page.locator(".memo > summary").nth(leg).click()
            expect(memo).to_be_visible()
    save(window)
    assert amounts(home) == ["Food 12.50", "Cash -12.50"]
    assert "Spar" in window.go(LIST).locator("main").inner_text()

    window.go(f"{LIST}{made_id(home)}/change/")
    page.locator("[name=amount]").fill("21.50")
    expect(page.locator("#says")).to_have_text("Food: 21.50 EUR from Cash")
    save(window)
    assert amounts(home) == ["Food 21.50", "Cash -21.50"]

    with window.go(LIST).expect_navigation():
        page.get_by_role("link", name="Spar").first.click()
    page.get_by_text("Void", exact=True).click()
    page.locator("#void-reason").fill("typed twice")
    with page.expect_navigation():
        page.get_by_role("button", name="Void it").click()
    with home.scope():
        made = Transaction.objects.get()
        assert (made.voided, made.version) == (True, 3)

    window.go(f"{LIST}{made.pk}/")
    assert page.locator("#is-void").is_visible()
    told = history(window)
    assert "12.50" in told
    assert "21.50" in told
    assert "typed twice" in told
    assert home.owner.name in told
    with page.expect_navigation():
        page.get_by_role("button", name="Bring back").click()
    with home.scope():
        assert not Transaction.objects.get().voided


@both
def test_what_follows_a_purchase(window: Watched, home: Household) -> None:
    with home.scope():
        home.post("Food 1", "Cash -1", payee="Spar")
    page = window.enter(home.editor)
    page.locator("[name=payee]").fill("Spar")
    page.locator("[name=amount]").fill("12.50")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    purchase = page.url
    with page.expect_navigation():
        page.locator("#duplicate").click()
    save(window)
    assert amounts(home)[2:] == ["Food 12.50", "Cash -12.50"] * 2

    page.goto(purchase)
    with page.expect_navigation():
        page.locator("#refund").click()
    save(window)
    assert "It is a refund of Spar" in page.locator("#purchase").inner_text()
    assert amounts(home)[6:] == ["Food -12.50", "Cash 12.50"]

    page.goto(purchase)
    with page.expect_navigation():
        page.locator("#states").get_by_role("link", name="Split").first.click()
    save(window)
    assert page.locator("#states tbody tr").count() == 3
    with page.expect_navigation():
        page.locator("#unsplit").click()
    save(window)
    assert page.locator("#states tbody tr").count() == 2
    page.get_by_text("Reverse", exact=True).click()
    page.locator("#reverse-date").fill("2026-04-01")
    with page.expect_navigation():
        page.get_by_role("button", name="Write the opposite").click()
    with home.scope():
        assert str(Transaction.objects.get(reverses__isnull=False).date) == "2026-04-01"
    assert amounts(home)[-2:] == ["Food -12.50", "Cash 12.50"]


@both
def test_an_entry_by_keyboard_alone(window: Watched, home: Household) -> None:
    page = window.enter(home.owner, ADD)
    page.locator("[name=payee]").focus()
    page.keyboard.type("Corner Shop")
    page.keyboard.press("Tab")
    page.keyboard.type("Milk")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "leg-0-account":
            break
    page.keyboard.type("Expenses:Food")
    page.keyboard.press("Tab")
    page.keyboard.type("7.80")
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "leg-1-account":
            break
    page.keyboard.type("Assets:Cash")
    page.keyboard.press("Tab")
    page.keyboard.type("=")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/add/" not in url)
    with home.scope():
        typed = journal.entry_of(Transaction.objects.select_related("payee", "book").get())
    assert (typed.payee, typed.narration) == ("Corner Shop", "Milk")
    assert [(leg.account.name, leg.amount) for leg in typed.legs] == [
        ("Food", Decimal("7.80")),
        ("Cash", Decimal("-7.80")),
    ]
    assert journal.residue(typed.legs) == {}


@both
def test_off_by_is_exact_and_by_commodity(window: Watched, home: Household) -> None:
    page = window.enter(home.owner, ADD)
    fill(window, ("Expenses:Food", "0.10"), ("Expenses:Rent", "0.20"), ("Assets:Cash", "-0.3"))
    expect(page.locator("#balance")).to_have_text("Adds up")
    page.locator("[name=leg-2-commodity]").fill("USD")
    expect(page.locator("#balance")).to_have_text("Off by 0.30 EUR, −0.30 USD")
    page.locator("[name=leg-2-weight]").fill("0.30")
    page.locator("[name=leg-2-weight_commodity]").fill("EUR")
    expect(page.locator("#balance")).to_have_text("Adds up")
    save(window)
    assert amounts(home) == ["Food 0.10", "Rent 0.20", "Cash -0.3"]


@both
def test_what_was_typed_survives_a_refusal(window: Watched, home: Household) -> None:
    page = window.enter(home.owner, ADD)
    fill(window, ("Expenses:Foot", "12.50"), ("Assets:Cash", "-1_2"), payee="Spar")
    save(window)
    text = page.locator("main").inner_text()
    assert "What you typed is all here." in text
    assert "Expenses:Food" in text
    assert page.locator("[name=leg-0-account]").input_value() == "Expenses:Foot"
    assert page.locator("[name=leg-1-amount]").input_value() == "-1_2"
    assert page.locator("[name=payee]").input_value() == "Spar"
    assert amounts(home) == []


@both
def test_the_second_of_two_tabs_is_told(window: Watched, home: Household) -> None:
    with home.scope():
        made = home.post("Food 12.50", "Cash -12.50", narration="Milk")
    change = f"{LIST}{made.pk}/change/"
    window.enter(home.owner, change)
    late = window.open()
    late.goto(window.address + change)
    window.page.locator("[name=narration]").fill("Milk and bread")
    save(window)
    late.locator("[name=narration]").fill("Only milk")
    with late.expect_navigation():
        late.get_by_role("button", name="Save", exact=True).last.click()
    text = late.locator("main").inner_text()
    assert "Milk and bread" in text
    assert late.locator("[name=narration]").input_value() == "Only milk"
    with home.scope():
        assert Transaction.objects.get().narration == "Milk and bread"


@both
def test_a_double_click_and_the_back_button_save_once(window: Watched, home: Household) -> None:
    page = window.enter(home.owner, ADD)
    fill(window, ("Expenses:Food", "3"), ("Assets:Cash", "-3"))
    page.get_by_role("button", name="Save", exact=True).last.dblclick()
    page.wait_for_url(lambda url: "/add/" not in url)
    assert amounts(home) == ["Food 3", "Cash -3"]
    page.go_back()
    page.wait_for_load_state()
    if "/add/" in page.url:
        fill(window, ("Expenses:Food", "3"), ("Assets:Cash", "-3"))
        save(window)
    assert amounts(home)[:2] == ["Food 3", "Cash -3"]


@pytest.mark.window(width=390, color_scheme="dark")
def test_a_form_of_another_book_is_refused(window: Watched, home: Household) -> None:
    with home.scope():
        pass
    other = books.create_book(home.owner, name="Second", base="USD")
    page = window.enter(home.owner)
    with page.expect_navigation():
        page.get_by_role("button", name="Home").or_(page.get_by_role("link", name="Home")).first.click()
    window.go(ADD)
    fill(window, ("Expenses:Food", "3"), ("Assets:Cash", "-3"))
    tab = window.open()
    tab.goto(f"{window.address}/admin/book/")
    with tab.expect_navigation():
        tab.get_by_role("button", name="Second").click()
    save(window)
    assert page.locator("[name=leg-0-account]").input_value() == "Expenses:Food"
    assert page.locator("#errors").is_visible()
    assert amounts(home) == []
    assert other.name == "Second"


@both
def test_searching(window: Watched, home: Household) -> None:
    with home.scope():
        home.post("Food 12.50", "Cash -12.50", payee="Spar")
        home.post("Rent 900", "Bank -900", payee="Landlord", narration="March")
    page = window.enter(home.viewer, LIST)
    rent, food = ("Landlord", "Spar"), ("Spar", "Landlord")
    for words, (there, gone) in ((">100", rent), ("spar", food), ("12.50", food), ("march", rent)):
        page.locator("#filter_q").fill(words)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        text = page.locator("table").first.inner_text()
        assert there in text, words
        assert gone not in text, words


@pytest.mark.window(width=390, color_scheme="dark")
def test_a_viewer_is_offered_nothing_to_write(window: Watched, home: Household) -> None:
    with home.scope():
        made = home.post("Food 12.50", "Cash -12.50", payee="Spar")
    page = window.enter(home.viewer, LIST)
    assert page.get_by_role("link", name="New", exact=True).count() == 0
    window.go(f"{LIST}{made.pk}/change/")
    assert page.get_by_role("button", name="Save", exact=True).count() == 0
    window.go(f"{LIST}{made.pk}/")
    assert page.get_by_text("Void", exact=True).count() == 0


@pytest.mark.window(java_script_enabled=False)
def test_without_javascript(window: Watched, home: Household) -> None:
    page = window.enter(home.owner, ADD)
    fill(window, ("Expenses:Food", "1"), ("Assets:Cash", "-1"), payee="Spar")
    page.locator("#add-rows").click()
    assert page.locator("[name=leg-0-account]").input_value() == "Expenses:Food"
    assert page.locator("tr.leg").count() > 4
    save(window)
    assert amounts(home) == ["Food 1", "Cash -1"]
    window.go(f"{LIST}{made_id(home)}/change/")
    page.locator("[name=amount]").fill("2")
    save(window)
    assert amounts(home) == ["Food 2.00", "Cash -2.00"]
    page = window.go(f"{LIST}?q=spar")
    assert "Spar" in page.locator("table").first.inner_text()


def test_a_wrong_password_says_so(window: Watched, home: Household) -> None:
    page = window.go("/admin/")
    page.locator("input[name=login]").fill(home.owner.email)
    page.locator("input[name=password]").fill("wrong")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "not correct" in page.locator("main").inner_text()
    assert page.locator("input[name=login]").input_value() == home.owner.email


def test_the_collector_sees_a_violation(window: Watched, home: Household) -> None:
    page = window.enter(home.owner)
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">x</p>')")
    page.wait_for_function("window.violations.length > 0")
    with pytest.raises(AssertionError, match="style-src"):
        window.check()
    window.complaints.clear()
    page.evaluate("window.violations.length = 0")
