"""Wrong settings stop the start: each is named, all at once, with status 78 and without a secret in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PASSWORD = "Wl6rQp0vTzXn8sKd"
KEY = "x9Fv2LqT7mZr4KwYc1BnHs8GdPj3UaEo6RtXiVyNbMhQzWfCkSgDuJpL"
GOOD = {
    "SECRET_KEY": KEY,
    "ALLOWED_HOSTS": "books.example.org",
    "CSRF_TRUSTED_ORIGINS": "https://books.example.org",
    "DATABASE_URL": f"postgresql://ft_app:{PASSWORD}@db.example.org:5432/books?sslmode=verify-full",
    "DATABASE_OWNER_URL": f"postgresql://ft_owner:{PASSWORD}@db.example.org:5432/books?sslmode=verify-full",
}
FAULTS = [
    ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
    ({"SECRET_KEY": KEY[:49]}, "SECRET_KEY is short or well known"),
    ({"SECRET_KEY": "ab" * 40}, "SECRET_KEY is short or well known"),
    ({"SECRET_KEY": f"django-insecure-{KEY}"}, "SECRET_KEY is short or well known"),
    ({"SECRET_KEY_FALLBACKS": "changeme"}, "SECRET_KEY_FALLBACKS is short or well known"),
    ({"SECRET_KEY_FILE": "/nowhere/key"}, "SECRET_KEY and SECRET_KEY_FILE are both set"),
    ({"DEBUG": "1"}, "DEBUG is on"),
    ({"DEBUG": "maybe"}, "DEBUG is 'maybe': use 1 or 0"),
    ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is not set"),
    ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS: '*' stands for any host"),
    ({"ALLOWED_HOSTS": "books.example.org, .example.org"}, "ALLOWED_HOSTS: '.example.org' stands for any host"),
    ({"ALLOWED_HOSTS": "https://books.example.org"}, "ALLOWED_HOSTS: 'https://books.example.org' is an address"),
    (
        {"CSRF_TRUSTED_ORIGINS": "http://books.example.org"},
        "CSRF_TRUSTED_ORIGINS: 'http://books.example.org' is not",
    ),
    ({"CSRF_TRUSTED_ORIGINS": "https://*.example.org"}, "CSRF_TRUSTED_ORIGINS: 'https://*.example.org' is not"),
    ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
    ({"DATABASE_URL": f"mysql://ft_app:{PASSWORD}@localhost/books"}, "DATABASE_URL is not of the form"),
    ({"DATABASE_URL": f"postgresql://ft_app:{PASSWORD}@localhost:many/books"}, "DATABASE_URL is not of the form"),
    ({"DATABASE_URL": GOOD["DATABASE_OWNER_URL"]}, "DATABASE_URL uses the owner's role"),
    (
        {"DATABASE_URL": GOOD["DATABASE_URL"].replace("ft_app", "postgres")},
        "DATABASE_URL uses the superuser postgres",
    ),
    (
        {"DATABASE_URL": GOOD["DATABASE_URL"].replace(f"ft_app:{PASSWORD}@", "")},
        "DATABASE_URL names no user",
    ),
    (
        {"DATABASE_URL": GOOD["DATABASE_URL"].replace("verify-full", "prefer")},
        "DATABASE_URL: db.example.org is another machine",
    ),
    (
        {"DATABASE_OWNER_URL": GOOD["DATABASE_OWNER_URL"].split("?")[0]},
        "DATABASE_OWNER_URL: db.example.org is another machine",
    ),
    (
        {"DATABASE_OWNER_URL": GOOD["DATABASE_OWNER_URL"].replace("/books", "/others")},
        "DATABASE_URL and DATABASE_OWNER_URL name different databases",
    ),
    ({"ENVIRONMENT": "staging"}, "ENVIRONMENT is 'staging'"),
    ({"FT_PROXIES": "-1"}, "FT_PROXIES is '-1': use a whole number from 0 to 9"),
    ({"FT_STATEMENT_TIMEOUT": "１２"}, "FT_STATEMENT_TIMEOUT is '１２': use a whole number"),
    ({"FT_LOG_LEVEL": "LOUD"}, "FT_LOG_LEVEL is 'LOUD': use one of DEBUG, INFO, WARNING, ERROR"),
    ({"DATABASE_PASSWORD": PASSWORD}, "DATABASE_URL holds a password and DATABASE_PASSWORD is set too: keep one"),
    (
        {"DATABASE_OWNER_PASSWORD": PASSWORD},
        "DATABASE_OWNER_URL holds a password and DATABASE_OWNER_PASSWORD is set too",
    ),
    (
        {"DATABASE_OWNER_URL": "", "DATABASE_OWNER_PASSWORD": PASSWORD},
        "DATABASE_OWNER_PASSWORD is set without DATABASE_OWNER_URL: give both, or neither.",
    ),
    (
        {
            "DATABASE_URL": GOOD["DATABASE_URL"].replace(f":{PASSWORD}", ""),
            "DATABASE_PASSWORD_FILE": "/nowhere/word",
        },
        "DATABASE_PASSWORD_FILE: /nowhere/word cannot be read",
    ),
    ({"DATABASE_PASSWRD": PASSWORD}, "DATABASE_PASSWRD is not a setting: did you mean DATABASE_PASSWORD?"),
    ({"FT_METRICS_PORT": "8000"}, "FT_METRICS_PORT is 8000, where people are served"),
    ({"FT_METRICS_PORT": "http"}, "FT_METRICS_PORT is 'http': use a whole number from 0 to 65535"),
    ({"FT_BIND": "localhost"}, "FT_BIND is 'localhost': use an IP address"),
    ({"WEB_CONCURRENCY": "0"}, "WEB_CONCURRENCY is '0': use a whole number from 1 to 64"),
    (
        {"APP_IMAGE": "books:1@sha256:abc"},
        "APP_IMAGE is 'books:1@sha256:abc': use the form repository:tag@sha256:",
    ),
    ({"APP_REVISION": "main\nbranch"}, "APP_REVISION is 'main\\nbranch': use the form of a commit's name"),
    ({"FT_POOL": "3"}, "FT_POOL is not a setting"),
    ({"ALLOWED_HOST": "books.example.org"}, "ALLOWED_HOST is not a setting: did you mean ALLOWED_HOSTS?"),
    ({"DATABSE_URL": "x"}, "DATABSE_URL is not a setting: did you mean DATABASE_URL?"),
]


def start(*argv: str, project: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Starts one of our processes with good settings of production, `changes` made to them."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, *argv],
        cwd=project,
        env={**kept, "PYTHONPATH": str(project), **GOOD, **changes},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def settings(project: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    return start(
        "-c", "from financetracker import settings; print(settings.DATABASES)", project=project, **changes
    )


def problems(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of the list, after asserting all that holds for any list."""
    assert done.returncode == 78, done.stderr
    assert "Traceback" not in done.stderr
    assert PASSWORD not in done.stderr
    assert KEY[:20] not in done.stderr
    first, *lines = done.stderr.splitlines()
    assert first.startswith("financetracker cannot start (ENVIRONMENT=production): ")
    assert all(line.startswith("  ") for line in lines)
    return [line.strip() for line in lines]


