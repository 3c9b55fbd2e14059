"""The figures as one SVG that stands alone: no script, no font of its own, light and dark."""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from html import escape

from deploy.release.figures import Deployment, Figures, duration
from deploy.release.record import Record

WIDTH, LEFT, RIGHT, TOP, PANEL, GAP = 880, 84, 24, 64, 110, 46
STYLE = """
  :root { color-scheme: light dark }
  svg { --paper: #fcfcfb; --ink: #1f2328; --soft: #6a737d; --line: #e2e4e7; --mark: #2f6f8f; --good: #4f8a5b; --bad: #b3472f }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #16191c; --ink: #e6e8ea; --soft: #9aa3ab; --line: #2c3136; --mark: #7fb8d4; --good: #86c292; --bad: #e58a73 }
  }
  .paper { fill: var(--paper) } .grid { stroke: var(--line) } .axis { stroke: var(--soft) }
  .mark { fill: var(--mark) } .ring { fill: var(--paper); stroke: var(--mark); stroke-width: 1.5 }
  .good { fill: var(--good) } .bad { fill: var(--bad) } .median { stroke: var(--mark); stroke-dasharray: 4 3 }
  text { font: 12px system-ui, sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums }
  .title { font-size: 18px; font-weight: 600; fill: var(--ink) } .name { font-weight: 600; fill: var(--ink) }
  .end { text-anchor: end } .middle { text-anchor: middle }
"""  # noqa: E501 -- one declaration, one line


def svg(made: Figures, within: list[Deployment], record: Record) -> str:
    """Four panels over the same days: lead time, deployments, builds, and how long failures lasted."""
    days = max(1, math.ceil((made.until - made.since) / timedelta(days=1)))
    panels = [
        lead_times(made, within, days),
        deployments_a_day(made, within, days),
        builds_a_day(made, record, days),
        recoveries(made, within, days),
    ]
    height = TOP + len(panels) * (PANEL + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="t">',
        f'<title id="t">Deliveries, {made.since:%Y-%m-%d} to {made.until:%Y-%m-%d}</title>',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
        f'<text class="title" x="{LEFT}" y="30">Deliveries, {made.since:%-d %B %Y} to '
        f"{made.until - timedelta(days=1):%-d %B %Y}</text>",
    ]
    for number, panel in enumerate(panels):
        parts += [f'<g transform="translate(0 {TOP + number * (PANEL + GAP)})">', *panel, "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def across(made: Figures, at: datetime) -> float:
    """Where a moment stands from left to right."""
    return LEFT + (WIDTH - LEFT - RIGHT) * ((at - made.since) / (made.until - made.since))


def frame(name: str, said: str, ticks: Sequence[tuple[float, str]], made: Figures, days: int) -> Iterator[str]:
    """A panel's name, its figure, its lines with their words (share of the height, word), and the days below."""
    yield f'<text class="name" x="{LEFT}" y="-8">{escape(name)}</text>'
    yield f'<text class="end" x="{WIDTH - RIGHT}" y="-8">{escape(said)}</text>'
    for share, word in ticks:
        y = PANEL * (1 - share)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="end" x="{LEFT - 8}" y="{y + 4:.1f}">{escape(word)}</text>'
    yield f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{PANEL}" y2="{PANEL}"/>'
    step = 7 if days > 14 else 1
    for number in range(0, days, step):
        day = made.since + timedelta(days=number)
        yield f'<text class="middle" x="{across(made, day):.1f}" y="{PANEL + 17}">{day:%-d %b}</text>'


def rounded(most: float, steps: Sequence[float]) -> float:
    """The first step that is enough for a scale, or the next whole multiple of the last one."""
    return next((step for step in steps if step >= most), math.ceil(most / steps[-1]) * steps[-1])


def durations(
    name: str, points: list[tuple[datetime, float, str, str]], median: float | None, made: Figures, days: int
) -> Iterator[str]:
    """A panel of dots: when, how many seconds, its class, and what it says to whoever points at it.

    The scale is logarithmic from a minute on: minutes of machines and days of people stand on one page.
    """
    top = rounded(max([seconds for _, seconds, *_ in points] or [3600]), [3600, 6 * 3600, 86400, 7 * 86400])

    def share(seconds: float) -> float:
        return max(0.0, math.log(max(seconds, 60) / 60) / math.log(top / 60))

    marks = [mark for mark in (60, 600, 3600, 6 * 3600, 86400, 7 * 86400) if mark <= top]
    words = {60: "1 min", 600: "10 min", 3600: "1 h", 21600: "6 h", 86400: "1 d", 604800: "7 d"}
    said = f"median {duration(median)}" if median is not None else "nothing to measure"
    yield from frame(name, said, [(share(mark), words[mark]) for mark in marks], made, days)
    if median is not None:
        y = PANEL * (1 - share(median))
        yield f'<line class="median" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    for at, seconds, kind, text in points:
        x, y = across(made, at), PANEL * (1 - share(seconds))
        yield f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(text)}</title></circle>'


