"""A pytest fixture that starts a sandbox for each test, within milliseconds.

Import it in a `conftest.py`:

    from engage_codegen.sandbox.testing import engage_sandbox

If the root folder of the tests has an `engage-platform.toml`, the sandbox behaves as it says. Tests
use `engage_sandbox.base_url`, `engage_sandbox.api_key` and `engage_sandbox.state`.
"""

from collections.abc import Generator

import pytest

from engage_codegen.sandbox.options.platform_file import (
    NO_PLATFORM_FILE,
    find_platform_file,
    read_platform_file,
)
from engage_codegen.sandbox.server import Sandbox, running

__all__ = ["engage_sandbox"]


@pytest.fixture
def engage_sandbox(request: pytest.FixtureRequest) -> Generator[Sandbox]:
    """A new sandbox on a free port, in memory, with the example schemas and contacts."""
    path = find_platform_file(request.config.rootpath)
    platform = read_platform_file(path) if path else NO_PLATFORM_FILE
    with running(platform=platform) as sandbox:
        yield sandbox
