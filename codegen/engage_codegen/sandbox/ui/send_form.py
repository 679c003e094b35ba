"""The form that sends a test interaction through the API itself."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

_PATH = "/api/v3/interactions"
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class OwnApi:
    """The address and the key of the API of this sandbox; `tls` is None for HTTP."""

    base_url: str
    key: str
    tls: ssl.SSLContext | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """The request as it was sent, but without the key, and the response."""

    request: str
    response: str
    is_success: bool


async def send_interaction(api: OwnApi, schema_id: str, form: Mapping[str, str]) -> Exchange:
    """Send an interaction with the fields `contact`, `created` and `payload` of the form.

    The payload is sent as it was typed, so it need not be valid JSON.
    """
    members = {"contactId": form.get("contact", ""), "schemaId": schema_id}
    if form.get("created"):
        members["createdDate"] = form["created"]
    lines = "".join(
        f"  {json.dumps(name)}: {json.dumps(value)},\n" for name, value in members.items()
    )
    payload = form.get("payload", "").strip() or "null"
    content = f'{{\n{lines}  "payload": {payload}\n}}'
    request = f"POST {_PATH}\nContent-Type: application/json\n\n{content}"
    headers = {"apikey": api.key, "Content-Type": "application/json"}
    headers["User-Agent"] = "engage-sandbox-pages/1.0"
    verify = api.tls or False  # False: plain HTTP, and no certificates to load
    try:
        async with httpx.AsyncClient(
            timeout=_TIMEOUT_SECONDS, trust_env=False, verify=verify
        ) as web:
            body = content.encode("utf-8", "replace")
            response = await web.post(f"{api.base_url}{_PATH}", content=body, headers=headers)
    except httpx.HTTPError as error:
        return Exchange(request, f"No response: {str(error) or type(error).__name__}", False)
    status = f"{response.status_code} {response.reason_phrase}"
    return Exchange(request, f"{status}\n\n{_indent(response.text)}", response.is_success)


def _indent(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
