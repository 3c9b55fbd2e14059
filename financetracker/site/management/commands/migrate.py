"""`migrate`, through the role that may."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate


class Command(migrate.Command):
    """Django's own command with the owner as its default, and the cache's table made along the way."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def execute(self, *args: Any, **options: Any) -> str | None:
        if "owner" not in settings.DATABASES:
            raise CommandError("The tables belong to the owner's role: give its address in DATABASE_OWNER_URL.")
        if options["database"] != "owner":
            raise CommandError("Only the owner's role migrates: leave --database out, or give --database owner.")
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if not (options["plan"] or options["check_unapplied"]):
            call_command("createcachetable", database="owner", verbosity=0)
