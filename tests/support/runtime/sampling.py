"""A plugin of pytest for a run with a package of another HTTP library.

`HTTP_LIBRARY` names the library that the package under test must use. With `SHARE_OF_TESTS`, only
that share of the tests runs, chosen by a fixed seed.
"""

import os
import random

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check the library, and choose the tests."""
    from tests.support.runtime.http_library import httpx

    assert httpx.__name__ == os.environ["HTTP_LIBRARY"]
    count = round(len(items) * float(os.environ.get("SHARE_OF_TESTS", "1")))
    chosen = set(random.Random(1).sample(range(len(items)), count))
    skipped = [item for number, item in enumerate(items) if number not in chosen]
    items[:] = [item for number, item in enumerate(items) if number in chosen]
    config.hook.pytest_deselected(items=skipped)
