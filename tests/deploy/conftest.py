"""What the tests of delivery share: the pinned tools, and everything under deploy/ rendered once."""

from pathlib import Path

import pytest

from deploy.check.world import World, world
from tests.programs import HOW_TO_GET, deploy_tools


def needed(*names: str) -> Path:
    """The folder of the pinned tools, where these are; without them the test is skipped, in CI it fails."""
    found = deploy_tools(*names)
    if found is None:
        pytest.skip(f"not all of {', '.join(names)} here: {HOW_TO_GET}")
    return found


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder of kustomize and its like."""
    return needed("kustomize", "kubeconform", "checkov", "squawk")


@pytest.fixture(scope="session")
def rendered(tools: Path) -> World:
    """Everything as the real kustomize renders it; a test that changes it takes a copy."""
    return world()
