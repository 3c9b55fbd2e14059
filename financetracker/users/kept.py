"""What was typed into a form whose login had expired: it goes along through the login and is sent again.

Nothing is stored meanwhile. The form is sent on to the login page (status 307), which carries its fields along as
hidden ones; who has logged in gets them back in a page with one button, and a token that is valid again.
"""

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

# Forms of the books. What is typed on the pages of logins may be a password, and is never sent on.
FORMS = ("/admin/ledger/", "/admin/accounts/", "/admin/period/", "/admin/book/")
# What belongs to the login form itself.
ITS_OWN = frozenset({"login", "password", "remember", "next", "csrfmiddlewaretoken"})


def keeps(path: str) -> bool:
    """Whether what is sent to this address is kept through a login."""
    return urlsplit(path).path.startswith(FORMS)


def kept_fields(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the fields of another form that came along with this request."""
    if request.method != "POST":
        return []
    fields = ((name, value) for name, values in request.POST.lists() for value in values)
    return [(name, str(value)) for name, value in fields if name not in ITS_OWN]


def resend(request: HttpRequest, there: str, *, status: int = 200) -> HttpResponse | None:
    """Show what was typed, with a button that sends it to `there`; None where there is nothing to be sent."""
    is_ours = url_has_allowed_host_and_scheme(there, {request.get_host()}, require_https=request.is_secure())
    fields = kept_fields(request)
    if not (is_ours and keeps(there) and fields):
        return None
    return render(request, "site/resend.html", {"there": there, "fields": fields}, status=status)


def refused(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Answer a form whose token is too old: it may be sent again, if it came from a page of ours.

    Whether it did is said by the browser (Fetch Metadata), which no other site can make it say.
    """
    if request.headers.get("Sec-Fetch-Site") == "same-origin" and request.user.is_authenticated:
        answer = resend(request, request.get_full_path(), status=403)
        if answer is not None:
            return answer
    return render(request, "403_csrf.html", status=403)


def carried(request: HttpRequest) -> dict[str, Any]:
    """Give the login page the fields it carries along (a context processor)."""
    return {"kept_fields": kept_fields(request) if request.path.startswith("/users/login/") else []}
