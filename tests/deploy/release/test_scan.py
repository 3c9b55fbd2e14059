"""The gate behind the scanner: what keeps an image back, what may wait, and which reports are none."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.release import program
from tests.deploy.release.recorded import DIGEST, REPORTS, about, moment, recorded

TODAY = datetime.now(UTC).date()
OTHER = "sha256:" + "0d" * 32


class Desk:
    """A folder for reports and ignores, and the command over them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.report, self.ignores = folder / "grype.json", folder / "ignores.yaml"
        self.command, self.which = "scan", "image"

    def put(self, whole: object) -> None:
        self.report.write_text(whole if isinstance(whole, str) else json.dumps(whole), encoding="utf-8")

    def ignore(self, *entries: dict[str, Any]) -> None:
        other = "image" if self.which == "dependencies" else "dependencies"
        self.ignores.write_text(json.dumps({other: [], self.which: entries}, default=str).replace('"', ""))

    def run(self, *options: str) -> tuple[int, str, str]:
        ignores = ["--ignores", str(self.ignores)] if self.ignores.exists() else []
        status = program.main(
            [self.command, str(self.report), *ignores, *options, "--clone", str(self.folder), "--dry-run"]
        )
        said = self.capsys.readouterr()
        return status, said.out, said.err

    def refused(self, *options: str, status: int = 1) -> str:
        """The one line with which the command refuses to judge."""
        got, out, err = self.run(*options)
        assert (got, out, err.count("\n")) == (status, "", 1), (got, out, err)
        assert err.startswith(f"release {self.command}: ")
        return err


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def waits(known: str, package: str, days: int = 30, **more: Any) -> dict[str, Any]:
    reason = "we never parse certificates of strangers"
    return {"id": known, "package": package, "reason": reason, "until": TODAY + timedelta(days=days), **more}


# --- What keeps an image back


def test_what_has_no_fix_or_is_harmless_does_not_keep_an_image_back(desk: Desk) -> None:
    desk.put(recorded("grype-clean"))
    status, out, err = desk.run("--digest", DIGEST)
    assert (status, err) == (0, "")
    assert out.startswith(
        f"Passed. 4 findings in {DIGEST[:19]}, 1 of them grave, 1 without a fix yet; database of 20"
    )


def test_a_fixable_finding_of_weight_keeps_it_back_and_is_named(desk: Desk) -> None:
    desk.put(recorded("grype-grave"))
    status, out, _ = desk.run("--digest", DIGEST)
    assert status == 1
    assert out.splitlines()[:-1] == [
        "refused: GHSA-7v9m-4jqp-2xwr (High) in django 6.1.2, fixed in 6.1.3",
        "refused: CVE-2031-40005 (Unknown) in libexpat1 2.7.1-2, fixed in 2.7.1-2+deb13u1",
        "refused: CVE-2031-40003 (Critical) in libssl3t64 3.5.1-1, fixed in 3.5.1-1+deb13u2",
        "refused: CVE-2031-40003 (Critical) in openssl-provider-legacy 3.5.1-1, fixed in 3.5.1-1+deb13u2",
    ]
    assert out.splitlines()[-1].startswith("4 keep it back. 8 findings in")


def test_for_a_workflow_it_is_one_object_and_the_lines_go_beside_it(desk: Desk) -> None:
    desk.put(recorded("grype-grave"))
    desk.ignore(waits("CVE-2031-40005", "libexpat1"))
    status, out, err = desk.run("--json")
    whole = json.loads(out)
    assert status == 1
    assert whole["status"] == "refused"
    assert whole["digest"] == DIGEST
    assert [one["id"] for one in whole["refused"]] == ["GHSA-7v9m-4jqp-2xwr", "CVE-2031-40003", "CVE-2031-40003"]
    assert [one["package"] for one in whole["ignored"]] == ["libexpat1"]
    assert whole["without_fix"] == ["CVE-2031-40001"]
    assert "refused: CVE-2031-40003 (Critical) in libssl3t64" in err


def grade(severity: str, state: str = "fixed", versions: tuple[str, ...] = ("2",)) -> dict[str, Any]:
    whole = recorded("grype-clean")
    whole["matches"] = whole["matches"][:1]
    known = whole["matches"][0]["vulnerability"]
    known |= {"severity": severity, "fix": {"state": state, "versions": list(versions)}}
    return whole