def test_good_settings_start(project: Path) -> None:
    done = settings(project)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("changes", "line"), FAULTS, ids=[line for _, line in FAULTS])
def test_one_fault_is_one_line(changes: dict[str, str], line: str, project: Path) -> None:
    found = problems(settings(project, **changes))
    assert len(found) == 1, found
    assert found[0].startswith(line)


def test_all_faults_are_listed_at_once(project: Path) -> None:
    changes = {
        "SECRET_KEY": "short",
        "DEBUG": "yes",
        "ALLOWED_HOSTS": "*",
        "DATABASE_URL": "",
        "FT_PROXIES": "two",
    }
    done = settings(project, **changes)
    found = problems(done)
    assert [line.split()[0].rstrip(":") for line in found] == [
        "FT_PROXIES", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "DATABASE_URL",
    ]  # fmt: skip
    assert "5 settings are wrong" in done.stderr


@pytest.mark.parametrize(
    "argv",
    [("manage.py", "check"), ("-m", "gunicorn", "--bind", "127.0.0.1:0", "financetracker.wsgi")],
    ids=["manage.py", "gunicorn"],
)
def test_every_entrance_ends_with_78(argv: tuple[str, ...], project: Path) -> None:
    assert len(problems(start(*argv, project=project, SECRET_KEY="", DEBUG="on"))) == 2


def test_no_environment_means_production(project: Path) -> None:
    nothing = dict.fromkeys(GOOD, "")
    found = problems(settings(project, **nothing))
    assert [line.split()[0] for line in found] == ["SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL"]


def test_secrets_come_from_files(project: Path, tmp_path: Path) -> None:
    key, url = tmp_path / "key", tmp_path / "url"
    key.write_text(f"{KEY}\n")
    url.write_text(GOOD["DATABASE_URL"])
    done = settings(project, SECRET_KEY="", SECRET_KEY_FILE=str(key), DATABASE_URL="", DATABASE_URL_FILE=str(url))
    assert done.returncode == 0, done.stderr
    assert PASSWORD in done.stdout


