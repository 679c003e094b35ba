"""What the answers say about an option."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ....schema.jsontext import Json
from ..asking.exchange import Exchange

State: TypeAlias = Literal["observed", "unexplained", "not observable", "not asked"]
Value: TypeAlias = "str | int | float | bool"


@dataclass(frozen=True, slots=True)
class Reading:
    """A value, or why there is none. `steps` are those that a text is about."""

    state: State
    value: "Value | None" = None
    text: str = ""
    steps: tuple[str, ...] = ()


def observed(value: Value) -> Reading:
    """Return a value that the answers leave no doubt about."""
    return Reading("observed", value)


def unexplained(text: str, *steps: str) -> Reading:
    """Return that the answers fit no value of the option."""
    return Reading("unexplained", None, text, steps)


def hidden(text: str) -> Reading:
    """Return that this tenant shows nothing about the option."""
    return Reading("not observable", None, text)


def skipped(text: str) -> Reading:
    """Return that the probe did not ask."""
    return Reading("not asked", None, text)


@dataclass(frozen=True, slots=True)
class Observations:
    """The exchanges of a probe by step. `values` are the values that were read before."""

    exchanges: dict[str, Exchange]
    bindings: Mapping[str, str]
    values: dict[str, "Value | None"] = field(default_factory=dict[str, "Value | None"])

    def get(self, *names: str) -> list[Exchange]:
        """Return the exchanges of the steps that were sent."""
        return [self.exchanges[name] for name in names if name in self.exchanges]

    def member(self, step: str, name: str) -> Json:
        """Return a member of the answer of a step, or None."""
        exchange = self.exchanges.get(step)
        value = exchange.value if exchange and exchange.is_success else None
        return value.get(name) if isinstance(value, dict) else None


Reader: TypeAlias = Callable[[Observations], Reading]


def describe(exchange: Exchange) -> str:
    """Say in a few words what a step was answered with."""
    if exchange.problem:
        return f"{exchange.step.name} has no usable answer: {exchange.problem}"
    return f"{exchange.step.name} is answered with {exchange.status}"


def read_same(exchanges: list[Exchange], values: Mapping[int, Value], subject: str) -> Reading:
    """Read an option that is the status of several exchanges, which must be the same."""
    usable = [exchange for exchange in exchanges if not exchange.problem]
    if not usable:
        return hidden(f"no {subject} was answered")
    statuses = {exchange.status for exchange in usable}
    if len(statuses) > 1 or not statuses <= values.keys():
        texts = "; ".join(dict.fromkeys(map(describe, usable)))
        return unexplained(texts, *(exchange.step.name for exchange in usable[:3]))
    return observed(values[statuses.pop()])
