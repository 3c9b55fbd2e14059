"""Every setting of the project, read from the environment once, in one file.

`ENVIRONMENT` is `development`, `test` or `production`; nothing at all means production, the strictest.
What is wrong is collected and reported together: one line for each on stderr, exit status 78
(`EX_CONFIG`), no traceback, and never the value of a secret. A secret is given as NAME, or as
NAME_FILE with the path of a file that holds it. `dev.py` sets all of this for development and tests.
"""

import difflib
import ipaddress
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dj_database_url
from django.utils.csp import CSP

BASE_DIR = Path(__file__).resolve().parent.parent

EX_CONFIG = 78
KNOWN_KEYS = ("django-insecure", "changeme", "change-me", "secret", "insecure", "development", "example")
LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")
SAFE_SSL_MODES = ("require", "verify-ca", "verify-full")
ON = ("1", "true", "yes", "on")
OFF = ("0", "false", "no", "off")


class Environment:
    """Typed reading of environment variables that collects problems instead of stopping at the first.

    An empty value counts as not given. A reader that finds a problem notes it and returns its default,
    so that reading goes on; `stop_if_wrong()` at the end of this file ends the process.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.problems: list[str] = []
        self.known: set[str] = set()

    def text(self, name: str, default: str = "") -> str:
        """The value as it is, without white space around it."""
        self.known.add(name)
        return self.values.get(name, "").strip() or default

    def secret(self, name: str, default: str = "") -> str:
        """The value of NAME, or what stands in the file that NAME_FILE points at."""
        value, path = self.text(name), self.text(f"{name}_FILE")
        if value and path:
            self.problems.append(f"{name} and {name}_FILE are both set: keep one of them.")
        if not value and path:
            try:
                value = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
                self.problems.append(f"{name}_FILE: {path} cannot be read ({reason}): correct the path.")
                return default
            if not value:
                self.problems.append(f"{name}_FILE: {path} is empty: write the secret into it.")
        return value or default

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """One of the allowed words."""
        value = self.text(name, default)
        if value in allowed:
            return value
        self.problems.append(f"{name} is {value!r}: use one of {', '.join(allowed)}.")
        return default

    def flag(self, name: str, default: bool) -> bool:
        """Yes or no; 1, true, yes, on and their opposites in any case."""
        value = self.text(name).lower()
        if value in ON or value in OFF:
            return value in ON
        if value:
            self.problems.append(f"{name} is {value!r}: use 1 or 0.")
        return default

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number, `least` and `most` included."""
        value = self.text(name)
        if not value:
            return default
        if re.fullmatch(r"[0-9]{1,9}", value) and least <= int(value) <= most:
            return int(value)
        self.problems.append(f"{name} is {value!r}: use a whole number from {least} to {most}.")
        return default

    def names(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        """A list, separated by commas."""
        return [part.strip() for part in self.text(name).split(",") if part.strip()] or list(default)

    def address(self, name: str, default: str) -> str:
        """An IP address to listen on."""
        value = self.text(name, default)
        try:
            return str(ipaddress.ip_address(value.strip("[]")))
        except ValueError:
            self.problems.append(f"{name} is {value!r}: use an IP address, as 0.0.0.0 or ::.")
            return default

    def matching(self, name: str, pattern: str, form: str) -> str:
        """A text of a certain form; empty if not given."""
        value = self.text(name)
        if not value or re.fullmatch(pattern, value):
            return value
        self.problems.append(f"{name} is {value!r}: use the form {form}.")
        return ""

    def database(self, name: str) -> dict[str, Any] | None:
        """A `postgresql://user:password@host:port/name` address as Django wants it; None if not given.

        The password may stand apart, so that the address is no secret: DATABASE_PASSWORD belongs to DATABASE_URL.
        """
        url = self.secret(name)
        apart = f"{name.removesuffix('_URL')}_PASSWORD"
        password = self.secret(apart)
        if not url:
            self.refuse(bool(password), f"{apart} is set without {name}: give both, or neither.")
            return None
        try:
            found: dict[str, Any] = dict(dj_database_url.parse(url))
        except ValueError:
            found = {}
        if found.get("ENGINE") != "django.db.backends.postgresql" or not found.get("NAME"):
            self.problems.append(f"{name} is not of the form postgresql://user:password@host:5432/name.")
            return None
        found.setdefault("OPTIONS", {})
        if password:
            twice = bool(found["PASSWORD"] or found["OPTIONS"].get("password"))
            self.refuse(twice, f"{name} holds a password and {apart} is set too: keep one of them.")
            found["PASSWORD"] = password
        return found

    def refuse(self, wrong: bool, sentence: str) -> None:
        """Notes a problem if there is one."""
        if wrong:
            self.problems.append(sentence)

    def refuse_misspelt(self) -> None:
        """A name nobody reads that looks like one of ours is a setting somebody believes in."""
        for name in sorted(set(self.values) - self.known):
            near = difflib.get_close_matches(name, self.known, n=1, cutoff=0.9)
            if near:
                self.problems.append(f"{name} is not a setting: did you mean {near[0]}?")
            elif name.startswith("FT_"):
                self.problems.append(f"{name} is not a setting: remove it or correct its name.")

    def stop_if_wrong(self) -> None:
        """Ends the process with status 78 and the whole list, if there is anything to list."""
        if not self.problems:
            return
        count = len(self.problems)
        verb = "1 setting is wrong" if count == 1 else f"{count} settings are wrong"
        print(f"financetracker cannot start (ENVIRONMENT={ENVIRONMENT}): {verb}.", file=sys.stderr)
        for problem in self.problems:
            print(f"  {problem}", file=sys.stderr)
        sys.exit(EX_CONFIG)


env = Environment(os.environ)

ENVIRONMENT = env.choice("ENVIRONMENT", ("production", "development", "test"), "production")
PRODUCTION = ENVIRONMENT == "production"
TESTING = ENVIRONMENT == "test"

# --- What this is, and where it listens

APP_IMAGE = env.matching(
    "APP_IMAGE", r"[a-z0-9][A-Za-z0-9._:/-]{0,255}(@sha256:[0-9a-f]{64})?", "repository:tag@sha256:…"
)
APP_REVISION = env.matching("APP_REVISION", r"[0-9A-Za-z._-]{1,64}", "of a commit's name")
# One gunicorn process for each, with as many threads as its pool has connections.
WORKERS = env.number("WEB_CONCURRENCY", default=2 if PRODUCTION else 1, least=1, most=64)
BIND = env.address("FT_BIND", default="0.0.0.0" if PRODUCTION else "127.0.0.1")  # noqa: S104 (a pod has one address)
PORT = env.number("FT_PORT", default=8000, least=1, most=65535)
# Probes and figures alone, for the platform and never for the proxy; 0 is none.
METRICS_PORT = env.number("FT_METRICS_PORT", default=0, least=0, most=65535)
METRICS_FOLDER = env.text("PROMETHEUS_MULTIPROC_DIR")
env.refuse(METRICS_PORT == PORT, f"FT_METRICS_PORT is {PORT}, where people are served: choose another port.")

# --- Secrets and hosts

DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.secret("SECRET_KEY", "" if not TESTING else "tests-only-" * 6)
SECRET_KEY_FALLBACKS = [key for key in env.secret("SECRET_KEY_FALLBACKS").split(",") if key]
LOCAL_NAMES = () if PRODUCTION else ("localhost", "127.0.0.1", "[::1]")
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", LOCAL_NAMES)
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS")
# Production is reached through a reverse proxy that ends TLS: this many of them may be believed about
# the scheme and the client's address, and no more.
PROXIES = env.number("FT_PROXIES", default=1 if PRODUCTION else 0, least=0, most=9)


def refuse_weak_key(name: str, key: str) -> None:
    """Sessions and password reset links are only as strong as this key."""
    weak = len(key) < 50 or len(set(key)) < 12 or any(word in key.lower() for word in KNOWN_KEYS)
    env.refuse(weak, f"{name} is short or well known: use at least 50 random characters.")


def refuse_unsafe_web() -> None:
    """What a server on the open internet must not be started with."""
    env.refuse(DEBUG, "DEBUG is on: error pages would show the books to strangers. Remove it.")
    env.refuse(not ALLOWED_HOSTS, "ALLOWED_HOSTS is not set: name the hosts people use, separated by commas.")
    for host in ALLOWED_HOSTS:
        wild = "*" in host or host.startswith(".")
        env.refuse(wild, f"ALLOWED_HOSTS: {host!r} stands for any host: name each one in full.")
        env.refuse("/" in host, f"ALLOWED_HOSTS: {host!r} is an address: give the host's name alone.")
    for origin in CSRF_TRUSTED_ORIGINS:
        plain = re.fullmatch(r"https://[A-Za-z0-9.-]+(:[0-9]+)?", origin) is None
        env.refuse(plain, f"CSRF_TRUSTED_ORIGINS: {origin!r} is not of the form https://host.")


env.refuse(not SECRET_KEY, "SECRET_KEY is not set: give at least 50 random characters, or SECRET_KEY_FILE.")
if PRODUCTION:
    if SECRET_KEY:
        refuse_weak_key("SECRET_KEY", SECRET_KEY)
    for old_key in SECRET_KEY_FALLBACKS:
        refuse_weak_key("SECRET_KEY_FALLBACKS", old_key)
    refuse_unsafe_web()

# --- Database: `default` serves rows as the app role, `owner` migrates and is absent in a web process

POOL_SIZE = env.number("FT_POOL_SIZE", default=8, least=0, most=500)
STATEMENT_TIMEOUT = env.number("FT_STATEMENT_TIMEOUT", default=30, least=0, most=86400)
IDLE_TIMEOUT = env.number("FT_IDLE_TIMEOUT", default=60, least=0, most=86400)
LOCK_TIMEOUT = env.number("FT_LOCK_TIMEOUT", default=10, least=0, most=86400)

app_database = env.database("DATABASE_URL")
owner_database = env.database("DATABASE_OWNER_URL")


def server_options(database: dict[str, Any], **limits: int | str) -> None:
    """Adds server settings for each connection to what the address itself asks for; times in seconds."""
    given = str(database["OPTIONS"].get("options", ""))
    added = " ".join(f"-c {name}={value}" for name, value in limits.items())
    database["OPTIONS"].update(options=f"{given} {added}".strip())
    database["OPTIONS"].setdefault("connect_timeout", 5)
    # A machine that vanished says nothing: without these a request would wait for it a quarter of an hour.
    for name, value in (
        ("keepalives_idle", 15),
        ("keepalives_interval", 5),
        ("keepalives_count", 3),
        ("tcp_user_timeout", 20_000),
    ):
        database["OPTIONS"].setdefault(name, value)
    database["OPTIONS"].setdefault("application_name", f"financetracker {database['USER']}")


def refuse_unsafe_database(name: str, database: dict[str, Any]) -> None:
    """Roles and transport that would undo what the database is trusted to keep."""
    env.refuse(not database["USER"], f"{name} names no user: put the role's name into the address.")
    superuser = database["USER"] == "postgres"
    env.refuse(superuser, f"{name} uses the superuser postgres, whom no rule binds: use the project's own role.")
    host = str(database["HOST"] or database["OPTIONS"].get("host", ""))
    local = host in LOCAL_HOSTS or host.startswith("/")
    open_wire = not local and database["OPTIONS"].get("sslmode") not in SAFE_SSL_MODES
    env.refuse(open_wire, f"{name}: {host} is another machine: add ?sslmode=verify-full (or require).")


if app_database is None:
    missing = not any(problem.startswith("DATABASE_URL") for problem in env.problems)
    env.refuse(missing, "DATABASE_URL is not set: give postgresql://user:password@host:5432/name of the app role.")
else:
    if PRODUCTION:
        refuse_unsafe_database("DATABASE_URL", app_database)
    if owner_database is not None:
        if PRODUCTION:
            refuse_unsafe_database("DATABASE_OWNER_URL", owner_database)
        same_role = app_database["USER"] == owner_database["USER"]
        env.refuse(
            same_role, "DATABASE_URL uses the owner's role, whom row security does not bind: use the app role."
        )
        places = [
            (d["NAME"], d["HOST"], d["PORT"], d["OPTIONS"].get("host")) for d in (app_database, owner_database)
        ]
        env.refuse(places[0] != places[1], "DATABASE_URL and DATABASE_OWNER_URL name different databases.")

DATABASES: dict[str, dict[str, Any]] = {}
if app_database is not None:
    server_options(
        app_database,
        statement_timeout=f"{STATEMENT_TIMEOUT}s",
        idle_in_transaction_session_timeout=f"{IDLE_TIMEOUT}s",
        lock_timeout=f"{LOCK_TIMEOUT}s",
        # For disks that turn, PostgreSQL takes four: then it would rather read all postings than the index for the
        # sums of an account that has half of them, as a household's checking account does.
        random_page_cost="1.1",
        # A test database is thrown away: nothing is lost by not waiting for the disk.
        **({"synchronous_commit": "off"} if TESTING else {}),
    )
    # A signed-in request holds one connection for its whole life: at least as many as gunicorn has threads.
    if POOL_SIZE:  # a command has one connection, and a pool would keep it waiting at its end
        app_database["OPTIONS"]["pool"] = {
            "min_size": 1,
            "max_size": POOL_SIZE,
            "timeout": 10,
            "max_idle": 300,
        }
    # Without the check a restarted database costs every pooled connection one failed request.
    app_database.update(ATOMIC_REQUESTS=True, CONN_HEALTH_CHECKS=True)
    DATABASES["default"] = app_database
if owner_database is not None:
    # Without the check a server goes on with what a killed migrate asked for, and holds its locks meanwhile.
    server_options(owner_database, lock_timeout=f"{LOCK_TIMEOUT}s", client_connection_check_interval="5s")
    # Each test run has a database of its own, so that two may run side by side.
    owner_database["TEST"] = {"NAME": env.text("FT_TEST_DATABASE", "test_ft"), "DEPENDENCIES": []}
    DATABASES["owner"] = owner_database
    if app_database is not None:
        app_database["TEST"] = {"MIRROR": "owner"}

DATABASE_ROUTERS = ["financetracker.routers.OwnerMigrates"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Rate limits count in the database: every process sees the same numbers. The stock limit of 300 entries
# would let somebody push out his own counter by making others.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "site_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# --- Applications

INSTALLED_APPS = [
    "financetracker.site",
    "financetracker.ledger",
    "financetracker.accounts",
    "financetracker.users",
    "financetracker.site.adminconfig.OwnAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
]

MIDDLEWARE = [
    # First, so that a probe is answered before host checks and redirects.
    "financetracker.site.probes.ProbeMiddleware",
    "financetracker.site.requests.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Last: what comes before it needs no book, and all that it wraps is one scope.
    "financetracker.site.middleware.BookMiddleware",
]

ROOT_URLCONF = "financetracker.urls"
WSGI_APPLICATION = "financetracker.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "financetracker.users.kept.carried",
            ],
            "builtins": ["financetracker.writing.templatetags.locale"],
        },
    },
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"  # a book's own time zone decides its "today"
USE_TZ = True

