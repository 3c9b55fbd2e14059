"""How fast pages come, told in a way that holds on any machine: as multiples of what the way there costs."""

from dataclasses import dataclass
from statistics import median

from deploy.release.site import Browser, Unanswered

# What /health costs is the way there and back. Below this it is too little to divide by: a loopback's noise.
LEAST_FLOOR = 2.0
# A page of ours takes 5 to 20 floors on a loopback and hardly more than one across a country. Ten times that is
# no longer a matter of the machine.
MEDIAN_LIMIT, WORST_LIMIT = 150.0, 1500.0


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast each page came: median and worst as multiples of the floor, which is the fastest /health."""

    ok: bool
    seen: str
    requests: int
    floor_ms: float
    pages: dict[str, dict[str, float]]


def measure(pages: dict[str, Browser], rounds: int) -> Speed:
    """Asks for each page so many times, by whom it is for, each round after /health. Never raises."""
    floors: list[float] = []
    took: dict[str, list[float]] = {page: [] for page in pages}
    try:
        for _ in range(rounds):
            for page, browser in {"/health": next(iter(pages.values())), **pages}.items():
                answer = browser.ask(page)
                if answer.status != 200:
                    raise Unanswered(f"{page} answered {answer.status}")
                (floors if page == "/health" else took[page]).append(answer.ms)
    except Unanswered as error:
        return Speed(ok=False, seen=str(error), requests=rounds, floor_ms=0.0, pages={})
    floor = max(min(floors), LEAST_FLOOR)
    figures = {
        page: {
            "median_ms": round(median(all_ms), 2), "worst_ms": max(all_ms),
            "median_ratio": round(median(all_ms) / floor, 2), "worst_ratio": round(max(all_ms) / floor, 2),
        }
        for page, all_ms in took.items()
    }  # fmt: skip
    said = [f"{page} {one['median_ratio']:g} (worst {one['worst_ratio']:g})" for page, one in figures.items()]
    slow = [
        page for page, one in figures.items()
        if one["median_ratio"] > MEDIAN_LIMIT or one["worst_ratio"] > WORST_LIMIT
    ]  # fmt: skip
    seen = f"{', '.join(said)} times the floor of {floor:.1f} ms, {rounds} requests each"
    return Speed(not slow, f"{', '.join(slow)} too slow: {seen}" if slow else seen, rounds, floor, figures)
