"""Uses the books as several people would, as fast as asked, and prints one JSON line for each request.

Standard library only; runs in a pod of the cluster, where an ingress would be:

    python load.py ADDRESS HOST EMAIL PASSWORD_FILE [PEOPLE [PAUSE]]

Each person logs in once, then goes round: a list, a page, its stylesheet, and a new transaction. Every
request opens its own connection and is tried once, so that nothing is hidden by a second try. A line holds
`at` (seconds since 1970), `ms`, `what`, `status` (0: no answer), for the version its `commit` and `digest`,
and for a transaction `wrote`, its narration, where the answer said that it was saved. Ends with the pod.
"""

import html
import http.client
import itertools
import json
import re
import socket
import sys
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import urlencode, urlsplit

LOGIN = "/users/login/"
LIST = "/admin/ledger/transaction/"
ADD = f"{LIST}add/"


class Wrong(Exception):
    """An answer that is not the one a person needs."""


class Person:
    """One browser: its cookies, and what it does with an answer."""

    def __init__(self, number: int, address: str, host: str) -> None:
        self.number = number
        self.place = urlsplit(address).netloc
        self.host = host
        self.found = ""
        self.cookies: dict[str, str] = {}

    def look_up(self) -> tuple[str, int]:
        """Where the Service is. Asked again only after a connection failed, as by an ingress."""
        name, _, port = self.place.partition(":")
        if not self.found:
            self.found = str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0])
        return self.found, int(port or 80)

    def ask(self, what: str, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, text and Location of one request; prints its line unless the caller does."""
        headers = {
            "Host": self.host,
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": f"198.51.100.{self.number + 1}",
            "Referer": f"https://{self.host}{path}",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Connection": "close",
        }
        body = None
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began, clock = time.time(), time.monotonic()
        status, text, location, why = 0, "", "", ""
        try:
            connection = http.client.HTTPConnection(*self.look_up(), timeout=30)
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                text, status = answer.read().decode(errors="replace"), answer.status
                location = answer.getheader("Location") or ""
                for line in answer.headers.get_all("Set-Cookie") or []:
                    name, _, value = line.partition(";")[0].partition("=")
                    self.cookies[name.strip()] = value
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            why = f"{type(error).__name__}: {error}"
            self.found = ""
        took = round((time.monotonic() - clock) * 1000)
        said: dict[str, object] = {"at": round(began, 3), "ms": took, "what": what, "status": status}
        if why:
            said["why"] = why
        if what == "transaction" and status == 302 and form is not None:
            said["wrote"] = form["narration"]
        if what == "version" and status == 200:
            said["commit"], said["digest"] = (json.loads(text).get(key) for key in ("commit", "digest"))
        say(said)
        return status, text, location

    def log_in(self, email: str, password: str) -> None:
        _, page, _ = self.ask("login", "GET", LOGIN)
        form = hidden(page) | {"login": email, "password": password}
        status, _, location = self.ask("login", "POST", LOGIN, form)
        if status != 302 or LOGIN in location:
            raise Wrong(f"the login was answered with {status}")

    def round(self) -> None:
        """What a person does between two sips of tea."""
        self.ask("version", "GET", "/version")
        _, page, _ = self.ask("list", "GET", LIST)
        style = re.search(r'href="(/static/[^"]+\.css)"', page)
        if style:
            self.ask("style", "GET", style[1])
        status, page, _ = self.ask("form", "GET", ADD)
        if status != 200:
            return
        form = hidden(page) | {
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "narration": f"e2e {uuid.uuid4()}",
            "leg-0-account": "Expenses:Food",
            "leg-0-amount": "12.50",
            "leg-1-account": "Assets:Cash",
            "leg-1-amount": "-12.50",
            "shape": "rows",
            "anyway": "1",  # each looks like the one before it
        }
        self.ask("transaction", "POST", ADD, form)


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms, as a browser would send them."""
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page):
        said = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if said.get("type") == "hidden" and "name" in said:
            fields[said["name"]] = html.unescape(said.get("value", ""))
    return fields


lock = threading.Lock()


def say(line: dict[str, object]) -> None:
    with lock:
        print(json.dumps(line), flush=True)


def live(person: Person, email: str, password: str, pause: float) -> None:
    """Goes on for ever; a login that was lost is made again."""
    logged_in = False
    for _ in itertools.count():
        try:
            if not logged_in:
                person.log_in(email, password)
                logged_in = True
            person.round()
        except (Wrong, ValueError) as error:
            say({"at": round(time.time(), 3), "ms": 0, "what": "person", "status": 0, "why": str(error)})
            logged_in = False
        time.sleep(pause)


def main(address: str, host: str, email: str, word: str, *pace: str) -> None:
    people, pause = pace or ("4", "0.5")
    password = Path(word).read_text(encoding="utf-8").strip()
    threads = [
        threading.Thread(target=live, args=(Person(number, address, host), email, password, float(pause)))
        for number in range(int(people))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
