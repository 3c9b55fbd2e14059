"""What the whole run stands on: programs, waiting, and the sentences it ends with."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path


class Refused(Exception):
    """The run cannot begin, or must not: one sentence that says why and what to do."""


class Missed(Exception):
    """Something did not happen in time, or not as it must: a failed verdict."""


def run(*command: str | Path, text: str = "", cwd: Path | None = None, seconds: float = 300) -> str:
    """What a program prints on stdout; raises Missed with its own last line where it fails."""
    try:
        done = subprocess.run(
            [str(part) for part in command], input=text, cwd=cwd, capture_output=True, text=True, check=False,
            timeout=seconds,
        )  # fmt: skip
    except FileNotFoundError:
        raise Refused(f"The program {command[0]} is needed and is not on the PATH: install it.") from None
    except subprocess.TimeoutExpired:
        raise Missed(f"{' '.join(map(str, command[:4]))} … did not end within {seconds:.0f} s") from None
    if done.returncode:
        said = [
            line
            for line in (done.stderr.strip() or done.stdout.strip()).splitlines()
            if not line.startswith("command terminated")  # kubectl's own word about what a pod said before
        ] or ["it said nothing"]
        raise Missed(f"{' '.join(map(str, command[:5]))} … failed: {said[-1]}")
    return done.stdout


def wait(what: str, seconds: float, condition: Callable[[], object], every: float = 0.5) -> float:
    """Wait until a condition holds and return how many seconds that took; raises Missed with its last answer.

    A condition that returns a string says with it what is still missing; anything else is true or false.
    """
    began = time.monotonic()
    last: object = ""
    while True:
        try:
            last = condition()
        except Missed as error:
            last = str(error)
        if last and not isinstance(last, str):
            return time.monotonic() - began
        if time.monotonic() - began > seconds:
            more = f" (last seen: {last})" if last else ""
            raise Missed(f"{what}: not within {seconds:.0f} s{more}")
        time.sleep(every)
