"""The ASGI application: all routes, `/openapi.json`, and a JSON body or a page for every error."""

import ssl
from collections.abc import Callable, Collection, Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path
from starlette.types import ASGIApp, Scope

from engage_codegen.sandbox.api import endpoints, models
from engage_codegen.sandbox.api.arrival_records import describe_refused
from engage_codegen.sandbox.api.contact_endpoints import contacts
from engage_codegen.sandbox.api.formats import choose_status, format_error
from engage_codegen.sandbox.control.body_limit import BodyLimitMiddleware
from engage_codegen.sandbox.control.cross_site import CrossSiteMiddleware
from engage_codegen.sandbox.control.fault_middleware import FaultMiddleware
from engage_codegen.sandbox.control.request_log import LogMiddleware
from engage_codegen.sandbox.control.routes import control
from engage_codegen.sandbox.errors import ApiError, malformed_by
from engage_codegen.sandbox.marketing.routes import marketing
from engage_codegen.sandbox.openapi import Error, MessageDetails
from engage_codegen.sandbox.state import SandboxState, get_state
from engage_codegen.sandbox.store.records import Violation
from engage_codegen.sandbox.ui.pages import PREFIX, pages, render_error

_DESCRIPTION = """An imitation of the interactions API of Voyado Engage, and of the endpoints that
find contacts, under `/api/v2` and `/api/v3`, and a control API for tests, under `/_sandbox`. Where
the behavior of the platform is unknown, the sandbox has an option; this document describes the
default behavior and lists the statuses of every option. The body of every error is an `Error`,
including 404 and 405 for an undescribed path or method, 403 ForeignHost and ForeignOrigin for a
request from another web site, and 413 BodyTooLarge for a body of more than a million bytes. Only
the responses of faults, and the empty 408 for a request that takes too long, can differ."""
_TAGS = [
    {"name": "v3", "description": "The recommended version of the API"},
    {"name": "v2", "description": "The same API under its previous address"},
    {"name": "sandbox", "description": "The control API, without a key"},
]

_ID = "$response.body#/id"
_SCHEMA = {"schema_id": _ID}
_INTERACTION = {"interaction_id": _ID}
_LINKS: dict[str, dict[str, dict[str, str]]] = {
    "create_schema": {"get_schema": _SCHEMA, "delete_schema": _SCHEMA},
    "create_interaction": {
        "get_interaction": _INTERACTION,
        "delete_interaction": _INTERACTION,
        "list_interactions": {
            "contactId": "$request.body#/contactId",
            "schemaId": "$request.body#/schemaId",
        },
    },
    "add_contact": {
        "change_contact": {"contact_id": _ID},
        "delete_contact": {"contact_id": _ID},
    },
    "add_key": {"revoke_key": {"key": "$request.body#/key"}},
    "add_automation": {"delete_automation": {"automation_id": _ID}},
}
"""Endpoint -> the endpoints that can follow, and their parameters."""

_PARAMETER_RULES = {
    "missing": "required",
    "greater_than_equal": "minimum",
    "less_than_equal": "maximum",
}
"""Error type of pydantic -> rule code; all others are `type`."""


_FASTAPI_422 = {
    "description": "Validation Error",
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/HTTPValidationError"}}
    },
}


class _App(FastAPI):
    """An application whose OpenAPI document describes what it really does."""

    def openapi(self) -> dict[str, object]:
        if self.openapi_schema is None:
            document: dict[str, Any] = super().openapi()
            for item in document["paths"].values():
                for operation in item.values():
                    # FastAPI adds 422 for invalid parameters; the sandbox answers 400.
                    if operation["responses"].get("422") == _FASTAPI_422:
                        del operation["responses"]["422"]
                    operation["responses"] = dict(sorted(operation["responses"].items()))
                    _add_links(operation)
            components = document["components"]["schemas"] | models.get_request_components()
            unused = ("HTTPValidationError", "ValidationError", "JsonValue")
            document["components"]["schemas"] = {
                name: part for name, part in sorted(components.items()) if name not in unused
            }
        return self.openapi_schema or {}


def _add_links(operation: dict[str, Any]) -> None:
    name, separator, version = operation["operationId"].partition("_v")
    links = {
        target: {"operationId": f"{target}{separator}{version}", "parameters": parameters}
        for target, parameters in _LINKS.get(name, {}).items()
    }
    for status, response in operation["responses"].items():
        if links and status.startswith("2"):
            response["links"] = links


