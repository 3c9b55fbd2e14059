"""A backup brings everything back, or nothing: the restore drill, with faults planted.

Two households with a bit of everything are saved once. Each restore goes, as a program, into an empty database
of its own; after a refusal that database is empty still.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections

from financetracker.ledger import journal
from financetracker.ledger.fingerprint import fingerprints, total
from financetracker.ledger.models import Transaction
from tests.ledger.kept import Books, days, kept, look
from tests.site.keeping import (
    ADDRESS,
    ROOT,
    address,
    holds_anything,
    manage,
    manifest_of,
    new_database,
    refusal,
    run,
    sealed_anew,
    session,
    started,
    suites_database,
)

__all__ = ["kept"]  # the fixture

NOT_KEPT = "could not be restored"


@pytest.fixture(scope="module")
def backup(kept: Books, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both households in a file, with somebody logged in."""
    path = tmp_path_factory.mktemp("backup") / "books.backup"
    run(
        "ft_owner",
        suites_database(),
        "INSERT INTO django_session VALUES ('live-cookie', 'x', now() + interval '1 day')",
    )
    done = manage(suites_database(), "backup", str(path))
    run("ft_owner", suites_database(), "DELETE FROM django_session")
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("The books agree.\n")
    return path


@pytest.fixture
def empty() -> Iterator[str]:
    with new_database("restored") as name:
        yield name


def fingerprint_of(database: str) -> list[str]:
    done = manage(database, "verify_ledger", "--fingerprint", "--database", "owner")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


# --- What a backup is


