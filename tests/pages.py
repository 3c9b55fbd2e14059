"""Asking the site for pages, as somebody who is logged in, and reading what a person would."""

import html

from django.http import HttpResponse
from django.test import Client

from financetracker.users.models import User


def signed_in(user: User) -> Client:
    """A browser of a person who has logged in."""
    client = Client()
    client.force_login(user)
    return client


def text(answer: HttpResponse) -> str:
    """What a person reads: the page with its entities resolved."""
    return html.unescape(answer.text)
