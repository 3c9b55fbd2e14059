"""Registers the app `users`."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "financetracker.users"
    label = "users"
    default_auto_field = "django.db.models.BigAutoField"
