"""A registry of images on loopback: the pinned crane's own, with what it holds in a folder."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.tools import get


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
        return number


def crane(*arguments: str | Path) -> str:
    """What crane printed; it must succeed."""
    argv = [str(part) for part in (get.program("crane"), *arguments, "--insecure")]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """HOST:PORT of a registry that answers, until the block ends."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    argv = [get.program("crane"), "registry", "serve", "--address", f"127.0.0.1:{port}", "--disk", folder]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 20
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert time.monotonic() < until, "the registry does not answer"
                    time.sleep(0.05)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
