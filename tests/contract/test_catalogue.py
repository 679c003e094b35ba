"""The site that `catalogue` writes for people who read no code."""

import html
import json
import os
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage_codegen.model.dialect import find_problems
from engage_codegen.sandbox.marketing.contact_cards import list_card_properties
from engage_codegen.sandbox.store.records import StoredSchema
from engage_codegen.schema.envelope import Schema
from engage_codegen.verbs.catalogue import Tenant, render_site
from engage_codegen.verbs.catalogue.card import draw_card
from engage_codegen.verbs.catalogue.sample import full_payload
from engage_codegen.verbs.catalogue.words import describe_duration
from tests.support.schemas import flat, random_body, schema, validator
from tests.support.tenants import envelope
from tests.support.tiers import IS_FULL
from tests.support.tool import Tool, contents

PAGE = Path("site/schemas/review.html")


def read_text(page: str) -> str:
    """Return the text of a page as a reader sees it, without its spaces at line ends."""
    body = re.sub(r"(?s).*<main", "<main", page)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def render(body: dict[str, Any], schema_id: str = "s", title: str = "S") -> str:
    schema = Schema(schema_id, title, body, "")
    (page,) = (
        text
        for path, text in render_site([Tenant("", {schema_id: schema})]).items()
        if path != "index.html"
    )
    return page


@pytest.fixture
def site(reviews: Path, tool: Tool) -> Path:
    """A project with the package, code that calls it, and the site."""
    assert tool("generate").code == 0
    (reviews / "app.py").write_text(
        'from acme.review import Review, send_review\nsend_review(1, "c", Review(rating=1))\n'
    )
    outcome = tool("catalogue", "--usage", "app.py")
    assert outcome.code == 0, outcome.err
    return reviews


def test_a_page_says_what_the_contract_says(site: Path) -> None:
    text = read_text(PAGE.read_text())
    for words in (
        "Title of review",
        "Purpose Show and reward reviews",
        "Owner reviews@acme.example",
        "Kept for 2 years",
        "Rating (1-5) rating whole number from 1 to 5 by contract always",
        "score whole number none by contract optional",
        "category text one of “clothes”, “shoes” by contract always by contract",
        "text at most 20 characters by contract optional free-text free text, which",
        "when deprecated use createdDate date and time",
        "app.py:2 send_review(…) app.py:2 Review(…)",
    ):
        assert words in text
    index = read_text(Path("site/index.html").read_text())
    assert "Title of review review Show and reward reviews reviews@acme.example 2 years" in index
    assert "free-text: 1" in index
    assert "2 calls" in index


def test_a_contract_counts_before_generate_copies_it(site: Path, tool: Tool) -> None:
    path = site / "contracts/review.toml"
    path.write_text(path.read_text().replace("maximum = 5", "maximum = 3"))
    assert tool("catalogue").code == 0
    text = read_text(PAGE.read_text())
    assert "from 1 to 3" in text
    assert "Who sends it" not in text, "nobody looked"
    path.write_text("minimum = 1\n")
    before = contents(site)
    assert tool("catalogue").code == 2
    assert contents(site) == before


def test_callers_are_found_before_generate_and_under_other_names(reviews: Path, tool: Tool) -> None:
    (reviews / "app.py").write_text("from acme.rating import Rating\nRating(rating=1)\n")
    assert tool("catalogue", "--usage", "app.py", "--rename", "review=rating").code == 0
    assert "app.py:2 Rating(…)" in read_text(PAGE.read_text())
    assert tool("catalogue", "--usage", "app.py").code == 0
    assert "No code in app.py sends it." in read_text(PAGE.read_text())


def test_the_same_schemas_give_the_same_bytes_and_nothing_is_written_twice(
    site: Path, tool: Tool
) -> None:
    before = contents(site / "site")
    times = {path: path.stat().st_mtime_ns for path in (site / "site").rglob("*.html")}
    outcome = tool("catalogue", "--usage", "app.py")
    assert "up to date" in outcome.err
    assert contents(site / "site") == before
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert tool("catalogue", "--usage", "app.py", "--output-folder", "other").code == 0
    assert contents(site / "other") == before


