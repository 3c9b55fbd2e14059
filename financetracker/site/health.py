"""Says that this process is alive, before anything that could be wrong with a request is looked at."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class HealthMiddleware:
    """Answers `/health` with 200 and `ok`, without a database, a session, a host check or a redirect.

    A probe of the platform calls the process by its address, over plain HTTP: further down the chain
    it would be refused for its host or sent to another scheme.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/health" and request.method in ("GET", "HEAD"):
            return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})
        return self.get_response(request)