@pytest.mark.parametrize(
    ("severity", "state", "versions", "kept_back"),
    [
        ("High", "fixed", ("2",), True),
        ("high", "fixed", ("2",), True),
        ("CRITICAL", "fixed", ("2",), True),
        ("Unknown", "fixed", ("2",), True),
        ("unknown", "fixed", ("2",), True),
        ("High", "fixed", (), True),  # a fix whose version nobody wrote down
        ("High", "unknown", ("2",), True),  # a version that cures it, whatever the state says
        ("High", "", (), False),
        ("High", "not-fixed", (), False),
        ("Critical", "wont-fix", (), False),
        ("Medium", "fixed", ("2",), False),
        ("low", "fixed", ("2",), False),
        ("Negligible", "fixed", ("2",), False),
    ],
)
def test_what_weighs(desk: Desk, severity: str, state: str, versions: tuple[str, ...], *, kept_back: bool) -> None:
    desk.put(grade(severity, state, versions))
    assert desk.run()[0] == kept_back


def test_one_weakness_in_two_places_is_said_once(desk: Desk) -> None:
    whole = grade("High")
    whole["matches"] *= 3
    desk.put(whole)
    assert desk.run()[1].count("refused: ") == 1


# --- Reports that are none


def changed(*path: str | int, to: object = None, drop: bool = False) -> Callable[[], dict[str, Any]]:
    """The recorded report with one thing different."""

    def made() -> dict[str, Any]:
        whole = recorded("grype-grave")
        at: Any = whole
        for key in path[:-1]:
            at = at[key]
        if drop:
            del at[path[-1]]
        else:
            at[path[-1]] = to
        return whole

    return made


MATCH = ("matches", 0)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: "", "is empty"),
        (lambda: " \n", "is empty"),
        (lambda: json.dumps(recorded("grype-clean"))[:-700], "is no whole JSON document"),
        (lambda: "[]", "is no JSON object"),
        (lambda: "null", "is no JSON object"),
        (lambda: "[" * 100_000, "is no whole JSON document"),
        (lambda: "{}", "descriptor.name is missing"),
        (lambda: '{"matches": [], "matches": []}', "'matches' stands in it twice"),
        (lambda: json.dumps(recorded("grype-grave"))[:-1] + ', "matches": []}', "'matches' stands in it twice"),
        (lambda: recorded("pip-audit-clean"), "descriptor.name is missing"),
        (
            lambda: {"SchemaVersion": 2, "ArtifactType": "container_image", "Results": []},
            "descriptor.name is missing",
        ),
        (changed("descriptor", "name", to="syft"), "is syft's, expected Grype's"),
        (changed("source", "type", to="directory"), "is not about an image"),
        (changed("source", drop=True), "source.type is missing"),
        (changed("source", "target", "manifestDigest", drop=True), "source.target.manifestDigest is missing"),
        (changed("source", "target", "repoDigests", to="x"), "source.target.repoDigests is no list"),
        (changed("matches", drop=True), "matches is missing"),
        (changed("matches", to=None), "matches is missing or of another kind"),
        (changed("matches", to={}), "matches is missing or of another kind"),
        (changed("matches", 0, to="CVE-1"), "vulnerability.severity is missing"),
        (changed(*MATCH, "vulnerability", "severity", drop=True), "vulnerability.severity is missing"),
        (changed(*MATCH, "vulnerability", "severity", to="Grave"), "'Grave', which is no severity that we know"),
        (changed(*MATCH, "vulnerability", "severity", to=""), "'', which is no severity that we know"),
        (changed(*MATCH, "vulnerability", "fix", drop=True), "vulnerability.fix.state is missing"),
        (changed(*MATCH, "vulnerability", "fix", "state", to="soon"), "'soon', which we do not know"),
        (changed(*MATCH, "vulnerability", "fix", "versions", to=[2]), "holds something else than texts"),
        (changed(*MATCH, "artifact", "name", to=None), "artifact.name is missing"),
        (changed(*MATCH, "relatedVulnerabilities", to=7), "relatedVulnerabilities is no list"),
        (changed("distro", "name", to=""), "does not know the distribution"),
        (changed("distro", drop=True), "distro.name is missing"),
        (changed("descriptor", "db", drop=True), "descriptor.db is missing"),
        (changed("descriptor", "db", "status", "built", to="yesterday"), "names no moment"),
        (changed("descriptor", "db", "status", "built", to="2031-01-01T00:00:00"), "names no moment"),
        (changed("descriptor", "db", "status", "built", to=moment(timedelta(days=-2))), "which is yet to come"),
        (changed("descriptor", "db", "status", "valid", to=False), "a broken database: not valid"),
        (changed("descriptor", "db", "status", "error", to="checksum"), "a broken database: checksum"),
        (changed("descriptor", "configuration", "exclude", to=["/app/**"]), "what Grype was told not to see"),
        (changed("descriptor", "configuration", "vex-documents", to=["x.json"]), "what Grype was told not to see"),
        (
            changed("descriptor", "configuration", "ignore", to=[{"vulnerability": "CVE-2031-40003"}]),
            "what Grype was told not to see; ignores belong in deploy/scan/ignores.yaml",
        ),
    ],
)
def test_a_report_that_cannot_be_read_or_is_not_the_right_one_refuses(
    desk: Desk, make: Callable[[], object], says: str
) -> None:
    desk.put(make())
    assert says in desk.refused()


