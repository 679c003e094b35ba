"""A copy of the modules for bulk sends that can be interrupted at every step.

CPython handles a signal between two statements and after a call. The copy calls `Checkpoints.reach`
at all of these places.
"""

import ast
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from engage_interactions._runtime import bulk

PACKAGE = "engage_interactions._runtime.bulk_with_checkpoints"
MODULES = (*("item", "outcome", "ledger", "threads", "tasks", "send_many", "send_many_async"),)
"""Each imports only earlier ones."""


class Checkpoints:
    """Calls `act` at the steps of one thread that `interrupt_at` names, counted from 1."""

    def __init__(self) -> None:
        self.count = 0
        self._moments: list[int] = []
        self._act: Callable[[], object] = self._raise
        self._thread: threading.Thread | None = None

    @contextmanager
    def interrupt_at(
        self, *moments: int, act: Callable[[], object] | None = None
    ) -> Generator[None]:
        """Interrupt the current thread at the first moment, and so many steps after it at others.

        By default it raises `KeyboardInterrupt`, as Ctrl-C does.
        """
        self.count, self._moments = 0, list(moments)
        self._act, self._thread = act or self._raise, threading.current_thread()
        try:
            yield
        finally:
            self._thread = None

    @property
    def are_all_reached(self) -> bool:
        """Whether all moments have come."""
        return not self._moments

    def reach(self, value: Any = False) -> Any:
        """Count a step, and return the value."""
        if threading.current_thread() is self._thread:
            self.count += 1
            if self._moments and self.count == self._moments[0]:
                self._moments[:1] = []
                self._moments[:1] = [self.count + moment for moment in self._moments[:1]]
                self._act()
        return value

    def _raise(self) -> None:
        raise KeyboardInterrupt


CHECKPOINTS = Checkpoints()


class _Insert(ast.NodeTransformer):
    """Inserts checkpoints into functions: before statements and conditions, and after calls."""

    def __init__(self) -> None:
        self._depth = 0

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._depth += 1
            node.body = [part for statement in node.body for part in self.visit(statement)]
            self._depth -= 1
            return [node] if self._depth else node
        if isinstance(node, ast.Await) and isinstance(node.value, ast.Call):
            self.generic_visit(node.value)
            return _reach(node)
        self.generic_visit(node)
        if not self._depth:
            return node
        if isinstance(node, ast.Call):
            return _reach(node)
        if isinstance(node, ast.While):
            node.test = ast.BoolOp(ast.Or(), [_reach(), node.test])
        return [ast.Expr(_reach()), node] if isinstance(node, ast.stmt) else node


def _reach(*arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name("__reach__", ast.Load()), list(arguments), [])


def load_with_checkpoints() -> Callable[[str], Any]:
    """Import the copy, and return a function that looks a name up in it."""
    package = ModuleType(PACKAGE)
    package.__path__ = []
    sys.modules[PACKAGE] = package
    names: dict[str, Any] = {"__reach__": CHECKPOINTS.reach}
    for name in MODULES:
        path = Path(bulk.__path__[0], f"{name}.py")
        tree = ast.fix_missing_locations(_Insert().visit(ast.parse(path.read_text("utf-8"))))
        module = ModuleType(f"{PACKAGE}.{name}")
        module.__package__ = PACKAGE
        module.__dict__["__reach__"] = CHECKPOINTS.reach
        sys.modules[module.__name__] = module
        exec(compile(tree, path, "exec"), module.__dict__)
        names |= vars(module)
    return names.__getitem__
