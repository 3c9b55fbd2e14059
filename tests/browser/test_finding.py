"""Finding and looking in a real browser: search by keyboard, the register and its marks, arranging accounts."""

import pytest

from financetracker.accounts.models import Account
from financetracker.ledger.models import Posting
from tests.browser.conftest import Watched, both
from tests.builders import Household

LIST = "/admin/ledger/transaction/"


def furnished(home: Household) -> None:
    with home.scope():
        home.post("Food 12.50", "Cash -12.50", payee="Spar", tags=["trip"])
        home.post("Rent 900", "Bank -900", payee="Landlord", narration="March")
        home.post("Food 3", "Cash -3", payee="Corner shop")


def states(home: Household) -> list[str]:
    with home.scope():
        legs = Posting.objects.filter(account=home.accounts["Cash"]).order_by("pk")
        return [leg.state for leg in legs]


@both
def test_from_a_search_to_a_cleared_leg(window: Watched, home: Household) -> None:
    furnished(home)
    page = window.enter(home.editor, LIST)
    page.locator("#filter_q").focus()
    page.keyboard.type("food >10 #trip")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("#chips .chip").all_inner_texts()[1].startswith("more than 10")
    assert page.locator("#transactions tbody tr").count() == 1
    assert "1 found" in page.locator("#found").inner_text()
    with page.expect_download() as file:
        page.locator("#csv").click()
    lines = file.value.path().read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert "Spar" in lines[1]
    with page.expect_navigation():
        page.get_by_role("link", name="Without: more than 10").click()
    assert page.locator("#filter_q").input_value() == "food #trip"

    window.go(f"/admin/accounts/account/{home.accounts['Cash'].pk}/register/")
    page.evaluate("window.stayed = true")
    for _ in range(2):
        mark = page.get_by_title("Mark cleared").first
        mark.focus()
        with page.expect_response("**/register/**"):
            page.keyboard.press("c")
        page.locator("button.toggle[title='Mark uncleared']:focus").wait_for()
    page.locator(".register .is-cleared").nth(1).wait_for()
    assert states(home) == ["cleared", "cleared"]
    assert page.evaluate("window.stayed"), "the page was left"


@pytest.mark.parametrize(
    "window",
    [{"java_script_enabled": False}, {"width": 390, "color_scheme": "dark"}],
    ids=["1280-without-script", "390-dark"],
    indirect=True,
)
def test_accounts_are_put_in_order(window: Watched, home: Household) -> None:
    furnished(home)
    page = window.enter(home.editor, f"/admin/accounts/account/{home.accounts['Cash'].pk}/register/?q=spar")
    page.get_by_title("Mark cleared").click()
    page.get_by_title("Mark uncleared").wait_for()
    assert "q=spar" in page.url
    assert states(home) == ["cleared", "uncleared"]
    window.go("/admin/accounts/account/arrange/")
    for name in ("Move Cash up", "Hide Depot", "Close Rent", "Reopen Rent", "Close Card"):
        with page.expect_navigation():
            page.get_by_role("button", name=name).click()
    with page.expect_navigation():
        page.get_by_role("link", name="Rename or move Bank").click()
    page.get_by_label("Name").fill("Giro")
    with page.expect_navigation():
        page.get_by_role("button", name="Save").click()
    with home.scope():
        rows = {row.name: row for row in Account.objects.filter(parent=home.accounts["Assets"])}
        assert (rows["Cash"].position, rows["Giro"].position, rows["Depot"].hidden) == (0, 1, True)
        closed = Account.objects.filter(closed_on__isnull=False)
        assert [row.name for row in closed] == ["Card"]
