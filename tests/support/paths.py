"""Where things are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
SEEDS = ROOT / "codegen/engage_codegen/sandbox/seed/schemas"
CORPORA = ROOT.parent / "shared" / "corpora"
