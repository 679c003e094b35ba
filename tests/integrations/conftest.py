"""The distributions of the tool."""

from pathlib import Path

import pytest

from tests.support.environments import build_distributions
from tests.support.once import make_once


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the tool. The source distribution is beside it."""
    folder = make_once(tmp_path_factory, "distributions", build_distributions)
    (path,) = (folder / "dist").glob("*.whl")
    return path
