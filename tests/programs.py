"""Where the programs are that some tests run, and how to get those that are missing."""

import os
import shutil
import sys
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
MAC_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
HOW_TO_GET = "`python3 dev.py tools` gets it"


def playwright_downloads() -> Path:
    """The folder where Playwright keeps the browsers that it downloads."""
    if os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        return Path(os.environ["PLAYWRIGHT_BROWSERS_PATH"])
    caches = "Library/Caches" if sys.platform == "darwin" else ".cache"
    return Path.home() / caches / "ms-playwright"


def chromium_path() -> str | None:
    """An installed Chromium or Chrome, else Playwright's own download; CHROMIUM names another."""
    if named := os.environ.get("CHROMIUM"):
        return named
    installed = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if installed or Path(MAC_CHROME).exists():
        return installed or MAC_CHROME
    downloaded = sorted(playwright_downloads().glob("chromium-*/chrome-linux*/chrome"))
    downloaded += sorted(playwright_downloads().glob("chromium-*/chrome-mac*/*.app/Contents/MacOS/*"))
    return str(downloaded[-1]) if downloaded else None


def hledger_path() -> str | None:
    """An installed hledger; HLEDGER names another."""
    return os.environ.get("HLEDGER") or shutil.which("hledger")


def missing() -> list[str]:
    """The Debian packages of what is not there."""
    found = {"chromium": chromium_path(), "hledger": hledger_path()}
    return [name for name, path in found.items() if path is None]
