"""The application: the endpoints, and a JSON body for everything that goes wrong."""

from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path

from engage_codegen.sandbox.api import endpoints, models
from engage_codegen.sandbox.control.faults import FaultMiddleware
from engage_codegen.sandbox.control.request_log import LogMiddleware
from engage_codegen.sandbox.control.routes import control
from engage_codegen.sandbox.control.visitors import VisitorMiddleware
from engage_codegen.sandbox.dates import wire_date
from engage_codegen.sandbox.marketing.routes import marketing
from engage_codegen.sandbox.platform import Platform
from engage_codegen.sandbox.store.tenant import Arrival
from engage_codegen.sandbox.ui.pages import pages
from engage_codegen.sandbox.wire import Refusal, malformed

_DESCRIPTION = """An imitation of the interactions API of Voyado Engage, under `/api/v2` and
`/api/v3`, and under `/_sandbox` what a test needs beside it. What is a guess about the platform is
an option; described are the defaults, and the statuses of every option. Every error is an `Error`,
also 404 and 405 where a path or a method is not described; only a fault answers otherwise."""
_TAGS = [
    {"name": "v3", "description": "The API as it is recommended today"},
    {"name": "v2", "description": "The same under its former address"},
    {"name": "sandbox", "description": "Beside the API, without a key"},
]

_THE_ID = "$response.body#/id"
_THE_SCHEMA = {"schema_id": _THE_ID}
_THE_INTERACTION = {"interaction_id": _THE_ID}
_LINKS: dict[str, dict[str, dict[str, str]]] = {
    "create_schema": {"get_schema": _THE_SCHEMA, "delete_schema": _THE_SCHEMA},
    "create_interaction": {
        "get_interaction": _THE_INTERACTION,
        "delete_interaction": _THE_INTERACTION,
        "list_interactions": {
            "contactId": "$request.body#/contactId",
            "schemaId": "$request.body#/schemaId",
        },
    },
    "add_contact": {"delete_contact": {"contact_id": _THE_ID}},
    "add_key": {"revoke_key": {"key": "$request.body#/key"}},
    "add_automation": {"delete_automation": {"automation_id": _THE_ID}},
}
"""Endpoint -> the endpoints that its answer leads to, and with which parameters."""


class _App(FastAPI):
    """An application that describes what it really does."""

    def openapi(self) -> dict[str, object]:
        if self.openapi_schema is None:
            document: dict[str, Any] = super().openapi()
            for item in document["paths"].values():
                for operation in item.values():
                    # FastAPI's own answer to bad parameters; here it is 400 with an `Error`.
                    operation["responses"].pop("422", None)
                    operation["responses"] = dict(sorted(operation["responses"].items()))
                    _add_links(operation)
            parts = document["components"]["schemas"] | models.request_parts()
            unused = ("HTTPValidationError", "ValidationError", "JsonValue")
            document["components"]["schemas"] = {
                name: part for name, part in sorted(parts.items()) if name not in unused
            }
        return self.openapi_schema or {}


def _add_links(operation: dict[str, Any]) -> None:
    name, mark, version = operation["operationId"].partition("_v")
    links = {
        target: {"operationId": f"{target}{mark}{version}", "parameters": parameters}
        for target, parameters in _LINKS.get(name, {}).items()
    }
    for status, answer in operation["responses"].items():
        if links and status.startswith("2"):
            answer["links"] = links


def create_app(platform: Platform) -> FastAPI:
    """The platform stays the caller's, to look into and to close."""
    app = _App(
        title="Engage interactions sandbox",
        version="1",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        docs_url=None,  # the two pages load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.platform = platform
    app.add_middleware(FaultMiddleware, faults=platform.faults, clock=platform.clock)
    app.add_middleware(LogMiddleware, log=platform.log, clock=platform.clock)
    app.add_middleware(VisitorMiddleware)
    for version in ("v2", "v3"):
        app.include_router(
            endpoints.api,
            prefix=f"/api/{version}",
            tags=[version],
            generate_unique_id_function=_name(f"_{version}"),
        )
    for router in (control, marketing):
        app.include_router(router, tags=["sandbox"], generate_unique_id_function=_name(""))
    app.include_router(pages, include_in_schema=False)
    app.exception_handler(Refusal)(_refuse)
    app.exception_handler(RequestValidationError)(_refuse_parameters)
    app.exception_handler(HTTPException)(_refuse_route)
    app.exception_handler(ClientDisconnect)(_give_up)
    app.exception_handler(Exception)(_fail)
    return app


def _name(suffix: str) -> Callable[[APIRoute], str]:
    """Names the operations after their functions."""
    return lambda route: f"{route.name}{suffix}"


def _refuse(request: Request, refusal: Refusal) -> JSONResponse:
    path: str = request.scope["path"]
    if request.method == "POST" and path.endswith("/interactions"):
        _log_arrival(request, refusal)
    return _answer(refusal.status, refusal.code, refusal.message, refusal.reasons)


def _log_arrival(request: Request, refusal: Refusal) -> None:
    platform = endpoints.platform_of(request)
    arrival = Arrival(
        arrived=wire_date(platform.clock.now()),
        outcome="refused",
        error_code=refusal.code,
        reasons=refusal.reasons or (refusal.message,),
        dropped=refusal.dropped,
        body=request.state.body,
    )
    with platform.store.transaction() as tenant:
        tenant.log_arrival(arrival)


def _refuse_parameters(_request: Request, error: RequestValidationError) -> JSONResponse:
    reasons = [f"{problem['loc'][-1]}: {problem['msg']}" for problem in error.errors()]
    refusal = malformed(*reasons)
    return _answer(refusal.status, refusal.code, refusal.message, reasons)


def _refuse_route(request: Request, error: HTTPException) -> JSONResponse:
    """404 NotFound and 405 MethodNotAllowed, for what is no endpoint at all."""
    status = HTTPStatus(error.status_code)
    answer = _answer(status, status.phrase.replace(" ", ""), status.phrase, ())
    answer.headers.update(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED and (methods := ", ".join(_methods(request))):
        answer.headers["Allow"] = methods
    return answer


def _methods(request: Request) -> Iterator[str]:
    """All that a path has; each route, and so the framework, knows its own only."""
    app: FastAPI = request.app
    for path, item in app.openapi()["paths"].items():
        if compile_path(path)[0].match(request.scope["path"]):
            yield from map(str.upper, item)


def _give_up(_request: Request, _error: ClientDisconnect) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)  # read by nobody


def _fail(_request: Request, _error: Exception) -> JSONResponse:
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "An error has occurred", ())


def _answer(status: int, code: str, message: str, reasons: Sequence[str]) -> JSONResponse:
    details = models.MessageDetails(reasons=list(reasons))
    body = models.Error(error_code=code, message=message, message_details=details)
    return JSONResponse(body.model_dump(by_alias=True), status)