def test_several_targets_have_a_folder_each_and_link_to_each_other(
    project: Path, tool: Tool
) -> None:
    section = "[tool.engage-codegen.targets.{0}]\noutput = '{1}'\nschemas = 's{1}'\n"
    targets = [("se", "a", ["one", "CON"]), ("AUX", "b", ["one"])]
    for _, output, ids in targets:
        (project / f"s{output}").mkdir()
        for schema_id in ids:
            text = json.dumps(envelope(schema_id))
            (project / f"s{output}" / f"{schema_id.lower()}1.json").write_text(text)
    text = "".join(section.format(name, output) for name, output, _ in targets)
    (project / "pyproject.toml").write_text(text)
    assert tool("catalogue").code == 0
    files = {path for path, data in contents(project / "site").items() if data is not None}
    pages = {"index.html", "se/one.html", "se/CON+.html", "AUX+/one.html"}
    assert files == {os.path.normpath(page) for page in pages}
    index = (project / "site/index.html").read_text()
    assert set(re.findall(r'href="([^"#]+)"', index)) == pages - {"index.html"}
    page = (project / "site/se/one.html").read_text()
    assert 'href="../AUX+/one.html">AUX</a> (the same)' in page
    assert tool("catalogue", "--target", "AUX").code == 0
    files = {path for path, data in contents(project / "site").items() if data is not None}
    assert files == {"index.html", os.path.normpath("AUX+/one.html")}, "one target, no other"


def test_one_target_that_fails_writes_nothing(project: Path, tool: Tool) -> None:
    (project / "one.json").write_text(json.dumps(envelope("one")))
    section = "[tool.engage-codegen.targets.{0}]\noutput = '{0}'\nschemas = '{1}'\n"
    text = section.format("a", "one.json") + section.format("b", "missing.json")
    (project / "pyproject.toml").write_text(text)
    assert tool("catalogue").code == 2
    assert not (project / "site").exists()


@pytest.mark.parametrize("name", ["index.html", "schemas/review.html"])
@pytest.mark.parametrize("by_hand", [True, False])
def test_what_the_tool_did_not_write_is_never_replaced(
    site: Path, tool: Tool, name: str, by_hand: bool
) -> None:
    path = site / "site" / name
    path.write_text(path.read_text().replace("main", "mian") if by_hand else "my own page")
    before = contents(site)
    outcome = tool("catalogue")
    assert outcome.code == 2
    assert ("edited by hand" if by_hand else "did not write") in outcome.err
    assert contents(site) == before


def test_only_pages_of_the_tool_are_deleted(site: Path, tool: Tool) -> None:
    folder = site / "site/schemas"
    page = PAGE.read_text()
    (folder / "old.html").write_bytes(page.replace("\n", "\r\n").encode())
    (folder / "edited.html").write_text(page.replace("Owner", "Boss"))
    (folder / "mine.html").write_text("my own page")
    (folder / "notes.txt").write_text(page)
    (site / "elsewhere.html").write_text(page)
    (folder / "link.html").symlink_to(site / "elsewhere.html")
    (site / "site/linked").symlink_to(site / "site/schemas", target_is_directory=True)
    outcome = tool("catalogue", "--usage", "app.py")
    assert outcome.code == 0, outcome.err
    assert "deleted 1 page" in outcome.err
    assert "edited.html is no longer part of the site" in outcome.err
    names = {path.name for path in folder.iterdir()}
    assert names == {"review.html", "edited.html", "mine.html", "notes.txt", "link.html"}
    assert (site / "elsewhere.html").read_text() == page


@pytest.mark.parametrize("link", ["site", "site/schemas", "site/schemas/review.html"])
@pytest.mark.parametrize("inside", [True, False])
def test_nothing_is_written_through_a_link(
    reviews: Path, tool: Tool, tmp_path_factory: pytest.TempPathFactory, link: str, inside: bool
) -> None:
    target = reviews / "target" if inside else tmp_path_factory.mktemp("outside") / "target"
    is_file = link.endswith(".html")
    target.write_text("x") if is_file else target.mkdir()
    (reviews / link).parent.mkdir(parents=True, exist_ok=True)
    (reviews / link).symlink_to(target, target_is_directory=not is_file)
    outcome = tool("catalogue")
    assert outcome.code == 2
    assert "link" in outcome.err or "outside of the project" in outcome.err
    assert target.read_text() == "x" if is_file else not list(target.iterdir())


@pytest.mark.parametrize("folder", ["../site", "/site-of-engage-codegen"])
def test_a_folder_outside_of_the_project_is_refused(reviews: Path, tool: Tool, folder: str) -> None:
    outcome = tool("catalogue", "--output-folder", folder)
    assert (outcome.code, "outside of the project" in outcome.err) == (2, True)
    assert not (reviews / folder).exists()


