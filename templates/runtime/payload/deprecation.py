"""The decorator `deprecated`, for type checkers, editors and callers.

The standard library has it since Python 3.13, in `warnings`.
"""

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import deprecated
else:
    from functools import wraps
    from inspect import iscoroutinefunction

    class deprecated:  # the name that the standard library uses
        """Makes a function emit a `DeprecationWarning` at each call."""

        def __init__(self, message: str) -> None:
            self.message = message

        def __call__(self, function):
            message = self.message
            if iscoroutinefunction(function):

                @wraps(function)
                async def wrapper(*args, **options):
                    warnings.warn(message, DeprecationWarning, stacklevel=2)
                    return await function(*args, **options)

            else:

                @wraps(function)
                def wrapper(*args, **options):
                    warnings.warn(message, DeprecationWarning, stacklevel=2)
                    return function(*args, **options)

            wrapper.__deprecated__ = message
            return wrapper


__all__ = ["deprecated"]
