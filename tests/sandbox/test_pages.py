"""The pages in a real browser: contents, escaping, accessibility, and cross-site protection."""

import re
from collections.abc import Generator, Mapping
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from engage_codegen.sandbox.server import Sandbox, running
from tests.sandbox.helpers import CONTACT, DIALECT, LIMIT_SECONDS, connect
from tests.support.browser import find_violations, running_browser

pytestmark = [pytest.mark.slow, pytest.mark.browser]
HOSTILE = (
    "</dd><script>document.title='owned'</script>"
    "<img src=x onerror=\"document.title='owned'\">{{7*7}}"
)
UI = "/_sandbox/ui"
expect.set_options(timeout=LIMIT_SECONDS * 1000)
PAGES = [
    "",
    "/contacts",
    f"/contacts/{CONTACT}",
    "/contacts/h%3Cb%3E",
    "/segments?schema1=favourite&least1=1",
    "/automations",
    "/dropped",
    "/options",
    "/schemas",
    "/schemas/favourite",
    "/contacts/nobody",
]


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def shown() -> Generator[Sandbox]:
    """A tenant with data on every page, including hostile text."""
    with running() as sandbox:
        with connect(sandbox) as web:
            schema = {
                "id": "hostile",
                "displayName": HOSTILE,
                "jsonSchema": {
                    "$schema": DIALECT,
                    "type": "object",
                    "properties": {
                        HOSTILE: {
                            "type": "string",
                            "displayName": HOSTILE,
                            "showInContactCard": "true",
                            "addToSegmentation": "true",
                        }
                    },
                },
            }
            assert web.post("/api/v3/interactionschemas", json=schema).is_success
            web.post("/_sandbox/automations", json={"name": HOSTILE})
            web.post("/_sandbox/contacts", json=build_hostile_contact())
            send(web, "hostile", {HOSTILE: HOSTILE, "dropped<script>": HOSTILE})
            for month in range(1, 7):
                for number in range(month):
                    date = f"2026-{month:02}-1{number}T09:00:00Z"
                    payload = {"productSku": f"7120-{number}", "price": "dear" if number else 99}
                    send(web, "favourite", payload, date)
        yield sandbox


def build_hostile_contact() -> dict[str, str]:
    text = HOSTILE[:200]
    return {"id": "h<b>", "name": HOSTILE, "customKey": text, "contactType": text}


def send(web: httpx.Client, schema_id: str, payload: Mapping[str, Any], date: str = "") -> None:
    body = {"contactId": CONTACT, "schemaId": schema_id, "payload": payload}
    more = {"createdDate": date} if date else {}
    assert web.post("/api/v3/interactions", json=body | more).is_success


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, shown: Sandbox) -> Generator[Page]:
    context = browser.new_context(
        base_url=shown.base_url, color_scheme=request.param, java_script_enabled=True
    )
    context.set_default_timeout(LIMIT_SECONDS * 1000)
    try:
        yield context.new_page()
    finally:
        context.close()


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_no_serious_accessibility_violation(page: Page, path: str) -> None:
    page.goto(UI + path)
    serious = [item for item in find_violations(page) if item[1] in ("serious", "critical")]
    assert serious == []


@pytest.mark.parametrize("path", [*PAGES[:-1], "/schemas/hostile", "/segments"])
def test_hostile_text_of_a_tenant_is_escaped(page: Page, path: str) -> None:
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.goto(UI + path)
    assert "owned" not in page.title().replace(HOSTILE, "")
    assert page.locator("script, img").count() == 0
    assert all(url.startswith(page.url.split(UI)[0] + UI) for url in urls)
    assert "49" not in page.locator("main").inner_text().replace(CONTACT, "").split()


def test_a_contact_card_is_paged_and_can_be_filtered(page: Page) -> None:
    page.goto(f"{UI}/contacts")
    page.get_by_label("Name, id, e-mail or number").fill(CONTACT[:8])
    page.get_by_role("button", name="Find").click()
    # A click does not wait for the next page, but `expect` does.
    links = page.locator("tbody a")
    expect(links).to_have_count(1)
    links.click()
    entries = page.locator(".timeline > li")
    expect(entries).to_have_count(20)
    page.get_by_role("link", name="Older").click()
    expect(entries).to_have_count(2)
    page.goto(f"{UI}/contacts/{CONTACT}")
    page.get_by_label("Show").select_option("hostile")
    page.get_by_role("button", name="Filter").click()
    expect(entries).to_have_count(1)
    assert entries.locator("dt").inner_text() == HOSTILE
    assert entries.locator("dd").inner_text() == HOSTILE


@pytest.mark.parametrize("text", ["test.contact.1@", "+46701740605", "m-10001", "18000101-0001"])
def test_a_contact_is_found_by_each_of_its_fields(page: Page, text: str) -> None:
    page.goto(f"{UI}/contacts")
    page.get_by_label("Name, id, e-mail or number").fill(text)
    page.get_by_role("button", name="Find").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Test Contact 1")
    labels = page.locator("main > dl dt").all_inner_texts()
    values = page.locator("main > dl dd").all_inner_texts()
    assert dict(zip(labels, values, strict=True)) == {
        "Type": "Member",
        "E-mail": "test.contact.1@example.com",
        "Mobile phone": "+46701740605",
        "Member number": "M-10001",
        "Social security number": "18000101-0001",
    }


