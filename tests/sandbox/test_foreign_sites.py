"""Other web sites in a real browser cannot use the sandbox: DNS rebinding, forms and scripts."""

import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from playwright.sync_api import Browser, Page

from engage_codegen.sandbox.server import Sandbox, running
from tests.sandbox.helpers import CONTACT, LIMIT_SECONDS, connect
from tests.support.browser import running_browser

pytestmark = [pytest.mark.slow, pytest.mark.browser]

REBOUND, ALLOWED = "rebound.example", "engage.internal"
ATTACK = """async ([base, key]) => {
    const answers = [];
    const requests = [
        ["/api/v3/interactionschemas/repair", {method: "DELETE", headers: {apikey: key}}],
        ["/api/v2/interactionschemas/repair", {method: "DELETE", headers: {apikey: key}}],
        ["/api/v3/interactionschemas", {headers: {apikey: key}}],
        ["/api/v3/interactions", {method: "POST", mode: "no-cors", body: "{}"}],
        ["/_sandbox/reset", {method: "POST"}],
        ["/_sandbox/reset", {method: "POST", mode: "no-cors"}],
        ["/_sandbox/contacts", {}],
        ["/_sandbox/ui/automations", {method: "POST", mode: "no-cors", body: "name=x"}],
    ];
    for (const [path, init] of requests) {
        try {
            const answer = await fetch(base + path, init);
            answers.push(answer.type === "opaque" ? 0 : answer.status);
        } catch (error) {
            answers.push(0);
        }
    }
    return answers;
}"""
"""Sends requests and returns their statuses; 0 if the page does not learn it."""


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    rules = f"MAP {REBOUND} 127.0.0.1, MAP {ALLOWED} 127.0.0.1"
    with running_browser(f"--host-resolver-rules={rules}") as browser:
        yield browser


@pytest.fixture
def sandbox() -> Generator[Sandbox]:
    with running(allowed_hosts=[ALLOWED]) as sandbox:
        yield sandbox


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    page = browser.new_page()
    page.set_default_timeout(LIMIT_SECONDS * 1000)
    yield page
    page.close()


@pytest.fixture
def foreign_site(sandbox: Sandbox) -> Generator[str]:
    """The address of another site, whose page has a form that is sent to the sandbox."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            form = (
                f'<form method="post" action="{sandbox.base_url}/_sandbox/reset"><button>x</form>'
            )
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<!doctype html><title>Site</title>{form}".encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            pass

    server = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def describe(sandbox: Sandbox) -> list[object]:
    """Return everything that an attack could change."""
    paths = ["contacts", "arrivals", "automations", "keys", "options"]
    with connect(sandbox) as web:
        states: list[object] = [web.get(f"/_sandbox/{path}").json() for path in paths]
        return [*states, web.get("/api/v3/interactionschemas").json()]


def add_marker(sandbox: Sandbox) -> list[object]:
    """Add a contact, which a reset would delete, and return the state."""
    with connect(sandbox) as web:
        assert web.post("/_sandbox/contacts", json={"id": "marker"}).status_code == 201
    return describe(sandbox)


def test_a_rebound_page_can_neither_read_nor_change_anything(sandbox: Sandbox, page: Page) -> None:
    state = add_marker(sandbox)
    base = f"http://{REBOUND}:{httpx.URL(sandbox.base_url).port}"
    answer = page.goto(base)
    assert answer is not None
    assert answer.status == 403
    statuses = page.evaluate(ATTACK, [base, sandbox.api_key])
    assert set(statuses) == {403}
    assert describe(sandbox) == state


def test_scripts_of_another_site_can_neither_read_nor_change_anything(
    sandbox: Sandbox, page: Page, foreign_site: str
) -> None:
    state = add_marker(sandbox)
    page.goto(foreign_site)
    assert set(page.evaluate(ATTACK, [sandbox.base_url, sandbox.api_key])) == {0}
    assert describe(sandbox) == state


def test_forms_of_another_site_are_refused(sandbox: Sandbox, page: Page, foreign_site: str) -> None:
    state = add_marker(sandbox)
    page.goto(foreign_site)
    with page.expect_response("**/_sandbox/reset") as response:
        page.get_by_role("button").click()
    assert response.value.status == 403
    assert describe(sandbox) == state


def test_the_pages_work_under_an_allowed_name(sandbox: Sandbox, page: Page) -> None:
    page.goto(f"http://{ALLOWED}:{httpx.URL(sandbox.base_url).port}")
    page.get_by_role("link", name="Contacts").first.click()
    page.locator(f'a[href$="{CONTACT}"]').click()
    page.get_by_label("Name", exact=True).fill("New Name")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="New Name").wait_for()
    with connect(sandbox) as web:
        assert web.get(f"/api/v3/contacts/{CONTACT}").json()["name"] == "New Name"
