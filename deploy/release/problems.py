"""How a command can end. The statuses are part of what the workflows and people rely on."""

DONE = 0  # it is so now, or was so already, or something newer got there first
REFUSED = 1  # a rule says no; trying again changes nothing
USAGE = 2  # what was asked makes no sense: an unknown digest, a wrong branch, a dirty work tree, a missing tool
# A network, an API or another writer was in the way. Trying again is safe: where something was changed all the
# same, the line says so, and the next try goes on from there.
COULD_NOT = 3


class Problem(Exception):
    """Ends a command with one line and a status; nothing was changed."""

    status = USAGE


class Refused(Problem):
    """A rule of the release says no."""

    status = REFUSED


class CouldNot(Problem):
    """Something outside was in the way; the same command may be given again."""

    status = COULD_NOT