@pytest.mark.parametrize("password", ["p@ss:w/rd?#%40&", "ünïcode ' quote", "%s%(x)s"])
def test_a_password_apart_from_its_address_needs_no_quoting(password: str, project: Path, tmp_path: Path) -> None:
    word = tmp_path / "password"
    word.write_text(f"{password}\n", encoding="utf-8")
    bare = {name: GOOD[name].replace(f":{PASSWORD}", "") for name in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    done = start(
        "-c",
        "from financetracker import settings;"
        " print([(name, found['USER'], found['PASSWORD']) for name, found in settings.DATABASES.items()])",
        project=project,
        DATABASE_PASSWORD_FILE=str(word),
        DATABASE_OWNER_PASSWORD="other",
        PYTHONIOENCODING="utf-8",
        **bare,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str([("default", "ft_app", password), ("owner", "ft_owner", "other")])


@pytest.mark.parametrize(
    ("changes", "bind", "workers"),
    [
        ({}, ["0.0.0.0:8000"], 2),
        ({"FT_METRICS_PORT": "9100", "WEB_CONCURRENCY": "5"}, ["0.0.0.0:8000", "0.0.0.0:9100"], 5),
        ({"FT_BIND": "::", "FT_PORT": "80", "FT_METRICS_PORT": "81"}, ["[::]:80", "[::]:81"], 2),
        ({"ENVIRONMENT": "development"}, ["127.0.0.1:8000"], 1),
    ],
)
def test_gunicorn_listens_where_the_settings_say(
    changes: dict[str, str], bind: list[str], workers: int, project: Path
) -> None:
    """And believes no header about scheme and path: Django alone does, from as many proxies as it was told."""
    program = (
        "import runpy; found = runpy.run_path('gunicorn.conf.py');"
        " print(found['bind'], found['workers'], found['threads'], repr(found['forwarded_allow_ips']))"
    )
    done = start("-c", program, project=project, **changes)
    assert done.stdout.strip() == f"{bind} {workers} 8 ''", done.stderr


def test_a_folder_for_figures_that_cannot_be_made_is_named(project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    argv = ("-m", "gunicorn", "--bind", "127.0.0.1:0", "financetracker.wsgi")
    folder = str(tmp_path / "file" / "figures")
    done = start(*argv, project=project, FT_METRICS_PORT="9100", PROMETHEUS_MULTIPROC_DIR=folder)
    assert done.returncode == 78
    last = done.stderr.splitlines()[-1]
    assert last == f"PROMETHEUS_MULTIPROC_DIR: {folder}: Not a directory: name a folder that can be written."


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "SECRET_KEY_FILE: {} cannot be read (No such file or directory)"),
        (b"", "SECRET_KEY_FILE: {} is empty"),
        (b"\xff\xfe", "SECRET_KEY_FILE: {} cannot be read (it is not UTF-8 text)"),
    ],
    ids=["missing", "empty", "binary"],
)
def test_bad_secret_files_are_named(content: bytes | None, line: str, project: Path, tmp_path: Path) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    found = problems(settings(project, SECRET_KEY="", SECRET_KEY_FILE=str(path)))
    assert found[0].startswith(line.format(path))


def test_a_web_process_needs_no_owner(project: Path) -> None:
    done = settings(project, DATABASE_OWNER_URL="")
    assert done.returncode == 0, done.stderr
    assert "owner" not in done.stdout
    assert "MIRROR" not in done.stdout


def test_migrate_without_the_owner_says_so(project: Path) -> None:
    done = start("manage.py", "migrate", project=project, DATABASE_OWNER_URL="")
    assert done.returncode == 1
    assert (
        done.stderr
        == "CommandError: The tables belong to the owner's role: give its address in DATABASE_OWNER_URL.\n"
    )


def test_production_satisfies_the_deployment_check(project: Path) -> None:
    done = start("manage.py", "check", "--deploy", "--fail-level", "WARNING", project=project)
    assert done.returncode == 0, done.stderr


def test_the_mode_of_the_tests_serves_nobody(project: Path) -> None:
    argv = ("-m", "gunicorn", "--bind", "127.0.0.1:0", "financetracker.wsgi")
    done = start(*argv, project=project, ENVIRONMENT="test")
    assert done.returncode == 78
    assert done.stderr == "ENVIRONMENT is 'test', which is for the test runner alone: use production.\n"
