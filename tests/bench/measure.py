"""Rounds, medians and the table. Whatever is compared takes turns, so that a busy moment hits both."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


def seconds(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turn(works: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """Run each work once a round, after one round that does not count; return the median seconds of each."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            took = seconds(work)
            if number:
                taken[name].append(took)
    return {name: statistics.median(all_of_them) for name, all_of_them in taken.items()}


@dataclass
class Row:
    """One line of the result: a ratio, what it is compared with, and what was wanted of it."""

    what: str
    ratio: float
    of: str
    figures: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def verdict(self) -> str:
        """Say whether it is what was wanted."""
        if self.at_least is not None and self.ratio < self.at_least:
            return f"below its floor of {self.at_least}"
        if self.at_most is not None and self.ratio > self.at_most:
            return f"above its bound of {self.at_most:g}"
        wanted = self.at_least if self.at_least is not None else self.at_most
        return "" if wanted is None else "as wanted"


def show(rows: list[Row]) -> None:
    """Print the table."""
    lines = [("", "ratio", "to what", "figures", "wanted")]
    for row in rows:
        wanted = "" if row.at_least is None else f"≥ {row.at_least:g} "
        wanted = wanted if row.at_most is None else f"≤ {row.at_most:g} "
        ratio = f"{row.ratio:.2f}" if row.ratio < 100 else f"{row.ratio:,.0f}"
        lines.append((row.what, ratio, row.of, row.figures, wanted + row.verdict))
    wide = [max(len(line[column]) for line in lines) for column in range(5)]
    print()
    for what, ratio, of, figures, wanted in lines:
        print(f"{what:<{wide[0]}}  {ratio:>{wide[1]}}  {of:<{wide[2]}}  {figures:<{wide[3]}}  {wanted}".rstrip())
    below = [row.what for row in rows if row.verdict not in {"", "as wanted"}]
    print(f"\nnot as wanted: {'; '.join(below)}" if below else "\neverything as wanted")
