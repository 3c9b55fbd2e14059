"""`dora`: the figures of figures.py as a table, as JSON and as a plot, also those of a made-up month."""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from deploy.release import plot
from deploy.release.command import Command
from deploy.release.desk import Desk, at_the_desk, desk
from deploy.release.figures import Deployment, Figures, deployments, duration, figures
from deploy.release.github import from_environment
from deploy.release.problems import DONE, CouldNot, Problem
from deploy.release.record import Record, ask, read
from deploy.release.simulated import month


def as_json(made: Figures, found: list[Deployment]) -> str:
    """The figures with each deployment they come from."""
    rows = [
        {
            "image": str(one.pin.image),
            "commit": one.pin.commit,
            "pinned_at": one.pin.at.isoformat(),
            "ran_at": one.ran_at.isoformat(),
            "commits": len(one.commits),
            "failed_at": one.failed_at.isoformat() if one.failed_at else None,
            "recovered_at": one.recovered_at.isoformat() if one.recovered_at else None,
        }
        for one in found
        if made.since <= one.pin.at < made.until
    ]
    return json.dumps({**asdict(made), "list": rows}, default=lambda moment: moment.isoformat(), indent=2) + "\n"


def as_table(made: Figures) -> str:
    """The figures in lines of a name, a value and what it was made of."""

    def spread(of: dict[str, float] | None, what: str) -> tuple[str, str]:
        if of is None:
            return "none", ""
        more = f"9 in 10 below {duration(of['p90'])}, longest {duration(of['longest'])}, of {of['of']:.0f} {what}"
        return duration(of["median"]), more

    def share(of: float | None) -> str:
        return "unknown" if of is None else f"{of:.0%}"

    failed = f"{made.failed_deployments} of {made.deployments}"
    failed += f", {made.not_recovered} not recovered yet" if made.not_recovered else ""
    rows = [
        ("Lead time, median", *spread(made.lead_time, "commits")),
        ("… without the wait for approval", *spread(made.lead_time_without_approval, "commits")),
        (
            "Deployment frequency",
            f"{made.deployments_a_day:.2f} a day",
            f"{made.deployments} on {made.days_with_a_deployment} days",
        ),
        ("Build success", share(made.build_success), "" if made.builds is None else f"of {made.builds} builds"),
        ("Change failure rate", share(made.change_failure_rate), failed),
        ("Recovery time, median", *spread(made.recovery_time, "failures")),
    ]
    head = f"{made.since:%Y-%m-%d} to {made.until:%Y-%m-%d}"
    lines = [head, *(f"{name:<33}{value:<14}{more}".rstrip() for name, value, more in rows)]
    return "\n".join([*lines, *(f"unknown: {line}" for line in made.unknown)]) + "\n"


def moment(written: str) -> datetime:
    """A day, which begins at midnight UTC, or a moment as 2026-03-01T12:30:00+00:00."""
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{written!r} is no day: expected YYYY-MM-DD") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since", type=moment, metavar="DAY", help="the first day (default: 30 days before the last)"
    )
    parser.add_argument("--until", type=moment, metavar="DAY", help="the day after the last (default: tomorrow)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go as JSON, - for stdout")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="where the plot goes")
    parser.add_argument("--recorded", type=Path, metavar="FILE", help="what the API said, from a file")
    parser.add_argument("--no-api", action="store_true", help="from Git alone; what is then unknown is named")
    parser.add_argument(
        "--simulate", nargs="?", type=int, const=1, metavar="SEED", help="the figures of a made-up month"
    )


def run(given: argparse.Namespace) -> int:
    """Prints the table, or the JSON where that was asked for on stdout."""
    if given.simulate is not None:
        with tempfile.TemporaryDirectory(prefix="ft-month-") as folder:
            made = month(Path(folder) / "month.git", given.simulate)
            since, until = period(given.since or made.since, given.until or made.until)
            with desk(made.repository, remote=str(made.repository)) as at:
                return tell(given, at, made.record, since, until)
    since, until = period(given.since, given.until)
    with at_the_desk(given) as at:
        if given.recorded:
            record = read(given.recorded)
        elif given.no_api:
            record = Record(None, {})
        else:
            record = ask(at, from_environment(), since)
        return tell(given, at, record, since, until)


def period(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """The first moment and the one after the last: by default the last thirty days, today included."""
    until = until or datetime.combine(datetime.now(UTC).date(), time(), UTC) + timedelta(days=1)
    since = since or until - timedelta(days=30)
    if since >= until:
        raise Problem(f"The period ends before it begins: {since:%Y-%m-%d} to {until:%Y-%m-%d}.")
    return since, until


def tell(given: argparse.Namespace, at: Desk, record: Record, since: datetime, until: datetime) -> int:
    """Counts, writes what was asked for and prints the table."""
    found = deployments(at, record)
    made = figures(found, record, since, until)
    within = [one for one in found if since <= one.pin.at < until]
    if given.svg:
        write(given, given.svg, plot.svg(made, within, record))
    if given.json and str(given.json) == "-":
        sys.stdout.write(as_json(made, found))
        return DONE
    if given.json:
        write(given, given.json, as_json(made, found))
    sys.stdout.write(as_table(made))
    return DONE


def write(given: argparse.Namespace, path: Path, text: str) -> None:
    if given.dry_run:
        print(f"{path}: {len(text)} characters would be written.")
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CouldNot(f"{path} could not be written: {error.strerror}.") from error


COMMAND = Command(
    "lead time, frequency, build success, failures and recovery, as a table and a plot", options, run
)
