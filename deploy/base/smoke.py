"""Asks a release that was just rolled out whether it is the right one and whether its pages come.

Standard library only. Runs as a Job with APP_IMAGE and ALLOWED_HOSTS from the environment; speaks to the
Service as the ingress does: plain HTTP that was TLS outside. Exit status 1 and one line when something is wrong.
"""

import http.client
import json
import os
import re
import sys
import time
from urllib.parse import urlsplit

SECONDS = 45
ASKED_IN_A_ROW = 6  # through the Service, so that more than one pod answers


def get(address: str, path: str) -> tuple[int, str]:
    """Status and text of one page, asked as the ingress would."""
    host = os.environ["ALLOWED_HOSTS"].split(",")[0].strip()
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": host, "X-Forwarded-Proto": "https"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def expect(address: str, path: str, word: str) -> str:
    """The text of a page that must be there and hold a word."""
    status, text = get(address, path)
    if status != 200 or word not in text:
        raise AssertionError(f"{path} answered {status} without {word!r}")
    return text


def look(address: str) -> str:
    """One round of questions; raises AssertionError or OSError where an answer is wrong."""
    image = os.environ["APP_IMAGE"]
    digest = image.partition("@")[2]
    for _ in range(ASKED_IN_A_ROW):
        said = json.loads(expect(address, "/version", "digest"))
        if said["digest"] != digest:
            raise AssertionError(f"/version says {said['digest']}, pinned is {digest}")
    expect(address, "/health/ready", "ready")
    login = expect(address, "/users/login/", 'type="password"')
    style = re.search(r'href="(/static/[^"]+\.css)"', login)
    if style is None:
        raise AssertionError("the login page names no stylesheet")
    expect(address, style[1], "{")
    return digest


def main(address: str) -> int:
    until = time.monotonic() + SECONDS
    while True:
        try:
            print(f"smoke: {address} serves {look(address)}")
            return 0
        except (AssertionError, OSError, ValueError, KeyError, http.client.HTTPException) as error:
            if time.monotonic() > until:
                print(f"smoke: {address}: {error or type(error).__name__}", file=sys.stderr)
                return 1
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
