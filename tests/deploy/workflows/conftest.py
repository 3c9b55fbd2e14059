"""The house whose commits the workflows are asked about."""

from tests.deploy.release.conftest import built, home

__all__ = ["built", "home"]
