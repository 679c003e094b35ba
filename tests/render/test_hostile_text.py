"""No text of a schema becomes code."""

import ast
import inspect
import io
import itertools
import json
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from engage_codegen.errors import SchemaError
from engage_codegen.model.build import build
from engage_codegen.model.constraints import TYPES
from engage_codegen.model.dialect import find_problems
from engage_codegen.model.ir import Package, Record
from engage_codegen.model.regex import translate
from engage_codegen.render.env import environment
from engage_codegen.render.package import MARKERS, render_package
from engage_codegen.schema.envelope import Schema, from_envelope
from engage_codegen.schema.names import SchemaNames, name_properties, rename_key
from engage_codegen.schema.text import UNSAFE_IN_TEXT, escape_match
from tests.support.paths import ROOT
from tests.support.readers.documents import read_rst, show
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

ENV = environment()
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
Item = dict[str, Any]
NASTIES = [
    *('"', "'", '"""', "'''", "\\", "\\\\", '\\"', "\n", "\r\n", "\t", "\x00", "\x0b", "\x0c"),
    *("{{ 7*7 }}", "{% raw %}", "{# x #}", "#}", "%}", "{x!r}", "{0}", "%s", "${x}", "# noqa"),
    *("\u202e", "\u2066", "\u2028", "\u2029", "\x85", "\xa0", "\xad", "\ufeff", "\u200b"),
    *("\ud800", "\udfff", "\U0001f600", "\U000e0041", "\ufffe", "\x1b[31m", "\x7f", "\x1c"),
    *("\\N{BULLET}", "\\u0022", "\\x22", "\\777", '"""\nimport os\n', '"))\nimport os\n('),
    *("</td>", "<script>", "|", "`", "``", "](x)", "&lt;", "*_~", "-->", "http://x.y", "  ", " "),
    *("import os", "# type: ignore", "; exec(x)", "__import__('os')", "lambda: 0", "é", "日本"),
]
MEGABYTE = '"""\\ \u2028\nimport os '[::-1] * 60_000
NOTES = ("displayName", "title", "description", "default", "$comment", "examples", "deprecated")
texts = st.lists(st.one_of(st.sampled_from(NASTIES), st.text(max_size=5)), max_size=5).map("".join)
scalars = st.one_of(texts, texts, st.booleans(), st.integers(), st.none())
values = st.lists(scalars, min_size=1, max_size=4)


def render_module(record: Record) -> str:
    """Return the text of the module of one schema."""
    return render_package(Package((record,)), (), "httpx")[f"{record.names.module}.py"]


patterns = texts.map(lambda text: re.sub(r"([\\^$.|?*+()\[\]{}/])", r"\\\1", text)).filter(bool)
limits = st.one_of(
    st.fixed_dictionaries({"enum": values.filter(lambda items: items != [None] * len(items))}),
    st.fixed_dictionaries({"const": texts}),
    st.fixed_dictionaries({"type": st.just("string"), "pattern": patterns}),
    st.fixed_dictionaries({"type": st.just("string"), "format": texts}),
    st.just({"type": ["string", "null"], "maxLength": 9}),
    st.fixed_dictionaries({"type": st.just("number"), "minimum": st.integers() | st.floats(0, 9)}),
)
notes: st.SearchStrategy[Item] = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys((*NOTES[:5], "sortOrder"), texts)
    | {"examples": values, "deprecated": st.booleans()},
)


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """Draw a schema whose texts are hostile."""
    property_schemas = st.tuples(notes, limits).map(lambda parts: parts[0] | parts[1])
    properties = draw(st.dictionaries(texts, property_schemas, max_size=5))
    body: Item = {"type": "object", "properties": properties, **draw(notes)}
    wires = sorted(properties)
    if draw(st.booleans()) and wires:
        body["required"] = draw(st.lists(st.sampled_from(wires), unique=True))
        body["dependentRequired"] = {draw(texts): wires, wires[0]: wires[1:]}
    schema_id = draw(st.sampled_from(["x", "import", "None", "os-system", "__init__", "Receipt"]))
    return make_schema(schema_id, draw(texts), body)


def make_schema(schema_id: str, title: str, body: Item) -> Schema:
    body = {"type": "object", **body}
    return from_envelope({"id": schema_id, "displayName": title, "jsonSchema": body}, "fuzz")


def properties_of(schema: Schema) -> dict[str, Item]:
    return cast("dict[str, Item]", schema.json_schema["properties"])


