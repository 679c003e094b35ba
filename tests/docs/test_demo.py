"""`make demo` runs the whole workflow, stops what it started, and fails if a step fails."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.slow

DEMO = ROOT / "docs" / "demo.py"


def test_the_demo_runs_the_whole_workflow_and_stops_the_sandbox() -> None:
    done = subprocess.run([sys.executable, DEMO], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for (
        kind
    ) in "ProductReview InstagramPost FriendReferral ReuseSpring2023 Repair Favourite".split():
        assert re.search(rf"^{kind} +[0-9a-f]{{8}} +[0-9a-f]{{8}} +\w+=", done.stdout, re.MULTILINE)
    assert "12 interactions sent, stored, and read back equal" in done.stdout
    assert "the package is the same as the one in generated/" in done.stdout
    (url,) = re.findall(r"running at (http://127\.0\.0\.1:\d+)", done.stdout)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


@pytest.mark.parametrize("step", ["sandbox", "pull", "generate", "send.py"])
def test_the_demo_fails_if_a_step_fails(step: str, tmp_path: Path) -> None:
    # Python runs this module at its start, in the process of the step alone.
    (tmp_path / "sitecustomize.py").write_text(
        f"import os, sys\nif any(part.endswith({step!r}) for part in sys.orig_argv): os._exit(7)\n"
    )
    done = subprocess.run(
        [sys.executable, DEMO],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode != 0
    assert "read back equal" not in done.stdout
