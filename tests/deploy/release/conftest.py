"""What the tests of the release program share: a house that releases, built anew for each test."""

import shutil
from pathlib import Path

import pytest

from deploy.tools import get
from tests.deploy.release.house import House, house, moved_to
from tests.programs import HOW_TO_GET


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house to copy from. Without kustomize the test is skipped, in CI it fails."""
    if not get.current("kustomize") and shutil.which("kustomize") is None:
        pytest.skip(f"no kustomize here: {HOW_TO_GET}")
    folder = tmp_path_factory.mktemp("built") / "house"
    house(folder)
    return folder


@pytest.fixture
def home(built: Path, tmp_path: Path) -> House:
    """A house of one's own: nothing is pinned yet."""
    return moved_to(built, tmp_path / "house")
