"""`verify` blames no right code with any validator of the range that pyproject.toml allows.

The newest and the oldest of each are installed from a package index, in a full run. All other tests
run with those of the environment.
"""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from engage_codegen.schema.jsontext import JsonObject
from engage_codegen.verify.oracle import choose_oracle, close_schema
from tests.support.paths import ROOT
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

STEPS: tuple[float, ...] = (1, 3, 7, 10, 100, 0.01, 0.3, 1.5, 19.99, 1e16)
NUMBERS: tuple[float, ...] = (
    *(0, 21, 1000.0, 0.3, 59.97, 1e15, 1e15 + 3, 2.0**53 + 2, 1.8446744073709552e19, 1e23, 3e23),
    *(3.82254010419015e16, 1e24, -1e100, 1e308, 10**16 + 1, 2**53 + 1, 10**30, 10**400),
)
VERSIONS = {
    "jsonschema-rs": ("0.60.0", "0.61.2"),
    "hypothesis": ("6.100.0", "6.170.17"),
}


def test_a_multiple_is_judged_right_or_not_at_all() -> None:
    unchecked = 0
    for step in STEPS:
        schema: JsonObject = {"properties": {"a": {"type": "number", "multipleOf": step}}}
        judge = choose_oracle().judge(close_schema(schema))
        for number in NUMBERS:
            is_multiple = (Fraction(repr(number)) / Fraction(repr(step))).denominator == 1
            verdict = judge({"a": number}).is_valid
            assert verdict in (None, is_multiple), (number, step)
            unchecked += verdict is None
    assert 0 < unchecked < len(STEPS) * len(NUMBERS) * 0.6


@pytest.mark.network
@pytest.mark.skipif(not IS_FULL, reason="installs packages")
@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("package", VERSIONS)
def test_right_code_is_sound_at_both_ends_of_the_range(
    package: str, end: int, tmp_path: Path
) -> None:
    requirement = f"{package}=={VERSIONS[package][end]}"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    done = subprocess.run([*pip, str(tmp_path), requirement], check=False, capture_output=True)
    if done.returncode != 0:
        pytest.skip("no package index can be reached")
    tests = ("test_verify.py", "test_runtime_faults.py", Path(__file__).name)
    words = "keyword or format or judge or before or multiple_is"
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider"),
            *("-W", "default", "-k", words),
            *(str(ROOT / "tests" / "verify" / name) for name in tests),
        ],
        cwd=ROOT,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT / 'codegen'}", "PATH": "/usr/bin:/bin"},
        check=True,
    )
