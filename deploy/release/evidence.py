"""What is known of a build that ran in staging: one document a digest, on main, where only the release writes."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from deploy.release.desk import Desk
from deploy.release.history import EVIDENCE
from deploy.release.images import Image, digest, parse
from deploy.release.problems import Refused

# What has to be seen of a build before prod may have it.
CHECKS = ("pinned", "version", "signature", "sbom", "integration", "speed", "argo")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: whether it held, and the sentence or figure that was seen."""

    ok: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was looked at for one build. `source` is the whole commit, `at` an aware moment, UTC."""

    image: Image
    source: str
    at: datetime
    checks: dict[str, Check]

    @property
    def missing(self) -> list[str]:
        """What of CHECKS was not looked at or did not hold."""
        return [name for name in CHECKS if name not in self.checks or not self.checks[name].ok]

    def text(self) -> str:
        """The document as it is kept: sorted JSON, so that the same evidence has the same bytes."""
        whole = {
            "image": str(self.image),
            "source": self.source,
            "at": self.at.isoformat(timespec="seconds"),
            "checks": {name: asdict(check) for name, check in self.checks.items()},
        }
        return json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def path_of(of: str) -> str:
    """Where the evidence of a digest is kept, from the top of the repository."""
    return f"{EVIDENCE}/{digest(of).removeprefix('sha256:')}.json"


def read(text: str) -> Evidence:
    """The document as it was kept. Raises Refused where it is none, or is about something else than it says."""
    try:
        whole = json.loads(text)
        return Evidence(
            parse(whole["image"]),
            str(whole["source"]),
            datetime.fromisoformat(whole["at"]),
            {str(name): Check(check["ok"] is True, str(check["seen"])) for name, check in whole["checks"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"The evidence cannot be read: {error}") from error


def of_digest(at: Desk, wanted: str, commit: str = "HEAD") -> Evidence | None:
    """The evidence of a digest as it stands at a commit of main; None if there is none."""
    text = at.text_at(commit, path_of(wanted))
    if text is None:
        return None
    found = read(text)
    if found.image.digest != wanted:
        raise Refused(f"The evidence kept for {wanted[:19]} is about {found.image.digest[:19]}.")
    return found
