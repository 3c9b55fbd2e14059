"""`ours`: whether a push is the release's own bookkeeping and nothing else, so that it starts no build.

The third guard against a pipeline that feeds itself. Author and message can be anything; the content decides:
the images of the overlays, the evidence, the deny list. Whatever cannot be judged is somebody's work.
"""

import argparse

from deploy.release.command import Command
from deploy.release.desk import Desk, reader
from deploy.release.history import DENIED, EVIDENCE
from deploy.release.images import ENVIRONMENTS, moved, overlay
from deploy.release.problems import DONE, Problem

FILE = "100644"


def bookkeeping(at: Desk, base: str, head: str, path: str) -> bool:
    """Whether one changed file is the release's own."""
    if path in map(overlay, ENVIRONMENTS):
        before, after = at.text_at(base, path), at.text_at(head, path)
        modes = {at.mode_at(base, path), at.mode_at(head, path)}
        return modes == {FILE} and moved(before or "", after or "") is not None
    return path == DENIED or path.startswith(f"{EVIDENCE}/")


def run(given: argparse.Namespace) -> int:
    """Prints `true` or `false`."""
    at = reader(given.clone)
    head = at.commit_of(given.head)
    if head is None:
        raise Problem(f"There is no commit {given.head} here: fetch it first.")
    # A new branch has no base, and an overwritten one has a base that is gone or leads elsewhere.
    base = at.commit_of(given.base)
    whole = base is not None and at.is_ancestor(base, head)
    paths = at.changed(base, head) if base and whole else []
    ours = whole and all(bookkeeping(at, str(base), head, path) for path in paths)
    print("true" if ours else "false")
    return DONE


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--base", required=True, metavar="SHA", help="where the branch was before the push")
    parser.add_argument("--head", required=True, metavar="SHA", help="where it is now")


COMMAND = Command("say whether a push is only the release's own bookkeeping", options, run)
