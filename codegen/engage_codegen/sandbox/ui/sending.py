"""The form that sends a test interaction through the API itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from engage_codegen.sandbox.marketing.contact_cards import declared
from engage_codegen.sandbox.platform import Platform
from engage_codegen.sandbox.store.tenant import StoredSchema
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
    base_url: str, here: Platform, schema_id: str, form: Mapping[str, str]
) -> Sent:
    """Send what the form says: `contact`, `created` and `payload`, which is sent as it is typed."""
    members = {"contactId": form.get("contact", ""), "schemaId": schema_id}
    if form.get("created"):
        members["createdDate"] = form["created"]
    body = "".join(f"  {json.dumps(key)}: {json.dumps(it)},\n" for key, it in members.items())
    payload = form.get("payload", "").strip() or "null"
    content = f'{{\n{body}  "payload": {payload}\n}}'
    request = f"POST {_PATH}\nContent-Type: application/json\n\n{content}"
    headers = {"apikey": here.key, "Content-Type": "application/json"}
    headers["User-Agent"] = "engage-sandbox-pages/1.0"
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False) as web:
            sent = content.encode("utf-8", "replace")
            answer = await web.post(f"{base_url}{_PATH}", content=sent, headers=headers)
    except httpx.HTTPError as error:
        return Sent(request, f"No answer: {str(error) or type(error).__name__}", False)
    status = f"{answer.status_code} {answer.reason_phrase}"
    return Sent(request, f"{status}\n\n{_pretty(answer.text)}", answer.is_success)


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
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
