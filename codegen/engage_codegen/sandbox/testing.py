"""A pytest fixture that starts a sandbox for each test, within milliseconds.

Import it in a `conftest.py`:

    from engage_codegen.sandbox.testing import engage_sandbox

Tests then use `engage_sandbox.base_url`, `engage_sandbox.api_key` and `engage_sandbox.state`.
"""

from collections.abc import Generator

import pytest

from engage_codegen.sandbox.server import Sandbox, running

__all__ = ["engage_sandbox"]


@pytest.fixture
def engage_sandbox() -> Generator[Sandbox]:
    """A new sandbox on a free port, in memory, with the example schemas and contacts."""
    with running() as sandbox:
        yield sandbox
