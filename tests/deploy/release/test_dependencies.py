"""The gate behind the audit of packages: a report that could not ask is no good news."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.release.recorded import recorded
from tests.deploy.release.test_scan import Desk, waits

LOCK = """\
asgiref==3.11.1 \\
    --hash=sha256:00
django==6.1.3 ; python_version >= "3.12" \\
    --hash=sha256:00
    # via -r requirements.in
gunicorn==27.0.1 \\
    --hash=sha256:00
psycopg[binary,pool]==3.3.9 \\
    --hash=sha256:00
colorama==0.4.6 ; sys_platform == "win32" \\
    --hash=sha256:00
"""


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    made = Desk(tmp_path, capsys)
    made.command, made.which = "dependencies", "dependencies"
    return made


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text(LOCK)
    return path


def test_nothing_known_passes(desk: Desk, lock: Path) -> None:
    desk.put(recorded("pip-audit-clean"))
    status, out, err = desk.run("--lock", str(lock))
    assert (status, out, err) == (0, "Passed. 4 packages, 0 findings, 0 without a fix yet.\n", "")


def test_whatever_has_a_fix_keeps_it_back(desk: Desk) -> None:
    desk.put(recorded("pip-audit-grave"))
    status, out, err = desk.run("--json")
    assert status == 1
    whole = json.loads(out)
    assert [(one["id"], one["package"], one["fixed_in"]) for one in whole["refused"]] == [
        ("PYSEC-2031-7", "django", ["6.1.4"])
    ]
    assert whole["without_fix"] == ["PYSEC-2031-9"]
    assert "refused: PYSEC-2031-7 in django 6.1.3, fixed in 6.1.4\n" in err


def test_an_ignore_lets_it_wait_by_any_of_its_names(desk: Desk) -> None:
    desk.put(recorded("pip-audit-grave"))
    for name in ("PYSEC-2031-7", "CVE-2031-40006", "GHSA-2c4v-9qwm-xx61"):
        desk.ignore(waits(name, "Django"))
        status, out, _ = desk.run()
        assert (status, out.splitlines()[0]) == (0, "ignored: PYSEC-2031-7 in django 6.1.3, fixed in 6.1.4")
    desk.ignore(waits("PYSEC-2031-7", "django", days=-1))
    status, out, _ = desk.run()
    assert status == 1
    assert "has expired" in out


def test_an_ignore_for_the_image_is_none_for_the_packages(desk: Desk) -> None:
    desk.put(recorded("pip-audit-grave"))
    desk.which = "image"
    desk.ignore(waits("PYSEC-2031-7", "django"))
    assert desk.run()[0] == 1


def test_a_run_that_could_not_ask_refuses(desk: Desk) -> None:
    """What pip-audit writes, with status 0, where no advisory service can be reached."""
    desk.put(recorded("pip-audit-offline"))
    assert "could not ask about 4 packages: asgiref, django, gunicorn, psycopg." in desk.refused()


def one_skipped() -> dict[str, Any]:
    whole = recorded("pip-audit-clean")
    whole["dependencies"][2] = recorded("pip-audit-offline")["dependencies"][2]
    return whole


def first(**changes: object) -> Callable[[], dict[str, Any]]:
    def made() -> dict[str, Any]:
        whole = recorded("pip-audit-grave")
        whole["dependencies"][1] |= changes
        return whole

    return made


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: "", "is empty"),
        (lambda: json.dumps(recorded("pip-audit-clean"))[:-9], "is no whole JSON document"),
        (lambda: "No known vulnerabilities found", "is no whole JSON document"),
        (lambda: "[]", "is no JSON object"),
        (lambda: recorded("grype-clean"), "dependencies is missing"),
        (lambda: {"dependencies": [], "fixes": []}, "asked about no package at all"),
        (lambda: '{"dependencies": [], "dependencies": []}', "'dependencies' stands in it twice"),
        (one_skipped, "could not ask about 1 packages: gunicorn"),
        (first(skip_reason="no answer"), "could not ask about 1 packages: django"),
        (first(vulns=None), "vulns is missing"),
        (first(version=6), "version is missing or of another kind"),
        (first(vulns=[{"id": 7}]), "id is missing"),
        (first(vulns=[{"id": "X", "fix_versions": "6.1.4"}]), "fix_versions is no list"),
        (first(vulns=["X"]), "id is missing"),
    ],
)
def test_a_report_that_cannot_be_read_or_is_another_one_refuses(
    desk: Desk, make: Callable[[], object], says: str
) -> None:
    desk.put(make())
    assert says in desk.refused()


def test_a_report_must_cover_the_whole_lock(desk: Desk, lock: Path) -> None:
    whole = recorded("pip-audit-clean")
    whole["dependencies"][3]["version"] = "3.3.8"
    desk.put(whole)
    assert "pins psycopg 3.3.9, it says psycopg 3.3.8" in desk.refused("--lock", str(lock))
    del whole["dependencies"][3]
    desk.put(whole)
    assert "pins psycopg 3.3.9, it says nothing of psycopg" in desk.refused("--lock", str(lock))
    assert desk.run()[0] == 0, "without the lock nobody would have seen it"


def test_a_lock_that_pins_nothing_is_bad_input(desk: Desk, lock: Path) -> None:
    desk.put(recorded("pip-audit-clean"))
    lock.write_text("django>=6\n")
    assert "pins nothing" in desk.refused("--lock", str(lock), status=2)
    assert "cannot be read" in desk.refused("--lock", str(lock.parent / "none.txt"), status=2)


def test_our_own_locks_are_read_whole(project: Path) -> None:
    from deploy.release.dependencies import pinned  # noqa: PLC0415

    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (project / name).read_text()
        found = pinned(project / name)
        assert found["django"].startswith("6.")
        lines = [line for line in text.splitlines() if "==" in line and not line.startswith((" ", "#"))]
        assert len(found) == sum("sys_platform == 'win32'" not in line for line in lines) > 10