def test_a_report_that_is_not_there_is_bad_input(desk: Desk) -> None:
    assert "cannot be read" in desk.refused(status=2)
    desk.report.write_bytes(b"\xff\xfe{}")
    assert "is no text" in desk.refused()


def test_the_report_of_another_image_refuses(desk: Desk) -> None:
    desk.put(about(recorded("grype-clean"), OTHER))
    assert f"is about {OTHER}, not about {DIGEST}" in desk.refused("--digest", DIGEST)
    assert desk.run("--digest", OTHER)[0] == 0
    assert "is no digest" in desk.refused("--digest", "sha256:7c", status=2)


def test_what_was_asked_for_is_not_what_was_looked_at(desk: Desk) -> None:
    """`userInput` is only what somebody typed: it proves nothing."""
    whole = about(recorded("grype-clean"), OTHER)
    whole["source"]["target"]["userInput"] = f"registry.example.org/financetracker@{DIGEST}"
    desk.put(whole)
    assert "not about" in desk.refused("--digest", DIGEST)


def test_a_database_of_five_days_is_the_oldest(desk: Desk) -> None:
    desk.put(recorded("grype-clean", age=timedelta(days=4, hours=23)))
    assert desk.run()[0] == 0
    desk.put(recorded("grype-clean", age=timedelta(days=5, minutes=1)))
    assert "5 days old" in desk.refused()


def test_the_form_of_an_older_grype_is_read_too(desk: Desk) -> None:
    whole = recorded("grype-clean")
    whole["descriptor"]["db"] = {"built": moment(timedelta(days=1)), "schemaVersion": 5, "error": None}
    desk.put(whole)
    assert desk.run()[0] == 0
    whole["descriptor"]["db"]["error"] = "no database"
    desk.put(whole)
    assert "broken database" in desk.refused()


# --- Ignores


def test_an_ignore_lets_one_finding_in_one_package_wait(desk: Desk) -> None:
    whole = grade("High")
    desk.put(whole)
    known, package = whole["matches"][0]["vulnerability"]["id"], whole["matches"][0]["artifact"]["name"]
    desk.ignore(waits(known, package))
    status, out, _ = desk.run()
    assert status == 0
    assert out.splitlines()[0].startswith(f"ignored: {known} (High) in {package}")
    desk.ignore(waits(known, "another"))
    status, out, _ = desk.run()
    assert status == 1
    assert f"The ignore of {known} in another, until" in out
    desk.ignore(waits("CVE-1999-1", package))
    assert desk.run()[0] == 1


def test_an_ignore_may_name_an_alias(desk: Desk) -> None:
    whole = recorded("grype-grave")
    whole["matches"] = [match for match in whole["matches"] if match["artifact"]["name"] == "django"]
    desk.put(whole)
    desk.ignore(waits("CVE-2031-40004", "Django"))
    assert desk.run()[0] == 0


