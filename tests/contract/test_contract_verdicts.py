"""Verdicts about code with a contract: what it sends counts, not what its schema accepts."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage_codegen.compat import compare
from engage_codegen.contract.files import parse_contract
from engage_codegen.contract.proof import contract_problems
from engage_codegen.errors import Location
from engage_codegen.model.build import build
from engage_codegen.model.dialect import find_problems
from engage_codegen.schema.envelope import Schema
from engage_codegen.verify.cases import make_cases
from tests.contract.conftest import CONTRACT, REVIEW
from tests.support.schemas import flat, random_property, schema, validator
from tests.support.tenants import answering, envelope, holding
from tests.support.tiers import IS_FULL
from tests.support.tool import Tool


def write_theirs(folder: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    value: dict[str, Any] = envelope("review", json.loads(json.dumps(REVIEW)), required=["rating"])
    edit(value["jsonSchema"]["properties"])
    path = folder / "theirs.json"
    path.write_text(json.dumps(value))
    return path


@pytest.fixture
def package(reviews: Path, tool: Tool) -> Path:
    """The project with its package, in the wide dialect."""
    config = reviews / "pyproject.toml"
    config.write_text(config.read_text() + 'dialect = "json-schema"\n')
    assert tool("generate").code == 0
    return reviews


CHANGES: list[tuple[str, Callable[[dict[str, Any]], object], int]] = [
    ("the same schema", lambda properties: None, 0),
    ("refuses what is never sent", lambda properties: properties["rating"].update(maximum=9), 3),
    ("refuses what is sent", lambda properties: properties["rating"].update(maximum=4), 4),
    (
        "lists what is sent",
        lambda properties: properties["category"].update(enum=["shoes", "clothes", "hats"]),
        3,
    ),
    ("lists less", lambda properties: properties["category"].update(enum=["shoes"]), 4),
    ("a shorter text", lambda properties: properties["comment"].update(maxLength=20), 3),
    ("a text that is too short", lambda properties: properties["comment"].update(maxLength=19), 4),
    ("another type that fits", lambda properties: properties["score"].update(type="integer"), 3),
    ("a format that fits", lambda properties: properties["when"].update(format="date-time"), 3),
    ("a property is gone", lambda properties: properties.pop("comment"), 4),
]


@pytest.mark.parametrize(("name", "edit", "code"), CHANGES, ids=[row[0] for row in CHANGES])
def test_a_tenant_is_judged_by_what_the_contract_lets_through(
    package: Path, tool: Tool, name: str, edit: Callable[[dict[str, Any]], object], code: int
) -> None:
    outcome = tool("diff", "snapshot", write_theirs(package, edit))
    assert outcome.code == code, outcome.out
    assert ("the contract rules it out" in outcome.out) is (code == 3)


def test_a_narrower_contract_breaks_the_callers_of_yesterday(package: Path, tool: Tool) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=package, check=True, capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    path = package / "contracts/review.toml"
    path.write_text(CONTRACT.replace("maximum = 5", "maximum = 4"))
    assert tool("generate").code == 0
    (package / "app.py").write_text(
        'from acme.review import Review\nReview(rating=5, category="shoes")\n'
    )
    outcome = tool("diff", "git:HEAD", "snapshot", "--usage", "app.py")
    assert outcome.code == 4, outcome.out
    assert "review.rating" in outcome.out
    assert "app.py:2" in outcome.out
    outcome = tool("diff", "snapshot", "git:HEAD")
    assert outcome.code == 3, outcome.out


def test_findings_name_the_owner_of_our_contract_in_every_format(
    package: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = write_theirs(package, lambda properties: properties.pop("comment"))
    diff = ("diff", "snapshot", theirs)
    assert "    owner: reviews@acme.example\n" in tool(*diff).out
    (finding,) = json.loads(tool(*diff, "--output-format", "json").out)["findings"]
    assert finding["owner"] == "reviews@acme.example"
    log = json.loads(tool(*diff, "--output-format", "sarif").out)
    (result,) = log["runs"][0]["results"]
    assert result["properties"] == {"owner": "reviews@acme.example"}
    assert result["message"]["text"].endswith("Owner: reviews@acme.example")
    annotation = tool(*diff, "--output-format", "github").out
    assert annotation.endswith("Owner: reviews@acme.example\n")
    assert "owner: " not in tool("diff", theirs, "snapshot").out, "their side has no contract"
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1")
    with answering(holding(json.loads(theirs.read_text()))) as tenant:
        monkeypatch.setenv("ENGAGE_BASE_URL", tenant.base_url)
        for command in (("check", "--live"), ("preflight", "acme")):
            findings = json.loads(tool(*command, "--output-format", "json").out)["findings"]
            assert [item["owner"] for item in findings if item["schema"] == "review"] == [
                "reviews@acme.example"
            ], command


def test_a_contract_in_a_package_is_not_believed() -> None:
    """A package from elsewhere may have a contract that allows more than its schema."""
    body = flat({"a": {"type": "integer"}})
    contract = parse_contract("s", {"properties": {"a": {"type": "string"}}}, "", nowhere)
    ours = Schema("s", "S", body, "", contract)
    (change,) = compare({"s": ours}, {"s": schema(body)}, "engage")
    assert change.level == "BREAKING"


def no_strings(_pattern: str, _low: int, _high: int | None) -> list[str]:
    return []


def nowhere(_section: str, _key: str) -> Location:
    return Location()


KEYWORDS = (
    "type enum const format pattern minLength maxLength minimum exclusiveMinimum maximum "
    "exclusiveMaximum multipleOf"
).split()


def random_contract(random: Random, names: str) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    for name in names:
        rule = random_property(random, "json-schema")
        rules[name] = {
            key: value
            for key, value in rule.items()
            if key in KEYWORDS and None not in (value if isinstance(value, list) else [value])
        }
        if random.random() < 0.3:
            rules[name]["required"] = True
    return rules


@settings(deadline=None, derandomize=True, max_examples=5000 if IS_FULL else 60)
@given(st.randoms(use_true_random=True))
def test_what_an_accepted_contract_allows_is_valid_for_the_schema(random: Random) -> None:
    """By an independent validator; nothing that the contract allows is refused by the class."""
    names = "abc"[: random.randint(1, 3)]
    body = flat({name: random_property(random, "json-schema") for name in names})
    original = schema(body)
    if any(find_problems(original, "json-schema")):
        return
    table: dict[str, Any] = {"properties": random_contract(random, names)}
    contract = parse_contract("s", table, "", nowhere)
    if any(contract_problems({"s": original}, {"s": contract}, "json-schema")):
        return
    narrowed = Schema("s", "S", body, "", contract).narrowed
    build({"s": Schema("s", "S", body, "", contract)}, {}, "json-schema")
    is_narrow, is_valid = validator(narrowed.json_schema), validator(body)
    cases = make_cases(narrowed.json_schema, lambda name, value: None, no_strings)
    for payload in cases.payloads:
        if is_narrow(payload):
            assert is_valid(payload), (body, table, payload)