def twin_of(schema: Schema) -> Schema:
    """Return the same schema with harmless texts in the same order."""
    body: Item = schema.json_schema
    depend: dict[str, list[str]] = body.get("dependentRequired", {})
    wires = sorted({*body["properties"], *depend})
    names = {wire: f"p{number:03}" for number, wire in enumerate(wires)}
    twin: Item = {"deprecated": body.get("deprecated"), "properties": {}}
    twin["required"] = [names[wire] for wire in body.get("required", [])]
    twin["dependentRequired"] = {
        names[wire]: [names[other] for other in others] for wire, others in depend.items()
    }
    for wire, value in body["properties"].items():
        rest = {key: item for key, item in value.items() if key not in (*NOTES, "format")}
        rest |= {key: text for key, text in (("pattern", "^p"), ("const", "m")) if key in rest}
        if "enum" in rest:
            members = [item for item in rest["enum"] if isinstance(item, str)]
            letters = {member: f"m{members.index(member)}" for member in members}
            rest["enum"] = [letters.get(item, item) for item in rest["enum"]]
        twin["properties"][names[wire]] = rest
    return make_schema("twin", "twin", twin)


def renames_of(schema: Schema) -> dict[str, str]:
    """Return renames for the properties without a name in Python, or with that of another one."""
    renames, used = dict[str, str](), set[str]()
    for number, wire in enumerate(sorted(properties_of(schema))):
        try:
            name = str(name_properties(schema.id, [wire], {})[wire])
        except SchemaError:
            name = ""
        if not name or name in used:
            name = renames[rename_key(schema.id, wire)] = f"renamed_{number}"
        used.add(name)
    return renames


def identifiers(tree: ast.AST) -> Iterator[str]:
    """Yield all text in a tree that is not a constant."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant):
            yield from (value for value in vars(node).values() if isinstance(value, str))


@pytest.fixture(scope="module")
def benign() -> tuple[set[type[ast.AST]], set[str]]:
    """The types of syntax nodes in harmless modules, and the names in them and in the runtime."""
    modules = [*ROOT.glob("tests/cases/*/expected/*.py"), *ROOT.glob("generated/*/*.py")]
    trees = [ast.parse(path.read_text("utf-8")) for path in modules if "hostile" not in str(path)]
    parts = [
        ROOT / f"templates/runtime/payload/{name}.py" for name in ("rules", "values", "checks")
    ]
    all_trees = [*trees, *(ast.parse(path.read_text("utf-8")) for path in parts)]
    names = {name for tree in all_trees for name in identifiers(tree)} | set(TYPES)
    assert not names & {"os", "exec", "eval", "__import__", "subprocess"}
    negative = {type(node) for node in ast.walk(ast.parse("-1"))}
    return {type(node) for tree in trees for node in ast.walk(tree)} | negative, names


def skeleton(tree: ast.Module, names: SchemaNames) -> str:
    """Return a dump of a module without its texts and the names of its class and functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    own = (names.class_name, names.sender, names.async_sender)
    return re.sub(rf"'({'|'.join(own)})'", lambda match: str(own.index(match[1])), ast.dump(tree))


