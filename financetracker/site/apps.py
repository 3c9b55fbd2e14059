"""Registers the app `site`."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "financetracker.site"
    label = "site"
