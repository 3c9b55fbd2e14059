"""Seeds two made-up households to look at, once."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from financetracker.ledger.demo import HOUSEHOLDS, PEOPLE
from financetracker.ledger.demo.seed import seed

PASSWORD = "household-demo"  # noqa: S105  everybody may know it: see handle()


class Command(BaseCommand):
    """Writes the demo households that are missing. A second run adds nothing."""

    help = "Make the demo households: Ana and Ben with three years of books, and Clara, whom they must never see."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError(
                "The demo's logins have a password that everybody knows: use it with ENVIRONMENT=development."
            )
        for household in HOUSEHOLDS:
            if not seed(household, PEOPLE, PASSWORD, self._say):
                self._say(f"{household.name}: is there already, nothing added.")
        self._say("\nLogins (as made; the password is household-demo):")
        for household in HOUSEHOLDS:
            for login, role in ((household.owner, "owner"), *household.members):
                self._say(f"  {login:<20} {role:<7} of {household.name}")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
