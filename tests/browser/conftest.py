"""A real Chromium over the running site, and an eye on everything it complains about."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from financetracker.users.models import User
from tests.builders import Household
from tests.programs import HOW_TO_GET, axe_path

# Playwright's synchronous calls run inside an event loop, where Django refuses to touch the database; the tests
# themselves are not asynchronous.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", e => window.violations.push(e.violatedDirective + " " + e.blockedURI));
"""


# A flow on a laptop in the light and on a phone in the dark; `@both` on the test.
both = pytest.mark.parametrize(
    "window", [{"width": 1280}, {"width": 390, "color_scheme": "dark"}], ids=["1280", "390-dark"], indirect=True
)


class Watched:
    """A browser window, and what went wrong in it: CSP violations, script errors, answers of other hosts."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context, self.address = context, address
        self.complaints: list[str] = []
        context.set_default_timeout(30_000)
        context.add_init_script(WATCH)
        self.page = self.open()

    def open(self) -> Page:
        """Open one more tab of the same login."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        page.on("console", self._said)
        page.on("request", self._asked)
        page.on("response", self._answered)
        return page

    def _said(self, message: Any) -> None:
        # A 404 that a test asks for is reported on the console too; answers are judged below.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "about:")):
            self.complaints.append(f"asked another host: {request.url}")

    def _answered(self, response: Any) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.status}: {response.url}")

    def go(self, path: str) -> Page:
        """Open a page of the site."""
        self.page.goto(self.address + path)
        return self.page

    def log_in(self, email: str, password: str = "password") -> Page:  # noqa: S107  of every test person
        """Log in by keyboard, and wait for the first page behind the login."""
        page = self.go("/admin/")
        page.get_by_label("e-mail", exact=False).first.focus()
        page.keyboard.type(email)
        page.keyboard.press("Tab")
        page.keyboard.type(password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/admin/**")
        return page

    def enter(self, user: User, path: str = "/admin/") -> Page:
        """Open a page in a session that was made beside the browser: logging in is not what the test is about."""
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        self.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": self.address}])
        return self.go(path)

    def check(self) -> None:
        """Fail with everything that went wrong so far, and with pages that scroll sideways."""
        for page in self.context.pages:
            self.complaints += [f"CSP: {said}" for said in page.evaluate("window.violations || []")]
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if wide > 0:
                self.complaints.append(f"{page.url} is {wide} px too wide")
        assert not self.complaints, "\n".join(self.complaints)


@pytest.fixture(scope="session")
def browser(chromium: str, django_db_setup: None) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        yield started
        started.close()
        # Inside Playwright's event loop Django has connections of its own: they end with it, or the test database
        # could not be dropped.
        connections.close_all()


@pytest.fixture
def home(transactional_db: None) -> Household:
    """A book with people and accounts, committed, so that the site's own connections see it."""
    return Household()


@pytest.fixture
def window(browser: Browser, live_server: Any, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A window of 1280 by 900 in the light; `@both` and `@pytest.mark.window(width=390, …)` ask for another."""
    mark = request.node.get_closest_marker("window")
    wanted = dict(getattr(request, "param", mark.kwargs if mark else {}))
    width = wanted.pop("width", 1280)
    context = browser.new_context(viewport={"width": width, "height": 900}, **wanted)
    watched = Watched(context, live_server.url)
    yield watched
    watched.check()
    context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility rules, as text to be run in a page by the debugger, past its CSP."""
    path = axe_path()
    if path is None:
        pytest.skip(f"no axe-core here: {HOW_TO_GET}")
    return path.read_text(encoding="utf-8") + ";0"
