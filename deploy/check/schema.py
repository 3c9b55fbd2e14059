"""`schema`: refuses migrations that the program which still runs could stumble over."""

import ast
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.check import catalogue, databases, interpreters, revisions
from deploy.check.catalogue import Catalogue
from deploy.check.contracts import contractions
from deploy.check.problems import Problem
from deploy.check.programs import ROOT, run, tool
from deploy.check.world import scratch

STEPS = Path(__file__).with_name("steps.py")
SQUAWK = Path(__file__).with_name("squawk.toml")
CONTRACT = re.compile(r"[0-9]{4}_contract_\w+")
MIGRATIONS = "financetracker/*/migrations/[0-9]*.py"
BODIES = "financetracker/*/sql/*.sql"

Name = tuple[str, str]


@dataclass(frozen=True)
class Step:
    """One migration, what it ran, and the catalogue after it; without a migration, where it all began."""

    migration: Name | None
    expanded_by: Any
    ours: bool
    sql: str
    after: Catalogue

    def __str__(self) -> str:
        return ".".join(self.migration or ())


def steps(tree: Path, python: Path, name: str, targets: list[Name] | None = None) -> list[Step]:
    """Applies migrations of the program in a folder, one by one, to a database."""
    asked = json.dumps({"targets": targets, "queries": catalogue.QUERIES})
    done = run([python, STEPS], cwd=tree, env=databases.environment(name), said=asked)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        last = next(
            (".".join(each["migration"]) for each in reversed(found) if each["migration"]), "the beginning"
        )
        raise Problem(f"the migrations of {place(tree)} fail after {last}: {lines[-1].strip()}", 1)
    return [
        Step(
            tuple(each["migration"]) if each["migration"] else None,
            each["expanded_by"],
            str(each["module"]).startswith("financetracker."),
            each["sql"],
            catalogue.read(each["catalogue"]),
        )
        for each in found
    ]


def place(tree: Path) -> str:
    """A folder in a sentence."""
    return "the base" if tree.name.startswith("ft-base-") else "the work tree"


def migrate(tree: Path, python: Path, name: str) -> None:
    """Runs the command `migrate` of the program in a folder."""
    done = run([python, "manage.py", "migrate", "--verbosity", "0"], cwd=tree, env=databases.environment(name))
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise Problem(f"migrate of {place(tree)} fails: {lines[-1].strip()}", 1)


def edited(base: Path, tree: Path) -> Iterator[str]:
    """Released migrations, and the SQL that they load, that are not what they were."""
    for pattern, meaning in ((MIGRATIONS, meaning_of), (BODIES, Path.read_bytes)):
        for old in sorted(base.glob(pattern)):
            path = old.relative_to(base)
            if not (tree / path).is_file():
                yield f"{path}: was released and is deleted: put it back; a new migration may undo what it did"
            elif meaning(old) != meaning(tree / path):
                yield f"{path}: was released and is edited: put it back, and make the change in a new migration"


def meaning_of(path: Path) -> object:
    """A migration without its comments and line breaks."""
    return ast.dump(ast.parse(path.read_bytes()))


def judged(step: Step, found: list[str], released: set[Name], base: revisions.Revision) -> Iterator[str]:
    """What is wrong with one new migration, given what it contracts."""
    assert step.migration
    app, name = step.migration
    if not CONTRACT.fullmatch(name):
        for what in found:
            yield (
                f"{step} {what}: the program at {base} could stumble over it. Expand first; then name it"
                f" {name[:4]}_contract_… and say in expanded_by which released migration made it safe"
            )
        return
    made_safe = step.expanded_by
    if (
        not isinstance(made_safe, list)
        or len(made_safe) != 2
        or not all(isinstance(part, str) for part in made_safe)
    ):
        yield f'{step} contracts and does not say what made it safe: set expanded_by = ("{app}", "NNNN_name")'
    elif tuple(made_safe) not in released:
        yield f"{step} is made safe by {'.'.join(made_safe)}, which {base} does not have: release that first"


def locks(new: list[Step]) -> Iterator[str]:
    """What squawk has to say about the statements of new migrations."""
    with scratch() as name:
        for step in new:
            path = Path(name) / f"{step}.sql"
            path.write_text(step.sql, encoding="utf-8")
            done = run([tool("squawk"), "--config", SQUAWK, "--reporter", "json", path])
            try:
                said = json.loads(done.stdout)
            except ValueError as error:
                raise Problem(f"squawk could not look: {(done.stderr or done.stdout).strip()[:300]}") from error
            for each in said:
                yield f"{step}: {each['message']} [squawk {each['rule_name']}]"


def compare(base: revisions.Revision, files: Path, tree: Path, say: Callable[[str], None]) -> Iterator[str]:
    """Everything that is wrong with the migrations of a work tree, seen from a base revision."""
    static = list(edited(files, tree))
    yield from static
    if any("is deleted" in line for line in static):
        return
    python = Path(sys.executable)
    old_python = interpreters.of(files, tree)
    with databases.database("base") as name, databases.database("again") as again:
        as_released = steps(files, old_python, name)
        released = released_names(as_released)
        migrate(files, old_python, name)
        again_now = steps(tree, python, again, sorted(released))[-1].after
        if not static and as_released[-1].after != again_now:
            others = differences(as_released[-1].after, again_now)
            what = others[0] if len(others) == 1 else f"{others[0]} (and {len(others) - 1} more)"
            yield f"the released migrations make {what} otherwise now: something that they import was edited"
        new = steps(tree, python, name)
        known, before = new[0].after, new[0].after
        for step in new[1:]:
            say(f"  {step}")
            yield from judged(step, list(contractions(known, before, step.after)), released, base)
            before = step.after
        yield from locks([step for step in new[1:] if step.ours])
        migrate(tree, python, name)
        for what in contractions(known, before, steps(tree, python, name)[0].after):
            yield f"the command migrate {what}: the program at {base} could stumble over it"


def released_names(found: list[Step]) -> set[Name]:
    """The migrations that a revision has."""
    return {step.migration for step in found if step.migration}


def differences(one: Catalogue, other: Catalogue) -> list[str]:
    """What is in one catalogue and not, or otherwise, in the other."""
    return [catalogue.called(key) for key in sorted(one.keys() | other.keys()) if one.get(key) != other.get(key)]


def check(root: Path = ROOT, base: str | None = None, say: Callable[[str], None] = print) -> int:
    """Prints every finding; returns their number."""
    os.environ.setdefault("SECRET_KEY", "for-checks-only-" * 4)
    revision = revisions.base(root, base)
    say(f"migrations since {revision}:")
    with revisions.files_of(root, revision.commit) as files:
        found = list(compare(revision, files, root, say))
    for line in found:
        say(f"  {line}.")
    say(f"schema: {len(found) or 'nothing'} to correct")
    return len(found)
