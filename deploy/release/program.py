"""Moves builds through the environments: pins, proves, promotes, takes back, and says what happened.

    python deploy/release COMMAND [OPTIONS]      (--help for each; --dry-run changes nothing)

Exit status 0: it is so now, or was so already, or something newer got there first; 1: a rule says no; 2: what
was asked makes no sense; 3: something outside was in the way, and trying again is safe. One line says why.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.release.access import redacted
from deploy.release.command import Command
from deploy.release.problems import COULD_NOT, DONE, Problem

PROJECT = Path(__file__).resolve().parent.parent.parent


NAMES = (
    "accept",
    "audit",
    "comment",
    "dependencies",
    "doctor",
    "dora",
    "guard",
    "notify",
    "ours",
    "pin",
    "promote",
    "publish",
    "render",
    "rollback",
    "running",
    "scan",
    "sign",
    "verify",
)


def command(name: str) -> Command:
    """A command, from the module of its name."""
    made: Command = importlib.import_module(f"deploy.release.{name}").COMMAND
    return made


def common(parser: argparse.ArgumentParser) -> None:
    """What every command understands."""
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do none of it")
    parser.add_argument("--clone", type=Path, default=PROJECT, help="the clone to work from (default: this one)")
    parser.add_argument(
        "--remote",
        default=os.environ.get("RELEASE_REMOTE", "origin"),
        help="a remote of it, or an address (default: RELEASE_REMOTE, else origin)",
    )
    parser.add_argument("--branch", default="main", help="the branch that Argo CD follows (default: main)")


def parser(names: Sequence[str] = NAMES) -> argparse.ArgumentParser:
    """What the command line may say. Of many commands one is wanted: the others need not even be imported."""
    made = argparse.ArgumentParser(
        prog="deploy/release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sub = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in names:
        found = command(name)
        one = sub.add_parser(name, help=found.help, description=found.help)
        found.options(one)
        common(one)
    return made


def main(argv: list[str]) -> int:
    given = parser(argv[:1] if argv[:1] and argv[0] in NAMES else NAMES).parse_args(argv)
    try:
        return command(given.command).run(given)
    except Problem as problem:
        print(f"release {given.command}: {redacted(str(problem))}", file=sys.stderr)
        return problem.status
    except BrokenPipeError:
        return DONE
    except OSError as error:
        print(f"release {given.command}: {redacted(str(error))}", file=sys.stderr)
        return COULD_NOT
    except KeyboardInterrupt:
        print(f"release {given.command}: interrupted.", file=sys.stderr)
        return 130
