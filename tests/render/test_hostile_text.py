"""No text of a schema becomes code, whatever it is; and a name depends on nothing but itself.

With ``ENGAGE_CODEGEN_FULL`` set there are more examples.
"""

import ast
import io
import itertools
import json
import os
import random
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from engage_codegen.errors import SchemaError
from engage_codegen.model.build import build
from engage_codegen.model.constraints import TYPES
from engage_codegen.model.ir import Package, Record
from engage_codegen.model.regex import translate
from engage_codegen.render.env import environment
from engage_codegen.render.package import MARKERS, render_package
from engage_codegen.schema.envelope import Schema, from_envelope
from engage_codegen.schema.names import SchemaNames, name_properties, name_schemas, rename_key
from engage_codegen.schema.text import UNSAFE_IN_TEXT, escape, escape_match
from tests.support.paths import ROOT

IS_FULL = bool(os.environ.get("ENGAGE_CODEGEN_FULL"))
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


def module(record: Record) -> str:
    """The module of one schema."""
    return render_package(Package((record,)), ())[f"{record.names.module}.py"]


patterns = texts.map(lambda text: re.sub(r"([\\^$.|?*+()\[\]{}/])", r"\\\1", text)).filter(bool)
limits = st.one_of(
    st.fixed_dictionaries({"enum": values.filter(lambda it: it != [None] * len(it))}),
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
    """A schema whose texts are hostile."""
    described = st.tuples(notes, limits).map(lambda parts: parts[0] | parts[1])
    properties = draw(st.dictionaries(texts, described, max_size=5))
    body: Item = {"type": "object", "properties": properties, **draw(notes)}
    wires = sorted(properties)
    if draw(st.booleans()) and wires:
        body["required"] = draw(st.lists(st.sampled_from(wires), unique=True))
        body["dependentRequired"] = {draw(texts): wires, wires[0]: wires[1:]}
    schema_id = draw(st.sampled_from(["x", "import", "None", "os-system", "__init__", "Receipt"]))
    return made(schema_id, draw(texts), body)


def made(schema_id: str, title: str, body: Item) -> Schema:
    body = {"type": "object", **body}
    return from_envelope({"id": schema_id, "displayName": title, "jsonSchema": body}, "fuzz")


def properties_of(schema: Schema) -> dict[str, Item]:
    return cast("dict[str, Item]", schema.json_schema["properties"])


def twin_of(schema: Schema) -> Schema:
    """The same schema with harmless texts in the same order."""
    body: Item = schema.json_schema
    depend: dict[str, list[str]] = body.get("dependentRequired", {})
    names = {it: f"p{n:03}" for n, it in enumerate(sorted({*body["properties"], *depend}))}
    twin: Item = {"deprecated": body.get("deprecated"), "properties": {}}
    twin["required"] = [names[wire] for wire in body.get("required", [])]
    twin["dependentRequired"] = {names[it]: [names[k] for k in depend[it]] for it in depend}
    for wire, value in body["properties"].items():
        kept = {key: it for key, it in value.items() if key not in (*NOTES, "format")}
        kept |= {key: text for key, text in (("pattern", "^p"), ("const", "m")) if key in kept}
        if "enum" in kept:
            members = [it for it in kept["enum"] if isinstance(it, str)]
            letters = {it: f"m{members.index(it)}" for it in members}
            kept["enum"] = [letters.get(it, it) for it in kept["enum"]]
        twin["properties"][names[wire]] = kept
    return made("twin", "twin", twin)


def renames_of(schema: Schema) -> dict[str, str]:
    """Names for the properties that have none of their own, or one that is taken."""
    found, taken = dict[str, str](), set[str]()
    for number, wire in enumerate(sorted(properties_of(schema))):
        try:
            name = str(name_properties(schema.id, [wire], {})[wire])
        except SchemaError:
            name = ""
        if not name or name in taken:
            name = found[rename_key(schema.id, wire)] = f"renamed_{number}"
        taken.add(name)
    return found


def identifiers(tree: ast.AST) -> Iterator[str]:
    """All text in a tree that is no constant."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant):
            yield from (it for it in vars(node).values() if isinstance(it, str))


@pytest.fixture(scope="module")
def benign() -> tuple[set[type[ast.AST]], set[str]]:
    """The kinds of nodes in harmless modules; their names, and those of the runtime."""
    modules = [*ROOT.glob("tests/cases/*/expected/*.py"), *ROOT.glob("generated/*/*.py")]
    trees = [ast.parse(it.read_text("utf-8")) for it in modules if "hostile" not in str(it)]
    parts = [
        ROOT / f"templates/runtime/payload/{name}.py" for name in ("rules", "values", "checks")
    ]
    all_trees = [*trees, *(ast.parse(path.read_text("utf-8")) for path in parts)]
    names = {name for tree in all_trees for name in identifiers(tree)} | set(TYPES)
    assert not names & {"os", "exec", "eval", "__import__", "subprocess"}
    negative = {type(node) for node in ast.walk(ast.parse("-1"))}
    return {type(node) for tree in trees for node in ast.walk(tree)} | negative, names


def skeleton(tree: ast.Module, names: SchemaNames) -> str:
    """A module without its texts, and without the names of its class and functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    own = (names.class_name, names.sender, names.async_sender)
    return re.sub(rf"'({'|'.join(own)})'", lambda it: str(own.index(it[1])), ast.dump(tree))


def squeezed(text: str) -> str:
    return "".join(escape(text).split())


def assert_texts_survive(tree: ast.Module, schema: Schema, names: dict[str, str]) -> None:
    """What was typed into the schema stands where it belongs, and is what it was."""
    assert squeezed(schema.display_name) in "".join(str(ast.get_docstring(tree)).split())
    (kind,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    docs: dict[str | None, str] = {None: str(ast.get_docstring(kind))}
    rules: dict[str, Any] = {}
    for node, after in itertools.pairwise([*tree.body, *kind.body]):
        if isinstance(node, ast.Assign):
            rules[ast.unparse(node.targets[0])] = node.value
        if isinstance(node, ast.AnnAssign) and isinstance(after, ast.Expr):
            docs[ast.unparse(node.target)] = ast.literal_eval(after.value)
    whole: Item = {**schema.json_schema, "displayName": schema.display_name}
    for wire, value in [(None, whole), *properties_of(schema).items()]:
        title = [it for it in (value.get("displayName"), value.get("title"), wire) if it]
        for text in [*[it for it in title if it.strip()][:1], value.get("description", "")]:
            assert squeezed(" ".join(text.split())) in "".join(
                docs[None if wire is None else names[wire]].split()
            )
    for wire, value in properties_of(schema).items():
        rule: Any = rules.get(f"_{names[wire].upper()}")
        if "pattern" in value:
            assert ast.literal_eval(rule.keywords[0].value) == translate(value["pattern"])
        if "enum" in value or "const" in value:
            wanted: list[object] = value.get("enum", [value.get("const")])
            unique = dict.fromkeys((it, it is True or it is False) for it in wanted)
            found = [ast.literal_eval(it) for it in rule.args]
            assert found == [it for it, _ in unique if it is not None]


def assert_wires(tree: ast.Module, wires: set[str]) -> None:
    """The names on the wire are what they were, wherever they stand."""
    written, read, declared = set[str](), set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "__properties__":
            sets = [it.elts for it in ast.walk(node) if isinstance(it, ast.Set)]
            declared = {ast.literal_eval(it) for it in itertools.chain(*sets)}
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "payload":
            written.add(ast.literal_eval(node.slice))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("read."):
            read.add(ast.literal_eval(node.args[0]))
    assert declared == written == read == wires


def titles(package: Package) -> list[str]:
    """The titles in the index, as a reader of Markdown sees them."""
    text = ENV.get_template("INDEX.md.jinja").render(package=package)
    blocks = MarkdownIt().enable("table").parse(text)
    outside = [it.type for it in blocks if it.level == 0 and it.nesting >= 0]
    assert outside == ["html_block", "heading_open", "table_open"]
    cells = [it.children or [] for it in blocks if it.type == "inline"][7:]
    assert len(cells) == 6 * len(package.records)
    assert {it.type for cell in cells[1::6] for it in cell} <= {"text", "text_special"}
    return ["".join(it.content for it in cell) for cell in cells[1::6]]


BIG = made("x", MEGABYTE, {"description": MEGABYTE, "properties": {MEGABYTE[:99]: {"const": "a"}}})


@settings(deadline=None, max_examples=500 if IS_FULL else 25, suppress_health_check=SLOW)
@given(schemas())
@example(BIG)
@example(made("x", "".join(NASTIES), {"properties": {}}))
def test_no_text_of_a_schema_becomes_code(
    benign: tuple[set[type[ast.AST]], set[str]], schema: Schema
) -> None:
    twin, chosen, wires = twin_of(schema), renames_of(schema), sorted(properties_of(schema))
    names = {wire: str(it) for wire, it in name_properties(schema.id, wires, chosen).items()}
    pairs = zip(sorted(properties_of(twin)), wires, strict=True)
    twins = {rename_key("twin", it): names[wire] for it, wire in pairs}
    package = build({schema.id: schema, "twin": twin}, chosen | twins, "json-schema")
    other, record = sorted(package.records, key=lambda it: it.schema_id != "twin")
    text = module(record)
    compile(text.encode("utf-8"), "module", "exec")
    tree, called = ast.parse(text), record.names
    own = {called.class_name, called.sender, called.async_sender, *names.values()}
    assert set(identifiers(tree)) <= benign[1] | own | {f"_{it.upper()}" for it in names.values()}
    assert {type(node) for node in ast.walk(tree)} <= benign[0]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    header = f"# Generated by engage-codegen from _snapshot/{schema.id}.json. Do not edit."
    assert [it.string for it in tokens if it.type == tokenize.COMMENT] == [header, *MARKERS]
    assert_wires(tree, set(wires))
    assert_texts_survive(tree, schema, names)
    twin_tree = ast.parse(module(other))
    assert skeleton(tree, called) == skeleton(twin_tree, other.names)
    shown = {UNSAFE_IN_TEXT.sub(escape_match, it.display_name) for it in (schema, twin)}
    assert set(titles(package)) == shown


IMPORT = """
import json
from made.hostile import Hostile
for payload in json.load(open("payloads.json")):
    assert Hostile.from_payload(payload).to_payload() == payload
    assert payload.keys() == Hostile.__properties__
"""


def test_a_package_full_of_hostile_texts_is_imported_and_reads_every_one(tmp_path: Path) -> None:
    wires = {f"p{number}{text}": text for number, text in enumerate(NASTIES)}
    properties = {
        wire: {"title": text, "description": text, "default": text, "enum": [text, f"x{text}"]}
        for wire, text in wires.items()
    }
    schema = made("hostile", "".join(NASTIES), {"properties": properties})
    package = build({"hostile": schema}, renames_of(schema), "json-schema")
    for path, text in render_package(package, ()).items():
        (tmp_path / "made" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "made" / path).write_text(text, encoding="utf-8")
    others = {wire: f"x{text}" for wire, text in wires.items()}
    (tmp_path / "payloads.json").write_text(json.dumps([wires, others]))
    subprocess.run([sys.executable, "-W", "error", "-c", IMPORT], cwd=tmp_path, check=True)


def test_whatever_is_added_in_whatever_order_renames_nothing() -> None:
    few = ["reuse", "Reuse-Spring", "class", "None", "2nd-life"]
    many = [f"{word}{number}{end}" for word in few for number in range(4) for end in ("", "-X")]
    orders = [list(it) for it in itertools.permutations(few)]
    orders += [random.Random(seed).sample(many, len(many)) for seed in range(30)]
    for order in orders:
        last, last_properties = name_schemas(order, {}), name_properties("x", order, {})
        for end in range(1, len(order)):
            assert name_schemas(order[:end], {}).items() <= last.items()
            assert name_properties("x", order[:end], {}).items() <= last_properties.items()


def test_whatever_is_added_changes_no_module_but_its_own() -> None:
    ids, wires = ["reuse", "Reuse-Spring", "class", "None"], ["class", "price", "Köpdatum", "2nd"]
    alone: dict[str, str] = {}
    for seed in range(3):
        mixed = random.Random(seed)
        properties = {wire: {"type": "string"} for wire in mixed.sample(wires, 4)}
        order = mixed.sample(ids, 4)
        for end in (1, 2, 4):
            known = {it: made(it, it, {"properties": properties}) for it in order[:end]}
            for record in build(known, {}).records:
                text = module(record)
                assert alone.setdefault(record.schema_id, text) == text
