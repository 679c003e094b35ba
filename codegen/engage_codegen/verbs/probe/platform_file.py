"""`engage-platform.toml`: how the platform behaves, as it was observed in one tenant."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias, cast

from ...errors import InputError
from ...filesystem import read_bytes, unreadable
from ...schema.jsontext import Json, JsonError, JsonObject, loads
from .asking.exchange import Exchange, Step
from .execution import ProbeResult
from .facts import Deviation
from .questions import QUESTIONS
from .readings.reading import Value

FILE_NAME = "engage-platform.toml"

_FORMAT = 1
_MAX_BYTES = 4_000_000
_Table: TypeAlias = "Mapping[str, object]"


@dataclass(frozen=True, slots=True)
class Platform:
    """The contents of the file.

    `options` are the values that were observed, `gaps` says of every other option why there is
    none, and `deviations` are what no option describes. `exchanges` have sanitized answers.
    """

    tenant: str
    api_version: str
    observed: datetime
    requests: int
    options: Mapping[str, Value]
    gaps: Mapping[str, str] = field(default_factory=dict[str, str])
    deviations: tuple[Deviation, ...] = ()
    limits: Mapping[str, str] = field(default_factory=dict[str, str])
    exchanges: tuple[Exchange, ...] = ()


def describe_result(result: ProbeResult, tenant: str, api_version: str) -> Platform:
    """Return what a probe learned as the contents of a file. `tenant` is the host."""
    options: dict[str, Value] = {}
    gaps: dict[str, str] = {}
    deviations: list[Deviation] = []
    for option, reading in result.readings.items():
        if reading.value is not None:
            options[option] = reading.value
        elif reading.state == "unexplained":
            gaps[option] = "unexplained"
            deviations.append(Deviation(option, reading.text, reading.steps))
        else:
            gaps[option] = f"{reading.state}: {reading.text}"
    all_deviations = (*deviations, *result.deviations)
    return Platform(
        *(tenant, api_version, result.started, result.requests, options, gaps),
        all_deviations,
        result.limits,
        result.exchanges,
    )


def write_platform(platform: Platform) -> str:
    """Return the text of the file."""
    return "\n".join([*_write_lines(platform), ""])


def _write_lines(platform: Platform) -> Iterator[str]:
    date = platform.observed.astimezone(UTC)
    yield "# How the platform behaves, as `engage-codegen probe` observed it. Commit this file: the"
    yield "# sandbox and `preflight` read it. It has no key and no data of a contact."
    yield f"format = {_FORMAT}"
    yield f"tenant = {_quote(platform.tenant)}"
    yield f"api-version = {_quote(platform.api_version)}"
    yield f"observed = {date:%Y-%m-%dT%H:%M:%SZ}"
    yield f"requests = {platform.requests}"
    yield from ("", "[options]")
    for question in QUESTIONS:
        if question.option in platform.options:
            yield f"# {question.text}"
            yield f"{question.option} = {_write_value(platform.options[question.option])}"
    for title, texts in (("not-observed", platform.gaps), ("limits", platform.limits)):
        if texts:
            yield from ("", f"[{title}]")
            yield from (f"{_quote(name)} = {_quote(text)}" for name, text in texts.items())
    for deviation in platform.deviations:
        yield from ("", "[[unexplained]]", f"subject = {_quote(deviation.subject)}")
        yield f"text = {_quote(deviation.text)}"
        yield f"steps = [{', '.join(map(_quote, deviation.steps))}]"
    for exchange in platform.exchanges:
        yield from _write_exchange(exchange)


def _write_exchange(exchange: Exchange) -> Iterator[str]:
    step = exchange.step
    yield from ("", "[[exchanges]]", f"step = {_quote(step.name)}")
    yield f"request = {_quote(f'{step.method} {step.path}')}"
    if step.body is not None:
        yield f"body = {_quote_json(step.body)}"
    yield f"sent = {exchange.sent:.3f}"
    yield f"status = {exchange.status}"
    if exchange.problem:
        yield f"problem = {_quote(exchange.problem)}"
    elif exchange.value is not None:
        yield f"answer = {_quote_json(exchange.value)}"


def _quote(text: str) -> str:
    """Return a basic string of TOML. JSON escapes all that TOML does, except DEL."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def _quote_json(value: Json) -> str:
    text = json.dumps(value)
    is_literal = "'" not in text and text.isprintable()
    return f"'{text}'" if is_literal else _quote(text)


def _write_value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _quote(value) if isinstance(value, str) else repr(value)


def find_platform_file(folder: Path) -> Path | None:
    """Return the file in the folder of a configuration, if there is one."""
    path = folder / FILE_NAME
    return path if path.is_file() else None


def read_platform(path: Path) -> Platform:
    """Read a file. Raises `InputError`."""
    try:
        table = tomllib.loads(read_bytes(path, _MAX_BYTES).decode("utf-8-sig"))
        return _parse(table)
    except OSError as error:
        raise unreadable(path, error) from None
    except RecursionError:
        reason = "the values are nested too deeply"
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{error}" if isinstance(error, ValueError) else f"{error} is missing or unusable"
    raise InputError(
        f"is no file of engage-codegen probe: {reason}",
        where=str(path),
        fix="write it again with engage-codegen probe",
    )


def _parse(table: _Table) -> Platform:
    if table.get("format") != _FORMAT:
        raise ValueError(f"`format` must be {_FORMAT}")
    observed = table["observed"]
    requests = table["requests"]
    if not isinstance(observed, datetime) or not isinstance(requests, int):
        raise TypeError("`observed` or `requests`")
    options = {
        name: value
        for name, value in _table(table["options"]).items()
        if isinstance(value, (str, int, float))
    }
    return Platform(
        _text(table["tenant"]),
        _text(table["api-version"]),
        observed if observed.tzinfo else observed.replace(tzinfo=UTC),
        requests,
        options,
        _texts(table.get("not-observed", {})),
        tuple(_parse_deviation(_table(item)) for item in _list(table.get("unexplained", []))),
        _texts(table.get("limits", {})),
        tuple(_parse_exchange(_table(item)) for item in _list(table.get("exchanges", []))),
    )


def _parse_deviation(table: _Table) -> Deviation:
    names = tuple(map(_text, _list(table["steps"])))
    return Deviation(_text(table["subject"]), _text(table["text"]), names)


def _parse_exchange(table: _Table) -> Exchange:
    method, _, path = _text(table["request"]).partition(" ")
    sent, status = table["sent"], table["status"]
    if not isinstance(sent, (int, float)) or not isinstance(status, int):
        raise TypeError("`sent` or `status`")
    step = Step(_text(table["step"]), method, path, _parse_body(table.get("body")))
    answer = _parse_json(table.get("answer"))
    return Exchange(step, float(sent), float(sent), status, answer, _text(table.get("problem", "")))


def _parse_json(text: object) -> Json:
    try:
        return None if text is None else loads(_text(text))
    except JsonError as error:
        raise ValueError(f"`answer` or `body` is not JSON: {error}") from None


def _parse_body(text: object) -> JsonObject | None:
    value = _parse_json(text)
    return value if isinstance(value, dict) else None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r}")
    return value


def _texts(value: object) -> dict[str, str]:
    return {name: _text(text) for name, text in _table(value).items()}


def _table(value: object) -> _Table:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r}")
    return cast("_Table", value)


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r}")
    return cast("list[object]", value)
