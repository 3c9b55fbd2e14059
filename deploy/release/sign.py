"""Signs a build that was pushed, by its digest, together with its list of contents."""

import argparse
import json
from pathlib import Path

from deploy.release import cosign
from deploy.release.command import Command
from deploy.release.images import parse
from deploy.release.problems import DONE, Problem


def contents(path: Path) -> int:
    """How many components a CycloneDX document lists. Raises Problem where it is none, or lists nothing."""
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        if whole["bomFormat"] != "CycloneDX" or not whole["components"]:
            raise Problem(f"{path} lists nothing: expected CycloneDX with components.")
        return len(whole["components"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(f"{path} is no list of contents in CycloneDX: {error}.") from error


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image", required=True, help="repository:run-<run id>-<short commit>@sha256:…")
    parser.add_argument("--sbom", type=Path, required=True, help="its list of contents: CycloneDX as JSON")


def run(given: argparse.Namespace) -> int:
    """Signs, and looks at once whether the signatures can be checked."""
    image = parse(given.image)
    components = contents(given.sbom)
    if given.dry_run:
        print(f"would sign {cosign.by_digest(image)} and {components} components")
        return DONE
    cosign.sign(image, given.sbom)
    who = cosign.signer()
    cosign.verify(image, who)
    cosign.verify_contents(image, who)
    print(f"signed {cosign.by_digest(image)} and {components} components")
    return DONE


COMMAND = Command("sign a pushed image and its list of contents", options, run)
