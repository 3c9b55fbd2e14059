"""What the tests of delivery share: the pinned tools, and everything under deploy/ rendered once."""

from pathlib import Path

import pytest

from deploy.check.world import World, world
from tests.programs import HOW_TO_GET, deploy_tools


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder of kustomize and its like; without them the test is skipped, in CI it fails."""
    found = deploy_tools()
    if found is None:
        pytest.skip(f"no kustomize, kubeconform, checkov or squawk here: {HOW_TO_GET}")
    return found


@pytest.fixture(scope="session")
def rendered(tools: Path) -> World:
    """Everything as the real kustomize renders it; a test that changes it takes a copy."""
    return world()
