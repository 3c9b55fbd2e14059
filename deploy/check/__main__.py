"""What is looked at before anything of ours reaches a cluster.

    python3 dev.py deploy check manifests [--base REV]   both overlays, the try-outs and Argo CD's objects
    python3 dev.py deploy check schema [--base REV]      new migrations: nothing that running code stumbles over
    python3 dev.py deploy check old-code [--base REV]    the earlier revision's own tests, on the new tables
    python3 dev.py deploy check workflows                the workflows, by actionlint, shellcheck and zizmor

REV is by default the commit whose image prod pins, else the last tag. Exit status 0: all is well; 1: something is
wrong, each finding on a line; 2: it could not be looked at; 3: there is no earlier revision to compare with yet.
"""

import argparse
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent.parent)  # started by its folder, not as a module

from deploy.check import manifests, old_code, schema, workflows  # noqa: E402
from deploy.check.problems import REFUSED, Problem  # noqa: E402

CHECKS = {
    "manifests": manifests.check,
    "schema": schema.check,
    "old-code": old_code.check,
    "workflows": workflows.check,
}


def main() -> int:
    """Runs one check."""
    parser = argparse.ArgumentParser(
        prog="deploy check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--base", metavar="REV", help="the earlier revision to compare with")
    options = parser.parse_args()
    try:
        return REFUSED if CHECKS[options.check](base=options.base) else 0
    except Problem as problem:
        print(f"check {options.check}: {problem}", file=sys.stderr)
        return problem.status


if __name__ == "__main__":
    sys.exit(main())