def lead_times(made: Figures, within: list[Deployment], days: int) -> list[str]:
    points = [
        (one.ran_at, seconds, "mark", f"{one.pin.image.tag}: {duration(seconds)} after the commit")
        for one in within
        for seconds in [(one.ran_at - commit).total_seconds() for commit in one.commits]
    ]
    median = made.lead_time["median"] if made.lead_time else None
    return list(durations("Lead time of each commit", points, median, made, days))


def recoveries(made: Figures, within: list[Deployment], days: int) -> list[str]:
    points = []
    for one in within:
        if one.failed_at and one.recovered_at:
            seconds = (one.recovered_at - one.failed_at).total_seconds()
            points.append((one.failed_at, seconds, "bad", f"{one.pin.image.tag}: {duration(seconds)}"))
    median = made.recovery_time["median"] if made.recovery_time else None
    rate = "" if made.change_failure_rate is None else f" ({made.change_failure_rate:.0%} of deployments failed)"
    return list(durations(f"Recovery time{rate}", points, median, made, days))


def bars(
    name: str, said: str, counts: list[list[tuple[int, str]]], made: Figures, what: Callable[[int, int], str]
) -> Iterator[str]:
    """A panel of a bar a day; each bar's parts are a number and a class, the lowest first."""
    most = rounded(
        max([sum(number for number, _ in parts) for parts in counts] or [1]), [2, 4, 6, 10, 20, 50, 100]
    )
    yield from frame(name, said, [(0.5, f"{most / 2:g}"), (1, f"{most:g}")], made, len(counts))
    wide = (WIDTH - LEFT - RIGHT) / len(counts)
    for day, parts in enumerate(counts):
        base = 0
        for number, kind in parts:
            if number:
                high, y = PANEL * number / most, PANEL * (1 - (base + number) / most)
                x, width = LEFT + day * wide + wide * 0.15, wide * 0.7
                yield (
                    f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{high:.1f}">'
                    f"<title>{escape(what(day, number))}</title></rect>"
                )
            base += number


def deployments_a_day(made: Figures, within: list[Deployment], days: int) -> list[str]:
    counts = [[0, 0] for _ in range(days)]
    for one in within:
        counts[(one.pin.at - made.since).days][one.failed_at is not None] += 1
    said = f"{made.deployments_a_day:.2f} a day, {made.deployments} in all, {made.failed_deployments} failed"
    parts = [[(good, "mark"), (bad, "bad")] for good, bad in counts]
    return list(bars("Deployments a day", said, parts, made, lambda day, n: f"{the_day(made, day)}: {n}"))


def builds_a_day(made: Figures, record: Record, days: int) -> list[str]:
    counts = [[0, 0] for _ in range(days)]
    for build in record.builds or ():
        if made.since <= build.at < made.until:
            counts[(build.at - made.since).days][not build.ok] += 1
    said = "not known" if made.build_success is None else f"{made.build_success:.0%} of {made.builds} passed"
    parts = [[(passed, "good"), (failed, "bad")] for passed, failed in counts]
    return list(bars("Builds a day", said, parts, made, lambda day, n: f"{the_day(made, day)}: {n}"))


def the_day(made: Figures, number: int) -> str:
    return f"{made.since + timedelta(days=number):%-d %B}"
