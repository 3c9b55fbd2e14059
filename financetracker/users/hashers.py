"""How passwords are kept."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane: a login costs tens of milliseconds and 19 MiB.

    The stock numbers take 100 MiB for each login, which lets a handful of people who type at once
    exhaust a small server. Changing a number re-hashes a password at its owner's next login.
    """

    memory_cost = 19_456
    time_cost = 2
    parallelism = 1