def test_ids_that_differ_in_case_are_refused(project: Path, tool: Tool) -> None:
    for number, schema_id in enumerate(["one", "ONE"]):
        (project / f"{number}.json").write_text(json.dumps(envelope(schema_id)))
    outcome = tool("catalogue", "--schemas", "0.json", "--schemas", "1.json")
    assert (outcome.code, "one file on Windows" in outcome.err) == (2, True)
    assert not (project / "site").exists()


HOSTILE = "</code><script>x</script><img src=x onerror=x>{{7*7}}\"'\u202e\ud800<!--"


def test_foreign_text_is_escaped_and_makes_no_link() -> None:
    property_: dict[str, Any] = {
        "type": "string",
        "displayName": HOSTILE,
        "description": f"{HOSTILE} javascript:alert(1) https://evil.example",
        "showInContactCard": "true",
        "examples": [HOSTILE],
        "enum": [HOSTILE],
    }
    page = render(flat({HOSTILE: property_}), title=HOSTILE)
    assert set(re.findall(r"<(\w+)", page)) == set(re.findall(r"<(\w+)", render(flat({})))) | set(
        "table thead tr th tbody td br code ul li p span dl dt dd".split()
    )
    assert re.findall(r'(?:href|src)="([^"]*)"', page) == ["#main", "../index.html"]
    assert page.encode("utf-8").isascii() or "\u202e" not in page
    assert page.count("<!--") == 0
    assert "49" not in read_text(page)


@settings(max_examples=100)
@given(
    st.dictionaries(
        st.text("ab", min_size=1, max_size=2),
        st.fixed_dictionaries(
            {"type": st.just("string")},
            optional={
                "showInContactCard": st.sampled_from(["true", "false", True, False, "True", None]),
                "sortOrder": st.sampled_from(["1", 1, "-2", "10", "1.5", "", None, True, " 3"]),
                "displayName": st.sampled_from(["", " ", "Label", "Other", None, 3]),
            },
        ),
    )
)
def test_the_card_is_the_card_of_the_sandbox(properties: dict[str, Any]) -> None:
    stored = StoredSchema("s", "S", flat(properties))
    expected = list_card_properties(stored)
    card = draw_card("S", properties, dict.fromkeys(properties, "v"))
    assert list(card.rows) == [(label, "v") for _, label in expected]
    assert list(card.hidden) == sorted(properties.keys() - {name for name, _ in expected})


def test_a_sample_is_valid() -> None:
    samples = 0
    for seed in range(5000 if IS_FULL else 150):
        body = random_body(Random(seed), "json-schema")
        if any(find_problems(schema(body), "json-schema")):
            continue
        _, payload = full_payload(schema(body))
        samples += payload is not None
        assert payload is None or validator(body)(payload), (seed, body, payload)
    assert samples > 50


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("P1Y", "1 year"),
        ("P2Y6M", "2 years, 6 months"),
        ("P18M", "18 months"),
        ("P3W", "3 weeks"),
        ("P90D", "90 days"),
        ("", ""),
    ],
)
def test_a_retention_is_in_words(text: str, words: str) -> None:
    assert describe_duration(text) == words


@pytest.mark.parametrize(
    ("property_", "words"),
    [
        ({"type": "string", "minLength": 1, "maxLength": 1}, "text exactly 1 character"),
        ({"type": "string", "minLength": 1}, "text at least 1 character"),
        ({"type": "string", "minLength": 2, "maxLength": 9}, "text from 2 to 9 characters"),
        ({"type": "string", "pattern": "^[A-Z]+$"}, "text matches the pattern ^[A-Z]+$"),
        ({"type": ["number", "null"], "exclusiveMinimum": 0}, "number or empty (null) more than 0"),
        ({"type": "number", "maximum": 2.5, "multipleOf": 0.5}, "at most 2.5 a multiple of 0.5"),
        ({"type": "boolean", "const": True}, "yes or no always yes"),
        ({"type": "integer", "enum": [1, 2]}, "whole number one of 1, 2"),
        ({"type": "string", "format": "uuid"}, "unique identifier (UUID) none"),
        ({"type": "string", "format": "odd"}, "text in the format odd, which nobody checks"),
    ],
)
def test_types_and_rules_are_in_words(property_: dict[str, Any], words: str) -> None:
    assert words in read_text(render(flat({"p": property_})))


def test_rules_for_the_payload_are_in_words() -> None:
    body = flat({"a": {"type": "string"}, "b": {"type": "string"}})
    body |= {"minProperties": 1, "maxProperties": 2, "dependentRequired": {"a": ["b"]}}
    text = read_text(render(body))
    assert "It has at least 1 field. It has at most 2 fields. With “a” it also has “b”." in text
