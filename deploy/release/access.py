"""What this process may write with: an App's installation token, from the environment alone, shown to nobody."""

import base64
import os
import re

SECRETS = ("RELEASE_TOKEN", "GITHUB_TOKEN", "SLACK_WEBHOOK_URL")


def token() -> str:
    """The token that was given; empty without one."""
    return os.environ.get("RELEASE_TOKEN") or os.environ.get("GITHUB_TOKEN") or ""


def credentials(token: str) -> str:
    """The form in which Git sends an App's installation token."""
    return base64.b64encode(f"x-access-token:{token}".encode()).decode()


def redacted(text: str) -> str:
    """A text without the secrets of this process and without what an address says before its @."""
    for name in SECRETS:
        if secret := os.environ.get(name):
            text = text.replace(secret, "***").replace(credentials(secret), "***")
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", text)


def authorisation(addresses: set[str], token: str) -> dict[str, str]:
    """What makes Git send a token to these addresses and nowhere else, as variables of its environment.

    A header that a checkout left in the configuration would be sent beside it and win: an empty one, for
    the whole address and therefore closer, drops that first.
    """
    already = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    settings = [
        (f"http.{redacted(address)}.extraheader", value)
        for address in sorted(addresses)
        for value in ("", f"Authorization: Basic {credentials(token)}")
        if token and address.startswith(("https://", "http://"))
    ]
    if not settings:
        return {}
    env = {"GIT_CONFIG_COUNT": str(already + len(settings))}
    for number, (key, value) in enumerate(settings, already):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env
