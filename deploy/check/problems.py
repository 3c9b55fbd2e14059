"""How a check can end."""

REFUSED = 1  # something is wrong with what was looked at
COULD_NOT = 2  # nothing was looked at: a tool or a revision is missing, or the arguments are wrong
NO_BASE = 3  # there is no earlier revision to compare with yet


class Problem(Exception):
    """Ends a check with one sentence and a status."""

    def __init__(self, sentence: str, status: int = COULD_NOT) -> None:
        super().__init__(sentence)
        self.status = status
