"""The pages: what marketing sees, rendered here, readable without JavaScript.

Text of schemas and payloads is hostile: Jinja escapes all of it, and the policy of the pages allows
neither scripts nor anything from elsewhere.
"""

from pathlib import Path
from urllib.parse import parse_qs

import jinja2
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from engage_codegen.sandbox.platform import Platform
from engage_codegen.sandbox.ui import views
from engage_codegen.sandbox.ui.chart import bars
from engage_codegen.sandbox.ui.sending import send_interaction
from engage_codegen.sandbox.wire import Refusal

PREFIX = "/_sandbox/ui"
_FOLDER = Path(__file__).parent
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_LARGEST_FORM = 1_000_000

pages = APIRouter(prefix=PREFIX)
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["text"] = views.text


def _page(name: str, values: views.Values, status: int = 200) -> HTMLResponse:
    html = _templates.get_template(f"{name}.html.jinja").render(
        values, page=name, ui=PREFIX, bars=bars
    )
    return HTMLResponse(html, status, headers=_HEADERS)


def _here(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


@pages.get("/style.css")
def style() -> Response:
    css = (_FOLDER / "style.css").read_text("utf-8")
    return Response(css, media_type="text/css", headers=_HEADERS)


@pages.get("/")
@pages.get("")
def home(request: Request) -> HTMLResponse:
    return _page("home", views.home(_here(request)))


@pages.get("/contacts")
def contacts(request: Request) -> HTMLResponse:
    return _asked(request, "contacts", views.contacts)


@pages.get("/contacts/{contact_id:path}")
def contact(request: Request, contact_id: str) -> HTMLResponse:
    return _asked(request, "contact", lambda here, query: views.contact(here, query, contact_id))


@pages.get("/segments")
def segments(request: Request) -> HTMLResponse:
    return _asked(request, "segments", views.segments)


@pages.get("/automations")
def automations(request: Request) -> HTMLResponse:
    return _asked(request, "automations", views.automations)


@pages.post("/automations")
async def change_automations(request: Request) -> Response:
    form = await _form(request)
    answer = _asked(request, "automations", lambda here, _: views.change_automations(here, form))
    if answer.status_code != 200:
        return answer
    # A reload has to show the page, not to do it again.
    return RedirectResponse(f"{PREFIX}/automations", 303)


@pages.get("/lost")
def lost(request: Request) -> HTMLResponse:
    return _asked(request, "lost", views.lost)


@pages.get("/schemas")
def schemas(request: Request) -> HTMLResponse:
    return _asked(request, "schemas", views.schemas)


@pages.get("/schemas/{schema_id}")
def schema(request: Request, schema_id: str) -> HTMLResponse:
    return _asked(request, "schema", lambda here, query: views.schema(here, query, schema_id))


@pages.post("/schemas/{schema_id}")
async def send(request: Request, schema_id: str) -> Response:
    form = await _form(request)
    host, port = request.scope["server"]
    base_url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    sent = await send_interaction(base_url, _here(request), schema_id, form)
    return _asked(request, "schema", lambda here, _: views.schema(here, form, schema_id, sent))


def _asked(request: Request, name: str, view: views.View) -> HTMLResponse:
    query = {key: values[-1] for key, values in parse_qs(request.url.query).items()}
    try:
        return _page(name, view(_here(request), query))
    except Refusal as refusal:
        values: views.Values = {"refusal": refusal}
        return _page("refused", values, refusal.status)


async def _form(request: Request) -> dict[str, str]:
    body = (await request.body())[:_LARGEST_FORM]
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {key: values[-1] for key, values in fields.items()}
