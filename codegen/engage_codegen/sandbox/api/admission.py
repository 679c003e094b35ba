"""What every request to the API has to pass: the key, the rate limit and the content type."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader

from engage_codegen.sandbox.api.rules import (
    feature_not_enabled,
    invalid_key,
    require_json,
    too_many_requests,
)
from engage_codegen.sandbox.state import State

_KEY = APIKeyHeader(
    name="apikey", scheme_name="apikey", description="A key of the tenant", auto_error=False
)


async def _identify(
    request: Request, state: State, key: Annotated[str | None, Depends(_KEY)]
) -> bytes:
    """Check key and rate limit; return the body, and leave it in the state too."""
    request.state.body = body = await request.body()
    if key is None or not state.store.has_key(key):
        raise invalid_key()
    if not state.rate_limit.admit(key, state.options.rate_limit):
        raise too_many_requests()
    return body


_IdentifiedBody = Annotated[bytes, Depends(_identify)]


async def admit(request: Request, body: _IdentifiedBody) -> bytes:
    """Check key, rate limit and content type; return the body."""
    require_json(request.headers.get("content-type"), body)
    return body


async def admit_to_interactions(request: Request, state: State, body: _IdentifiedBody) -> bytes:
    """Check key, rate limit, the feature of the tenant and content type; return the body."""
    if not state.options.feature_enabled:
        raise feature_not_enabled()
    require_json(request.headers.get("content-type"), body)
    return body
