"""The tests of a released revision, on tables that a newer one has migrated."""

from pathlib import Path

import pytest
from psycopg import connect

from deploy.check import databases, old_code
from tests.deploy.planted import DRAWER, Copy

ONE_TEST = "tests/ledger/test_journal.py"


def test_what_is_left_out_exists(project: Path) -> None:
    left_out = old_code.left_out()
    assert len(left_out) > 5
    for entry in left_out:
        path, _, name = entry.partition("::")
        assert (project / path).exists(), entry
        assert not name or f"def {name}(" in (project / path).read_text(), entry


def test_a_contraction_is_hidden_and_no_other_migration(tmp_path: Path) -> None:
    (tmp_path / "financetracker" / "ledger" / "migrations").mkdir(parents=True)
    (tmp_path / "financetracker" / "ledger" / "migrations" / "0003_contract_known.py").touch()
    applied = ["0001_initial", "0003_contract_known", "0004_expand", "0005_contract_unknown"]
    with databases.database("hidden") as name:
        with connect(databases.address(databases.OWNER, name)) as connection:
            connection.execute("CREATE TABLE django_migrations (app text, name text)")
            for migration in applied:
                connection.execute("INSERT INTO django_migrations VALUES ('ledger', %s)", [migration])
        assert old_code.hide_contractions(name, tmp_path) == ["ledger.0005_contract_unknown"]
        with connect(databases.address(databases.OWNER, name)) as connection:
            left = connection.execute("SELECT name FROM django_migrations ORDER BY name").fetchall()
    assert [row[0] for row in left] == applied[:-1]


@pytest.mark.slow
def test_old_code_passes_on_expanded_tables_and_fails_on_contracted_ones(project: Path, tmp_path: Path) -> None:
    copied = Copy(project, tmp_path, "tests", "deploy/check", "deploy/tools", "pyproject.toml", "dev.py")
    said: list[str] = []
    copied.plant("drawer", DRAWER)
    assert old_code.check(copied.folder, say=said.append, chosen=(ONE_TEST,)) == 0
    assert said[-1] == "old code: nothing to correct"

    copied.plant("must", "ALTER TABLE ledger_payee ADD COLUMN must text NOT NULL")
    assert old_code.check(copied.folder, say=said.append, chosen=(ONE_TEST,)) == 1
    assert said[-1] == "old code: its tests fail on the new tables"
