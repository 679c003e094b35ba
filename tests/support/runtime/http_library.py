"""The package under test and its HTTP library.

The tests of the runtime use both from here, so that they can run with a package for another
library: see `tests/runtime/transport/test_http_libraries.py`.
"""

from pathlib import Path

import engage_interactions
from engage_interactions._runtime.transport.http_library import httpx

__all__ = ["GENERATED", "httpx"]

GENERATED = Path(engage_interactions.__file__).parents[1]
"""The folder that has the package under test."""
