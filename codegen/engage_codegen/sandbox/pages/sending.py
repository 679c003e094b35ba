"""The form that sends a test interaction through the API itself."""

import json
from dataclasses import dataclass
from http import HTTPStatus

import httpx
from fastapi import FastAPI

from engage_codegen.sandbox.cards import declared
from engage_codegen.sandbox.platform import Platform
from engage_codegen.sandbox.tenant import StoredSchema
from engage_codegen.sandbox.wire import Json, JsonObject

_PATH = "/api/v3/interactions"
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Sent:
    """The request as it was sent, without the key, and the answer."""

    request: str
    answer: str
    is_success: bool


async def send_interaction(
    app: FastAPI, here: Platform, schema_id: str, form: dict[str, str]
) -> Sent:
    """Send what the form says: `contact`, `created` and `payload`, a JSON text."""
    body: JsonObject = {"contactId": form.get("contact", ""), "schemaId": schema_id}
    if form.get("created"):
        body["createdDate"] = form["created"]
    try:
        body["payload"] = json.loads(form.get("payload", ""))
        content = json.dumps(body, indent=2)
    except ValueError as error:
        return Sent(form.get("payload", ""), f"The payload is not JSON: {error}", False)
    request = f"POST {_PATH}\nContent-Type: application/json\n\n{content}"
    headers = {"apikey": here.key, "Content-Type": "application/json"}
    headers["User-Agent"] = "engage-sandbox-pages/1.0"
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(
            transport=transport, base_url="http://sandbox", timeout=_TIMEOUT_SECONDS
        ) as web:
            answer = await web.post(_PATH, content=content, headers=headers)
    except Exception as error:
        return Sent(request, f"No answer: {type(error).__name__}", False)
    status = f"{answer.status_code} {HTTPStatus(answer.status_code).phrase}"
    return Sent(request, f"{status}\n\n{_pretty(answer.text)}", answer.is_success)


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


_EXAMPLES: dict[str, Json] = {"integer": 1, "number": 1.5, "boolean": True}


def example(schema: StoredSchema) -> str:
    """A payload to begin with: every property, with a value of its type."""
    payload: JsonObject = {}
    for name, declaration in declared(schema).items():
        said = declaration if isinstance(declaration, dict) else {}
        value = _EXAMPLES.get(str(said.get("type")), "text")
        payload[name] = "2026-03-14T09:26:53+00:00" if said.get("format") == "date-time" else value
    return json.dumps(payload, indent=2, ensure_ascii=False)
