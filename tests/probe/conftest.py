"""A tenant that a test may probe."""

from collections.abc import Generator

import pytest

from engage_codegen.sandbox.server import Sandbox
from tests.support.probing import tenant_with


@pytest.fixture
def tenant_to_probe() -> Generator[Sandbox]:
    """A tenant with the assumed options."""
    with tenant_with({}) as sandbox:
        yield sandbox