def create_app(
    state: SandboxState,
    allowed_hosts: Collection[str] = (),
    own_tls: ssl.SSLContext | None = None,
) -> FastAPI:
    """Build the application for a state, which the caller closes at the end.

    `allowed_hosts` are the names that requests can use beside `localhost`. With `own_tls`, the
    pages reach the API through HTTPS.
    """
    app = _App(
        title="Engage interactions sandbox",
        version="1",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        docs_url=None,  # these two pages load scripts from other hosts
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.sandbox = state
    app.state.own_tls = own_tls
    app.add_middleware(FaultMiddleware, faults=state.faults, clock=state.clock)
    app.add_middleware(BodyLimitMiddleware, answer=_answer_refused)
    app.add_middleware(LogMiddleware, log=state.log, clock=state.clock)
    app.add_middleware(CrossSiteMiddleware, allowed_hosts=allowed_hosts, answer=_answer_refused)
    app.add_api_route("/", _lead_to_pages, methods=["GET", "HEAD"], include_in_schema=False)
    for version in ("v2", "v3"):
        for router in (endpoints.api, contacts):
            app.include_router(
                router,
                prefix=f"/api/{version}",
                tags=[version],
                generate_unique_id_function=_name_operations(f"_{version}"),
            )
    for router in (control, marketing):
        app.include_router(
            router, tags=["sandbox"], generate_unique_id_function=_name_operations("")
        )
    app.include_router(pages, include_in_schema=False)
    app.exception_handler(ApiError)(_answer_error)
    app.exception_handler(RequestValidationError)(_answer_invalid_parameters)
    app.exception_handler(HTTPException)(_answer_unknown_route)
    app.exception_handler(ClientDisconnect)(_answer_nobody)
    app.exception_handler(Exception)(_answer_bug)
    return app


def _name_operations(suffix: str) -> Callable[[APIRoute], str]:
    """Name operations after their functions."""
    return lambda route: f"{route.name}{suffix}"


def _lead_to_pages() -> RedirectResponse:
    return RedirectResponse(PREFIX)


def _answer_refused(scope: Scope, error: ApiError) -> ASGIApp:
    return _answer_error(Request(scope), error)


def _answer_error(request: Request, error: ApiError) -> Response:
    path: str = request.scope["path"]
    if request.method == "POST" and path.endswith("/interactions") and "body" in request.state:
        state = get_state(request)
        arrival = describe_refused(error, state.clock.now(), request.state.body)
        with state.store.transaction() as tenant:
            tenant.arrivals.add(arrival)
    return _respond(request, error)


def _answer_invalid_parameters(request: Request, error: RequestValidationError) -> Response:
    refusal = malformed_by(
        Violation(
            rule=_PARAMETER_RULES.get(problem["type"], "type"),
            pointer=None,
            message=f"{problem['loc'][-1]}: {problem['msg']}",
        )
        for problem in error.errors()
    )
    return _respond(request, refusal)


def _answer_unknown_route(request: Request, error: HTTPException) -> Response:
    """Answer a path or method that does not exist with 404 NotFound or 405 MethodNotAllowed."""
    status = HTTPStatus(error.status_code)
    refusal = ApiError(status, status.phrase.replace(" ", ""), status.phrase)
    response = _respond(request, refusal)
    response.headers.update(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED and (
        methods := ", ".join(dict.fromkeys(_list_methods(request)))
    ):
        response.headers["Allow"] = methods
    return response


def _list_methods(request: Request) -> Iterator[str]:
    """Yield all methods of a path; a route, and so the framework, only knows its own."""
    app: FastAPI = request.app
    for path, item in app.openapi()["paths"].items():
        if compile_path(path)[0].match(request.scope["path"]):
            yield from map(str.upper, item)


def _answer_nobody(_request: Request, _error: ClientDisconnect) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)  # the client has gone


def _answer_bug(request: Request, _error: Exception) -> Response:
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _respond(request, ApiError(status, "InternalError", "An error has occurred"))


def _respond(request: Request, error: ApiError) -> Response:
    """Answer with an error: on the pages as a page, under `/api` in the form of the options."""
    if f"{request.scope['path']}/".startswith(f"{PREFIX}/"):
        return render_error(error)
    details = MessageDetails.describe(error.violations, error.matches)
    body = Error(error_code=error.code, message=error.message, message_details=details)
    content = body.model_dump(by_alias=True, exclude_unset=True)
    path: str = request.scope["path"]
    if not path.startswith("/api/"):
        return JSONResponse(content, error.status)
    options = get_state(request).options
    status = choose_status(error, path, options)
    return JSONResponse(format_error(content, status, options), status)
