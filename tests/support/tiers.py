"""How much of each large proof runs."""

import os
import random
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

IS_FULL = bool(os.environ.get("ENGAGE_CODEGEN_FULL"))
"""`make test-full` sets it. Otherwise a large proof takes a part of its inputs, by a fixed seed."""


def draw(items: Iterable[T], count: int, kind: Callable[[T], object] = lambda item: 0) -> list[T]:
    """Return all items in a full run. Otherwise `count` by a fixed seed, in their order, and the
    first and the last of each kind."""
    every = list(items)
    if IS_FULL:
        return every
    first_of, last_of = dict[object, int](), dict[object, int]()
    for number, item in enumerate(every):
        first_of.setdefault(kind(item), number)
        last_of[kind(item)] = number
    chosen = random.Random(17).sample(range(len(every)), min(count, len(every)))
    return [every[number] for number in sorted({*chosen, *first_of.values(), *last_of.values()})]
