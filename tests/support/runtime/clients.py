"""Both clients of the generated package, connected to a function that answers their requests."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from engage_interactions import AsyncEngageClient, EngageClient, RetryPolicy
from tests.support.runtime.http_library import httpx

Handler: TypeAlias = Callable[[httpx.Request], httpx.Response]

URL, KEY = "https://acme.voyado.com", "k3y-0f-the-ten4nt"
_SETTINGS: dict[str, Any] = {
    "api_key": KEY,
    "user_agent": "Shop/1",
    "retry": RetryPolicy.never(),
    "rate": 1_000_000,
}


def threads(handler: Handler, url: str = URL, **settings: Any) -> EngageClient:
    http = httpx.Client(transport=httpx.MockTransport(handler))
    return EngageClient(url, http=http, **{**_SETTINGS, **settings})


def tasks(handler: Handler, url: str = URL, **settings: Any) -> AsyncEngageClient:
    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    return AsyncEngageClient(url, http=http, **{**_SETTINGS, **settings})


both = pytest.mark.parametrize("connect", [threads, tasks])


def run(outcome: Any) -> Any:
    """Return the result of either client as a value, and a list as a whole."""

    async def collect() -> Any:
        return [item async for item in outcome]

    if hasattr(outcome, "__anext__"):
        return asyncio.run(collect())
    if hasattr(outcome, "__await__"):
        return asyncio.run(outcome)
    return list(outcome) if hasattr(outcome, "__next__") else outcome


def answering(body: object = b"", status: int = 200) -> Handler:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda request: httpx.Response(status, content=content)


def calling(requests: list[httpx.Request], body: object) -> Handler:
    """Answer every request with a body, and append it to the requests."""

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json=body)

    return answer
