"""The decorator `deprecated` for type checkers and editors. It does nothing at run time."""

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from typing_extensions import deprecated
else:
    T = TypeVar("T")

    class deprecated:  # the name that the standard library uses
        """Marks a function as deprecated."""

        def __init__(self, message: str) -> None:
            self.message = message

        def __call__(self, function: T) -> T:
            return function


__all__ = ["deprecated"]
