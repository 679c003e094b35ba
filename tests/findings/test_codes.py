"""The registry of codes: complete, free of dead entries, and true to its examples."""

import ast
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from engage_codegen.findings.codes import SEVERITIES, rules, severity_of
from engage_codegen.lint import lint
from engage_codegen.lint.rule import CHECKS
from engage_codegen.model.dialect import JSON_SCHEMA
from engage_codegen.schema.envelope import Dialect
from engage_codegen.schema.jsontext import canonical_json
from tests.support.paths import ROOT

PACKAGE = ROOT / "codegen" / "engage_codegen"
SCHEMA_RULES = [code for code in rules() if code[:3] in ("EG1", "EG2")]


def emitted_codes() -> set[str]:
    """Return every code that stands in the code base as a string of its own."""
    return {
        node.value
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch("EG[0-9]{3}", node.value)
    }


def test_every_code_that_can_be_emitted_is_registered_and_the_other_way_round() -> None:
    assert emitted_codes() == rules().keys()
    assert {code for code, _, _ in CHECKS} < rules().keys()


def test_every_rule_says_what_it_means_and_what_to_do() -> None:
    assert list(rules()) == sorted(rules())
    for code, rule in rules().items():
        assert rule.code == code
        assert rule.severity == severity_of(code)
        assert rule.severity in SEVERITIES
        assert rule.title.strip()
        assert not rule.title.endswith("."), "a title is no sentence"
        assert rule.help.endswith("."), code
        assert rule.remedy.endswith("."), code


def test_codes_of_failed_runs_have_no_examples_and_cannot_be_waived() -> None:
    for code, rule in rules().items():
        is_failure = code.startswith("EG5")
        assert bool(rule.fails) == bool(rule.passes) == (not is_failure), code
        assert not (is_failure and rule.waivable), code


# How an example becomes a schema file: by what it stands for.


def embed_property(example: str) -> str:
    return embed_properties(f'{{"shop": {example}}}')


def embed_properties(example: str) -> str:
    return embed_schema(f'{{"properties": {example}}}')


def embed_schema(example: str) -> str:
    body = {"$schema": JSON_SCHEMA, "type": "object"} | json.loads(example)
    return embed_envelope(json.dumps({"jsonSchema": body}))


def embed_exact_schema(example: str) -> str:
    return embed_envelope(f'{{"jsonSchema": {example}}}')


def embed_envelope(example: str) -> str:
    body = {"$schema": JSON_SCHEMA, "type": "object"}
    envelope = {"id": "visit", "displayName": "Visit", "jsonSchema": body}
    return json.dumps(envelope | json.loads(example))


def embed_file(example: str) -> str:
    return f"{example}\n"


EMBED: Mapping[str, Callable[[str], str]] = {
    "EG100": embed_file,
    "EG101": embed_file,
    "EG102": embed_exact_schema,
    "EG103": embed_schema,
    "EG115": embed_properties,
    "EG116": embed_properties,
    "EG117": embed_envelope,
    "EG120": embed_properties,
    "EG121": embed_envelope,
    "EG125": embed_exact_schema,
    "EG126": embed_schema,
    "EG206": embed_schema,
    "EG207": embed_schema,
    "EG208": embed_schema,
    "EG213": embed_schema,
} | dict.fromkeys(
    [
        *(f"EG{number}" for number in (104, 111, 112, 113, 114, 118, 119, 124, 127)),
        *(f"EG{number}" for number in (201, 202, 203, 204, 205)),
    ],
    embed_property,
)
IN_WORDS = {"EG109", "EG110", "EG122", "EG123"}
"""Rules about many schemas or properties, whose examples are descriptions."""


def test_every_schema_rule_has_an_example_in_json_or_in_words() -> None:
    assert EMBED.keys() | IN_WORDS == set(SCHEMA_RULES)


@pytest.mark.parametrize("code", EMBED)
def test_the_failing_example_of_a_rule_raises_its_finding_and_the_passing_one_does_not(
    code: str, tmp_path: Path
) -> None:
    rule = rules()[code]
    dialect: Dialect = "json-schema" if code == "EG205" else "engage"
    path = tmp_path / "visit.json"
    for example, is_expected in ((rule.fails, True), (rule.passes, False)):
        path.write_text(EMBED[code](example), "utf-8")
        findings = lint([path], dialect, {})
        assert (code in {finding.code for finding in findings}) == is_expected, example
        if is_expected:
            reported = {finding.severity for finding in findings if finding.code == code}
            assert reported == {rule.severity}


def test_the_example_of_a_canonical_file_is_canonical() -> None:
    example = rules()["EG101"].passes
    assert canonical_json(json.loads(example)) == f"{example}\n"
