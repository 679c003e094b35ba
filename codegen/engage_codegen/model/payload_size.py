"""How many properties a payload has, and which depend on which. Pure."""

from collections.abc import Iterable, Iterator
from typing import cast

from ..schema.envelope import Dialect
from ..schema.jsontext import JsonObject
from ..schema.text import quote
from .property_problems import PropertyProblem, is_count, malformed


def find_size_problems(
    body: JsonObject, properties: JsonObject, dialect: Dialect
) -> Iterator[PropertyProblem]:
    """Yield each of these keywords that is malformed, or that no payload can satisfy.

    The dialect ``engage`` has none of them, so there it is enough that they are correct.
    """
    problems = list(_malformed_keywords(body))
    yield from problems
    required = body.get("required", [])
    if problems or dialect == "engage" or not isinstance(required, list):
        return
    names = [name for name in required if isinstance(name, str)]
    if properties.keys() >= set(names):
        yield from _unsatisfiable(body, properties, names)


def _malformed_keywords(body: JsonObject) -> Iterator[PropertyProblem]:
    for keyword in ("minProperties", "maxProperties"):
        if not is_count(body.get(keyword, 0)):
            yield malformed(keyword, body[keyword], "a whole number of at least 0")
    dependent = body.get("dependentRequired", {})
    expectation = "an object with lists of property names"
    if not isinstance(dependent, dict):
        yield malformed("dependentRequired", dependent, expectation)
        return
    for name, others in sorted(dependent.items()):
        if not isinstance(others, list) or not all(isinstance(other, str) for other in others):
            yield malformed("dependentRequired", {name: others}, expectation)


def _unsatisfiable(
    body: JsonObject, properties: JsonObject, required: list[str]
) -> Iterator[PropertyProblem]:
    """Yield what makes every payload invalid, where that is obvious."""
    dependent = cast("dict[str, list[str]]", body.get("dependentRequired", {}))
    always = _complete(required, dependent)
    for name in sorted(always - properties.keys()):
        message = f"every payload needs the property {quote(name)}, which is not declared"
        fix = "declare the property, or remove it from `dependentRequired`"
        yield PropertyProblem("EG206", "dependentRequired", ("undeclared", name), message, fix)
        return
    usable = [name for name in properties if _complete([name], dependent) <= properties.keys()]
    low = int(cast("float", body.get("minProperties", 0)))
    high = int(cast("float", body.get("maxProperties", len(usable))))
    most = min(len(usable), high)
    if len(always) > high:
        message = f"maxProperties is {high}, but every payload needs {len(always)} properties"
        yield _size_problem("maxProperties", high, message)
    elif low > most:
        message = f"minProperties is {low}, but the most that a payload can have is {most}"
        yield _size_problem("minProperties", low, message)


def _size_problem(keyword: str, limit: int, message: str) -> PropertyProblem:
    text = f"{message}, so no payload is valid"
    return PropertyProblem("EG206", keyword, ("size", str(limit)), text, f"correct `{keyword}`")


def _complete(names: Iterable[str], dependent: dict[str, list[str]]) -> set[str]:
    """Return the names, and every name that a payload with them needs."""
    complete: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in complete:
            complete.add(name)
            pending += dependent.get(name, [])
    return complete
