"""The check of new migrations, on a copy of the project with a released revision and planted migrations."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.check import schema
from deploy.check.problems import NO_BASE, Problem
from tests.deploy.planted import DRAWER, Copy
from tests.deploy.repository import commit, git

pytestmark = pytest.mark.slow

CONTRACTING = {
    "drop_memo": ("ALTER TABLE ledger_posting DROP COLUMN memo", "drops the column ledger_posting.memo"),
    "must": (
        "ALTER TABLE ledger_payee ADD COLUMN must text NOT NULL",
        "adds the column ledger_payee.must NOT NULL without a default of the database",
    ),
    "other_body": (
        "CREATE OR REPLACE FUNCTION residue_of(id bigint) RETURNS text LANGUAGE sql STABLE"
        " SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS 'SELECT NULL::text'",
        "changes the body of the function residue_of(bigint)",
    ),
    "stricter": (
        "CREATE POLICY nobody ON ledger_payee AS RESTRICTIVE USING (false)",
        "adds a policy to a table that is in use: nobody on ledger_payee",
    ),
    "less_right": (
        "REVOKE UPDATE ON ledger_payee FROM ft_app",
        "revokes the right UPDATE to ft_app on ledger_payee",
    ),
    "no_trigger": ("DROP TRIGGER posting_insert ON ledger_posting", "drops the trigger posting_insert on"),
    "no_residue": ("DROP FUNCTION residue_of(bigint)", "drops the function residue_of(bigint)"),
}


@pytest.fixture
def copied(project: Path, tmp_path: Path, tools: Path) -> Copy:
    return Copy(project, tmp_path)


def test_each_new_migration_is_judged_by_itself(copied: Copy) -> None:
    """Those that expand pass, each that contracts is refused, and a lock that would be held for long is named."""
    drawer = copied.plant("drawer", DRAWER)
    planted = {copied.plant(name, sql): said for name, (sql, said) in CONTRACTING.items()}
    slow = copied.plant("slow", "CREATE INDEX slow ON ledger_posting (state)")
    found = copied.findings()
    for name, said in planted.items():
        (line,) = [line for line in found if line.startswith(f"ledger.{name} {said}")]
        assert "(tag v1) could stumble over it. Expand first; then name it" in line
        assert line.endswith(
            f"{name[:4]}_contract_… and say in expanded_by which released migration made it safe."
        )
    (line,) = [line for line in found if "[squawk " in line]
    assert line.startswith(f"ledger.{slow}: During normal index creation, table updates are blocked")
    assert "[squawk require-concurrent-index-creation]" in line
    assert not [line for line in found if drawer in line]


def test_a_contraction_waits_for_the_release_of_its_expansion(copied: Copy) -> None:
    """Expand, release, contract: the order in which nothing breaks; any other is refused."""
    drawer = copied.plant("drawer", DRAWER)
    contract = copied.plant("contract_memo", CONTRACTING["drop_memo"][0], expanded_by=("ledger", drawer))
    silent = copied.plant("contract_residue", CONTRACTING["no_residue"][0])
    first, second = copied.findings()
    assert first.startswith(f"ledger.{contract} is made safe by ledger.{drawer}, which ")
    assert first.endswith("(tag v1) does not have: release that first.")
    assert second == (
        f'ledger.{silent} contracts and does not say what made it safe: set expanded_by = ("ledger", "NNNN_name").'
    )

    (copied.migrations / f"{silent}.py").unlink()
    path = copied.migrations / f"{contract}.py"
    later = path.rename(path.with_suffix(".later"))
    released = commit(copied.folder, "Expand")
    prod = copied.folder / "deploy" / "overlays" / "prod" / "kustomization.yaml"
    prod.write_text(prod.read_text().replace("newTag: run-0-0000000", f"newTag: run-7-{released[:7]}"))
    later.rename(path)
    assert copied.check() == [
        f"migrations since {released[:7]} (pinned in prod):",
        f"  ledger.{contract}",
        "schema: nothing to correct",
    ]


def edit_migration(copied: Copy) -> str:
    path = copied.migrations / f"{copied.released}.py"
    path.write_text(path.read_text() + "\nEDITED = True\n")
    return f"financetracker/ledger/migrations/{copied.released}.py: was released and is edited: put it back"


def edit_body(copied: Copy) -> str:
    path = copied.folder / "financetracker" / "ledger" / "sql" / "postings.sql"
    path.write_text(path.read_text() + "-- edited\n")
    return "financetracker/ledger/sql/postings.sql: was released and is edited: put it back"


def delete_migration(copied: Copy) -> str:
    (copied.migrations / f"{copied.released}.py").unlink()
    return f"financetracker/ledger/migrations/{copied.released}.py: was released and is deleted: put it back"


@pytest.mark.parametrize("edit", [edit_migration, edit_body, delete_migration])
def test_what_was_released_stays(copied: Copy, edit: Callable[[Copy], str]) -> None:
    said = edit(copied)
    (found,) = schema.edited(project_of("v1", copied.folder), copied.folder)
    assert found.startswith(said)


def test_comments_of_a_released_migration_may_change(copied: Copy) -> None:
    path = copied.migrations / f"{copied.released}.py"
    path.write_text("# Said better.\n" + path.read_text())
    assert list(schema.edited(project_of("v1", copied.folder), copied.folder)) == []


def test_what_released_migrations_import_stays(copied: Copy) -> None:
    """No migration and no SQL is edited, and yet they make something else."""
    path = copied.folder / "financetracker" / "accounts" / "sql" / "__init__.py"
    path.write_text(
        path.read_text().replace('read_text(encoding="utf-8")', 'read_text().replace("add up", "add")')
    )
    (found,) = copied.findings()
    assert found.startswith("the released migrations make the function check_")
    assert found.endswith("otherwise now: something that they import was edited.")


def project_of(tag: str, folder: Path) -> Path:
    """The files of a tag beside a repository."""
    place = folder / "released"
    place.mkdir()
    packed = subprocess.run(["git", "archive", tag], cwd=folder, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(place)], input=packed, check=True)
    return place


def test_a_migration_that_fails_is_one_line(copied: Copy) -> None:
    copied.plant("drawer", DRAWER)
    copied.plant("broken", "ALTER TABLE no_such_table ADD COLUMN x text")
    with pytest.raises(
        Problem, match=r'the work tree fail after ledger\.\d{4}_drawer: .*"no_such_table" does not exist'
    ):
        copied.check()


def test_without_a_base_it_says_so(copied: Copy) -> None:
    git(copied.folder, "tag", "-d", "v1")
    with pytest.raises(
        Problem, match="Prod pins no image yet and there is no tag: nothing to compare with"
    ) as none:
        copied.check()
    assert none.value.status == NO_BASE