def test_the_segments_page_shows_size_members_and_a_chart(page: Page) -> None:
    page.goto(f"{UI}/segments")
    page.get_by_label("Interactions of").first.select_option("favourite")
    page.get_by_label("at least", exact=True).first.fill("2")
    page.get_by_role("button", name="Count").click()
    expect(page.locator(".figure")).to_have_text("1")
    assert page.locator("ol a").count() == 1
    assert page.locator(".chart rect").count() == 6
    page.get_by_label("at most", exact=True).first.fill("3")
    page.get_by_role("button", name="Count").click()
    expect(page.locator(".figure")).to_have_text("0")
    page.get_by_label("at least", exact=True).first.fill("many")
    page.get_by_role("button", name="Count").click()
    expect(page.locator("main")).to_contain_text("is not an integer")


def test_the_form_shows_the_request_and_the_response(page: Page) -> None:
    page.goto(f"{UI}/schemas/repair")
    page.get_by_role("button", name="Send").click()
    answer = page.get_by_role("status")
    expect(answer).to_contain_text("POST /api/v3/interactions")
    expect(answer).to_contain_text("200 OK")
    assert "sandbox-key" not in page.content()
    page.get_by_label("Payload").fill('{"cost": 1}')
    page.get_by_role("button", name="Send").click()
    expect(answer).to_contain_text("InvalidInteraction")
    page.get_by_label("Payload").fill("{")
    page.get_by_role("button", name="Send").click()
    expect(answer).to_contain_text("MalformedRequest")
    assert page.get_by_label("Payload").input_value() == "{", "the form keeps the payload"


@pytest.mark.parametrize(("kind", "text"), [("status", "503"), ("drop", "No response")])
def test_a_fault_also_applies_to_a_test_interaction(
    page: Page, shown: Sandbox, kind: str, text: str
) -> None:
    page.goto(f"{UI}/schemas/repair")
    with connect(shown) as web:
        fault = {"kind": kind} | ({"status": 503} if kind == "status" else {})
        assert web.post("/_sandbox/faults", json=fault).is_success
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text(text)


@pytest.mark.parametrize(
    "path",
    [
        "/segments?schema1=repair&property1=repair/cost&test1=foo&value1=1",
        "/segments?schema1=repair&days1=1000000",
        "/segments?schema1=repair&property1=favourite/productSku&value1=1",
        "/segments?property1=repair/store&value1=x",
        "/segments?schema1=repair&least1=0.5",
        "/segments?schema1=repair&property1=repair/underWarranty&value1=ja",
        "/contacts?start=many",
        f"/contacts/{CONTACT}?before=nonsense",
    ],
)
def test_an_invalid_query_is_answered_with_a_page(shown: Sandbox, path: str) -> None:
    with connect(shown) as web:
        answer = web.get(UI + path)
    assert answer.status_code in (400, 409)
    assert "<h1>" in answer.text


def test_an_automation_can_be_added_and_deleted(page: Page, shown: Sandbox) -> None:
    page.goto(f"{UI}/automations")
    page.get_by_label("Name").fill("welcome <b>")
    page.get_by_label("Trigger").select_option("favourite")
    page.get_by_label("only if the property").fill("productSku")
    page.get_by_label("is", exact=True).fill("42")
    page.get_by_role("button", name="Add").click()
    rows = page.get_by_role("row", name="welcome <b>")
    expect(rows.first).to_contain_text("productSku is 42")
    with connect(shown) as web:
        send(web, "favourite", {"productSku": "42"})
    page.goto(f"{UI}/automations")
    expect(rows).to_have_count(2)
    rows.first.get_by_role("button").click()
    expect(rows).to_have_count(0)


def test_dropped_properties_are_shown_with_rule_and_reason(page: Page) -> None:
    page.goto(f"{UI}/dropped")
    price = page.get_by_role("row", name="price").first
    expect(price.locator("code")).to_have_text("type")
    expect(price).to_contain_text("is not of type number")
    expect(page.locator(".tag.dropped").first).to_have_text("dropped")


def test_the_pages_work_without_javascript(browser: Browser, shown: Sandbox) -> None:
    context = browser.new_context(base_url=shown.base_url, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{UI}/contacts/{CONTACT}")
    page.get_by_role("link", name="Older").click()
    expect(page).to_have_url(re.compile("before="))
    assert page.locator(".timeline > li").count() >= 2
    context.close()


def test_the_pages_fit_on_a_phone(browser: Browser, shown: Sandbox) -> None:
    context = browser.new_context(base_url=shown.base_url, viewport={"width": 360, "height": 640})
    page = context.new_page()
    for path in PAGES:
        page.goto(UI + path)
        assert page.get_by_role("heading", level=1).count() == 1
        width = page.evaluate("document.documentElement.scrollWidth") if path else 0
        assert width <= 360, path
    context.close()


@pytest.mark.parametrize(
    "header", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_requests_from_other_sites_are_refused(shown: Sandbox, header: dict[str, str]) -> None:
    with connect(shown) as web:
        before = web.get("/_sandbox/automations").json()
        answer = web.post(f"{UI}/automations", data={"name": "x"}, headers=header)
        assert answer.status_code == 403
        assert web.post(f"{UI}/schemas/repair", data={}, headers=header).status_code == 403
        assert web.post("/_sandbox/reset", headers=header).status_code == 403
        rebound = {"Host": "evil.example:1", "Origin": "http://evil.example:1"}
        assert web.get("/_sandbox/contacts", headers=rebound).status_code == 403
        assert web.post(f"{UI}/automations", data={"name": "x"}, headers=rebound).status_code == 403
        assert web.get("/_sandbox/automations").json() == before


def test_the_content_security_policy_allows_no_scripts(shown: Sandbox) -> None:
    with connect(shown) as web:
        for path in PAGES:
            headers = web.get(UI + path).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
