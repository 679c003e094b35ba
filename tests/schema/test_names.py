"""Names are a pure function of id, property and renames; collisions are errors."""

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
def test_a_schema_is_called_what_a_reader_expects(
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
    ],
)
def test_a_property_is_called_what_a_reader_expects(wire: str, name: str) -> None:
    assert name_properties("x", [wire], {}) == {wire: name}


@pytest.mark.parametrize(
    "wire", ["", "_", "$", "日本", "рейтинг", "rat\u03b9ng", "\u202e", "🙂", "\ud800"]
)
def test_a_name_that_cannot_be_read_asks_for_another(wire: str) -> None:
    with pytest.raises(SchemaError) as caught:
        name_properties("x", [wire], {})
    assert caught.value.fix.endswith(rename_line(rename_key("x", wire), "your_name"))
    assert name_properties("x", [wire], {rename_key("x", wire): "fine"}) == {wire: "fine"}


@pytest.mark.parametrize(
    "pair", [("a-b", "a b"), ("Name", "name"), ("aB", "a_b"), ("class", "class_"), ("é", "e")]
)
def test_properties_that_meet_are_an_error_that_says_how_to_settle_it(
    pair: tuple[str, str],
) -> None:
    for order in itertools.permutations(pair):
        with pytest.raises(NameCollisionError) as caught:
            name_properties("x", order, {})
        assert all(repr(name) in caught.value.what for name in pair)
        line = caught.value.fix.partition(": ")[2]
        key, _, value = line.partition(" = ")
        renamed = name_properties("x", order, {key.strip('"'): value.strip('"')})
        assert len(set(renamed.values())) == 2


def test_schemas_that_meet_are_an_error_that_says_how_to_settle_it() -> None:
    with pytest.raises(NameCollisionError) as caught:
        name_schemas(["reuse-spring", "ReuseSpring"], {})
    assert caught.value.fix.endswith('"reuse-spring" = "reuse_spring_2"')
    assert (
        len(name_schemas(["reuse-spring", "ReuseSpring"], {"reuse-spring": "reuse_spring_2"})) == 2
    )


def test_a_rename_of_a_schema_decides_its_module_and_class() -> None:
    names = name_schemas(["x-1"], {"x-1": "reuse_spring"})["x-1"]
    assert (names.module, names.class_name) == ("reuse_spring", "ReuseSpring")


def test_a_module_whose_file_name_would_be_too_long_asks_for_another_name() -> None:
    with pytest.raises(SchemaError, match="too long for a file"):
        name_schemas(["aB" * 100], {})
    assert name_schemas(["aB" * 100], {"aB" * 100: "short"})


@pytest.mark.parametrize("name", ["str", "class", "_x", "X", "self", "to_payload"])
def test_a_rename_cannot_break_the_class(name: str) -> None:
    with pytest.raises(SchemaError, match="cannot be an attribute"):
        name_properties("x", ["a"], {"x#/a": name})


@given(st.lists(st.text(), unique=True, max_size=6))
def test_other_properties_never_change_a_name(wires: list[str]) -> None:
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
def test_every_name_is_an_identifier_or_an_error(text: str) -> None:
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
