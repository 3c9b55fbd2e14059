"""`python -m deploy.e2e.github`: the stand-in as a program, until it is interrupted.

Prints its address as its first line. `/stand-in/requests` lists what was asked of it; see `behind` in server.py.
"""

import argparse
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent.parent))

from deploy.e2e.github.server import StandIn
from deploy.e2e.github.world import Token


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="deploy.e2e.github", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--repository", type=Path, required=True, help="the bare repository behind it")
    parser.add_argument(
        "--name", default="financetracker/financetracker", help="OWNER/NAME (default: %(default)s)"
    )
    parser.add_argument("--port", type=int, default=0, help="a port of loopback (default: a free one)")
    parser.add_argument("--token", action="append", required=True, help="a token that it takes; may be repeated")
    given = parser.parse_args(argv)
    if not (given.repository / "HEAD").is_file():
        print(f"{given.repository} is no bare Git repository.", file=sys.stderr)
        return 2
    done = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: done.set())
    with StandIn(given.repository, given.name, {one: Token() for one in given.token}, port=given.port) as stand_in:
        print(stand_in.url, flush=True)
        done.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
