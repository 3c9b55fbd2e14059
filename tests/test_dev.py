"""dev.py on machines that are not as they should be: each fault is one sentence, and the next run repairs it."""

import ast
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import dev

ROOT = Path(dev.__file__).resolve().parent

# --- What it is made of


def test_it_runs_on_old_pythons_with_nothing_installed() -> None:
    tree = ast.parse((ROOT / "dev.py").read_text(), feature_version=(3, 9))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_help_names_every_command() -> None:
    assert set(re.findall(r"python3 dev.py (\w+)", str(dev.__doc__))) == set(dev.COMMANDS)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_pins_carry_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    pins = re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)
    assert len(pins) > 10
    assert all("--hash=sha256:" in re.split(r"\n(?=[a-z])", text.split(f"{pin}==", 1)[1])[0] for pin in pins)
    assert "://" not in text
    assert "--find-links" not in text


def test_one_package_can_be_taken_from_the_pins() -> None:
    lines = dev.pins_of("uv").splitlines()
    assert lines[0].startswith("uv==")
    assert all(line.startswith(" ") for line in lines[1:])
    assert sum("--hash=" in line for line in lines) >= 2


# --- The command line, as a process


@pytest.fixture
def clone() -> Iterator[Path]:
    """A folder that others may enter, with dev.py and the pins in it; pytest's own are closed to the server."""
    folder = Path(tempfile.mkdtemp(prefix="ft-test-"))
    folder.chmod(0o755)
    for name in ("dev.py", "requirements-dev.txt"):
        shutil.copy(ROOT / name, folder)
    yield folder
    shutil.rmtree(folder)


def run(clone: Path, command: str, *, before: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Runs dev.py in a clone, after `before` changed a constant of it."""
    code = f"import sys, dev\n{before}\nsys.exit(dev.main({command.split()!r}))"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "PYTHON"))}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=clone, env={**kept, **env}, capture_output=True, text=True, check=False
    )


def only_line(done: subprocess.CompletedProcess[str], status: int = 1) -> str:
    """The one sentence that dev.py ended with."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("dev.py: ")
    return lines[0].removeprefix("dev.py: ")


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("", "use one of its commands: demo, test, "),
        ("dmeo", "use one of its commands: demo, test, "),
        ("demo --port 99999", "--port 99999 is no port: use a number from 1 to 65535."),
        ("demo --port 0", "--port 0 is no port"),
        ("demo --port x", "--port x is no port"),
    ],
)
def test_wrong_words_are_named(command: str, sentence: str, clone: Path) -> None:
    assert only_line(run(clone, command), status=2).startswith(sentence)


def test_no_interpreter_says_how_to_get_one(clone: Path) -> None:
    done = run(clone, "demo", before="dev.VERSIONS = ('3.99',)")
    line = only_line(done)
    assert line.startswith("Python 3.12, 3.13 or 3.14 is needed and was not found (found: ")
    assert "uv python install 3.13" in line
    assert not (clone / ".venv").exists()


def test_a_full_disk_is_seen_before_anything_is_made(clone: Path) -> None:
    line = only_line(run(clone, "test", before="dev.VENV_MB = 10**9"))
    assert re.match(r"The environment needs 1000000000 MB, and the disk of \S+ has \d+ MB left: make room\.", line)
    assert not (clone / ".venv").exists()


def test_a_folder_that_cannot_be_written_is_named(clone: Path) -> None:
    (clone / "var").write_text("in the way")
    assert only_line(run(clone, "test")) == f"{clone}/var: File exists: correct that and run this again."


