"""The pages in a real browser: contents, escaping, accessibility, and cross-site protection."""

import html
import re
from collections.abc import Generator, Mapping
from typing import Any
from urllib.parse import quote

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
_WIDTH = "cell => cell.clientWidth - parseFloat(getComputedStyle(cell).paddingLeft)"
expect.set_options(timeout=LIMIT_SECONDS * 1000)
PAGES = [
    "",
    "/contacts",
    f"/contacts/{CONTACT}",
    "/contacts/h%3Cb%3E",
    "/segments?schema1=favourite&least1=1",
    "/automations",
    "/dropped",
    "/dropped?schema=favourite&outcome=dropped",
    "/dropped?contact=nobody",
    "/options",
    "/schemas",
    "/schemas/favourite",
    "/nothing/here",
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


def test_the_form_starts_within_the_contract_and_names_what_is_outside(page: Page) -> None:
    page.goto(f"{UI}/schemas/repair")
    row = page.get_by_role("row", name="repairType")
    expect(row).to_contain_text("enum: zipper, seam, button, patch, waxing")
    assert '"repairType": "zipper"' in page.get_by_label("Payload").input_value()
    page.get_by_role("button", name="Send").click()
    answer = page.get_by_role("status")
    expect(answer).to_contain_text("200 OK")
    expect(answer).not_to_contain_text("outside of the contract")
    text = page.get_by_label("Payload").input_value().replace("zipper", "laundry")
    page.get_by_label("Payload").fill(text)
    page.get_by_role("button", name="Send").click()
    expect(answer).to_contain_text("200 OK")  # the platform accepts more
    expect(answer).to_contain_text("outside of the contract")
    expect(answer).to_contain_text("repairType: 'laundry' is not one of")


@pytest.mark.parametrize("schema_id", ["favourite", "productReview", "repair"])
def test_the_payload_of_a_form_is_stored_as_it_is(shown: Sandbox, schema_id: str) -> None:
    with connect(shown) as web:
        page = web.get(f"{UI}/schemas/{schema_id}").text
        (text,) = re.findall(r"<textarea [^>]*>(.*?)</textarea>", page, re.DOTALL)
        fields = {"contact": CONTACT, "payload": html.unescape(text)}
        answer = web.post(f"{UI}/schemas/{schema_id}", data=fields).text
        assert "200 OK" in answer
        assert "outside of the contract" not in answer
        assert web.get("/_sandbox/arrivals").json()["items"][0]["outcome"] == "stored"


def test_a_changed_schema_has_no_contract() -> None:
    with running() as sandbox, connect(sandbox) as web:
        schema = web.get("/api/v3/interactionschemas/repair").json()
        web.delete("/api/v3/interactionschemas/repair")
        del schema["jsonSchema"]["properties"]["store"]
        assert web.post("/api/v3/interactionschemas", json=schema).is_success
        page = web.get(f"{UI}/schemas/repair").text
    assert "Contract" not in page
    assert "&#34;repairType&#34;: &#34;text&#34;" in page


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


def test_contacts_can_be_added_changed_and_deleted(page: Page, shown: Sandbox) -> None:
    page.goto(f"{UI}/contacts")
    page.get_by_label("Name", exact=True).fill("Åsa <b> Öberg")
    page.get_by_label("E-mail", exact=True).fill("asa@example.com")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Åsa <b> Öberg")
    with connect(shown) as web:
        query = {"email": "asa@example.com"}
        contact_id = web.get("/api/v3/contacts/id", params=query).json()
        assert page.url.endswith(f"/{contact_id}#main")
        page.get_by_label("E-mail", exact=True).fill("oberg@example.com")
        page.get_by_label("Mobile phone").fill("070-174 06 99")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("main > dl")).to_contain_text("070-174 06 99")
        assert web.get("/api/v3/contacts/id", params=query).status_code == 404
        page.get_by_label("Mobile phone").fill("none")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("mobilePhone")
        assert page.get_by_label("Mobile phone").input_value() == "none", "the form keeps the text"
        page.get_by_label("Mobile phone").fill("")
        page.get_by_label("Name", exact=True).fill("")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(contact_id)
        contact = web.get(f"/api/v3/contacts/{contact_id}").json()
        assert "mobilePhone" not in contact
        page.get_by_role("button", name="Delete this contact").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Contacts")
        assert web.get(f"/api/v3/contacts/{contact_id}").status_code == 404
    page.get_by_label("Id (a new one").fill(contact_id)
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).to_contain_text("was deleted")


