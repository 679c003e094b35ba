"""Names are a pure function of id, property and renames, and names that collide are errors."""

import hashlib
import itertools
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engage_codegen.errors import NameCollisionError, SchemaError
from engage_codegen.schema.names import (
    Identifier,
    name_properties,
    name_schemas,
    rename_key,
    rename_line,
)


@pytest.mark.parametrize(
    ("schema_id", "module", "class_name"),
    [
        ("Reuse-Spring-2023", "reuse_spring_2023", "ReuseSpring2023"),
        ("completedProductRating", "completed_product_rating", "CompletedProductRating"),
        ("DixaCSATScore", "dixa_csat_score", "DixaCSATScore"),
        ("NPS_SCORE", "nps_score", "NpsScore"),
        ("form-submission", "form_submission", "FormSubmission"),
        ("v_1_0_0", "v_1_0_0", "V1_0_0"),
        ("v_10_0", "v_10_0", "V10_0"),
        ("2nd-life", "schema_2nd_life", "Schema2ndLife"),
        ("None", "none", "None_"),
        ("class", "class_", "Class"),
        ("testing", "testing_", "Testing"),
        ("con", "con_", "Con"),
        ("Receipt", "receipt", "Receipt_"),
    ],
)
def test_a_schema_gets_the_module_and_class_that_readers_expect(
    schema_id: str, module: str, class_name: str
) -> None:
    names = name_schemas([schema_id], {})[schema_id]
    assert (names.module, names.class_name) == (module, class_name)
    assert names.sender == f"send_{module}"
    assert names.async_sender == f"send_{module}_async"


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("productSku", "product_sku"),
        ("SKU", "sku"),
        ("URLs", "urls"),
        ("HTML5Video", "html5_video"),
        ("a.b/c~d", "a_b_c_d"),
        ("Köpdatum", "kopdatum"),
        ("Größe", "grosse"),
        ("__init__", "init"),
        ("self", "self_"),
        ("lambda", "lambda_"),
        ("str", "str_"),
        ("to_payload", "to_payload_"),
        ("2nd", "property_2nd"),
        ("⭐rating", "rating"),
        ("price\u20b9", "price"),
        ("\U0001f6d2cart\ufe0f", "cart"),
    ],
)
def test_a_property_gets_the_attribute_that_readers_expect(wire: str, name: str) -> None:
    assert name_properties("x", [wire], {}) == {wire: name}


@pytest.mark.parametrize(
    "wire", ["", "_", "$", "日本", "рейтинг", "rat\u03b9ng", "\u202e", "🙂", "\ud800"]
)
def test_a_name_without_readable_letters_needs_a_rename(wire: str) -> None:
    with pytest.raises(SchemaError) as caught:
        name_properties("x", [wire], {})
    assert caught.value.fix.endswith(rename_line(rename_key("x", wire), "your_name"))
    assert name_properties("x", [wire], {rename_key("x", wire): "fine"}) == {wire: "fine"}


@pytest.mark.parametrize(
    "pair", [("a-b", "a b"), ("Name", "name"), ("aB", "a_b"), ("class", "class_"), ("é", "e")]
)
def test_colliding_properties_are_an_error_with_the_line_that_resolves_it(
    pair: tuple[str, str],
) -> None:
    for order in itertools.permutations(pair):
        with pytest.raises(NameCollisionError) as caught:
            name_properties("x", order, {})
        (problem,) = caught.value.problems
        assert (problem.code, problem.schema_id) == ("EG120", "x")
        assert {problem.parts[-1], problem.reason[-1]} == set(pair)
        assert repr(problem.reason[-1]) in problem.message
        line = caught.value.fix.partition(": ")[2]
        key, _, value = line.partition(" = ")
        renamed = name_properties("x", order, {key.strip('"'): value.strip('"')})
        assert len(set(renamed.values())) == 2


