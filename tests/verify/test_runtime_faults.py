"""`verify` finds faults of the generator: in a format, in the reading of a pattern, in a limit."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from engage_codegen import pipeline, verify
from engage_codegen.config import PARTS, Config
from engage_codegen.verify.results import CheckerResult
from engage_codegen.verify.values import Matching
from tests.support.tiers import draw

pytestmark = pytest.mark.slow

FORMATS = (
    "hostname idn-hostname ipv6 ipv4 email idn-email uri uri-template date date-time time"
).split()
PATTERNS = {
    "dot": "^a.c$",
    "boundary": r"^\B$|^a\Bb$",
    "lenient": r"^[\w-.]+$",
    "never": "^a$|b[]",
    "any": "^a[^]b$",
}
EXAMPLES = {"dot": "abc", "boundary": "ab", "lenient": "a-.", "never": "a", "any": "a\nb"}
PROPERTIES: dict[str, dict[str, object]] = {
    **{name: {"type": "string", "format": name, "maxLength": 300} for name in FORMATS},
    **{
        name: {"type": "string", "pattern": pattern, "examples": [EXAMPLES[name]]}
        for name, pattern in PATTERNS.items()
    },
    "shortDate": {"type": "string", "format": "date", "examples": ["2024-02-29"], "pattern": "^2"},
    "longTime": {"type": "string", "format": "time", "maxLength": 12},
    "shortId": {"type": "string", "format": "uuid", "pattern": "^[0-9a-f-]+$"},
}
SCHEMAS: dict[str, dict[str, object]] = {
    "visit": {"type": "object", "properties": PROPERTIES},
    "empty": {
        "type": "object",
        "properties": {"flag": {"type": "boolean"}},
        "maxProperties": 0,
    },
}
FORMATS_MODULE = "_runtime/payload/formats.py"
FAULTS = {
    "a hostname of 254 characters": (FORMATS_MODULE, r"{{1,253}}\Z", r"{{1,254}}\Z"),
    "a hostname of 255 characters": (FORMATS_MODULE, r"{{1,253}}\Z", r"{{1,255}}\Z"),
    "no hostname of 253 characters": (FORMATS_MODULE, r"{{1,253}}\Z", r"{{1,252}}\Z"),
    "eight groups beside a gap": (FORMATS_MODULE, "len(groups) < 8", "len(groups) <= 8"),
    "the year 0 is no leap year": (FORMATS_MODULE, "year or 400", "year or 1"),
    "an address literal without a tag": (
        FORMATS_MODULE,
        'is_ipv6(literal[5:]) if literal[:5].lower() == "ipv6:" else is_ipv4(literal)',
        "is_ipv6(literal) or is_ipv6(literal[5:]) or is_ipv4(literal)",
    ),
    "a tag in capitals only": (FORMATS_MODULE, '.lower() == "ipv6:"', ' == "IPv6:"'),
    "a template without a bar": (FORMATS_MODULE, "@|]?", "@]?"),
    "a bar in a template": (FORMATS_MODULE, "`{|}", "`{}"),
    "no rules for text from right to left": (FORMATS_MODULE, "check_ltr=bidi", "check_ltr=False"),
    "a quoted space": (FORMATS_MODULE, r"\t !#-", r"\t!#-"),
    "a quoted tab": (FORMATS_MODULE, r"\t !#-", " !#-"),
    "an escaped space": (FORMATS_MODULE, r"\\[!-~", r"\\[ -~"),
    "a local part of 65 characters": (FORMATS_MODULE, r"{{1,64}}\Z", r"{{1,65}}\Z"),
    "a dot matches CR": ("visit.py", r"[^\\n\\r\\u2028\\u2029]", r"[^\\n\\u2028\\u2029]"),
    "a dot matches a line separator": ("visit.py", r"\\r\\u2028\\u2029]", r"\\r\\u2029]"),
    "no boundary in an empty text": ("visit.py", r"^(?!\\b)\\Z|", r"^(?!\\b)(?!\\Z)|"),
    "a boundary": ("visit.py", r"a(?!\\b)b", r"a\\bb"),
    "a hyphen is missing in a set": ("visit.py", r"[\\w\\-.]", r"[\\w.]"),
    "an empty set matches": ("visit.py", r"b[^\\s\\S]", r"b[\\s\\S]?"),
    "the full set does not match": ("visit.py", r"a[\\s\\S]b", r"a[^\\n]b"),
    "a pattern beside a date": ("visit.py", 'pattern="^2", ', ""),
    "a pattern beside a UUID": ("visit.py", r'pattern="^[0-9a-f\\-]+\\Z", ', ""),
    "a length beside a time": ("visit.py", "max_length=12, ", ""),
    "no property": ("empty.py", "max_properties=0", "max_properties=1"),
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("original")
    for name, schema in SCHEMAS.items():
        text = json.dumps({"id": name, "displayName": name, "jsonSchema": schema})
        (folder / f"{name}.json").write_text(text)
    config = Config(
        output=folder / "package",
        schemas=tuple(folder / f"{name}.json" for name in SCHEMAS),
        dialect="json-schema",
        without=PARTS,
    )
    pipeline.generate(config)
    return config


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "check_types", _check_nothing)
    monkeypatch.setattr(verify, "generate_strings", _use_examples)


def _use_examples(_patterns: Iterable[str]) -> Matching:
    """Generate nothing, which takes longest: the schemas have examples."""
    return lambda _pattern, _shortest, _longest: []


def _check_nothing(_output: Path, _paths: Iterable[str]) -> tuple[CheckerResult, ...]:
    return ()


def test_the_package_is_sound_before(original: Config) -> None:
    verification = verify.verify_package(original)
    assert verification.is_sound, [*verification.format_lines()]


@pytest.mark.parametrize("fault", draw(FAULTS, 8))
def test_a_fault_of_the_generator_is_found(fault: str, original: Config, tmp_path: Path) -> None:
    config = replace(original, output=tmp_path / "package")
    shutil.copytree(original.output, config.output)
    file, before, after = FAULTS[fault]
    module = config.output / file
    text = module.read_text("utf-8")
    assert before in text
    module.write_text(text.replace(before, after), "utf-8")
    verification = verify.verify_package(config)
    assert not verification.is_sound
    assert any(schema.disagreements or schema.losses for schema in verification.schemas)
