"""Forked processes: what a child must not share with its parent.

A child that used the connections or waited for the locks of its parent would receive the answers
to the requests of another process, or wait for ever.
"""

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """An object that a forked process inherits."""

    def reset_after_fork(self) -> None:
        """Replace locks and connections. Runs in the child, in its only thread."""
        ...


_objects: "WeakSet[Forkable]" = WeakSet()


def reset_in_child(forkable: Forkable) -> None:
    """Reset an object in every child that this process forks."""
    _objects.add(forkable)


def _reset_all() -> None:
    for forkable in list(_objects):
        forkable.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)