def test_colliding_schemas_are_an_error_with_the_line_that_resolves_it() -> None:
    with pytest.raises(NameCollisionError) as caught:
        name_schemas(["reuse-spring", "ReuseSpring"], {})
    assert caught.value.fix.endswith('"reuse-spring" = "reuse_spring_2"')
    renames = {"reuse-spring": "reuse_spring_2"}
    assert len(name_schemas(["reuse-spring", "ReuseSpring"], renames)) == 2


def test_a_rename_of_a_schema_decides_its_module_and_class() -> None:
    names = name_schemas(["x-1"], {"x-1": "reuse_spring"})["x-1"]
    assert (names.module, names.class_name) == ("reuse_spring", "ReuseSpring")


def test_a_module_with_a_name_too_long_for_a_file_needs_a_rename() -> None:
    with pytest.raises(SchemaError, match="too long for a file"):
        name_schemas(["aB" * 100], {})
    assert name_schemas(["aB" * 100], {"aB" * 100: "short"})


@pytest.mark.parametrize("name", ["str", "class", "_x", "X", "self", "to_payload"])
def test_a_rename_to_a_reserved_or_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(SchemaError, match="cannot be an attribute"):
        name_properties("x", ["a"], {"x#/a": name})


@given(st.lists(st.text(), unique=True, max_size=6))
def test_another_property_never_changes_a_name(wires: list[str]) -> None:
    alone: dict[str, Identifier] = {}
    for wire in wires:
        try:
            alone |= name_properties("x", [wire], {})
        except SchemaError:
            continue
    try:
        together = name_properties("x", list(alone), {})
    except NameCollisionError:
        assert len(set(alone.values())) < len(alone)
        return
    assert together == alone


@given(st.text(max_size=40))
def test_every_property_gets_an_identifier_or_an_error(text: str) -> None:
    try:
        (name,) = name_properties("x", [text], {}).values()
    except SchemaError:
        return
    assert name.isidentifier()
    assert name.isascii()
    assert not keyword.iskeyword(name)
    assert name == name.lower()
    assert not name.startswith("_")


@given(st.from_regex(r"\A[A-Za-z0-9_-]{1,30}\Z"))
def test_every_schema_gets_a_module_and_a_class_or_an_error(schema_id: str) -> None:
    try:
        names = name_schemas([schema_id], {})[schema_id]
    except SchemaError:
        assert not any(c.isalnum() for c in schema_id)
        return
    for name in (names.module, names.class_name, names.sender, names.async_sender):
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
    assert names.class_name[0].isupper()


def _name_or_empty(wire_name: str) -> str:
    try:
        return name_properties("x", [wire_name], {})[wire_name]
    except SchemaError:
        return ""


def test_names_do_not_depend_on_the_unicode_tables_of_python() -> None:
    names = (
        f"{code:04x} {_name_or_empty(chr(code))} {_name_or_empty(f'a{chr(code)}1')}"
        for code in range(0x10000)
    )
    digest = hashlib.sha256("\n".join(names).encode("ascii")).hexdigest()
    assert digest == "9ea8cf4642b003959fe14d7033ddac1e78d69286857bea581a7b45c4f4a4cdb1"


@pytest.mark.parametrize("code", ["2c2f", "2c5f", "a7c0", "a7c1", "a7d3", "10d0", "1c90", "ab30"])
def test_a_letter_that_is_newer_than_unicode_3_2_needs_a_rename(code: str) -> None:
    letter = chr(int(code, 16))
    with pytest.raises(SchemaError, match="cannot become a readable Python name"):
        name_properties("x", [f"a{letter}b"], {})


def test_names_avoid_the_same_keywords_in_every_python() -> None:
    """A Python with another keyword fails here: names must not change with its version."""
    digest = hashlib.sha256(" ".join(sorted(keyword.kwlist)).encode("ascii")).hexdigest()
    assert digest == "f3da704bfacc2f664ee19cc88e9fe57a27d79c975ca66f56afa814273d41c55c"