def test_it_is_for_its_owner_alone_and_opens_no_session(backup: Path, tmp_path: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    subprocess.run(["tar", "xf", backup], cwd=tmp_path, check=True)
    said = subprocess.run(
        ["pg_restore", "-f", "-", tmp_path / "database.dump"], capture_output=True, text=True, check=True
    ).stdout
    assert "COPY public.ledger_posting " in said
    assert "COPY public.django_session" not in said
    assert "live-cookie" not in said
    assert not re.search(r"(?m)^COPY public\.site_cache", said)


def test_the_manifest_tells_what_is_needed(backup: Path, kept: Books) -> None:
    manifest = manifest_of(backup)
    prints = total(fingerprints(look()))
    assert manifest["fingerprint"]["total"] == {"books": prints.books, "history": prints.history}
    assert manifest["tables"]["ledger_transaction"]["rows"] == Transaction.objects.using("owner").count()
    assert {"ft_app", "ft_owner"} <= {role["name"] for role in manifest["roles"]}
    assert manifest["verdict"] == "clean"
    assert "ledger.0001_initial" in manifest["migrations"]


def test_no_password_stands_in_an_argument(backup: Path, tmp_path: Path) -> None:
    """A pg_dump that tells how it was called."""
    spy = tmp_path / "pg_dump"
    spy.write_text(f'#!/bin/sh\necho "$0 $*" >> {tmp_path}/called\nexec {shutil.which("pg_dump")} "$@"\n')
    spy.chmod(0o755)
    done = manage(
        suites_database(), "backup", str(tmp_path / "b"), PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    )
    assert done.returncode == 0, done.stderr
    called = (tmp_path / "called").read_text()
    assert "--snapshot=" in called
    password = re.search(r"://[^:]+:([^@]*)@", address("ft_owner", "x"))
    assert password is None or password[1] not in called


def test_a_folder_keeps_the_newest(kept: Books, tmp_path: Path) -> None:
    for name in ("2020-01-01T000000Z", "2021-01-01T000000Z"):
        (tmp_path / f"books-{name}.backup").write_text("old")
    (tmp_path / "books-2022-01-01T000000Z.backup.part").write_text("of a killed run")
    (tmp_path / "before-migrate-2020-01-01T000000Z.backup").write_text("another kind")
    done = manage(suites_database(), "backup", "--into", str(tmp_path), "--keep", "2")
    assert done.returncode == 0, done.stderr
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left[:2] == ["before-migrate-2020-01-01T000000Z.backup", "books-2021-01-01T000000Z.backup"]
    assert len(left) == 3
    assert manifest_of(tmp_path / left[2])["verdict"] == "clean"


# --- There and back


RIGHTS = """
SELECT c.relname || coalesce('.' || a.attname, ''), x.grantee::regrole::text, x.privilege_type
  FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
 CROSS JOIN LATERAL aclexplode(coalesce(a.attacl, c.relacl)) x WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT p.oid::regprocedure::text, x.grantee::regrole::text, x.privilege_type
  FROM pg_proc p CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
 WHERE p.pronamespace = 'public'::regnamespace
UNION ALL SELECT 'default ' || d.defaclobjtype::text, x.grantee::regrole::text, x.privilege_type
  FROM pg_default_acl d CROSS JOIN LATERAL aclexplode(d.defaclacl) x
UNION ALL SELECT relname, relowner::regrole::text, 'owner' FROM pg_class
 WHERE relnamespace = 'public'::regnamespace
ORDER BY 1, 2, 3
"""


def test_everything_is_there_again_and_bound_by_the_same_rules(backup: Path, kept: Books, empty: str) -> None:
    done = manage(empty, "restore", str(backup))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.startswith(f"Restored {suites_database()} of ")
    prints = manifest_of(backup)["fingerprint"]["total"]
    assert fingerprint_of(empty)[-2:] == [f"total books {prints['books']}", f"total history {prints['history']}"]
    before, after = (run("ft_owner", name, RIGHTS) for name in (suites_database(), empty))
    assert after == before
    assert any(right[1] == "ft_app" for right in after)
    with session("ft_app", empty) as app, app.transaction():
        with pytest.raises(psycopg.Error, match="no book is chosen"), app.transaction():
            app.execute("SELECT * FROM ledger_posting")
        at = kept.at
        app.execute("SELECT enter_book(%s, %s, 'test')", [at["owner"], at["book"]])
        seen = app.execute("SELECT DISTINCT book_id FROM ledger_posting").fetchall()
        assert seen == [(at["book"],)]
        # Not one leg: the sums are checked when the legs are written.
        leg = (
            "INSERT INTO ledger_posting (book_id, transaction_id, position, date, voided, account_id, amount,"
            " commodity_id, weight, weight_commodity_id, state, memo, metadata) SELECT book_id, transaction_id,"
            " 9, date, voided, account_id, %s, commodity_id, %s, weight_commodity_id, state, '', '{}'"
            " FROM ledger_posting WHERE id = %s"
        )
        with pytest.raises(psycopg.errors.CheckViolation, match="off by"), app.transaction():
            app.execute(leg, [1, 1, at["plain0"]])
        # The control: two that add up. Their ids go on where the saved ones ended.
        highest = run("ft_owner", empty, "SELECT max(id) FROM ledger_posting")[0][0]
        pair = leg.replace("9, date", "position + 20, date").replace("WHERE id = %s", "WHERE transaction_id = %s")
        added = app.execute(
            f"{pair} RETURNING id".replace("%s, commodity_id, %s", "amount, commodity_id, weight"), [at["plain"]]
        ).fetchall()
        assert min(added)[0] > highest
    assert manage(empty, "verify_ledger", "--database", "owner").returncode in (0, 1)


def test_through_a_pipe(backup: Path, kept: Books, empty: str) -> None:
    """As with kubectl exec: out of one database, into another, and no file between them."""
    with (backup.parent / "piped").open("w+b") as file:
        env = {**os.environ, "DATABASE_OWNER_URL": address("ft_owner", suites_database()),
               "DATABASE_URL": address("ft_app", suites_database())}  # fmt: skip
        saved = subprocess.run(
            [sys.executable, "manage.py", "backup", "-"], cwd=ROOT, env=env, stdout=file, check=False,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        assert saved.returncode == 0, saved.stderr
        file.seek(0)
        done = manage(empty, "restore", "-", stdin=file)
    assert done.returncode == 0, done.stderr
    assert fingerprint_of(empty) == fingerprint_of(suites_database())


def test_saved_while_people_write_it_is_exact(kept: Books, empty: str, tmp_path: Path) -> None:
    path = tmp_path / "busy.backup"
    wrote, enough, posted = threading.Event(), threading.Event(), []

    def write() -> None:
        try:
            while not enough.is_set():
                with kept.home.scope():
                    posted.append(kept.home.post("Food 1", "Cash -1", date=days(30)).pk)
                wrote.set()
        finally:
            connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    assert wrote.wait(30)
    before = len(posted)
    done = manage(suites_database(), "backup", str(path))
    after = len(posted)
    enough.set()
    writer.join()
    assert done.returncode == 0, done.stderr
    assert after > before, "nobody wrote: nothing was shown"
    with kept.home.scope():
        for transaction in Transaction.objects.filter(pk__in=posted):
            journal.void(transaction, version=1)
    done = manage(empty, "restore", str(path))
    assert done.returncode == 0, done.stderr
    prints = manifest_of(path)["fingerprint"]["total"]
    assert fingerprint_of(empty)[-2:] == [f"total books {prints['books']}", f"total history {prints['history']}"]


def test_books_that_disagree_are_saved_and_said(backup: Path, empty: str, tmp_path: Path) -> None:
    assert manage(empty, "restore", str(backup)).returncode == 0
    run(
        "ft_owner",
        empty,
        "ALTER TABLE ledger_posting DISABLE TRIGGER USER; UPDATE ledger_posting SET memo = 'forged' WHERE id ="
        " (SELECT min(id) FROM ledger_posting); ALTER TABLE ledger_posting ENABLE TRIGGER USER",
    )
    saved = manage(empty, "backup", str(tmp_path / "b"))
    assert saved.returncode == 3
    assert "history_tells_the_rows: ledger_posting" in saved.stderr
    assert saved.stderr.endswith(
        "THE BOOKS DISAGREE: 1 findings. They were saved as they are; run verify_ledger.\n"
    )
    for n in range(3):
        (tmp_path / f"books-202{n}-01-01T000000Z.backup").write_text("old, and good for all we know")
    assert manage(empty, "backup", "--into", str(tmp_path), "--keep", "1").returncode == 3
    assert len(list(tmp_path.glob("books-*"))) == 4
    with new_database("again") as other:
        done = manage(other, "restore", str(tmp_path / "b"))
        assert done.returncode == 3, done.stderr
        assert "When it was saved the books were disagree: 1 findings" in done.stderr
        assert run("ft_owner", other, "SELECT count(*) FROM ledger_posting WHERE memo = 'forged'") == [(1,)]


def test_an_older_schema_is_compared_and_then_migrated(backup: Path, empty: str, tmp_path: Path) -> None:
    assert manage(empty, "restore", str(backup)).returncode == 0
    assert manage(empty, "migrate", "accounts", "0002", "-v0").returncode == 0
    saved = manage(empty, "backup", str(tmp_path / "b"))
    assert saved.returncode == 4
    assert (
        saved.stderr.strip()
        .splitlines()[-1]
        .startswith("THE BOOKS WERE NOT CHECKED: 2 migrations are not applied, the first is accounts.0003")
    )
    with new_database("again") as other:
        done = manage(other, "restore", str(tmp_path / "b"))
        assert done.returncode == 0, done.stderr
        assert "It was of an older schema: every table was compared, and then migrated." in done.stderr
        prints = manifest_of(backup)["fingerprint"]["total"]
        assert f"total books {prints['books']}" in done.stderr
    changed = dict(manifest_of(tmp_path / "b")["tables"], users_user={"rows": 3, "digest": "1"})
    with new_database("again") as other:
        done = manage(other, "restore", str(sealed_anew(tmp_path / "b", tmp_path / "c", tables=changed)))
        assert "users_user has " in refusal(done)
        assert not holds_anything(other)


# --- Refused before anything is made


def damaged(backup: Path, target: Path, fault: str) -> Path:
    data = bytearray(backup.read_bytes())
    if fault == "cut in half":
        data = data[: len(data) // 2]
    elif fault == "a byte":
        data[len(data) // 2] ^= 1
    elif fault == "text":
        data = bytearray(b"CREATE TABLE t ();\n")
    target.write_bytes(data)
    return target


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("cut in half", "The file ends too early, or is damaged in the middle: it was cut short."),
        ("a byte", "database.dump is not what was saved: its SHA-256 differs. The file was damaged or changed."),
        ("text", "The file is no backup of ours, or its beginning is damaged."),
    ],
)
def test_a_damaged_file_is_refused(fault: str, sentence: str, backup: Path, empty: str, tmp_path: Path) -> None:
    path = damaged(backup, tmp_path / "b", fault)
    assert refusal(manage(empty, "restore", str(path))) == f"{path} cannot be restored: {sentence}"
    assert refusal(manage(empty, "restore", "--check", str(path))) == f"{path} cannot be restored: {sentence}"
    assert not holds_anything(empty)


def test_a_folder_is_checked_file_by_file(backup: Path, tmp_path: Path) -> None:
    assert refusal(manage("x", "restore", "--check", str(tmp_path))) == f"{tmp_path} holds no file *.backup."
    for name in ("a", "c"):
        shutil.copy(backup, tmp_path / f"{name}.backup")
    assert manage("x", "restore", "--check", str(tmp_path)).returncode == 0
    damaged(backup, tmp_path / "b.backup", "a byte")
    done = manage("x", "restore", "--check", str(tmp_path))
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert [f"{tmp_path}/{name}.backup is whole" in line for name, line in zip("ac", lines, strict=False)] == [
        True
    ] * 2
    assert lines[2].startswith(f"CommandError: {tmp_path}/b.backup cannot be restored: database.dump is not what")


def test_a_whole_file_is_found_whole_without_a_database(backup: Path) -> None:
    done = manage("no_such_database", "restore", "--check", str(backup))
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"{backup} is whole: it holds {suites_database()} of ")
    assert refusal(manage("x", "restore", "/nowhere")) == "/nowhere cannot be read: No such file or directory."


NEITHER = {"createdb": False, "createrole": False}
SEALED: dict[str, tuple[dict[str, Any], str]] = {
    "another format": ({"format": 9}, "It is of format 9, and this program reads format 1: use the revision"),
    "a newer schema": (
        {"migrations": ["ledger.0001_initial", "ledger.9000_more"], "revision": "abc1234"},
        "Its schema is newer than this program: it has ledger.9000_more. Use the revision that made it (abc1234),",
    ),
    "a newer server": ({"server_major": 99}, "The backup is of PostgreSQL 99 and this server is "),
    "a newer pg_dump": ({"pg_dump": "99.1"}, "and 99 or newer is needed: put one first on the PATH."),
    "another owner": (
        {"owner": "somebody"},
        "The backup's tables belong to somebody, and DATABASE_OWNER_URL names ft_owner: restore as somebody.",
    ),
    "a missing role": (
        {"roles": [{"name": "ft_reader", **dict.fromkeys(("canlogin", "bypassrls"), True), **NEITHER}]},
        "The backup gives rights to ft_reader, and this server has no such role: as its superuser run"
        " CREATE ROLE ft_reader LOGIN PASSWORD '…' BYPASSRLS;",
    ),
    "another fingerprint": (
        {"fingerprint": {"total": {"books": "v1:0", "history": "v1:0"}, "books": {}}},
        "The restored books have another fingerprint than the saved ones. It was undone.",
    ),
    "other rows": (
        {"tables": {"ledger_payee": {"rows": 4711, "digest": "0"}}},
        "What was restored is not what was saved: ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SEALED)
def test_what_cannot_be_restored_is_refused(case: str, backup: Path, empty: str, tmp_path: Path) -> None:
    changes, sentence = SEALED[case]
    path = sealed_anew(backup, tmp_path / "b", **changes)
    assert sentence in refusal(manage(empty, "restore", str(path)))
    assert not holds_anything(empty)
    # The control: sealed anew without a change it is restored.
    assert manage(empty, "restore", "--check", str(sealed_anew(backup, tmp_path / "b"))).returncode == 0


@pytest.mark.parametrize(
    "there", ["TABLE precious (id int)", "TYPE mood AS ENUM ('good')", "SEQUENCE precious",
              "FUNCTION precious() RETURNS int LANGUAGE sql AS 'SELECT 1'"],
)  # fmt: skip
def test_a_database_that_is_not_empty_is_left_alone(there: str, backup: Path, empty: str) -> None:
    run("ft_owner", empty, f"CREATE {there}")
    line = refusal(manage(empty, "restore", str(backup)))
    kind, name, *_rest = there.replace("(", " ").split()
    assert line == (
        f"The database {empty} is not empty: it has {kind.lower()} {name}. Restore into an empty database;"
        " nothing was changed."
    )
    assert run("ft_owner", empty, "SELECT count(*) FROM pg_class WHERE relname = 'ledger_posting'") == [(0,)]


# --- Half a restore


def pretend(tmp_path: Path, name: str, *lines: str) -> str:
    """A PATH on which a program of ours stands before PostgreSQL's; `$REAL` runs that one."""
    program = tmp_path / "bin" / name
    program.parent.mkdir(exist_ok=True)
    real = shutil.which(name)
    first = f'#!/bin/bash\nREAL={real}\n[ "$1" = --version ] && exec $REAL --version\n'
    program.write_text(first + "\n".join(lines) + "\n")
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


HALVES = {
    "killed among the rows": (
        "$REAL \"$@\" | sed '/^COPY public.ledger_posting /{n;q}'; kill -9 $$",
        "The backup could not be restored: pg_restore ended in the middle. Nothing was changed.",
    ),
    "killed at the end": (
        '$REAL "$@"; kill -9 $$',
        "The backup could not be restored: pg_restore ended with -9. Nothing was changed.",
    ),
    "says what is wrong": (
        "$REAL \"$@\"; echo 'pg_restore: error: could not read from input file' >&2; exit 1",
        "The backup could not be restored: pg_restore: error: could not read from input file.",
    ),
    "a statement fails in the middle": (
        "$REAL \"$@\" | sed 's/^ALTER TABLE public.ledger_posting ENABLE ROW LEVEL.*/SELECT 1 \\/ 0;/'",
        "The backup could not be restored: division by zero. Nothing was changed.",
    ),
    "a row is lost": (
        "$REAL \"$@\" | sed '/^COPY public.ledger_payee /{n;d}'",
        "What was restored is not what was saved: ledger_payee has 3 rows and had 4. It was undone.",
    ),
    "a word is changed": (
        "$REAL \"$@\" | sed '/^COPY public.ledger_payee /,/^\\\\\\.$/s/Spar/Spat/'",
        "What was restored is not what was saved: ledger_payee says something else in its 4 rows. It was undone.",
    ),
    "a rule is lost": (
        "$REAL \"$@\" | sed '/^ALTER TABLE public.ledger_posting ENABLE ROW LEVEL/d'",
        "The saved books agreed and the restored ones do not: ",
    ),
}


@pytest.mark.parametrize("case", HALVES)
def test_half_a_restore_leaves_nothing(case: str, backup: Path, empty: str, tmp_path: Path) -> None:
    line, sentence = HALVES[case]
    said = refusal(manage(empty, "restore", str(backup), PATH=pretend(tmp_path, "pg_restore", line)))
    assert said.startswith(sentence)
    assert not holds_anything(empty)


def test_killed_ourselves_we_leave_nothing(backup: Path, empty: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    stop = f"$REAL \"$@\" | sed '/^COPY public.ledger_posting /q'; cat {tmp_path}/pipe"
    path = pretend(tmp_path, "pg_restore", stop)
    # The pipe opens when half of it is said.
    with started(empty, "restore", str(backup), PATH=path) as child, (tmp_path / "pipe").open("w"):
        child.kill()
        child.wait()
    with session("ft_owner", suites_database()) as connection:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        while connection.execute(others, [empty]).fetchone() != (0,):
            pass
    assert not holds_anything(empty)


# --- What else goes wrong around a backup


def test_a_backup_that_fails_leaves_no_file(kept: Books, tmp_path: Path) -> None:
    path = tmp_path / "out" / "b"
    path.parent.mkdir()
    lines = {
        "exec $REAL --no-such-option": "The database could not be saved: ",
        '$REAL "$@" | head -c 5000; kill -9 $$': "The database could not be saved: pg_dump ended with -9.",
    }
    for line, sentence in lines.items():
        done = manage(suites_database(), "backup", str(path), PATH=pretend(tmp_path, "pg_dump", line))
        assert refusal(done).startswith(sentence)
        assert list(path.parent.iterdir()) == []


def test_pg_dump_must_be_there_and_new_enough(kept: Books, tmp_path: Path) -> None:
    done = manage(suites_database(), "backup", str(tmp_path / "b"), PATH="/nowhere")
    assert re.fullmatch(
        r"pg_dump is not on the PATH: install PostgreSQL's client programs, \d+ or newer\.", refusal(done)
    )
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 14.1'\n")
    old.chmod(0o755)
    line = refusal(manage(suites_database(), "backup", str(tmp_path / "b"), PATH=str(tmp_path)))
    assert re.fullmatch(
        rf"{old} is of PostgreSQL 14, and \d+ or newer is needed: put one first on the PATH\.", line
    )
    assert not (tmp_path / "b").exists()


def test_an_unusable_database_is_named_without_its_password(kept: Books, tmp_path: Path) -> None:
    wrong = re.sub(r"://ft_owner(:[^@]*)?@", "://ft_owner:Wl6rQp0v@", address("ft_owner", suites_database()))
    away = "postgresql://ft_owner:Wl6rQp0v@127.0.0.1:1/away"
    cases = {
        away: "Connection refused",
        address("ft_owner", "no_such"): 'database "no_such" does not exist',
    }
    if "ft_owner:" in address("ft_owner", "x"):  # else the server asks for no password
        cases[wrong] = 'password authentication failed for user "ft_owner"'
    for command in (["backup", str(tmp_path / "b")], ["migrate"]):
        for owner, reason in cases.items():
            app = owner.replace("ft_owner", "ft_app")
            line = refusal(manage("x", *command, DATABASE_OWNER_URL=owner, DATABASE_URL=app))
            assert line.startswith("The database of DATABASE_OWNER_URL cannot be used: ")
            assert reason in line
            assert "Wl6rQp0v" not in line
    assert not (tmp_path / "b").exists()
    env = {**os.environ, "DATABASE_OWNER_URL": ""}
    done = subprocess.run(
        [sys.executable, "manage.py", "backup", "b"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "give its address in DATABASE_OWNER_URL" in refusal(done)


def test_an_empty_database_has_nothing_to_save(empty: str, tmp_path: Path) -> None:
    line = refusal(manage(empty, "backup", str(tmp_path / "b")))
    assert line == "This database holds no books: there is nothing to save before the first migrate."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("to", ["file", "folder", "stdout"])
def test_a_full_disk_leaves_no_file(to: str, kept: Books, tmp_path: Path) -> None:
    target = {"file": [str(tmp_path / "b")], "folder": ["--into", str(tmp_path)], "stdout": ["-"]}[to]
    code = (
        "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 15, 1 << 15))\n"
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'financetracker.settings')\n"
        "from django.core.management import execute_from_command_line as run; run(sys.argv)"
    )
    addresses = {ADDRESS[role]: address(role, suites_database()) for role in ("ft_app", "ft_owner")}
    env = {**os.environ, **addresses, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, "backup", *target],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.fullmatch(r"The backup could not be written to .+: File too large\.", refusal(done))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_replaced_and_words_are_checked(kept: Books, backup: Path, tmp_path: Path) -> None:
    line = refusal(manage(suites_database(), "backup", str(backup)))
    assert line == f"{backup} is there already: name another file, or say --force to replace it."
    line = refusal(manage(suites_database(), "backup", str(tmp_path / "no" / "b")))
    assert line == f"The backup could not be written to {tmp_path}/no/b: No such file or directory."
    for words in ([], ["b", "--into", "c"], ["--into", "c", "--keep", "0"]):
        assert manage(suites_database(), "backup", *words).returncode == 2