def test_a_contact_with_an_odd_id_can_be_changed(browser: Browser) -> None:
    with running() as sandbox:
        context = browser.new_context(base_url=sandbox.base_url)
        page = context.new_page()
        for number, odd in enumerate(["a/b?c#d%2F&é", "a b/", "<b>"]):
            page.goto(f"{UI}/contacts")
            page.get_by_label("Id (a new one").fill(odd)
            page.get_by_role("button", name="Add").click()
            expect(page.get_by_role("heading", level=1)).to_have_text(odd.strip())
            page.goto(f"{UI}/contacts?find={quote(odd)}")
            page.locator("tbody a").click()
            page.get_by_label("Name", exact=True).fill(f"Odd {number}")
            page.get_by_role("button", name="Save").click()
            expect(page.get_by_role("heading", level=1)).to_have_text(f"Odd {number}")
            page.get_by_role("button", name="Delete this contact").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Contacts")
        context.close()


@pytest.fixture
def lossy(browser: Browser) -> Generator[tuple[Page, Sandbox]]:
    """A tenant after a bulk run that lost data, and a page of it."""
    with running() as sandbox:
        with connect(sandbox) as web:
            other = web.get("/_sandbox/contacts").json()[1]["id"]
            for number in range(45):
                contact = other if number % 3 == 0 else CONTACT
                payload = {"productSku": str(number), "price": "dear"}
                body = {"contactId": contact, "schemaId": "favourite", "payload": payload}
                assert web.post("/api/v3/interactions", json=body).is_success
            for contact in (CONTACT, "nobody"):
                body = {"contactId": contact, "schemaId": "repair", "payload": {"cost": 1}}
                assert web.post("/api/v3/interactions", json=body).is_error
            body = {"contactId": CONTACT, "schemaId": "gone", "payload": {"cost": 1}}
            assert web.post("/api/v3/interactions", json=body).is_error
            send(web, "favourite", {"productSku": "1"})
        context = browser.new_context(base_url=sandbox.base_url)
        yield context.new_page(), sandbox
        context.close()


def test_dropped_data_is_grouped_and_can_be_filtered(lossy: tuple[Page, Sandbox]) -> None:
    page, _ = lossy
    page.goto(f"{UI}/dropped")
    groups = page.locator(".groups > li")
    expect(page.get_by_role("heading", level=2).first).to_have_text("48 interactions by reason")
    assert groups.count() == 4
    expect(groups.first).to_contain_text("Favourite")
    expect(groups.first).to_contain_text("price: type")
    expect(groups.first).to_contain_text("45 interactions of 2 contacts")
    page.get_by_label("Schema").select_option("repair")
    page.get_by_role("button", name="Filter").click()
    sections = page.locator("section")
    expect(sections).to_have_count(2)
    expect(sections.first).to_contain_text("contact nobody (does not exist)")
    expect(sections.last.get_by_role("link", name="Test Contact 1")).to_have_count(1)
    page.get_by_role("link", name="Show all").click()
    page.get_by_label("Contact id").fill(CONTACT)
    page.get_by_role("button", name="Filter").click()
    expect(groups.first).to_contain_text("30 interactions of 1 contact")
    groups.first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text("30 interactions by reason")
    page.get_by_role("link", name="Older").click()
    expect(sections).to_have_count(10)
    page.get_by_label("Result").select_option("ignored")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("main")).to_contain_text("Nothing that matches the filter")


def test_the_start_page_counts_the_things_that_it_names(lossy: tuple[Page, Sandbox]) -> None:
    page, sandbox = lossy
    with connect(sandbox) as web:
        web.post("/_sandbox/automations", json={"name": "welcome"})
        web.delete(f"/_sandbox/contacts/{web.get('/_sandbox/contacts').json()[5]['id']}")
    page.goto(UI)
    cards = page.locator(".cards > li > div").all_inner_texts()
    expected = ["5 contacts", "46 interactions", "1 automation", "48 interactions", "6 schemas"]
    assert cards == expected


def test_a_chart_names_months_and_numbers_and_the_gaps_between_them(
    lossy: tuple[Page, Sandbox],
) -> None:
    page, sandbox = lossy
    with connect(sandbox) as web:
        repair = {"productSku": "1", "repairType": "zipper", "receivedAt": "2026-03-14T09:26:53Z"}
        for date in ("2025-02-01", "2025-02-28", "2025-11-03", "2025-12-31", "2026-02-02"):
            send(web, "repair", repair, f"{date}T09:00:00Z")
    page.goto(f"{UI}/schemas/repair")
    rows = page.locator(".chart tbody tr").all_inner_texts()
    assert [tuple(re.split(r"\s*\t\s*", row)) for row in rows] == [
        ("Feb 2025", "2"),
        ("Mar 2025 to Oct 2025", "0"),
        ("Nov 2025", "1"),
        ("Dec 2025", "1"),
        ("Jan 2026", "0"),
        ("Feb 2026", "1"),
    ]
    widths = [
        box["width"] for bar in page.locator(".chart rect").all() if (box := bar.bounding_box())
    ]
    assert len(widths) == 4
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.02)


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
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        cells = page.locator("dd:visible, .stacked td:visible")
        narrow = [cell.inner_text() for cell in cells.all() if cell.evaluate(_WIDTH) < 150]
        assert narrow == [], path
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
