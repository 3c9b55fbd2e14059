"""What logging in means here, where it differs from django-allauth's own idea."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Logins are made by an administrator or come with an invitation; nobody signs himself up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