# --- Logins

AUTH_USER_MODEL = "users.User"
SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # the address is unique by a constraint that ignores its case
    "security.W005",  # the neighbours on this domain are not ours to decide for
    "security.W019",  # a page of ours may frame another of ours; the policy for scripts says the same
    "security.W021",  # nor is the browsers' list of hosts
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"

PASSWORD_HASHERS = ["financetracker.users.hashers.Argon2Hasher"]
if TESTING:
    PASSWORD_HASHERS.insert(0, "django.contrib.auth.hashers.MD5PasswordHasher")
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

ACCOUNT_ADAPTER = "financetracker.users.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PRODUCTION else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES

# --- What browsers are told

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.SELF],
}
X_FRAME_OPTIONS = "SAMEORIGIN"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = (
    env.number("FT_HSTS_SECONDS", default=31_536_000, least=0, most=99_999_999) if PRODUCTION else 0
)
if PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# `__Host-` makes the browser insist on TLS, on this host alone and on the whole site.
COOKIES = "__Host-ft" if PRODUCTION else "ft"
SESSION_COOKIE_NAME = f"{COOKIES}-session"
SESSION_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = f"{COOKIES}-csrf"
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "financetracker.users.kept.refused"

# A form with thousands of legs must reach its own validation and get a sentence, not a bare 400;
# the size in memory is what bounds it.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- Static files

STATIC_URL = "static/"
COLLECTED = Path(env.text("FT_STATIC_FOLDER", str(BASE_DIR / "var" / "static")))
STATIC_ROOT = COLLECTED if PRODUCTION else None  # elsewhere the finders serve
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_ALLOW_ALL_ORIGINS = False
STATIC_STORAGE = "whitenoise.storage.CompressedManifestStaticFilesStorage"
PLAIN_STORAGE = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": STATIC_STORAGE if PRODUCTION else PLAIN_STORAGE},
}

# --- Logs: everything to stderr, where the platform collects it; in production a JSON object a line

LOG_LEVEL = env.choice("FT_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO" if PRODUCTION else "WARNING")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "financetracker.site.logs.JsonFormatter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json" if PRODUCTION else "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": LOG_LEVEL, "propagate": False},
        # A page that was not found has its line as a request.
        "django.request": {"level": "ERROR" if PRODUCTION else LOG_LEVEL},
        # It tells of each connection that is lent and given back.
        "psycopg.pool": {"level": "WARNING"},
    },
}

if PRODUCTION:
    env.refuse_misspelt()
env.stop_if_wrong()
