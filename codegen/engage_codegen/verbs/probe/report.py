"""What a probe prints: a table of the answers, and what it cannot explain, word for word. Pure."""

import json
from collections.abc import Iterator, Mapping

from .platform_file import Platform
from .questions import QUESTIONS
from .readings.reading import Value

HEADER = ("option", "question", "assumed", "observed")


def list_rows(platform: Platform) -> list[list[str]]:
    """Return a row for each option."""
    return [
        [
            question.option,
            question.text,
            write_value(question.assumed),
            _describe_observed(platform, question.option, question.assumed),
        ]
        for question in QUESTIONS
    ]


def _describe_observed(platform: Platform, option: str, assumed: Value) -> str:
    if option not in platform.options:
        return platform.gaps.get(option, "not asked").partition(":")[0]
    value = platform.options[option]
    return write_value(value) if value == assumed else f"{write_value(value)} (differs)"


def write_value(value: Value) -> str:
    """Return a value as it is written on a command line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def describe_gaps(platform: Platform) -> Iterator[str]:
    """Yield the limits, why options have no value, and what is unexplained."""
    for subject, text in platform.limits.items():
        yield f"{subject}: {text}"
    for option, text in platform.gaps.items():
        if text != "unexplained":
            yield f"{option}: {text}"
    exchanges = {exchange.step.name: exchange for exchange in platform.exchanges}
    for deviation in platform.deviations:
        yield f"unexplained: {deviation.subject}: {deviation.text}"
        for name in deviation.steps[:2]:
            if name in exchanges:
                exchange = exchanges[name]
                answer = json.dumps(exchange.value, ensure_ascii=False)
                body = json.dumps(exchange.step.body) if exchange.step.body else ""
                request = f"{exchange.step.method} {exchange.step.path} {body}".strip()
                yield f"  request: {request}"
                yield f"  answer: {exchange.status} {exchange.problem or answer}"


def list_changes(old: Mapping[str, Value], new: Mapping[str, Value]) -> Iterator[str]:
    """Yield how the options of two probes differ."""
    for question in QUESTIONS:
        option = question.option
        if option in old and option in new and old[option] != new[option]:
            yield f"{option} was {write_value(old[option])} and is {write_value(new[option])}"
