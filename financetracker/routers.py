"""Which of the two database roles does what: the app role serves rows, the owner builds tables."""

from typing import Any


class OwnerMigrates:
    """Lets migrations run through the alias `owner` only; every query goes through `default`.

    The app role may not create anything, so a migration on the wrong alias must do nothing at all
    rather than half of it.
    """

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"

    def allow_relation(self, obj1: object, obj2: object, **hints: Any) -> bool:
        return True
