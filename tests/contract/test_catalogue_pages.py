"""The pages of the site in a real browser, from files."""

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import find_violations, running_browser
from tests.support.tool import Tool

pytestmark = [pytest.mark.slow, pytest.mark.browser]
PAGES = ["index.html", "schemas/review.html"]


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Generator[Page]:
    context = browser.new_context(color_scheme=request.param)
    try:
        yield context.new_page()
    finally:
        context.close()


def test_pages_are_accessible_and_fit_on_a_phone(page: Page, reviews: Path, tool: Tool) -> None:
    assert tool("catalogue", "--usage", "contracts").code == 0
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    for name in PAGES:
        page.goto((reviews / "site" / name).as_uri())
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert find_violations(page) == []
    assert messages == [], "the content security policy allows the style sheet"
    assert page.locator("script").count() == 0
    page.get_by_role("link", name="All schemas").click()
    page.get_by_role("link", name="Title of review").click()
    assert page.url == (reviews / "site" / PAGES[1]).as_uri()


def test_pages_are_printed_dark_on_light(page: Page, reviews: Path, tool: Tool) -> None:
    assert tool("catalogue").code == 0
    page.goto((reviews / "site" / PAGES[1]).as_uri())
    page.emulate_media(media="print")
    style = "getComputedStyle(document.body)"
    assert page.evaluate(f"{style}.backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(f"{style}.color") == "rgb(29, 36, 51)"
    assert not page.get_by_role("link", name="All schemas").is_visible()
