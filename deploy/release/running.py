"""Which build an environment is pinned to, for a program that looks at just that build."""

import argparse
import json

from deploy.release.command import Command
from deploy.release.desk import at_the_desk
from deploy.release.images import ENVIRONMENTS, overlay, pinned
from deploy.release.problems import DONE, Problem


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("environment", choices=ENVIRONMENTS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(given: argparse.Namespace) -> int:
    """Prints the image on the newest main; an empty line before the first pin."""
    with at_the_desk(given) as at:
        image = pinned(at.text_at("HEAD", overlay(given.environment)) or "")
    if image is None:
        raise Problem(f"The overlay of {given.environment} pins no image in full.")
    if image.placeholder:
        print(json.dumps({"image": None}) if given.json else "")
        return DONE
    facts = {"image": str(image), "name": image.name, "tag": image.tag, "digest": image.digest}
    print(json.dumps(facts) if given.json else image)
    return DONE


COMMAND = Command("print the build that an environment is pinned to", options, run)