@pytest.mark.parametrize(
    ("addresses", "sentence"),
    [
        (
            {"DATABASE_URL": "postgresql://a:Wl6rQp0v@127.0.0.1:1/x"},
            "DATABASE_OWNER_URL is not set but its twin is",
        ),
        (
            {
                "DATABASE_URL": "postgresql://a:Wl6rQp0v@127.0.0.1:1/x",
                "DATABASE_OWNER_URL": "postgresql://b:Wl6rQp0v@127.0.0.1:1/x",
            },
            'The database of DATABASE_URL cannot be used: connection failed: connection to server at "127.0.0.1", '
            "port 1 failed: Connection refused: start the database or correct the address.",
        ),
        (
            {"DATABASE_URL": "mysql:Wl6rQp0v", "DATABASE_OWNER_URL": "mysql:Wl6rQp0v"},
            "The database of DATABASE_URL cannot be used: it is not of the form postgresql://",
        ),
        (
            {"DATABASE_URL_FILE": "/nowhere", "DATABASE_OWNER_URL_FILE": "/nowhere"},
            "DATABASE_URL_FILE: /nowhere cannot be read (No such file or directory): correct the path.",
        ),
    ],
    ids=["one of two", "refused", "no address", "no file"],
)
def test_an_unusable_database_is_named(addresses: dict[str, str], sentence: str, clone: Path) -> None:
    (clone / ".venv").symlink_to(dev.VENV)
    line = only_line(run(clone, "manage check", **addresses))
    assert line.startswith(sentence)
    assert "Wl6rQp0v" not in line


def test_a_taken_port_is_named_with_a_free_one(clone: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = only_line(run(clone, f"demo --port {port}"))
    free = re.fullmatch(
        rf"Port {port} is taken by another program: choose another, as with `python3 dev.py demo --port (\d+)`\.",
        line,
    )
    assert free
    assert int(free[1]) != port


def test_stop_with_nothing_to_stop(clone: Path) -> None:
    done = run(clone, "stop")
    assert (done.returncode, done.stderr) == (0, "Nothing was running.\n")


# --- Interpreters


def fake(path: Path, *lines: str, status: int = 0) -> str:
    """A program that answers dev.py's question about an interpreter as it is told."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines) + f"exit {status}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose python3 is old and whose python3.99 on the PATH is a shim that lies."""
    monkeypatch.setattr(dev, "VERSIONS", ("3.99",))
    monkeypatch.setattr(sys, "executable", fake(tmp_path / "bin" / "python3", "3 9 /old", "whole"))
    fake(tmp_path / "bin" / "python3.99", "command not found", status=127)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    "place",
    [
        ".pyenv/versions/3.99.1/bin/python3",
        ".asdf/installs/python/3.99.1/bin/python3",
        ".local/share/mise/installs/python/3.99.1/bin/python3",
        ".local/share/uv/python/cpython-3.99.1-linux/bin/python3",
        ".local/bin/python3.99",
    ],
)
def test_an_interpreter_is_found_behind_a_lying_shim(place: str, machine: Path) -> None:
    fake(machine / place, "3 99 /real/python", "whole")
    assert dev.find_interpreter() == ("3.99", "/real/python")


