"""Pictures of the ten main pages of a running demo, each in three looks.

    python3 dev.py demo &
    .venv/bin/python -m tests.screenshots http://127.0.0.1:8000

They go to docs/screenshots/ as NN-page-look.png: `light` and `dark` are 1280 by 900, `phone` is 390 by 844.
Nothing is saved in the books.
"""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.programs import HOW_TO_GET, chromium_path

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "has_touch": True},
}
WHO, WORD = "ana@example.org", "household-demo"


def open_first(rows: str) -> Callable[[Page], None]:
    """Open what the first row of a list leads to."""
    return lambda page: page.locator(rows).first.click()


def keys(page: Page) -> None:
    page.keyboard.press("?")


def half_entered(page: Page) -> None:
    """Type a payee and an amount: what he is usually entered with is filled in and marked."""
    page.locator("#id_payee").fill("Corner Shop Novak")
    page.locator("#id_payee").press("Tab")
    page.locator("#id_amount").fill("48.20+3.90")
    page.locator("#id_amount").press("Tab")
    page.locator("#says:not(:empty)").wait_for()


def half_exchanged(page: Page) -> None:
    """Type an exchange: the rate is said while the rest is still empty."""
    said = {"source": "Assets:Bank:Joint checking", "target": "Assets:Cash:Yen envelope", "amount": "250"}
    said |= {"received_commodity": "JPY", "received": "40900"}
    for name, value in said.items():
        if page.locator(f"#id_{name}").is_visible():
            page.locator(f"#id_{name}").fill(value)
            page.locator(f"#id_{name}").press("Tab")
    page.locator("#rate:not(:empty)").wait_for()


# Name, address, and what is done there before the picture is taken.
PAGES: list[tuple[str, str, Callable[[Page], None] | None]] = [
    ("overview", "/admin/", None),
    ("transactions", "/admin/ledger/transaction/", None),
    ("search", "/admin/ledger/transaction/?q=%3E100+last+month", None),
    ("transaction", "/admin/ledger/transaction/?q=%23japan-2026+visa", open_first("#transactions tbody th a")),
    ("entry", "/admin/ledger/transaction/add/", half_entered),
    ("transfer", "/admin/ledger/transaction/transfer/", half_exchanged),
    ("accounts", "/admin/accounts/account/", None),
    ("register", "/admin/accounts/account/", open_first("#account-tree a[href$='/register/']")),
    ("period", "/admin/period/", None),
    ("keys", "/admin/ledger/transaction/", keys),
]


def log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/admin/")
    page.locator("[name=login]").fill(WHO)
    page.locator("[name=password]").fill(WORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(re.compile("/admin/"))


def take(browser: Browser, address: str, look: str, folder: Path, only: str) -> None:
    """Take every picture of one look."""
    context = browser.new_context(locale="en-GB", **LOOKS[look])  # type: ignore[arg-type]
    page = context.new_page()
    log_in(page, address)
    for number, (name, path, act) in enumerate(PAGES, 1):
        if only and only != name:
            continue
        page.goto(address + path)
        if act is not None:
            act(page)
        page.wait_for_load_state("networkidle")
        page.evaluate("document.fonts.ready")
        page.screenshot(path=folder / f"{number:02}-{name}-{look}.png")
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("address", help="where the demo is served, like http://127.0.0.1:8000")
    parser.add_argument("--to", type=Path, default=FOLDER, metavar="FOLDER")
    parser.add_argument("--only", default="", metavar="PAGE", help=", ".join(name for name, *_ in PAGES))
    asked = parser.parse_args()
    chromium = chromium_path()
    if chromium is None:
        parser.exit(1, f"no Chromium here: {HOW_TO_GET}\n")
    asked.to.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for look in LOOKS:
            take(browser, asked.address.rstrip("/"), look, asked.to, asked.only)
        browser.close()


if __name__ == "__main__":
    main()
