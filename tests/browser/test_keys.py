"""Keys that lead through the site, and the list of them; none acts while somebody types."""

import pytest

from tests.browser.conftest import Watched, both
from tests.builders import Household


@both
def test_keys_go_where_they_say(window: Watched, home: Household) -> None:
    with home.scope():
        for name in ("Aldi", "Billa"):
            home.post("Food 12.50", "Cash -12.50", payee=name)
    page = window.enter(home.owner)
    page.keyboard.press("/")
    page.locator("#find-words:focus, #filter_q:focus").wait_for()
    page.keyboard.press("Escape")
    for keys, address in (("ga", "/accounts/account/"), ("go", "/admin/"), ("gt", "/ledger/transaction/")):
        page.keyboard.type(keys)
        page.wait_for_url(f"**{address}")
    page.keyboard.press("/")
    page.keyboard.type("n?gaBilla")  # in a field, letters are letters
    assert page.evaluate("document.activeElement.value") == "n?gaBilla"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Billa"
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Aldi"
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ledger/transaction/*/**")
    assert "Billa" in page.locator("h1").inner_text()
    page.keyboard.press("e")
    page.wait_for_url("**/change/")
    page.locator("[name=amount]:focus").wait_for()
    assert page.evaluate("getSelection().toString()") == "12.50"
    for key, address in (("t", "**/transaction/transfer/"), ("n", "**/transaction/add/")):
        page.keyboard.press("Escape")
        page.keyboard.press(key)
        page.wait_for_url(address)
        page.locator("[name=source]:focus, [name=payee]:focus").wait_for()


@pytest.mark.window(width=390)
def test_the_list_of_keys_opens_and_closes(window: Watched, home: Household) -> None:
    page = window.enter(home.owner)
    keys = page.locator("#keys")
    assert not keys.is_visible()
    page.keyboard.press("?")
    assert "Save, then the next one" in keys.inner_text()
    page.keyboard.press("Escape")
    assert not keys.is_visible()
    # At the foot of a phone stand the sections; each opens from there.
    foot = page.locator("#sections").bounding_box()
    assert foot is not None
    assert foot["y"] + foot["height"] == 900
    page.locator("#sections summary").click()
    page.locator("#go-payees").click()
    page.wait_for_url("**/ledger/payee/")


@pytest.mark.window(java_script_enabled=False)
def test_without_a_script_the_list_of_keys_still_opens(window: Watched, home: Household) -> None:
    page = window.log_in(home.owner.email)
    page.locator("#show-keys").click()
    assert page.locator("#keys").is_visible()
