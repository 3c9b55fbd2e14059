"""What logging in means here, where it differs from django-allauth's own idea."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest, HttpResponse

from financetracker.users.kept import resend


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Logins are made by an administrator or come with an invitation; nobody signs himself up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def post_login(self, request: HttpRequest, user: Any, **said: Any) -> HttpResponse:
        """Lead on to where the person wanted to go, or give back what was typed when the login had expired."""
        answer: HttpResponse = super().post_login(request, user, **said)
        there = answer.headers.get("Location", "")
        return resend(request, there) or answer
