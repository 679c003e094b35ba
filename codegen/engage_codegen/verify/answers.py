"""What the reader answers about each payload: data from code that is not trusted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from ..schema.jsontext import Json

_BY_DESIGN = frozenset(["leap-second", "precision", "year-zero"])
"""The codes of violations by values that JSON Schema allows and Python cannot represent."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """The result of reading a payload: it is accepted or refused, or the class crashed.

    `property` is the first that was refused, and `properties` are all that are blamed. A refusal is
    by design if any of its violations is, because other properties can depend on the one that
    cannot be represented.

    An accepted payload was `written` again, or a `fault` says why not. `types` are the names of the
    Python types of the written properties. `again` is the refusal of the written
    payload; if there is none, `is_same` says whether it was read as an equal instance.
    """

    is_accepted: bool
    text: str = "accepts"
    property: str = ""
    properties: frozenset[str] = frozenset()
    is_by_design: bool = False
    crashed: bool = False
    written: Mapping[str, Json] = field(default_factory=dict[str, Json])
    fault: str = ""
    types: Mapping[str, str] = field(default_factory=dict[str, str])
    again: "ReadResult | None" = None
    is_same: bool = True


@dataclass(frozen=True, slots=True)
class Exercise:
    """What a class is, what it allows wrongly (`faults`), and the `requests` of its senders."""

    description: Mapping[str, object]
    faults: tuple[str, ...]
    requests: tuple[Mapping[str, object], ...]


def decode_answer(line: bytes) -> dict[str, object]:
    """Return the answer to a request. Raises `ValueError` if it is not a JSON object."""
    try:
        return _decode_object(json.loads(line))
    except RecursionError:
        raise ValueError("the answer is nested too deeply") from None


def decode_results(answer: Mapping[str, object]) -> list[ReadResult]:
    """Return the results of an answer. Raises `ValueError` if it has another form."""
    return [_decode_result(item) for item in _decode_list(answer.get("results"))]


def decode_exercise(answer: Mapping[str, object]) -> Exercise:
    """Return the answer about a class. Raises `ValueError` if it has another form."""
    return Exercise(
        _decode_object(answer.get("description")),
        tuple(_expect(str, text) for text in _decode_list(answer.get("faults"))),
        tuple(map(_decode_object, _decode_list(answer.get("requests")))),
    )


def _decode_result(value: object) -> ReadResult:
    item = _decode_object(value)
    if "text" in item:
        return _decode_refusal(item)
    if "fault" in item:
        return ReadResult(is_accepted=True, fault=_expect(str, item["fault"]))
    types = _decode_object(item.get("types"))
    return ReadResult(
        is_accepted=True,
        written=cast("dict[str, Json]", _decode_object(item.get("written"))),
        types={name: _expect(str, text) for name, text in types.items()},
        again=_decode_refusal(item["again"]) if "again" in item else None,
        is_same=_expect(bool, item.get("is_same", False)),
    )


def _decode_refusal(value: object) -> ReadResult:
    item = _decode_object(value)
    codes = _decode_list(item.get("codes", []))
    return ReadResult(
        is_accepted=False,
        text=_expect(str, item.get("text")),
        property=_expect(str, item.get("property", "")),
        properties=frozenset(
            _expect(str, name) for name in _decode_list(item.get("properties", []))
        ),
        is_by_design=any(_expect(str, code) in _BY_DESIGN for code in codes),
        crashed=_expect(bool, item.get("crashed", False)),
    )


def _decode_object(value: object) -> dict[str, object]:
    return cast("dict[str, object]", _expect(dict, value))


def _decode_list(value: object) -> list[object]:
    return cast("list[object]", _expect(list, value))


def _expect(kind: type[_T], value: object) -> _T:
    if not isinstance(value, kind):
        raise ValueError(f"a {kind.__name__} is missing")
    return value
