"""Where the programs are that a command cannot do without."""

import shutil

from deploy.release.problems import Problem
from deploy.tools import get


def program(name: str) -> str:
    """The pinned one of that name if it is there, else the one on the PATH. Raises Problem without any."""
    if get.current(name):
        return str(get.program(name))
    found = shutil.which(name)
    if found is None:
        raise Problem(f"{name} is not here: `python3 dev.py tools` gets the pinned one.")
    return found
