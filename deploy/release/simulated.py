"""A made-up month of releases in a real repository, with what came of it: dora has to find the same figures."""

import hashlib
import random
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.release.evidence import CHECKS, Check, Evidence, path_of
from deploy.release.history import DENIED
from deploy.release.images import Image, overlay
from deploy.release.record import Build, Record, Word

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 31
CONTEXT = "argocd/financetracker-prod"
OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
images:
- digest: {image.digest}
  name: financetracker
  newName: {image.name}
  newTag: {image.tag}
"""


@dataclass(slots=True)
class Truth:
    """What really happened, written down while it was made up; seconds, one entry each."""

    lead: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    deployments: int = 0
    failed: int = 0
    recovery: list[float] = field(default_factory=list)
    builds: int = 0
    passed: int = 0


@dataclass(frozen=True, slots=True)
class Month:
    """A bare repository, what the API would say of it, and the truth."""

    repository: Path
    record: Record
    truth: Truth
    since: datetime
    until: datetime


class Writer:
    """Commits with given moments, through one `git fast-import`, which says each hash at once."""

    def __init__(self, repository: Path) -> None:
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(repository)], check=True)
        self.process = subprocess.Popen(
            ["git", "fast-import", "--quiet"], cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.marks = 0

    def commit(self, at: datetime, message: str, files: dict[str, str], who: str = "Ana") -> str:
        """One commit on main; returns its hash."""
        assert self.process.stdin
        assert self.process.stdout
        self.marks += 1
        stamp = f"{who} <{who.lower()}@example.org> {int(at.timestamp())} +0000"
        lines = ["commit refs/heads/main", f"mark :{self.marks}", f"author {stamp}", f"committer {stamp}"]
        lines += [f"data {len(message.encode())}", message]
        lines += [f"from :{self.marks - 1}"] if self.marks > 1 else []
        for path, content in files.items():
            lines += [f"M 100644 inline {path}", f"data {len(content.encode())}", content]
        lines += [f"get-mark :{self.marks}", ""]
        self.process.stdin.write("\n".join(lines).encode())
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().strip()

    def close(self) -> None:
        """Ends the import, which writes the branch; once is enough."""
        if self.process.poll() is None:
            self.process.communicate(b"done\n", timeout=60)


class Teller:
    """Makes the month up, day after day, and writes the truth down beside it."""

    def __init__(self, writer: Writer, seed: int) -> None:
        self.writer = writer
        self.dice = random.Random(seed)  # noqa: S311 -- a story, not a secret
        self.truth = Truth()
        self.builds: list[Build] = []
        self.words: dict[str, list[Word]] = {}
        self.denied = ""
        self.made = 0
        self.waiting: list[datetime] = []  # commits that prod does not have yet
        self.good: Image | None = None

    def after(self, least: float, most: float) -> timedelta:
        """Some whole seconds: commits know no finer moments."""
        return timedelta(seconds=self.dice.randint(round(least), round(most)))

    def work(self, at: datetime) -> tuple[datetime, Image | None]:
        """A person's commit and its build; no image where the build fails."""
        self.made += 1
        commit = self.writer.commit(at, f"ledger: Change number {self.made}", {"work.txt": f"{self.made}\n"})
        self.waiting.append(at)
        began, took = at + timedelta(seconds=5), self.after(200, 420)
        passed = self.dice.random() < 0.9
        self.builds.append(Build(began, passed, took.total_seconds()))
        self.truth.builds += 1
        self.truth.passed += passed
        if not passed:
            return began + took, None
        digest = f"sha256:{hashlib.sha256(str(self.made).encode()).hexdigest()}"
        return began + took, Image(
            "docker.io/financetracker/financetracker", f"run-{self.made}-{commit[:7]}", digest
        )

    def pin(self, environment: str, at: datetime, image: Image, **more: str) -> str:
        """A move of an environment, as the release writes it."""
        trailers = {"Source-Commit": image.short, "Image-Digest": image.digest, **more}
        lines = "\n".join(f"{name}: {value}" for name, value in trailers.items())
        files = {overlay(environment): OVERLAY.format(image=image)}
        if "Rollback-Of" in more:
            self.denied += f"{more['Rollback-Of']}  # planted\n"
            files[DENIED] = self.denied
        subject = f"deploy({environment}): {image.tag} [skip ci]"
        return self.writer.commit(at, f"{subject}\n\n{lines}\n", files, "Release")

    def prove(self, at: datetime, image: Image) -> datetime:
        """Staging, and the evidence; returns when that was written."""
        self.pin("staging", at + timedelta(seconds=8), image)
        proven = at + self.after(90, 150)
        kept = Evidence(image, image.short, proven, {name: Check(ok=True, seen="planted") for name in CHECKS})
        self.writer.commit(
            proven, f"evidence: {image.tag} [skip ci]", {path_of(image.digest): kept.text()}, "Release"
        )
        return proven

    def promote(self, proven: datetime, image: Image) -> datetime:
        """Somebody approves, and prod moves; returns when it ran."""
        wait = self.after(60, 6 * 3600)
        pinned = proven + wait
        ran = pinned + self.after(35, 70)
        commit = self.pin("prod", pinned, image)
        self.words[commit] = [Word(CONTEXT, "success", ran)]
        self.truth.deployments += 1
        for at in self.waiting:
            self.truth.lead.append((ran - at).total_seconds())
            self.truth.waits.append(wait.total_seconds())
        self.waiting.clear()
        return ran

    def take_back(self, ran: datetime, image: Image, good: Image) -> datetime:
        """The release is found to be bad and rolled back; returns when the old one ran again."""
        noticed = ran + self.after(300, 3600)
        again = noticed + self.after(40, 75)
        commit = self.pin("prod", noticed, good, **{"Rollback-Of": image.digest, "Reason": "planted"})
        self.words[commit] = [Word(CONTEXT, "success", again)]
        self.truth.failed += 1
        self.truth.recovery.append((again - ran).total_seconds())
        return again

    def day(self, number: int) -> None:
        """Up to three releases, each of one to three commits; weekends are quiet."""
        now = SINCE + timedelta(days=number, hours=7)
        releases = 0 if now.weekday() > 4 else self.dice.randint(0, 3)
        for _ in range(releases):
            image = None
            while image is None or self.dice.random() < 0.4:
                now, built = self.work(now + self.after(300, 2400))
                image = built or image
            if built is None:
                continue  # the newest did not build: an older one is not promoted alone here
            now = self.promote(self.prove(now, image), image)
            if self.good is not None and self.dice.random() < 0.2:
                now = self.take_back(now, image, self.good)
            else:
                self.good = image


def month(repository: Path, seed: int = 1) -> Month:
    """Makes a month up: the same seed gives the same month to the last byte."""
    writer = Writer(repository)
    teller = Teller(writer, seed)
    empty = Image("docker.io/financetracker/financetracker", "run-0-0000000", "sha256:" + "0" * 64)
    first = {overlay(name): OVERLAY.format(image=empty) for name in ("staging", "prod")}
    writer.commit(SINCE - timedelta(days=1), "deploy: Lay out two environments", first)
    for number in range(DAYS):
        teller.day(number)
    writer.close()
    record = Record(teller.builds, teller.words)
    return Month(repository, record, teller.truth, SINCE, SINCE + timedelta(days=DAYS))
