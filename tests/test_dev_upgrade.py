"""The embedded server's data go to the next major version by themselves, wherever the last run was killed."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import dev

OLD = "16"


def env_of(server: dev.Server) -> dict[str, str]:
    return dev.environment(
        **dev.addresses(server), SECRET_KEY=server.secrets["secret_key"], ENVIRONMENT="development"
    )


def manage(server: dev.Server, *command: str) -> str:
    done = dev.run([dev.PYTHON, "manage.py", *command], env=env_of(server), cwd=dev.ROOT)
    assert done.returncode == 0, done.stdout
    return str(done.stdout)


def fingerprint(server: dev.Server) -> list[str]:
    return re.findall(r"^total .+", manage(server, "verify_ledger", "--fingerprint"), re.MULTILINE)


@pytest.fixture(scope="module")
def held() -> Iterator[dev.Lock]:
    """A `var` of its own in /tmp: pytest's folders are closed to the user whom the server runs as."""
    folder = Path(tempfile.mkdtemp(prefix="ft-test-"))
    folder.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dev, "VAR", folder)
        patch.setattr(dev, "LOG", dev.ROOT / "var" / "setup.log")
        for name in [name for name in os.environ if name.startswith(("DATABASE_", "FT_"))]:
            patch.delenv(name)
        with dev.Lock(folder / "lock") as held:
            yield held
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def old_data(held: dev.Lock) -> tuple[Path, list[str]]:
    """Data that PostgreSQL 16 made, with a demo household in them, and its fingerprint."""
    server = dev.Server(held)
    old = server.apart(server.programs()[OLD])
    new = old.home / "pg.new"
    new.mkdir(mode=0o700)
    if old.user:
        os.chown(new, old.user["user"], old.user["group"])
    done = old.program("initdb", "-D", new, "-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust", "-N")
    assert done.returncode == 0, done.stdout
    new.rename(old.data)
    old.ensure()
    manage(old, "migrate", "-v0")
    manage(old, "demo")
    before = fingerprint(old)
    dev.save_old(held, ground_of(server), old, old.home / "kept.backup")
    kept = old.home / "kept"
    old.data.rename(kept)
    return kept, before


