"""Every page, at 1280 and at 390, in the light and in the dark: nothing serious for axe, no sideways scroll."""

import itertools
from typing import Literal

import pytest

from financetracker.accounts import books
from financetracker.users.models import User
from tests.browser.conftest import Watched
from tests.site.matrix import PAGES
from tests.site.world import Things, furnish

# Each page is loaded in one look and turned into another, so that it is seen at both widths and in both colours.
PAIRS: tuple[tuple[tuple[int, Literal["light", "dark"]], ...], ...] = (
    ((1280, "light"), (390, "dark")),
    ((390, "light"), (1280, "dark")),
)
# What turns slowly is turned at once, or colours on the way would be judged.
TURNED = "document.getAnimations().forEach(one => one.finish())"
JUDGED = "axe.run(document, {resultTypes: ['violations'], preload: false}).then(said => said.violations)"
# Answers that are no pages.
NO_PAGES = {
    "admin:jsi18n",
    "admin:ledger_transaction_csv",
    "admin:ledger_transaction_usual",
    "admin:accounts_account_register_csv",
}
# What an address of the table does not show by itself.
STATES = (
    "/admin/ledger/transaction/?q={word}+%3E1&since=2026-01-01",
    "/admin/ledger/transaction/?q=account:nowhere",
    "/admin/ledger/transaction/add/?wide",
    "/admin/ledger/transaction/{voided}/",
    "/admin/ledger/transaction/999999/change/",
)


class Critic:
    """Somebody who looks at page after page and notes what keeps people out."""

    def __init__(self, window: Watched, axe: str) -> None:
        self.window, self.page = window, window.page
        self.pairs = itertools.cycle(PAIRS)
        self.found: list[str] = []
        window.context.add_init_script(axe)

    def see(self, path: str) -> None:
        """Open a page in one look, judge it, and judge it in the other."""
        first, second = next(self.pairs)
        self._turn(*first)
        self.window.go(path)
        self._judge(*first)
        self._turn(*second)
        self._judge(*second)

    def look(self) -> None:
        """Judge the page that is open."""
        for look in next(self.pairs):
            self._turn(*look)
            self._judge(*look)

    def _turn(self, width: int, scheme: Literal["light", "dark"]) -> None:
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)
        self.page.evaluate(TURNED)

    def _judge(self, width: int, scheme: str) -> None:
        where = f"{self.page.url} at {width}, {scheme}"
        for said in self.page.evaluate(JUDGED):
            if said["impact"] in ("serious", "critical"):
                self.found += [
                    f"{where}: {said['id']}: {node['target']} {node['html'][:120]}" for node in said["nodes"]
                ]
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            self.found.append(f"{where}: {wide} px too wide")

    def has_nothing_to_say(self) -> None:
        assert not self.found, "\n".join(self.found)


def pages_of(role: str, things: Things) -> list[str]:
    """Every page of the project that this person sees, in a book that holds one of everything."""
    return [
        page.at(things)
        for name, page in PAGES.items()
        if page.expected("GET")[role] == "200" and name not in NO_PAGES and (role == "owner" or page.of_logins)
    ]


@pytest.mark.slow
def test_every_page_of_a_book(window: Watched, transactional_db: None, axe: str) -> None:
    home, things = furnish("Home", "hom")
    with home.scope():  # a name that no line holds
        long = books.open_account(home.book, f"Assets:{'W' * 120}", "asset")
        home.accounts[long.name] = long
        home.post(f"{long.name} 5", "Cash -5")
    critic = Critic(window, axe)
    critic.see("/users/login/")
    page = window.enter(home.owner)
    paths = pages_of("owner", things) + [path.format(**vars(things)) for path in STATES]
    paths += [f"/admin/accounts/account/{long.pk}/{page}/" for page in ("register", "place", "change")]
    assert len(paths) > 50
    for path in paths:
        critic.see(path)
    window.go("/admin/ledger/transaction/add/?wide=1")
    page.locator("[name=leg-0-account]").fill("Nothing")
    with page.expect_navigation():
        page.get_by_role("button", name="Save", exact=True).last.click()
    critic.look()
    page.evaluate("document.getElementById('keys').showPopover()")
    critic.look()
    critic.has_nothing_to_say()


def test_choosing_a_book_and_managing_logins(window: Watched, transactional_db: None, axe: str) -> None:
    home, things = furnish("Home", "hom")
    books.create_book(home.owner, name="Second", base="USD")
    critic = Critic(window, axe)
    assert "Second" in window.enter(home.owner).locator("main").inner_text()
    critic.look()
    window.enter(User.objects.create_superuser("root@example.org", "password"))
    critic.look()
    for path in pages_of("superuser", things):
        critic.see(path)
    critic.has_nothing_to_say()
