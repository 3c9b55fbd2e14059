"""Reports of scanners as they were recorded, made to look like today's, with changes of a test's own."""

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

REPORTS = Path(__file__).resolve().parent / "reports"
DIGEST = "sha256:" + "7c" * 32


def recorded(name: str, *, age: timedelta = timedelta(hours=30)) -> dict[str, Any]:
    """A recorded report; a scanner's database is as old as asked."""
    whole: dict[str, Any] = json.loads((REPORTS / f"{name}.json").read_text(encoding="utf-8"))
    if "descriptor" in whole:
        whole["descriptor"]["db"]["status"]["built"] = moment(age)
        whole["descriptor"]["timestamp"] = moment(timedelta(minutes=1))
    return whole


def moment(ago: timedelta) -> str:
    """A moment before now, as Go writes it."""
    return (datetime.now(UTC) - ago).isoformat(timespec="seconds").replace("+00:00", "Z")


def about(whole: dict[str, Any], digest: str) -> dict[str, Any]:
    """The same scanner's report about another image."""
    other = copy.deepcopy(whole)
    target = other["source"]["target"]
    target |= {
        "manifestDigest": digest,
        "repoDigests": [f"registry.example.org/financetracker@{digest}"],
        "userInput": f"registry:registry.example.org/financetracker@{digest}",
    }
    return other