def test_an_ignore_holds_to_the_end_of_its_last_day_and_is_named_after_it(desk: Desk) -> None:
    whole = grade("High")
    known, package = whole["matches"][0]["vulnerability"]["id"], whole["matches"][0]["artifact"]["name"]
    desk.put(whole)
    desk.ignore(waits(known, package, days=0))
    assert desk.run()[0] == 0
    desk.ignore(waits(known, package, days=-1))
    status, out, _ = desk.run()
    assert status == 1
    yesterday = TODAY - timedelta(days=1)
    assert f"The ignore of {known} in {package}, until {yesterday} has expired: remove it, or decide anew." in out


def test_an_ignore_that_nothing_needs_is_named_and_keeps_nothing_back(desk: Desk) -> None:
    desk.put(recorded("grype-clean"))
    desk.ignore(waits("CVE-1999-1", "libc6"), waits("CVE-2031-40002", "util-linux"))
    status, out, _ = desk.run()
    assert status == 0
    assert out.count("is not needed any more: remove it.") == 2


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"id": "CVE-1", "package": "a", "until": TODAY}, "expected id, package, reason and until"),
        (waits("CVE-1", "a", reason="''"), "image 1: reason is empty"),
        (waits("CVE-1", "a", reason="[]"), "image 1: reason is empty or no text"),
        ({"id": "CVE-1", "package": "a", "reason": "later"}, "expected id, package, reason and until"),
        (waits("CVE-1", "a", until="never"), "until is no day"),
        (waits("CVE-1", "a", until="2031-02-30"), "no YAML that can be trusted"),
        (waits("CVE-1", "a", until="'2031-02-03'"), "until is no day"),
        (waits("CVE-1", "a", until="2031-02-03 10:00:00"), "until is no day"),
        (waits("CVE-1", "a", days=91), "is 91 days ahead, at most 90"),
        (waits("CVE-1", "a", who="me"), "and nothing else"),
        (waits("", "a"), "id is empty"),
        (waits("CVE-1", "null"), "package is empty"),
    ],
)
def test_ignores_that_break_the_rules_are_bad_input(desk: Desk, entry: dict[str, Any], says: str) -> None:
    desk.put(recorded("grype-clean"))
    desk.ignore(entry)
    assert says in desk.refused(status=2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must hold the lists image and dependencies"),
        ("image: []\n", "must hold the lists image and dependencies"),
        ("image: []\ndependencies: {}\n", "dependencies is no list"),
        ("image: []\nimage: []\ndependencies: []\n", "a key stands twice"),
        ("image: [", "no YAML that can be trusted"),
        ("image: [!!python/object/apply:os.getcwd []]\ndependencies: []\n", "no YAML that can be trusted"),
    ],
)
def test_a_file_of_ignores_that_cannot_be_trusted_is_bad_input(desk: Desk, text: str, says: str) -> None:
    desk.put(recorded("grype-clean"))
    desk.ignores.write_text(text)
    assert says in desk.refused(status=2)


def test_two_entries_for_one_finding_are_bad_input(desk: Desk) -> None:
    desk.put(recorded("grype-clean"))
    desk.ignore(waits("CVE-1", "a"), waits("CVE-1", "a", days=60))
    assert "stands there twice" in desk.refused(status=2)
    desk.ignores.unlink()
    assert "cannot be read" in desk.refused("--ignores", str(desk.ignores), status=2)


def test_our_own_file_of_ignores_is_in_order(desk: Desk, project: Path) -> None:
    """It breaks no rule today; nothing in it has expired."""
    desk.put(recorded("grype-clean"))
    desk.ignores = project / "deploy/scan/ignores.yaml"
    status, out, _ = desk.run()
    assert status == 0
    assert "has expired" not in out


def test_it_runs_alone_from_another_folder(tmp_path: Path, project: Path) -> None:
    report = tmp_path / "grype.json"
    report.write_text(json.dumps(copy.deepcopy(recorded("grype-grave"))))
    argv = [sys.executable, str(project / "deploy/release"), "scan", str(report)]
    done = subprocess.run(argv, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("refused: "), done.stderr) == (1, 4, "")


def test_the_recorded_reports_are_as_old_as_they_say() -> None:
    """Without the helper that makes them today's, the gate refuses them: their database is of 2026."""
    whole = json.loads((REPORTS / "grype-clean.json").read_text())
    assert whole["descriptor"]["db"]["status"]["built"].startswith("2026-11-22")
