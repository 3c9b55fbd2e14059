"""How gunicorn serves the books; it reads this file from the folder it is started in.

The settings are read here, before a worker exists: a wrong one ends the whole server with status 78.
A worker that found it out would be replaced by the next one, for ever.
"""

import os
import shutil
import sys
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker

from financetracker import settings
from financetracker.site.logs import JsonFormatter

if settings.TESTING:  # its key is known to everybody, and its passwords are hashed to be fast
    print("ENVIRONMENT is 'test', which is for the test runner alone: use production.", file=sys.stderr)
    sys.exit(settings.EX_CONFIG)

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (in memory, where a heartbeat never waits for a disk)
FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class Threads(ThreadPoolExecutor):
    """Serves what comes in on the metrics port with threads of its own.

    When the database hangs, every other thread waits for it; the probe that asks whether this process is alive
    must not stand in line behind them, or the platform would kill what only has to wait.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size, "web")
        self.probes = ThreadPoolExecutor(4, "probe")

    def submit(self, handle: object, connection: TConn) -> Future:
        inside = isinstance(connection.server, tuple) and connection.server[1] == settings.METRICS_PORT
        return self.probes.submit(handle, connection) if inside else super().submit(handle, connection)

    def shutdown(self, *args: object, **options: object) -> None:
        self.probes.shutdown(*args, **options)
        super().shutdown(*args, **options)


class Worker(ThreadWorker):
    """gunicorn's threaded worker with those threads."""

    def get_thread_pool(self) -> Threads:
        return Threads(self.cfg.threads)


class JsonLogger(Logger):
    """gunicorn's own messages in the same form as ours; requests have their line from us."""

    def setup(self, cfg: object) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonFormatter())

    # The line names the place that says something: not this file, and not gunicorn's own logger.
    def warning(self, message: str, *args: object, **options: object) -> None:
        super().warning(message, *args, **{"stacklevel": 3, **options})

    def exception(self, message: str, *args: object, **options: object) -> None:
        super().exception(message, *args, **{"stacklevel": 3, **options})


host = f"[{settings.BIND}]" if ":" in settings.BIND else settings.BIND
bind = [f"{host}:{settings.PORT}"] + ([f"{host}:{settings.METRICS_PORT}"] if settings.METRICS_PORT else [])

worker_class = Worker
workers = settings.WORKERS
threads = settings.POOL_SIZE or 8  # a signed-in request holds one connection of the pool for its whole life
worker_tmp_dir = str(SHARED_MEMORY) if os.access(SHARED_MEMORY, os.W_OK) else None
timeout = 60  # a worker whose main loop says nothing for so long is replaced; a slow page does not stop the loop
graceful_timeout = 25  # within the 45 seconds that the platform grants, ten of which it waits before
keepalive = 75  # longer than proxies keep an idle connection, so that it is never we who close one in use
limit_request_line = 8190
control_socket_disable = True
# Believes nobody. Django believes FT_PROXIES proxies about the scheme; gunicorn would also take SCRIPT_NAME.
forwarded_allow_ips = ""

if settings.PRODUCTION:
    loglevel = "info"
    logger_class = JsonLogger
else:
    loglevel = "warning"

if not settings.METRICS_PORT:
    os.environ.pop(FOLDER, None)  # nobody would read what the workers wrote there


def on_starting(server: object) -> None:
    """Make an empty folder for the figures of the workers; not on a reload, when workers still write there."""
    if not settings.METRICS_PORT:
        return
    try:
        if settings.METRICS_FOLDER:
            folder = Path(settings.METRICS_FOLDER)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for old in folder.glob("*.db"):
                old.unlink()
        else:
            folder = Path(tempfile.mkdtemp(prefix="financetracker-metrics-", dir=worker_tmp_dir))
    except OSError as error:
        print(f"{FOLDER}: {error.filename}: {error.strerror}: name a folder that can be written.", file=sys.stderr)
        sys.exit(settings.EX_CONFIG)
    os.environ[FOLDER] = str(folder)


def post_worker_init(worker: Worker) -> None:
    """Follow the pool of this worker."""
    if settings.METRICS_PORT:
        from financetracker.site import metrics

        metrics.pool.watch()


def child_exit(server: object, worker: Worker) -> None:
    """Forget what a dead worker was doing; what it has counted stays."""
    if settings.METRICS_PORT:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)


def on_exit(server: object) -> None:
    """Remove the folder, if it was made for this run alone."""
    if settings.METRICS_PORT and not settings.METRICS_FOLDER:
        shutil.rmtree(os.environ[FOLDER], ignore_errors=True)
