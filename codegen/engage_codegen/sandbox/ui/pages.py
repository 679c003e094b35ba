"""The routes of the HTML pages, which work without JavaScript.

The text of schemas and payloads is hostile. Jinja escapes all of it, and the content security
policy allows neither scripts nor anything from other hosts.
"""

import ssl
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs

import jinja2
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from engage_codegen.sandbox.errors import ApiError
from engage_codegen.sandbox.state import get_state
from engage_codegen.sandbox.ui import (
    automation_views,
    contact_views,
    dropped_views,
    option_views,
    segment_views,
    views,
)
from engage_codegen.sandbox.ui.query import Query, Values, View
from engage_codegen.sandbox.ui.send_form import OwnApi, send_interaction

PREFIX = "/_sandbox/ui"
_FOLDER = Path(__file__).parent
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}

pages = APIRouter(prefix=PREFIX)
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["text"] = views.format_value


@pages.get("/style.css")
def get_style() -> Response:
    css = (_FOLDER / "style.css").read_text("utf-8")
    return Response(css, media_type="text/css", headers=_HEADERS)


@pages.get("/")
@pages.get("")
def show_home(request: Request) -> HTMLResponse:
    return _show(request, "home", views.view_home)


@pages.get("/contacts")
def show_contacts(request: Request) -> HTMLResponse:
    return _show(request, "contacts", contact_views.view_contacts)


@pages.post("/contacts")
async def add_contact(request: Request) -> Response:
    form, state = await _read_form(request), get_state(request)
    try:
        path = contact_views.add_contact(state, form)
    except ApiError as error:
        return _render("contacts", contact_views.view_contacts(state, form, error), error.status)
    return RedirectResponse(f"{PREFIX}{path}#main", 303)


@pages.get("/contacts/{contact_id:path}")
def show_contact(request: Request, contact_id: str) -> HTMLResponse:
    return _show(
        request,
        "contact",
        lambda state, query: contact_views.view_contact(state, query, contact_id),
    )


@pages.post("/contacts/{contact_id:path}")
async def change_contact(request: Request, contact_id: str) -> Response:
    form, state = await _read_form(request), get_state(request)
    try:
        path = contact_views.change_contact(state, contact_id, form)
    except ApiError as error:
        if error.status is HTTPStatus.NOT_FOUND:
            return render_error(error)
        values = contact_views.view_contact(state, {}, contact_id, form, error)
        return _render("contact", values, error.status)
    return RedirectResponse(f"{PREFIX}{path}#main", 303)


@pages.get("/segments")
def show_segments(request: Request) -> HTMLResponse:
    return _show(request, "segments", segment_views.view_segments)


@pages.get("/automations")
def show_automations(request: Request) -> HTMLResponse:
    return _show(request, "automations", automation_views.view_automations)


@pages.post("/automations")
async def change_automations(request: Request) -> Response:
    form = await _read_form(request)
    response = _show(
        request, "automations", lambda state, _: automation_views.change_automations(state, form)
    )
    if response.status_code != 200:
        return response
    # A redirect, so that a reload of the page does not submit the form again.
    return RedirectResponse(f"{PREFIX}/automations", 303)


@pages.get("/dropped")
def show_dropped(request: Request) -> HTMLResponse:
    return _show(request, "dropped", dropped_views.view_dropped)


@pages.get("/schemas")
def show_schemas(request: Request) -> HTMLResponse:
    return _show(request, "schemas", views.view_schemas)


@pages.get("/schemas/{schema_id}")
def show_schema(request: Request, schema_id: str) -> HTMLResponse:
    return _show(request, "schema", lambda state, query: views.view_schema(state, query, schema_id))


@pages.post("/schemas/{schema_id}")
async def send_test_interaction(request: Request, schema_id: str) -> Response:
    form = await _read_form(request)
    host, port = request.scope["server"]
    own_tls: ssl.SSLContext | None = request.app.state.own_tls
    scheme, host = "https" if own_tls else "http", f"[{host}]" if ":" in host else host
    api = OwnApi(f"{scheme}://{host}:{port}", get_state(request).key, own_tls)
    exchange = await send_interaction(api, schema_id, form)
    return _show(
        request, "schema", lambda state, _: views.view_schema(state, form, schema_id, exchange)
    )


@pages.get("/options")
def show_options(request: Request) -> HTMLResponse:
    return _show(request, "options", option_views.view_options)


def _show(request: Request, name: str, view: View) -> HTMLResponse:
    query = _read_fields(request.url.query)
    try:
        return _render(name, view(get_state(request), query))
    except ApiError as error:
        return render_error(error)


def render_error(error: ApiError) -> HTMLResponse:
    """Render the page for a request below the pages that cannot be answered."""
    return _render("error", {"error": error}, error.status)


def _render(name: str, values: Values, status: int = 200) -> HTMLResponse:
    html = _templates.get_template(f"{name}.html.jinja").render(values, page=name, ui=PREFIX)
    return HTMLResponse(html, status, headers=_HEADERS)


async def _read_form(request: Request) -> Query:
    return _read_fields((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)


def _read_fields(text: str, keep_blank_values: bool = False) -> Query:
    fields = parse_qs(text, keep_blank_values=keep_blank_values)
    return {name: values[-1] for name, values in fields.items()}
