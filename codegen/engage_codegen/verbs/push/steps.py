"""What a push has done so far, step by step."""

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from .changes import AttributeChange

StepWord: TypeAlias = Literal["accepted", "created", "deleted", "discarded", "restored", "differs"]


class Step(NamedTuple):
    """Something that happened to a schema of the tenant.

    accepted: the tenant took it under a temporary id. created, deleted: it, and every interaction
    with it. discarded: a leftover was deleted. restored: the old schema was created again. differs:
    the tenant keeps it otherwise than it was sent, and `changes` would turn it into what was sent.
    """

    word: StepWord
    schema_id: str
    changes: tuple[AttributeChange, ...] = ()


StepReport: TypeAlias = Callable[[Step], None]
