"""What the platform asks: alive, ready, which version, which figures. Answered before a request is looked at."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from financetracker.site import metrics
from financetracker.site.readiness import readiness

logger = logging.getLogger(__name__)


class ProbeMiddleware:
    """Answers the probes without a session, a host check or a redirect; the rest goes on down the chain.

    A probe calls the process by its address, over plain HTTP: further down it would be refused for its host or
    sent to another scheme. `/health` asks nobody. On the metrics port there is nothing else, and `/metrics` is on
    no other: the port is the listener's own, which no header of a client changes.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        inside = bool(settings.METRICS_PORT) and request.META.get("SERVER_PORT") == str(settings.METRICS_PORT)
        probe = PROBES.get(request.path_info) if request.method in ("GET", "HEAD") else None
        if probe is None and not inside:
            return self.get_response(request)
        if probe is None or (probe is figures and not inside):
            response = HttpResponse("not found\n", status=404, content_type="text/plain")
        else:
            response = probe(request)
        response["Cache-Control"] = "no-store"
        return response


def alive(_: HttpRequest) -> HttpResponse:
    """Say that this process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


def ready(_: HttpRequest) -> HttpResponse:
    """Say whether this process can serve, and in one line why it cannot."""
    problem = readiness.problem()
    if problem:
        logger.warning("Not ready: %s", problem)
        return HttpResponse(f"{problem}\n", status=503, content_type="text/plain")
    return HttpResponse("ready\n", content_type="text/plain")


def version(_: HttpRequest) -> HttpResponse:
    """Say which commit and which image this is; null where it was not told."""
    image, digest = (settings.APP_IMAGE + "@").split("@")[:2]
    return JsonResponse(
        {"commit": settings.APP_REVISION or None, "image": image or None, "digest": digest or None}
    )


def figures(request: HttpRequest) -> HttpResponse:
    """Give the figures of all workers in the form that Prometheus reads."""
    content, content_type = metrics.exposition(request.headers.get("Accept", ""))
    return HttpResponse(content, content_type=content_type)


PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/health": alive,
    "/health/ready": ready,
    "/version": version,
    "/metrics": figures,
}
