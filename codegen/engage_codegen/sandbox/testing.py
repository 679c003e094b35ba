"""A pytest fixture: a local Engage for each test, up in milliseconds.

In a `conftest.py`:

    from engage_codegen.sandbox.testing import engage_sandbox

and `engage_sandbox.base_url`, `.api_key` and `.platform` in the tests.
"""

from collections.abc import Generator

import pytest

from engage_codegen.sandbox.server import Sandbox, running

__all__ = ["engage_sandbox"]


@pytest.fixture
def engage_sandbox() -> Generator[Sandbox]:
    """A server of its own on a free port, in memory, with the example tenant; gone afterwards."""
    with running() as sandbox:
        yield sandbox
