"""The language of templates of a project: a small part of Jinja. Anything else is an error.

A branch can contain templates, and `check` renders them. So this is a list of what is allowed:
there are no calls, no arithmetic, no macros, no imports, and no items of objects.
"""

import re
from collections.abc import Iterator
from typing import cast

from jinja2 import TemplateSyntaxError, nodes

ITERATE, PRINT = "the items of a loop", "a printed value"
"""Filters that `instrument` adds. No template can name them."""

ORIGINAL = "original/"
"""The prefix of a template of engage-codegen that a template of the project replaces."""

_ALLOWED: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Include),
    *(nodes.Assign, nodes.Name, nodes.Getattr, nodes.Const, nodes.Filter, nodes.CondExpr),
    *(nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Operand),
)
_WORDS: dict[type[nodes.Node], str] = {
    nodes.Call: "calls",
    nodes.Getitem: "brackets after a value",
    nodes.Import: "imports",
    nodes.FromImport: "imports",
    nodes.Macro: "macros",
    nodes.CallBlock: "call blocks",
    nodes.FilterBlock: "filter blocks",
    nodes.Extends: "extends",
    nodes.Block: "blocks",
    nodes.Test: "tests with `is`",
    nodes.List: "lists",
    nodes.Tuple: "tuples",
    nodes.Dict: "dictionaries",
    nodes.Concat: "`~`",
    nodes.Scope: "blocks with a scope",
    nodes.ScopedEvalContextModifier: "autoescape",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_RESERVED = frozenset("self super caller varargs kwargs loop package".split())
_NAME_OF_TEMPLATE = re.compile(rf"({ORIGINAL})?[A-Za-z0-9_][A-Za-z0-9_.-]*")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f]")
_MAX_DEPTH, _MAX_INDENT = 30, 40
_FIX = "templates have {{ }}, for, if, set and include, and filters"


def check_source(source: str, name: str) -> None:
    """Raise `TemplateSyntaxError` for a control character."""
    match = _CONTROL.search(source)
    if match:
        line = source.count("\n", 0, match.start()) + 1
        raise TemplateSyntaxError("a template cannot contain control characters", line, name)


def check_language(template: nodes.Template, name: str) -> None:
    """Raise `TemplateSyntaxError` for anything that is not in the language."""
    line = 1
    for node, depth in _walk(template, 0):
        line = node.lineno = _line_of(node) or line
        if depth > _MAX_DEPTH:
            _refuse(node, name, f"more than {_MAX_DEPTH} levels")
        if type(node) not in _ALLOWED:
            _refuse(node, name, _WORDS.get(type(node), f"`{type(node).__name__.lower()}`"))
        _check_node(node, name)


def included_names(template: nodes.Template) -> list[str]:
    """Return the names of the templates that a checked template includes."""
    constants = (node.template for node in template.find_all(nodes.Include))
    return [str(node.value) for node in constants if isinstance(node, nodes.Const)]


def instrument(template: nodes.Template, name: str) -> None:
    """Let each loop and each printed value of a checked template pass through a filter of ours."""
    for loop in list(template.find_all(nodes.For)):
        loop.iter = _filter(cast(nodes.Expr, loop.iter), ITERATE, [], template)
    for output in list(template.find_all(nodes.Output)):
        output.nodes = [
            node
            if isinstance(node, nodes.TemplateData)
            else _filter(node, PRINT, [name, node.lineno], template)
            for node in output.nodes
        ]


def _line_of(node: nodes.Node) -> int | None:
    """Return the line of a node, or of the first node in it: a scope has none."""
    own = cast("int | None", node.lineno)
    return own or next((child.lineno for child in node.iter_child_nodes() if child.lineno), None)


def _filter(
    node: nodes.Expr, name: str, arguments: list[str | int], template: nodes.Template
) -> nodes.Expr:
    constants: list[nodes.Expr] = [
        nodes.Const(value, lineno=node.lineno, environment=template.environment)
        for value in arguments
    ]
    return nodes.Filter(
        *(node, name, constants, [], None, None),
        lineno=node.lineno,
        environment=template.environment,
    )


def _walk(node: nodes.Node, depth: int) -> Iterator[tuple[nodes.Node, int]]:
    yield node, depth
    if depth <= _MAX_DEPTH:
        for child in node.iter_child_nodes():
            yield from _walk(child, depth + 1)


def _check_node(node: nodes.Node, name: str) -> None:
    if isinstance(node, nodes.Name):
        if not _NAME.fullmatch(node.name) or node.name in ("self", "super", "caller"):
            _refuse(node, name, f"the name {node.name!r}")
        if node.ctx != "load" and node.name in _RESERVED:
            _refuse(node, name, f"a variable {node.name!r}")
    elif isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        _refuse(node, name, f"the attribute {node.attr!r}")
    elif isinstance(node, nodes.For) and node.recursive:
        _refuse(node, name, "recursive loops")
    elif isinstance(node, nodes.Include):
        _check_include(node, name)
    elif isinstance(node, nodes.Filter):
        _check_filter(node, name)
    elif isinstance(node, nodes.Compare):
        sides = (node.expr, *(operand.expr for operand in node.ops))
        is_simple = all(operand.op in ("eq", "ne") for operand in node.ops)
        if not is_simple or not any(isinstance(side, nodes.Const) for side in sides):
            _refuse(node, name, "comparisons other than == and != with a constant")


def _check_include(node: nodes.Include, name: str) -> None:
    constant = node.template
    value: object = constant.value if isinstance(constant, nodes.Const) else None
    if not isinstance(value, str) or not _NAME_OF_TEMPLATE.fullmatch(value):
        _refuse(node, name, "an include of anything but the name of a template in quotes")
    if node.ignore_missing or not node.with_context:
        _refuse(node, name, "an include with options")


def _check_filter(node: nodes.Filter, name: str) -> None:
    if node.node is None or node.kwargs or node.dyn_args or node.dyn_kwargs:
        _refuse(node, name, "filters with such arguments")
    for argument in node.args:
        value: object = argument.value if isinstance(argument, nodes.Const) else None
        is_indent = type(value) is int and 0 <= value <= _MAX_INDENT
        if not is_indent and not (isinstance(argument, nodes.Name) and argument.name == "package"):
            _refuse(node, name, f"filters with arguments except 0 to {_MAX_INDENT} and package")


def _refuse(node: nodes.Node, name: str, words: str) -> None:
    raise TemplateSyntaxError(f"templates cannot have {words}; {_FIX}", node.lineno, name)
