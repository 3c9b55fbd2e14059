"""The figures of deliveries: against a made-up month whose truth is known, and against small stories."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from deploy.release.desk import desk
from deploy.release.dora import as_table
from deploy.release.evidence import CHECKS, Check, Evidence, path_of
from deploy.release.figures import Figures, deployments, duration, figures
from deploy.release.images import Image, overlay
from deploy.release.record import Build, Record, Word, builds_of
from deploy.release.simulated import CONTEXT, OVERLAY, Writer, month

ROOT = Path(__file__).resolve().parents[3]
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
WEEK = (NOON - timedelta(days=1), NOON + timedelta(days=6))


def minutes(number: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=number)


@dataclass
class Story:
    """Commits told one after the other; the moments are minutes after noon."""

    folder: Path
    writer: Writer = field(init=False)
    words: dict[str, list[Word]] = field(default_factory=dict)
    builds: list[Build] | None = field(default_factory=list)

    def __post_init__(self) -> None:
        self.writer = Writer(self.folder)
        zero = Image("docker.io/a/b", "run-0-0000000", "sha256:" + "0" * 64)
        files = {overlay(name): OVERLAY.format(image=zero) for name in ("staging", "prod")}
        self.writer.commit(minutes(-60), "deploy: Lay it out", files)

    def work(self, at: float) -> str:
        return self.writer.commit(minutes(at), f"ledger: Work of {at}", {"work": str(at)})

    def image(self, source: str, number: int) -> Image:
        return Image("docker.io/a/b", f"run-{number}-{source[:7]}", f"sha256:{number:064x}")

    def prod(self, at: float, image: Image, healthy: float | None = None, **trailers: str) -> str:
        lines = "\n".join(f"{name.replace('_', '-')}: {value}" for name, value in trailers.items())
        message = f"deploy(prod): {image.tag} [skip ci]\n\nImage-Digest: {image.digest}\n{lines}\n"
        commit = self.writer.commit(minutes(at), message, {overlay("prod"): OVERLAY.format(image=image)})
        if healthy is not None:
            self.say(commit, "success", healthy)
        return commit

    def say(self, commit: str, state: str, at: float, context: str = CONTEXT) -> None:
        self.words.setdefault(commit, []).append(Word(context, state, minutes(at)))

    def prove(self, at: float, image: Image) -> None:
        kept = Evidence(image, "0" * 40, minutes(at), {name: Check(ok=True, seen="seen") for name in CHECKS})
        self.writer.commit(minutes(at), "evidence [skip ci]", {path_of(image.digest): kept.text()})

    def figures(self, since: datetime = WEEK[0], until: datetime = WEEK[1]) -> Figures:
        self.writer.close()
        record = Record(self.builds, self.words)
        with desk(self.folder, remote=str(self.folder)) as at:
            return figures(deployments(at, record), record, since, until)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    made = Story(tmp_path / "story.git")
    yield made
    made.writer.close()


@pytest.mark.parametrize("seed", range(5))
def test_a_made_up_month_is_counted_as_it_was(tmp_path: Path, seed: int) -> None:
    made = month(tmp_path / "month.git", seed)
    with desk(made.repository, remote=str(made.repository)) as at:
        seen = figures(deployments(at, made.record), made.record, made.since, made.until)
    truth = made.truth
    assert seen.lead_time is not None
    assert (seen.lead_time["of"], seen.lead_time["median"]) == (len(truth.lead), statistics.median(truth.lead))
    assert seen.lead_time_without_approval is not None
    working = [lead - wait for lead, wait in zip(truth.lead, truth.waits, strict=True)]
    assert seen.lead_time_without_approval["median"] == statistics.median(working)
    assert (seen.deployments, seen.failed_deployments) == (truth.deployments, truth.failed)
    assert truth.failed, "a month without a failure shows nothing"
    assert seen.recovery_time is not None
    assert seen.recovery_time["longest"] == max(truth.recovery)
    assert (seen.builds, seen.build_success) == (truth.builds, truth.passed / truth.builds)
    assert seen.unknown == []


def test_the_same_seed_is_the_same_month_and_another_is_not(tmp_path: Path) -> None:
    heads = [
        subprocess.check_output(["git", "rev-parse", "main"], cwd=month(tmp_path / name, seed).repository)
        for name, seed in (("a", 7), ("b", 7), ("c", 8))
    ]
    assert heads[0] == heads[1] != heads[2]


def test_a_commit_counts_from_when_it_was_made_until_argo_cd_calls_it_healthy(story: Story) -> None:
    story.work(0)
    source = story.work(4)
    story.prod(10, story.image(source, 1), healthy=12)
    seen = story.figures()
    assert seen.lead_time == {"median": 600.0, "p90": 696.0, "longest": 720.0, "of": 2}
    assert seen.unknown == ["the wait for approval of 1 deployments: no evidence kept"]


def test_a_word_about_a_later_commit_that_left_prod_alone_counts(story: Story) -> None:
    source = story.work(0)
    story.prod(10, story.image(source, 1))
    story.say(story.work(11), "success", 13)
    seen = story.figures()
    assert seen.lead_time is not None
    assert seen.lead_time["median"] == 13 * 60


def test_without_a_word_it_counts_to_the_pin_and_says_so(story: Story) -> None:
    commit = story.prod(10, story.image(story.work(0), 1))
    story.say(commit, "success", 12, context="argocd/financetracker-staging")
    story.say(commit, "pending", 12)
    seen = story.figures()
    assert seen.lead_time is not None
    assert seen.lead_time["median"] == 600
    assert "when 1 of 1 deployments ran: counted from their pin" in seen.unknown


def test_the_wait_for_approval_is_taken_off(story: Story) -> None:
    image = story.image(story.work(0), 1)
    story.prove(5, image)
    story.prod(65, image, healthy=66)
    seen = story.figures()
    assert (seen.lead_time or {})["median"] == 66 * 60
    assert (seen.lead_time_without_approval or {})["median"] == 6 * 60


def test_the_releases_own_commits_are_nobodys_work(story: Story) -> None:
    first = story.image(story.work(0), 1)
    story.prove(5, first)
    story.prod(6, first, healthy=7)
    story.prod(16, story.image(story.work(10), 2), healthy=17)
    assert ((story.figures().lead_time) or {})["of"] == 2


def test_taking_back_is_a_failure_recovered_and_no_deployment(story: Story) -> None:
    good, bad = story.image(story.work(0), 1), story.image(story.work(20), 2)
    story.prod(10, good, healthy=11)
    story.prod(30, bad, healthy=32)
    story.prod(40, good, healthy=41, Rollback_Of=bad.digest)
    seen = story.figures()
    assert (seen.deployments, seen.failed_deployments, seen.change_failure_rate) == (2, 1, 0.5)
    assert seen.recovery_time == {"median": 540.0, "p90": 540.0, "longest": 540.0, "of": 1}


def test_what_was_taken_back_and_mended_counts_each_commit_once(story: Story) -> None:
    good, bad = story.image(story.work(0), 1), story.image(story.work(20), 2)
    story.prod(10, good, healthy=11)
    story.prod(30, bad, healthy=32)
    story.prod(40, good, healthy=41, Rollback_Of=bad.digest)
    story.prod(60, story.image(story.work(50), 3), healthy=61)
    seen = story.figures()
    assert (seen.deployments, (seen.lead_time or {})["of"]) == (3, 3)


def test_a_failure_that_the_next_release_mended_is_recovered_when_that_ran(story: Story) -> None:
    commit = story.prod(10, story.image(story.work(0), 1), healthy=11)
    story.say(commit, "failure", 20)
    story.prod(50, story.image(story.work(30), 2), healthy=52)
    seen = story.figures()
    assert (seen.failed_deployments, (seen.recovery_time or {})["median"]) == (1, 32 * 60)


def test_a_failure_that_healed_itself_is_recovered_then(story: Story) -> None:
    commit = story.prod(10, story.image(story.work(0), 1), healthy=11)
    story.say(commit, "error", 20)
    story.say(commit, "success", 25)
    assert (story.figures().recovery_time or {})["median"] == 300


def test_a_failure_that_still_lasts_is_named(story: Story) -> None:
    story.say(story.prod(10, story.image(story.work(0), 1), healthy=11), "failure", 20)
    seen = story.figures()
    assert (seen.failed_deployments, seen.not_recovered, seen.recovery_time) == (1, 1, None)
    assert "1 of 1, 1 not recovered yet" in as_table(seen)


def test_the_period_has_a_first_and_no_last_moment(story: Story) -> None:
    story.prod(0, story.image(story.work(-5), 1), healthy=1)
    story.prod(60, story.image(story.work(55), 2), healthy=61)
    story.builds = [Build(minutes(at), True, 60) for at in (-1, 0, 59, 60)]
    seen = story.figures(NOON, minutes(60))
    assert (seen.deployments, seen.builds) == (1, 2)


def test_nothing_deployed_is_none_and_not_zero(story: Story) -> None:
    story.builds = None
    seen = story.figures()
    assert (seen.deployments, seen.lead_time, seen.change_failure_rate, seen.recovery_time) == (
        0,
        None,
        None,
        None,
    )
    assert seen.build_success is None
    assert seen.unknown == ["build success: the API was not asked"]
    assert "Lead time, median                none\n" in as_table(seen)


def test_builds_that_were_cancelled_or_go_on_say_nothing() -> None:
    times = {"created_at": "2026-05-04T12:00:00Z", "updated_at": "2026-05-04T12:05:00Z"}
    ends = ["success", "failure", "timed_out", "cancelled", "skipped", None]
    seen = builds_of([{"conclusion": end, **times} for end in ends])
    assert [(build.ok, build.seconds) for build in seen] == [(True, 300.0), (False, 300.0), (False, 300.0)]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.6, "1 min 00 s"), (250, "4 min 10 s"), (11_100, "3 h 05 min"), (187_200, "2 d 4 h")],
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


# The command


def release(*words: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "deploy/release", "dora", *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_simulated_month_is_printed_and_plotted(tmp_path: Path) -> None:
    svg, out = tmp_path / "month.svg", tmp_path / "month.json"
    done = release("--simulate", "--svg", str(svg), "--json", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("Lead time, median", "Deployment frequency", "Build success", "Change failure", "Recovery time"):
        assert name in done.stdout
    figures_seen = json.loads(out.read_text())
    assert len(figures_seen["list"]) == figures_seen["deployments"] > 0
    drawn = ElementTree.parse(svg).getroot()  # noqa: S314 -- our own
    tags = [element.tag.rpartition("}")[2] for element in drawn.iter()]
    assert tags.count("circle") >= figures_seen["deployments"]
    assert not {"script", "image", "foreignObject"} & set(tags)
    failed = [element for element in drawn.iter() if element.get("class") == "bad"]
    assert len(failed) >= figures_seen["failed_deployments"] > 0


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("--since", "2026-13-01"), 2, "'2026-13-01' is no day"),
        (("--since", "2026-03-02", "--until", "2026-03-02"), 2, "The period ends before it begins"),
        (("--svg", "/nowhere/at/all.svg"), 3, "/nowhere/at/all.svg could not be written: No such file"),
    ],
)
def test_nonsense_is_refused_in_one_line(words: tuple[str, ...], status: int, sentence: str) -> None:
    done = release("--simulate", *words)
    assert done.returncode == status
    assert sentence in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["", "[]", '{"runs": [{}], "statuses": {}}', '{"runs": [], "statuses": []}'])
def test_a_record_that_is_none_is_refused(story: Story, tmp_path: Path, text: str) -> None:
    story.writer.close()
    record = tmp_path / "record.json"
    record.write_text(text)
    done = release("--clone", str(story.folder), "--remote", str(story.folder), "--recorded", str(record))
    assert done.returncode == 2
    assert f"{record} is no record of runs and statuses" in done.stderr
