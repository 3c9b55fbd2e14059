"""How fast and how safely changes reach people, counted from Git and what the API remembers.

The five figures of DORA's reports, as we count them:

- lead time: from each commit to its running in prod; once in all, and once without the time in which a proven
  build waited for somebody's approval. A commit counts with the first release that brought it.
- deployment frequency: steps forward in prod a day. What was taken back was a deployment; taking it back is none.
- build success: builds of main that passed, of those that ended; cancelled ones say nothing.
- change failure rate: deployments that were rolled back, or reported as failed while they ran, of all.
- recovery time: from when a bad release ran (or was first reported) until a good one ran again.

A release "runs" when Argo CD called it synced and healthy; without that word, when it was pinned, and the figures
say so. Moments are UTC, durations seconds.
"""

import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from deploy.release import evidence
from deploy.release.desk import Desk
from deploy.release.history import Pin, pins, source_of
from deploy.release.images import overlay
from deploy.release.record import Record

CONTEXT = "argocd/financetracker-prod"
BOOKKEEPING = [f":!{overlay('staging')}", f":!{overlay('prod')}", ":!deploy/evidence", ":!deploy/denylist.txt"]


@dataclass(slots=True)
class Deployment:
    """One step forward in prod. `commits` holds the moment of each commit that it was the first to bring."""

    pin: Pin
    ran_at: datetime
    word: bool  # whether ran_at is Argo CD's word, and not the pin's moment
    commits: list[datetime]
    waited: float | None  # seconds between the evidence and the pin
    failed_at: datetime | None = None
    recovered_at: datetime | None = None


@dataclass(slots=True)
class Figures:
    """The figures of a period; None where nothing happened that they could be made of."""

    since: datetime
    until: datetime
    lead_time: dict[str, float] | None = None
    lead_time_without_approval: dict[str, float] | None = None
    deployments: int = 0
    deployments_a_day: float = 0.0
    days_with_a_deployment: int = 0
    builds: int | None = None
    build_success: float | None = None
    failed_deployments: int = 0
    change_failure_rate: float | None = None
    recovery_time: dict[str, float] | None = None
    not_recovered: int = 0
    unknown: list[str] = field(default_factory=list)


def summary(seconds: list[float]) -> dict[str, float] | None:
    """Median, the value that nine in ten stay below, and the longest; None of nothing."""
    if not seconds:
        return None
    ninth = statistics.quantiles(seconds, n=10, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
    return {"median": statistics.median(seconds), "p90": ninth, "longest": max(seconds), "of": len(seconds)}


def commits_brought(at: Desk, source: str, before: list[str]) -> list[datetime]:
    """When each commit was made that `source` has and none of `before`; the release's own are left out."""
    log = at.git(
        "log", "--no-merges", "--format=%ct", source, *(f"^{one}" for one in before), "--", ".", *BOOKKEEPING
    )
    return [datetime.fromtimestamp(int(line), UTC) for line in log.splitlines()]


def ran(pin: Pin, newer: Pin | None, at: Desk, record: Record) -> tuple[datetime, bool]:
    """When a pin ran: Argo CD's first good word about it, or about a later commit that left prod as it was."""
    until = newer.commit if newer else "HEAD"
    following = at.git("rev-list", "--first-parent", "--reverse", f"{pin.commit}..{until}").splitlines()
    if newer:
        following = following[:-1]
    said = [
        word.at
        for commit in (pin.commit, *following)
        for word in record.words.get(commit, ())
        if word.context == CONTEXT and word.state == "success" and word.at >= pin.at
    ]
    return (min(said), True) if said else (pin.at, False)


def deployments(at: Desk, record: Record) -> list[Deployment]:
    """All steps forward in prod that Git knows, the oldest first, with what became of each."""
    moves = pins(at, "prod")[::-1]
    found: list[Deployment] = []
    before: list[str] = []
    for number, pin in enumerate(moves):
        newer = moves[number + 1] if number + 1 < len(moves) else None
        moment, word = ran(pin, newer, at, record)
        settle(found, pin, moment, record)
        if pin.rollback_of:
            continue
        source = source_of(at, pin.image)
        known = evidence.of_digest(at, pin.image.digest)
        waited = (pin.at - known.at).total_seconds() if known else None
        found.append(Deployment(pin, moment, word, commits_brought(at, source, before), waited))
        before.append(source)
    if found:
        report_failures(found[-1], None, record)
    return found


def settle(found: list[Deployment], pin: Pin, moment: datetime, record: Record) -> None:
    """What the next move of prod says about the deployment before it."""
    if not found:
        return
    last = found[-1]
    report_failures(last, moment, record)
    if pin.rollback_of == last.pin.image.digest:
        last.failed_at = min(last.failed_at or last.ran_at, last.ran_at)
        last.recovered_at = moment


def report_failures(last: Deployment, next_ran: datetime | None, record: Record) -> None:
    """A bad word of Argo CD's about a deployment counts, and its next good word, or the next release, ends it."""
    if last.failed_at is not None:
        return
    words = [word for word in record.words.get(last.pin.commit, ()) if word.context == CONTEXT]
    bad = [word.at for word in words if word.state in ("failure", "error")]
    if bad:
        last.failed_at = min(bad)
        good = [word.at for word in words if word.state == "success" and word.at > last.failed_at]
        last.recovered_at = min([*good, *([next_ran] if next_ran else [])], default=None)


def figures(found: list[Deployment], record: Record, since: datetime, until: datetime) -> Figures:
    """The figures of a period, from deployments that began in it."""
    made = Figures(since, until)
    within = [one for one in found if since <= one.pin.at < until]
    lead = [(one.ran_at - commit).total_seconds() for one in within for commit in one.commits]
    proven = [one for one in within if one.waited is not None]
    made.lead_time = summary(lead)
    made.lead_time_without_approval = summary(
        [(one.ran_at - commit).total_seconds() - (one.waited or 0) for one in proven for commit in one.commits]
    )
    made.deployments = len(within)
    made.deployments_a_day = len(within) / ((until - since) / timedelta(days=1))
    made.days_with_a_deployment = len({one.pin.at.date() for one in within})
    failed = [one for one in within if one.failed_at]
    made.failed_deployments = len(failed)
    made.change_failure_rate = len(failed) / len(within) if within else None
    made.recovery_time = summary(
        [
            (one.recovered_at - one.failed_at).total_seconds()
            for one in failed
            if one.recovered_at and one.failed_at
        ]
    )
    made.not_recovered = sum(one.recovered_at is None for one in failed)
    if record.builds is None:
        made.unknown.append("build success: the API was not asked")
    else:
        ended = [build for build in record.builds if since <= build.at < until]
        made.builds = len(ended)
        made.build_success = sum(build.ok for build in ended) / len(ended) if ended else None
    guessed = sum(not one.word for one in within)
    if guessed:
        made.unknown.append(f"when {guessed} of {len(within)} deployments ran: counted from their pin")
    if len(proven) < len(within):
        made.unknown.append(f"the wait for approval of {len(within) - len(proven)} deployments: no evidence kept")
    return made


def duration(seconds: float) -> str:
    """Seconds as a person says them: `42 s`, `4 min 10 s`, `3 h 05 min`, `2 d 4 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, second = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {second:02} s"
    hours, minute = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minute:02} min"
    return f"{hours // 24} d {hours % 24} h"
