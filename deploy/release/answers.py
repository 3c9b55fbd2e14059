"""What Git's complaints mean for whoever waits for it, each in one line that holds no secret."""

import re

from deploy.release.access import redacted
from deploy.release.problems import CouldNot, Problem, Refused

# Only what Git itself says about the push: a hook may use the same words for something else.
RACED = re.compile(
    r"^ ! .*(non-fast-forward|fetch first|cannot lock ref|incorrect old value|stale info|failed to update ref)",
    re.MULTILINE,
)
DECLINED = re.compile(
    r"^ ! \[remote rejected\].*(declined|protected|prohibited|denied|not permitted)", re.MULTILINE
)
LOCKED_OUT = re.compile(
    r"Authentication failed|could not read (Username|Password)|returned error: 40[13]|Invalid username"
    r"|Permission( to \S+)? denied|access denied|Write access to repository not granted",
    re.IGNORECASE,
)
NOWHERE = re.compile(r"does not appear to be a git repository|repository '?.*'? not found|returned error: 404")


def last_line(said: str) -> str:
    """What a program said that a person can use: the first line that names a cause, else its last one."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("hint:")]
    causes = [line for line in lines if re.match(r"(fatal|error|remote|!)", line) and "failed to push" not in line]
    return redacted((causes or lines[-1:] or ["it said nothing"])[0])[:300]


def reasons(said: str) -> str:
    """Why a remote refused: all that it said itself, in one line."""
    lines = [line.removeprefix("remote:").strip() for line in said.splitlines() if line.startswith("remote:")]
    told = [line.removeprefix("error:").strip() for line in lines if not line.startswith("error: hook declined")]
    return redacted(" ".join(line for line in told if line))[:300] or last_line(said)


def problem(said: str, remote: str, what: str) -> Problem:
    """The end of a command whose talk with a remote failed: a rule, a wrong address, or something passing."""
    remote = redacted(remote)
    if DECLINED.search(said):
        return Refused(f"{remote} refuses {what}: {reasons(said)}")
    if LOCKED_OUT.search(said):
        return Refused(
            f"{remote} does not let us in for {what}: the token is missing, expired or without that right"
            f" ({last_line(said)})."
        )
    if NOWHERE.search(said):
        return Problem(f"There is no Git repository at {remote} ({last_line(said)}).")
    return CouldNot(f"{what[0].upper()}{what[1:]} did not go through: {last_line(said)}")
