"""What a probe prints: a table of the answers, and what it cannot explain, word for word. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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
    for text in dict.fromkeys(platform.gaps.values()):
        if text != "unexplained":
            options = [option for option, gap in platform.gaps.items() if gap == text]
            yield f"{', '.join(options)}: {text}"
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


@dataclass(frozen=True, slots=True)
class OptionChange:
    """An option that another probe answers in another way. `new` is None if it has no answer."""

    option: str
    old: Value
    new: "Value | None"

    def describe(self) -> str:
        """Say how the option changed."""
        new = "unexplained" if self.new is None else write_value(self.new)
        return f"{self.option} was {write_value(self.old)} and is {new}"


def list_changes(old: Mapping[str, Value], new: Platform) -> list[OptionChange]:
    """Return the options of an earlier probe that a later one answers in another way."""
    changes = [
        OptionChange(question.option, old[question.option], new.options.get(question.option))
        for question in QUESTIONS
        if question.option in old
    ]
    return [
        change
        for change in changes
        if change.new != change.old
        and (change.new is not None or new.gaps.get(change.option) == "unexplained")
    ]


_LOSSES: dict[tuple[str, Value], str] = {
    ("broken-interaction", "reject"): "an interaction that breaks its schema is refused",
    ("broken-interaction", "ignore"): "an interaction that breaks its schema is answered with "
    "success and an id, and is not stored",
    ("broken-interaction", "ignore-without-id"): "an interaction that breaks its schema is "
    "answered with success, without an id, and is not stored",
    ("ill-typed-property", "drop"): "a property with a wrong type or format is dropped",
    ("ill-typed-property", "break"): "a property with a wrong type or format breaks its "
    "interaction",
}
"""Option and value -> what becomes of a payload that does not fit."""


def describe_losses(platform: Platform) -> Iterator[str]:
    """Yield what becomes of payloads that do not fit, as it was observed."""
    observed = f"observed in {platform.tenant} on {platform.observed:%Y-%m-%d}"
    for (option, value), text in _LOSSES.items():
        if platform.options.get(option) == value:
            yield f"{observed}: {text}"
