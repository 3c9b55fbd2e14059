"""Somebody with a login who enters one transaction in a release, and takes it back whatever happens between."""

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from deploy.release.site import Browser, Page

LOGIN = "/users/login/"
LIST = "/admin/ledger/transaction/"
# A transaction's page; releases before it had one showed the form.
ROW = re.compile(rf"({LIST}[0-9]+/)(?:change/)?")


class Wrong(Exception):
    """An answer that is not the one it should be."""


def expect(held: bool, otherwise: str) -> None:
    """Raises Wrong with the sentence unless it held."""
    if not held:
        raise Wrong(otherwise)


def row(link: str) -> str:
    """The page of the transaction that a link leads to; empty where it leads elsewhere."""
    found = ROW.fullmatch(urlsplit(link).path)
    return found[1] if found else ""


def private(browser: Browser) -> str:
    """Who is not logged in is led to the login."""
    answer = browser.ask(LIST)
    leads = urlsplit(answer.headers.get("location", "")).path
    held = answer.status == 302 and "login" in leads
    expect(held, f"{LIST} answers {answer.status} to somebody without a login")
    return f"leads to {leads}"


@dataclass
class Bookkeeper:
    """Somebody with a login who enters one transaction, and takes it back whatever happens between."""

    browser: Browser
    email: str
    password: str
    book: str
    narration: str = ""
    page: str = ""  # the page of what was entered

    def log_in(self) -> str:
        """The login lets its owner in."""
        form = Page(self.browser.ask(LOGIN).text).forms.get("login-form", {})
        answer = self.browser.ask(LOGIN, form | {"login": self.email, "password": self.password})
        went = urlsplit(answer.headers.get("location", "")).path
        expect(answer.status == 302 and went != LOGIN, f"the login is answered with {answer.status}")
        return "let in"

    def enter(self) -> str:
        """A transaction can be entered in the probe's own book, and only there."""
        answer = self.browser.ask(f"{LIST}add/")
        page = Page(answer.text)
        expect(answer.status == 200, f"the form answers {answer.status}: the login must write, in one book alone")
        expect(page.book == self.book, f"the login is in the book {page.book!r}, not in {self.book!r}")
        names = [name for of in ("accounts", "own-accounts", "categories") for name in page.offered.get(of, [])]
        to = next((name for name in names if name.startswith("Expenses:")), "")
        of = next((name for name in names if name.startswith("Assets:")), "")
        expect(bool(to and of), f"the book {self.book} has no account under Expenses: and Assets: to write to")
        self.narration = f"probe {uuid.uuid4()}"
        form = page.forms.get("entry-form", {}) | {
            "date": datetime.now(UTC).date().isoformat(), "narration": self.narration,
            "leg-0-account": to, "leg-0-amount": "1", "leg-1-account": of, "leg-1-amount": "-1",
            "shape": "rows", "anyway": "1",  # in legs, and though the probe before this one looks the same
        }  # fmt: skip
        answer = self.browser.ask(f"{LIST}add/", form)
        went = row(answer.headers.get("location", ""))
        expect(answer.status == 302 and bool(went), f"the entry is answered with {answer.status}")
        self.page = went
        return f"{to} 1, {of} -1"

    def find(self) -> str:
        """It is found by its words."""
        self.expect_found(1, "no")
        return "found by its words"

    def void(self) -> str:
        """It is taken back: out of the sums, still in the list of what was void."""
        expect(bool(self.narration), "nothing was entered")
        if not self.page:  # what was sent may have been saved, though the answer was lost
            found = Page(self.browser.ask(f"{LIST}?q={quote(self.narration)}&void=no").text).links
            self.page = next(filter(None, map(row, found)), "")
        expect(bool(self.page), "nothing was saved")
        answer = self.browser.ask(self.page)
        if answer.status != 200:
            answer = self.browser.ask(f"{self.page}change/")
        form = Page(answer.text).forms.get("void-form", {})
        answer = self.browser.ask(f"{self.page}void/", form | {"reason": "probe"})
        expect(answer.status == 302, f"voiding {self.page} is answered with {answer.status}")
        self.expect_found(0, "no")
        self.expect_found(1, "yes")
        return "out of every sum, kept in history"

    def leave(self) -> str:
        """Who logs out is out."""
        form = Page(self.browser.ask(LIST).text).forms.get("logout-form", {})
        answer = self.browser.ask("/users/logout/", form)
        expect(answer.status == 302, f"logging out is answered with {answer.status}")
        return private(self.browser)

    def expect_found(self, count: int, void: str) -> None:
        expect(bool(self.page), "nothing was entered")
        answer = self.browser.ask(f"{LIST}?q={quote(self.narration)}&void={void}")
        found = [row(link) for link in Page(answer.text).links].count(self.page)
        expect(answer.status == 200 and found == count, f"the list answers {answer.status} with it {found} times")
