"""A page of another release still finds styles and scripts here."""

from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings


@pytest.fixture
def collected(tmp_path: Path, settings: Settings) -> Path:
    """Static files as in production."""
    storage = "whitenoise.storage.CompressedManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": storage}}
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)
    return tmp_path


def text(answer: object) -> bytes:
    return b"".join(getattr(answer, "streaming_content", None) or [answer.content])  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_a_hash_of_another_release_gets_what_this_one_has(client: Client, collected: Path) -> None:
    answer = client.get("/static/site/theme.0123456789ab.css")
    assert answer.status_code == 200
    assert (
        text(answer) == (collected / "site" / staticfiles_storage.stored_name("site/theme.css")[5:]).read_bytes()
    )
    assert answer["Content-Type"] == "text/css"
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    ["site/gone.0123456789ab.css", "site/theme.0123456789.css", "../settings.0123456789ab.py", "x"],
)
def test_nothing_else_is_served(client: Client, collected: Path, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404