def assert_texts_survive(tree: ast.Module, schema: Schema, names: dict[str, str]) -> None:
    """Assert that each text of the schema stands, unchanged, where it belongs."""
    assert show(schema.display_name) in read_rst(str(ast.get_docstring(tree)))
    (payload_class,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    docs: dict[str | None, str] = {None: str(ast.get_docstring(payload_class))}
    rules: dict[str, Any] = {}
    for node, after in itertools.pairwise([*tree.body, *payload_class.body]):
        if isinstance(node, ast.Assign):
            rules[ast.unparse(node.targets[0])] = node.value
        if isinstance(node, ast.AnnAssign) and isinstance(after, ast.Expr):
            docs[ast.unparse(node.target)] = inspect.cleandoc(ast.literal_eval(after.value))
    whole: Item = {**schema.json_schema, "displayName": schema.display_name}
    for wire, value in [(None, whole), *properties_of(schema).items()]:
        titles = [text for text in (value.get("displayName"), value.get("title"), wire) if text]
        title = [text for text in titles if text.strip()][:1]
        said = read_rst(docs[None if wire is None else names[wire]])
        for text in [*title, value.get("description", "")]:
            words = " ".join(text.split())
            assert show(words if words[-1:] in ".!?…" else f"{words}.") in said
    for wire, value in properties_of(schema).items():
        rule: Any = rules.get(f"_{names[wire].upper()}")
        if "pattern" in value:
            assert ast.literal_eval(rule.keywords[0].value) == translate(value["pattern"])
        if "enum" in value or "const" in value:
            allowed: list[object] = value.get("enum", [value.get("const")])
            unique = dict.fromkeys((item, item is True or item is False) for item in allowed)
            checked = [ast.literal_eval(argument) for argument in rule.args]
            assert checked == [item for item, _ in unique if item is not None]


def assert_wires(tree: ast.Module, wires: set[str]) -> None:
    """Assert that wire names are unchanged wherever they stand."""
    written, read, declared = set[str](), set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "__properties__":
            sets = [child.elts for child in ast.walk(node) if isinstance(child, ast.Set)]
            declared = {ast.literal_eval(element) for element in itertools.chain(*sets)}
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "payload":
            written.add(ast.literal_eval(node.slice))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("reader."):
            read.add(ast.literal_eval(node.args[0]))
    assert declared == written == read == wires


def titles(package: Package) -> list[str]:
    """Return the titles in INDEX.md as a Markdown parser reads them."""
    text = ENV.get_template("INDEX.md.jinja").render(package=package)
    blocks = MarkdownIt().enable("table").parse(text)
    outside = [block.type for block in blocks if block.level == 0 and block.nesting >= 0]
    assert outside == ["html_block", "heading_open", "table_open"]
    cells = [block.children or [] for block in blocks if block.type == "inline"][7:]
    assert len(cells) == 6 * len(package.records)
    assert {token.type for cell in cells[1::6] for token in cell} <= {"text", "text_special"}
    # A mail address is written so that no reader makes a link of it.
    texts = ["".join(token.content for token in cell) for cell in cells[1::6]]
    return [text.replace("\\u0040", "@") for text in texts]


BIG = make_schema(
    "x", MEGABYTE, {"description": MEGABYTE, "properties": {MEGABYTE[:99]: {"const": "a"}}}
)


@settings(deadline=None, max_examples=500 if IS_FULL else 12, suppress_health_check=SLOW)
@given(schemas())
@example(BIG)
@example(make_schema("x", "".join(NASTIES), {"properties": {}}))
def test_no_text_of_a_schema_becomes_code(
    benign: tuple[set[type[ast.AST]], set[str]], schema: Schema
) -> None:
    twin, chosen, wires = twin_of(schema), renames_of(schema), sorted(properties_of(schema))
    assume(not any(any(find_problems(item, "json-schema")) for item in (schema, twin)))
    attributes = name_properties(schema.id, wires, chosen)
    names = {wire: str(name) for wire, name in attributes.items()}
    pairs = zip(sorted(properties_of(twin)), wires, strict=True)
    twins = {rename_key("twin", harmless): names[wire] for harmless, wire in pairs}
    package = build({schema.id: schema, "twin": twin}, chosen | twins, "json-schema")
    other, record = sorted(package.records, key=lambda record: record.schema_id != "twin")
    text = render_module(record)
    compile(text.encode("utf-8"), "module", "exec")
    tree, used = ast.parse(text), record.names
    own = {used.class_name, used.sender, used.async_sender, *names.values()}
    rules = {f"_{name.upper()}" for name in names.values()}
    assert set(identifiers(tree)) <= benign[1] | own | rules
    assert {type(node) for node in ast.walk(tree)} <= benign[0]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    header = f"# Generated by engage-codegen from _snapshot/{schema.id}.json. Do not edit."
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    assert comments == [header, *MARKERS]
    assert_wires(tree, set(wires))
    assert_texts_survive(tree, schema, names)
    twin_tree = ast.parse(render_module(other))
    assert skeleton(tree, used) == skeleton(twin_tree, other.names)
    shown = {UNSAFE_IN_TEXT.sub(escape_match, item.display_name) for item in (schema, twin)}
    assert set(titles(package)) == {text.replace("\\u0040", "@") for text in shown}


IMPORT = """
import json
from package.hostile import Hostile
for payload in json.load(open("payloads.json")):
    assert Hostile.from_payload(payload).to_payload() == payload
    assert payload.keys() == Hostile.__properties__
"""


def test_a_package_full_of_hostile_texts_can_be_imported_and_reads_each_of_them(
    tmp_path: Path,
) -> None:
    wires = {f"p{number}{text}": text for number, text in enumerate(NASTIES)}
    properties = {
        wire: {"title": text, "description": text, "default": text, "enum": [text, f"x{text}"]}
        for wire, text in wires.items()
    }
    schema = make_schema("hostile", "".join(NASTIES), {"properties": properties})
    package = build({"hostile": schema}, renames_of(schema), "json-schema")
    for path, text in render_package(package, (), "httpx").items():
        (tmp_path / "package" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "package" / path).write_text(text, encoding="utf-8")
    others = {wire: f"x{text}" for wire, text in wires.items()}
    (tmp_path / "payloads.json").write_text(json.dumps([wires, others]))
    subprocess.run([sys.executable, "-W", "error", "-c", IMPORT], cwd=tmp_path, check=True)
