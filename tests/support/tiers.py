"""How much of each large proof runs."""

import os

IS_FULL = bool(os.environ.get("ENGAGE_CODEGEN_FULL"))
"""`make test-full` sets it. Otherwise a large proof takes a part of its inputs, by a fixed seed."""
