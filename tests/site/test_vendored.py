"""Files that came from elsewhere are what the record of their coming says."""

import hashlib
import re
from pathlib import Path

RECORD = "docs/decisions/0008-typeface-and-locale.md"
FONTS = "financetracker/site/static/site/fonts"


def recorded(text: str) -> dict[str, str]:
    return {name: digest for digest, name in re.findall(r"^ {4}([0-9a-f]{64})  (\S+)$", text, re.MULTILINE)}


def found(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.woff2")}


def test_the_typeface_is_the_one_on_record(project: Path) -> None:
    assert found(project / FONTS) == recorded((project / RECORD).read_text(encoding="utf-8"))
    assert "SIL Open Font License" in (project / FONTS / "LICENSE").read_text(encoding="utf-8")


def test_another_file_would_be_noticed(project: Path, tmp_path: Path) -> None:
    (tmp_path / "ibm-plex-sans-latin.woff2").write_bytes(b"another")
    assert found(tmp_path).items().isdisjoint(recorded((project / RECORD).read_text(encoding="utf-8")).items())
