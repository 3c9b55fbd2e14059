"""Follows one request: its id, what it is counted as, and its line in the log."""

import logging
import re
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from financetracker.site import logs, metrics

access = logging.getLogger("financetracker.access")

HEADER = "X-Request-ID"
# What proxies make. Anything wider would be a way to write into the log.
HARMLESS = re.compile(r"[0-9A-Fa-f-]{16,64}")


class RequestMiddleware:
    """Gives each request an id, which its answer and every line of the log carry, and counts it when it is done.

    Second in the chain, so that what a probe costs is not counted and what is refused early is.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = request_id(request)
        with logs.request_id(name):
            began = time.perf_counter()
            with metrics.IN_PROGRESS.track_inprogress():
                response = self.get_response(request)
            note(request, response, time.perf_counter() - began)
        response[HEADER] = name
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Remember what a page raised; the answer is made by others."""
        request.raised = type(exception).__name__  # type: ignore[attr-defined]


def request_id(request: HttpRequest) -> str:
    """Return the id that a proxy of ours gave, if there is one and it looks like one; else a new one."""
    given = request.headers.get(HEADER, "")
    return given if settings.PROXIES and HARMLESS.fullmatch(given) else uuid.uuid4().hex


def note(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Count a request and write its line."""
    method, route, status = metrics.method_of(request), metrics.route_of(request), response.status_code
    raised = getattr(request, "raised", "")
    metrics.count(method=method, route=route, status=status, seconds=seconds, exception=raised)
    fields = {
        "method": method,
        "route": route,
        "status": status,
        "duration_ms": round(seconds * 1000, 1),
        "bytes": None if response.streaming else len(response.content),
        "user": person(request),
    }
    access.info("%s %s %s", method, route, status, extra={"fields": fields})


def person(request: HttpRequest) -> int | None:
    """Return the number of who is signed in, if the request came to ask who that is. No query."""
    user = vars(request).get("user")
    if isinstance(user, SimpleLazyObject):
        user = vars(request).get("_cached_user")
    return getattr(user, "pk", None)
