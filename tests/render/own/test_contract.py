"""The contract of templates: its page, its version, and what a template of another version gets."""

import re
from pathlib import Path

import pytest

from engage_codegen.errors import TemplateError
from engage_codegen.model.ir import Field, Import, Package, Record
from engage_codegen.render.own import contract, sandbox
from engage_codegen.render.own.contract import OBJECTS, Version, describe_contract, require_version
from engage_codegen.render.own.sources import PROMISES
from engage_codegen.render.resources import example_templates, package_templates
from engage_codegen.schema.names import SchemaNames
from tests.support.readers.pages import DOCS
from tests.support.tool import Golden, Tool

PAGE = DOCS / "templates.md"
MARK = "## The contract\n\n"
FROZEN = Path(__file__).with_name("contract_1.txt")


def test_the_page_has_the_contract(golden: Golden) -> None:
    guide, mark, _ = PAGE.read_text("utf-8").partition(MARK)
    assert mark
    golden(PAGE, f"{guide}{MARK}{describe_contract()}")


def test_the_command_prints_the_contract(tool: Tool) -> None:
    assert tool("templates", "contract").out == describe_contract()


def test_the_promises_on_the_page_are_those_of_the_code() -> None:
    (table,) = re.findall(r"^\| replaced template .*?\n\n", PAGE.read_text("utf-8"), re.M | re.S)
    rows = re.findall(r"^\| (`.*`) \| (.*) \|$", table, re.MULTILINE)
    named = {name: text for names, text in rows for name in re.findall(r"`([\w.]+)`", names)}
    assert named == dict(PROMISES)
    assert PROMISES.keys() < package_templates().keys()


def test_every_attribute_exists_and_every_filter_is_described() -> None:
    classes = {"package": Package, "record": Record, "field": Field, "import": Import}
    for name, class_ in (classes | {"names": SchemaNames}).items():
        assert OBJECTS[name][0] is class_
        assert all(hasattr(class_, attribute) for attribute in OBJECTS[name][1])
    assert sandbox.OwnEnvironment({}).filters.keys() >= contract.FILTERS.keys()


def test_the_templates_of_the_tool_use_nothing_else() -> None:
    used = "\n".join(package_templates().values())
    for name, attribute in re.findall(r"\b(package|record|field|import)\.(\w+)", used):
        assert attribute in OBJECTS[name][1], f"{name}.{attribute}"


def test_whatever_the_contract_promised_is_still_there() -> None:
    """A line may be added to the file, with a new minor version. No line may go or change."""
    lines = [
        f"{name}.{key}: {attribute.type}"
        for name, (_, attributes) in OBJECTS.items()
        for key, attribute in attributes.items()
    ]
    lines += [f"filter {name}" for name in contract.FILTERS]
    lines += [f"template {name}" for name in package_templates()]
    frozen = FROZEN.read_text("utf-8").splitlines()
    assert frozen[0] == f"version {contract.CURRENT}", (
        "the version and the promises change together"
    )
    assert sorted(frozen[1:]) == sorted(lines)


def test_a_template_of_a_compatible_version_is_accepted() -> None:
    history = {Version(1, 0): "first", Version(1, 3): "field.x was added"}
    for minor in range(4):
        require_version(f"{{# template contract 1.{minor} #}}\n", "t", Version(1, 3), history)


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ("0.9", "1.0: first; 1.1: field.x was added; 2.0: field.y is field.z now"),
        ("1.0", "1.1: field.x was added; 2.0: field.y is field.z now"),
        ("1.1", "2.0: field.y is field.z now"),
        ("2.1", "upgrade engage-codegen"),
        ("3.0", "upgrade engage-codegen"),
    ],
)
def test_another_version_is_an_error_that_says_what_changed(stated: str, words: str) -> None:
    history = {
        Version(1, 0): "first",
        Version(1, 1): "field.x was added",
        Version(2, 0): "field.y is field.z now",
    }
    with pytest.raises(TemplateError) as caught:
        require_version(f"{{# template contract {stated} #}}\n", "t/a", Version(2, 0), history)
    assert f"version {stated}" in str(caught.value)
    assert words in str(caught.value)
    assert caught.value.location[:3] == ("t/a", "", 1)


@pytest.mark.parametrize("text", ["", "x", "{# a #}", "\n{# template contract 1.0 #}"])
def test_a_template_without_a_version_is_an_error_with_the_line_to_write(text: str) -> None:
    with pytest.raises(TemplateError, match=r"\{# template contract 1\.0 #\}"):
        require_version(text, "t/a")


def test_the_examples_state_the_current_version() -> None:
    for templates in example_templates().values():
        for path, text in templates.items():
            require_version(text, path)
