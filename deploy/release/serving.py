"""Waiting until a release answers at its address."""

import http.client
import json
import time
import urllib.request

from deploy.release.problems import CouldNot, Problem

IN_A_ROW = 3  # while pods are replaced, old and new ones take turns in answering
PAUSE = 0.5
PATIENCE = 5  # seconds for one answer


def digest_at(url: str) -> str:
    """The digest that /version answers; what went wrong, in brackets, where it answers none."""
    try:
        # Whoever waits has checked that this is http.
        with urllib.request.urlopen(f"{url.rstrip('/')}/version", timeout=PATIENCE) as answer:  # noqa: S310
            said = json.load(answer)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"({error})"
    digest = said.get("digest") if isinstance(said, dict) else None
    return digest if isinstance(digest, str) else "(no digest)"


def wait_for(url: str, digest: str, seconds: float) -> float:
    """Asks until the address answers a digest several times in a row; returns how long that took.

    Raises CouldNot with the last answer after so many seconds, Problem at once where the address is none.
    """
    if not url.startswith(("https://", "http://")):
        raise Problem(f"{url!r} is no address: expected https://…")
    began = time.monotonic()
    row = 0
    while True:
        seen = digest_at(url)
        row = row + 1 if seen == digest else 0
        took = time.monotonic() - began
        if row == IN_A_ROW:
            return took
        if took > seconds:
            raise CouldNot(
                f"{url} did not answer {digest[:19]}… within {seconds:.0f} s; its last answer: {seen[:200]}"
            )
        time.sleep(PAUSE)