@pytest.fixture
def server(held: dev.Lock, old_data: tuple[Path, list[str]]) -> Iterator[dev.Server]:
    """A clone that was just updated: its data are still the old ones."""
    server = dev.Server(held)
    place(old_data[0], server.data, server)
    yield server
    server.stop()
    shutil.rmtree(server.socket, ignore_errors=True)
    for path in (*server.home.glob("pg*"), *server.home.glob("upgrade-*")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def place(source: Path, target: Path, server: dev.Server) -> None:
    shutil.copytree(source, target)
    for path in [target, *target.rglob("*")]:
        if server.user:
            os.chown(path, server.user["user"], server.user["group"])


def ground_of(server: dev.Server) -> dev.Ground:
    ground = dev.Ground(dev.addresses(server), SECRET_KEY=server.secrets["secret_key"])
    ground["PATH"] = f"{server.bin}{os.pathsep}{os.environ['PATH']}"
    ground.server = server
    return ground


def half_saved(held: dev.Lock, server: dev.Server) -> None:
    """Killed while the backup was being written, with the old server running."""
    server.apart(server.programs()[OLD]).ensure()
    (server.home / f"upgrade-{OLD}.backup.part").write_text("half")


def moved(held: dev.Lock, server: dev.Server) -> None:
    """Killed when the old data were put aside."""
    shutil.copy(server.home / "kept.backup", server.home / f"upgrade-{OLD}.backup")
    server.data.rename(server.home / f"pg-{OLD}")


def made(held: dev.Lock, server: dev.Server) -> None:
    """Killed when the new data were there, and nothing in them."""
    moved(held, server)
    server.ensure()


def restored(held: dev.Lock, server: dev.Server) -> None:
    """Killed when all was done but the last line."""
    made(held, server)
    dev.keep_books(held, dev.environment(**ground_of(server)), "restore", server.home / f"upgrade-{OLD}.backup")


@pytest.mark.parametrize("killed", [half_saved, moved, made, restored])
def test_old_data_are_upgraded_wherever_the_last_run_was_killed(
    killed: Callable[[dev.Lock, dev.Server], None],
    held: dev.Lock,
    server: dev.Server,
    old_data: tuple[Path, list[str]],
) -> None:
    killed(held, server)
    ground = dev.set_up(held)
    assert server.made_by() == dev.MAJOR
    assert ground.server is not None
    assert fingerprint(ground.server) == old_data[1]
    assert (server.home / f"pg-{OLD}" / "PG_VERSION").read_text() == f"{OLD}\n"
    assert (server.home / f"pg-{OLD}.backup").exists()
    assert not list(server.home.glob("upgrade-*"))
    assert ground.server.psql("ft_auditor", "financetracker", "SELECT count(*) FROM ledger_posting").stdout > "1"
    # The control: the next run finds nothing to do.
    assert not dev.needs_upgrade(server)


def test_what_was_written_after_a_killed_upgrade_is_not_lost(
    held: dev.Lock, server: dev.Server, old_data: tuple[Path, list[str]]
) -> None:
    old = server.apart(server.programs()[OLD])
    dev.save_old(held, ground_of(server), old, server.home / f"upgrade-{OLD}.backup")
    old.ensure()
    assert old.psql("ft_owner", "financetracker", "UPDATE ledger_payee SET name = name || '!'").returncode == 0
    old.stop()
    ground = dev.set_up(held)
    assert ground.server is not None
    said = ground.server.psql("ft_owner", "financetracker", "SELECT bool_and(name LIKE '%!') FROM ledger_payee")
    assert said.stdout == "t\n"


def test_data_without_books_are_put_aside(held: dev.Lock, server: dev.Server) -> None:
    old = server.apart(server.programs()[OLD])
    old.ensure()
    assert old.psql("postgres", "postgres", "DROP DATABASE financetracker").returncode == 0
    old.stop()
    ground = dev.set_up(held)
    assert ground.server is not None
    assert not dev.holds_books(ground.server)
    assert (server.home / f"pg-{OLD}").exists()


def refused(held: dev.Lock) -> str:
    with pytest.raises(dev.Stop) as stopped:
        dev.set_up(held)
    return str(stopped.value)


@pytest.mark.parametrize("version", ["13", "19"])
def test_a_version_without_programs_is_explained(version: str, held: dev.Lock, server: dev.Server) -> None:
    (server.data / "PG_VERSION").write_text(f"{version}\n")
    line = refused(held)
    assert line.startswith(
        f"{server.data} was made by PostgreSQL {version}, and this revision has 16 and 18: check"
    )
    assert re.search(r"run `python3 dev\.py backup \S+`; then come back, move \S+/pg away and run `python3", line)
    assert not list(server.home.glob("upgrade-*"))


def test_old_data_in_the_way_are_not_overwritten(held: dev.Lock, server: dev.Server) -> None:
    (server.home / f"pg-{OLD}").mkdir()
    assert refused(held) == (
        f"{server.data} is of PostgreSQL {OLD} and would be moved to {server.home}/pg-{OLD}: move that away first."
    )
    assert server.made_by() == OLD


def test_a_damaged_backup_stops_the_upgrade_and_says_where_the_old_data_are(
    held: dev.Lock, server: dev.Server
) -> None:
    moved(held, server)
    backup = server.home / f"upgrade-{OLD}.backup"
    content = bytearray(backup.read_bytes())
    content[5000] ^= 1
    backup.write_bytes(content)
    line = refused(held)
    assert "database.dump is not what was saved: its SHA-256 differs" in line
    assert f"pg-{OLD}" in line
    assert backup.exists()
    assert server.made_by() == dev.MAJOR
