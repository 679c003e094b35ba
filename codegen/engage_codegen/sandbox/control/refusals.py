"""How middleware refuses a request that the application must not see."""

from collections.abc import Callable
from typing import TypeAlias

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Scope

from engage_codegen.sandbox.errors import ApiError

Answer: TypeAlias = Callable[[Scope, ApiError], ASGIApp]
"""A function that builds the response to a request that is refused with an error."""


def answer_plainly(_scope: Scope, error: ApiError) -> ASGIApp:
    """Build a response that consists of the message."""
    return PlainTextResponse(error.message, error.status)
