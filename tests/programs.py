"""Where the programs are that some tests run, and how to get those that are missing."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from deploy.tools import get

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
MAC_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
HOW_TO_GET = "`python3 dev.py tools` gets it"

# The accessibility rules of the browser tests come from npm, as one file that is known by its hash.
AXE = Path(__file__).parent.parent / "var" / "axe" / "axe.min.js"
AXE_PACKAGE = "axe-core@4.14.1"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


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


def axe_path() -> Path | None:
    """The accessibility rules, if they are there and are what they should be."""
    if AXE.exists() and hashlib.sha256(AXE.read_bytes()).hexdigest() == AXE_SHA256:
        return AXE
    return None


def fetch_axe() -> None:
    """Gets the accessibility rules with npm. Raises RuntimeError with what to do where that fails."""
    if axe_path():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("npm is not there: install Node.js with the system's own package manager")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", "--silent", "--pack-destination", folder, AXE_PACKAGE]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        packed = list(Path(folder).glob("axe-core-*.tgz"))
        if done.returncode or not packed:
            raise RuntimeError(f"npm could not get {AXE_PACKAGE}: {done.stderr.strip()[-300:]}")
        with tarfile.open(packed[0]) as archive:
            member = archive.extractfile("package/axe.min.js")
            content = member.read() if member else b""
    if hashlib.sha256(content).hexdigest() != AXE_SHA256:
        raise RuntimeError(f"{AXE_PACKAGE} is not the file that was looked at: its hash differs")
    AXE.parent.mkdir(parents=True, exist_ok=True)
    part = AXE.with_suffix(".part")
    part.write_bytes(content)
    part.replace(AXE)


def deploy_tools(*names: str) -> Path | None:
    """The folder of the tools of delivery, if those named, or all, are there and made from today's pins."""
    return None if get.missing(*names) else get.PLACE


def missing() -> list[str]:
    """What is not there: Debian packages by their names, axe-core, and the tools of deploy/."""
    found = {
        "chromium": chromium_path(),
        "hledger": hledger_path(),
        "axe-core": axe_path(),
        "deploy-tools": deploy_tools(),
    }
    return [name for name, path in found.items() if path is None]
