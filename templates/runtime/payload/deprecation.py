"""`deprecated`, for type checkers and editors: they know it wherever it comes from."""

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from typing_extensions import deprecated
else:
    T = TypeVar("T")

    class deprecated:  # as it is called in the standard library
        def __init__(self, message: str) -> None:
            self.message = message

        def __call__(self, function: T) -> T:
            return function


__all__ = ["deprecated"]
