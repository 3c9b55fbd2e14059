"""`doctor`: looks at every item of docs/setup.md that it can reach, and names the rest."""

import argparse
import json
from dataclasses import asdict

from deploy.release import github
from deploy.release.command import Command
from deploy.release.problems import DONE, REFUSED, Problem
from deploy.release.setup_cluster import ITEMS_CLUSTER, ITEMS_PROBE
from deploy.release.setup_github import (
    ITEMS_APP,
    ITEMS_ENVIRONMENTS,
    ITEMS_HOOK,
    ITEMS_IMAGE,
    ITEMS_REPOSITORY,
    ITEMS_RULES,
)
from deploy.release.setup_here import ITEMS_HERE, ITEMS_REGISTRY, ITEMS_SLACK, find_cluster
from deploy.release.verdicts import OK, UNKNOWN, WRONG, Item, Place, Verdict, unknown

# In the order of the page, where each has a heading of this name.
ITEMS = [
    *ITEMS_HERE,
    *ITEMS_IMAGE,
    *ITEMS_REPOSITORY,
    *ITEMS_APP,
    *ITEMS_RULES,
    *ITEMS_ENVIRONMENTS,
    *ITEMS_REGISTRY,
    *ITEMS_SLACK,
    *ITEMS_CLUSTER,
    *ITEMS_HOOK,
    *ITEMS_PROBE,
]


def examined(item: Item, place: Place) -> Verdict:
    """What is found of one item."""
    if item.look is None:
        return unknown(f"look yourself: {item.yourself}")
    return item.look(place)


def place_of(given: argparse.Namespace) -> Place:
    """What can be asked from here: GitHub with a token, a cluster with a context."""
    place = Place(given)
    try:
        place.hub = github.from_environment()
        place.hub.say = lambda _: None
    except Problem as problem:
        place.no_hub = str(problem).rstrip(".")
    find_cluster(place)
    return place


def run(given: argparse.Namespace) -> int:
    """Prints a line for each item; what is wrong makes the status, what cannot be seen does not."""
    place = place_of(given)
    verdicts = {}
    for item in ITEMS:
        verdicts[item.id] = verdict = examined(item, place)
        if not given.json:
            print(f"{verdict.word:8}{item.id:22}{' '.join(verdict.said.split())}", flush=True)
    count = {word: sum(one.word == word for one in verdicts.values()) for word in (OK, WRONG, UNKNOWN)}
    if given.json:
        print(json.dumps({"count": count, "items": {name: asdict(one) for name, one in verdicts.items()}}))
    else:
        said = f"{count[OK]} are right, {count[WRONG]} wrong, {count[UNKNOWN]} to be looked at by you"
        print(f"{said}: docs/setup.md says how each must be.")
    return REFUSED if count[WRONG] else DONE


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--context", default="", help="the context of kubectl (default: its current one)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


COMMAND = Command("look whether everything is set up that docs/setup.md asks for", options, run)
