"""Keeps one comment of a kind in a pull request: made the first time, rewritten every time after."""

import argparse
import os
import re
from pathlib import Path

from deploy.release import github
from deploy.release.command import Command
from deploy.release.problems import DONE, Problem

MOST = 60_000  # characters; GitHub takes 65536
ENDS = "\n\n…cut here: the whole of it is in the summary of the run.\n"


def text(path: Path, mark: str) -> str:
    """What the comment will say, with the mark by which it is found again. A fence that was cut open is closed."""
    try:
        said = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{path} cannot be read: {error}.") from error
    if not said.strip():
        raise Problem(f"{path} is empty: there is nothing to say.")
    if len(said) > MOST:
        said = said[:MOST].rpartition("\n")[0]
        said += ("\n```" if len(re.findall(r"^```", said, re.MULTILINE)) % 2 else "") + ENDS
    return f"<!-- financetracker: {mark} -->\n{said}"


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", type=int, help="the pull request")
    parser.add_argument("--mark", required=True, help="what kind of comment it is: one of each is kept")
    parser.add_argument("--file", type=Path, required=True, help="what it says, as Markdown")


def run(given: argparse.Namespace) -> int:
    """Writes the comment, unless it says so already."""
    said = text(given.file, given.mark)
    if given.dry_run:
        print(said)
        return DONE
    asked = github.from_environment()
    first = said.partition("\n")[0]
    # Anybody may write the mark into a comment; only one of our own can be rewritten.
    me = os.environ.get("COMMENT_AUTHOR", "github-actions[bot]")
    for one in asked.every(f"/issues/{given.number}/comments"):
        if one["user"]["login"] == me and one["body"].startswith(first):
            if one["body"] != said:
                asked.send("PATCH", f"/issues/comments/{one['id']}", {"body": said})
            print(f"comment {one['id']} is up to date")
            return DONE
    made = asked.send("POST", f"/issues/{given.number}/comments", {"body": said})
    print(f"comment {made['id']} was made")
    return DONE


COMMAND = Command("keep one comment of a kind in a pull request", options, run)