def test_the_callers_choice_comes_first(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(machine / ".pyenv/versions/3.99.1/bin/python3", "3 99 /real/python", "whole")
    monkeypatch.setenv("PYTHON", fake(machine / "mine", "3 99 /mine", "whole"))
    assert dev.find_interpreter() == ("3.99", "/mine")


def test_an_interpreter_without_venv_is_explained(machine: Path) -> None:
    found = fake(machine / ".pyenv/versions/3.99.1/bin/python3", "3 99 /real/python")
    with pytest.raises(dev.Stop, match=rf"{found} is Python 3.99 without .* apt-get install python3.99-venv"):
        dev.find_interpreter()


def test_the_interpreter_of_this_run_is_whole() -> None:
    version, path, whole = dev.probe(sys.executable)
    assert (version, whole) == (f"{sys.version_info.major}.{sys.version_info.minor}", True)
    assert Path(path).exists()


# --- What programs say, and what processes are


@pytest.mark.parametrize(
    ("said", "telling"),
    [
        ("", "it said nothing"),
        ("Collecting x\nERROR: No matching distribution\nWARNING: pip is old", "ERROR: No matching distribution"),
        ("a\n  OSError: No space left on device\nERROR: rolled back", "OSError: No space left on device"),
        ("LOG: x\nFATAL:  role is gone\nLOG: y", "FATAL:  role is gone"),
        ("one\ntwo\n\n", "two"),
    ],
)  # fmt: skip
def test_the_telling_line_is_found(said: str, telling: str) -> None:
    assert dev.reason(said) == telling


def test_a_full_disk_gets_its_own_cure() -> None:
    stopped = dev.failed("The packages could not be installed", "[Errno 28] No space left on device", "Try again.")
    assert str(stopped).startswith(
        "The packages could not be installed: [Errno 28] No space left on device. Make room on the disk of "
    )


def test_a_zombie_is_no_process_but_keeps_its_number() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert dev.process(child.pid) == ""
    assert dev.exists(child.pid)
    assert not dev.await_end(child.pid, 0)
    child.wait()
    assert dev.await_end(child.pid, 0)
    assert not dev.exists(child.pid)


def test_misleading_variables_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    found = dev.environment(ENVIRONMENT="test")
    assert found["ENVIRONMENT"] == "test"
    assert not {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"} & set(found)


def test_a_killed_run_is_waited_for_until_its_last_child_ends(clone: Path) -> None:
    pipe = clone / "pipe"
    os.mkfifo(pipe)
    lock = "with dev.Lock(dev.VAR / 'lock') as held: print('held', flush=True)"
    first = subprocess.Popen(
        [sys.executable, "-c", f"import dev\n{lock}; dev.run(['cat', {str(pipe)!r}], held)"],
        cwd=clone, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    with pipe.open("w"):  # opens when `cat` reads: now it runs, and ends when this is closed
        first.kill()
        first.wait()
        first.stdout.close()
        second = subprocess.Popen(
            [sys.executable, "-c", f"import dev\n{lock}"],
            cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert second.stderr is not None
        waiting = second.stderr.readline()
        assert f"waiting for another dev.py (process {first.pid})" in waiting
        assert second.poll() is None
    assert second.communicate(timeout=30)[0] == "held\n"


# --- The embedded server, damaged in every way it can be


@pytest.fixture(scope="module")
def server() -> Iterator[dev.Server]:
    """A server of its own with its data in /tmp; pytest's folders are closed to the user it runs as."""
    folder = Path(tempfile.mkdtemp(prefix="ft-test-"))
    folder.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dev, "VAR", folder)
        patch.setattr(dev, "LOG", folder / "setup.log")
        with dev.Lock(folder / "lock") as held:
            made = dev.Server(held)
            made.ensure()
            yield made
            made.stop()
            shutil.rmtree(made.socket, ignore_errors=True)
            shutil.rmtree(folder)


def ask(server: dev.Server, role: str, sql: str) -> str:
    """What a role answers in the project's database."""
    done = server.psql(role, "financetracker", sql)
    assert done.returncode == 0, done.stdout
    return str(done.stdout).strip()


def test_roles_have_the_rights_they_need_and_no_more(server: dev.Server) -> None:
    sql = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    assert ask(server, "ft_owner", sql) == "f|t|f|f"
    assert ask(server, "ft_app", sql) == "f|f|f|f"
    assert server.psql("ft_app", "financetracker", "CREATE TABLE t ()").returncode != 0
    assert (
        ask(
            server,
            "ft_owner",
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()",
        )
        == "ft_owner"
    )
    assert (
        ask(
            server,
            "ft_app",
            "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()",
        )
        == "b|C.UTF-8"
    )


def test_nobody_else_can_read_what_it_keeps(server: dev.Server) -> None:
    assert stat.S_IMODE((dev.VAR / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
    assert ask(server, "ft_app", "SHOW listen_addresses") == ""
    assert not list(dev.VAR.glob("*.password"))
    server.secrets["ft_app"], known = "wrong", server.secrets["ft_app"]
    assert "password authentication failed" in server.psql("ft_app", "financetracker", "SELECT 1").stdout
    server.secrets["ft_app"] = known


def kill(server: dev.Server) -> None:
    os.kill(server.pid(), signal.SIGKILL)


def clean_tmp(server: dev.Server) -> None:
    shutil.rmtree(server.socket)


def lose_secrets(server: dev.Server) -> None:
    (dev.VAR / "secrets.json").unlink()
    server.secrets = dev.own_secrets()


def give_its_number_away(server: dev.Server) -> None:
    """As after a reboot: postmaster.pid stays, and names a process that is somebody else's."""
    path = server.data / "postmaster.pid"
    text = path.read_text().replace(str(server.pid()), str(os.getpid()), 1)
    server.stop()
    path.write_text(text)
    if server.user:
        os.chown(path, server.user["user"], server.user["group"])
    path.chmod(0o600)


def leave_half_a_pid_file(server: dev.Server) -> None:
    server.stop()
    (server.data / "postmaster.pid").write_text("")


def lose_a_role(server: dev.Server) -> None:
    ask(server, "ft_owner", "REVOKE ALL ON DATABASE financetracker FROM ft_app; DROP OWNED BY ft_owner")
    assert server.psql("postgres", "postgres", "DROP ROLE ft_app").returncode == 0


def change_a_password(server: dev.Server) -> None:
    assert server.psql("postgres", "postgres", "ALTER ROLE ft_owner PASSWORD 'other'").returncode == 0


@pytest.mark.parametrize(
    "damage",
    [kill, clean_tmp, lose_secrets, give_its_number_away, leave_half_a_pid_file, lose_a_role, change_a_password],
)
def test_damage_is_repaired_and_nothing_committed_is_lost(
    damage: Callable[[dev.Server], None], server: dev.Server
) -> None:
    assert server.psql("postgres", "financetracker", "CREATE TABLE IF NOT EXISTS kept (id int)").returncode == 0
    before = int(
        server.psql("postgres", "financetracker", "INSERT INTO kept VALUES (1); SELECT count(*) FROM kept").stdout
    )
    damage(server)
    server.ensure()
    assert ask(server, "ft_app", "SELECT current_user") == "ft_app"
    assert ask(server, "ft_owner", "SELECT current_user") == "ft_owner"
    assert server.psql("postgres", "financetracker", "SELECT count(*) FROM kept").stdout == f"{before}\n"


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_half_made_data_are_made_again(running: bool, server: dev.Server) -> None:
    if not running:
        server.stop()
    (server.home / "pg.new").mkdir()
    shutil.rmtree(server.data)
    server.ensure()
    assert ask(server, "ft_app", "SELECT current_user") == "ft_app"
    assert not (server.home / "pg.new").exists()


def test_a_folder_that_somebody_else_made_is_refused(server: dev.Server) -> None:
    server.stop()
    shutil.rmtree(server.socket)
    server.socket.symlink_to(server.home)
    with pytest.raises(dev.Stop, match=f"{server.socket} belongs to another user: remove it and run this again"):
        server.ensure()
    server.socket.unlink()
    server.ensure()


def test_stopping_twice_is_harmless(server: dev.Server) -> None:
    assert server.stop()
    assert not server.stop()
    server.ensure()


def test_a_run_has_a_test_database_of_its_own_and_drops_those_of_dead_ones(server: dev.Server) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    for name in (f"test_ft_{dead.pid}", f"test_ft_{dead.pid}_gw1", f"test_ft_{os.getppid()}", "test_ft_notes"):
        ask(server, "ft_owner", f"CREATE DATABASE {name}")
    ground = dev.Ground()
    ground.server = server
    assert dev.test_environment(ground)["FT_TEST_DATABASE"] == f"test_ft_{os.getpid()}"
    left = ask(server, "ft_owner", "SELECT datname FROM pg_database WHERE datname LIKE 'test%' ORDER BY 1").split()
    assert left == sorted([f"test_ft_{os.getppid()}", "test_ft_notes"])
