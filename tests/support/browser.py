"""Chromium, and the rules of axe for accessible pages."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


@contextmanager
def running_browser(*options: str) -> Generator[Browser]:
    """Run Chromium without a window, with further options. Without Chromium, skip the test."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        assert not os.environ.get("CI"), "CI needs a browser: see .ci/run"
        pytest.skip("Chromium is not installed; run: apt-get install chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", *options])
        try:
            yield browser
        finally:
            browser.close()


def find_violations(page: Page) -> list[tuple[str, str, list[str]]]:
    """Return what axe reports about a page: the rule, its impact, and the elements."""
    page.evaluate(_AXE)
    result = cast("dict[str, Any]", page.evaluate("axe.run()"))
    return [
        (violation["id"], violation["impact"], [node["html"][:200] for node in violation["nodes"]])
        for violation in cast("list[dict[str, Any]]", result["violations"])
    ]
