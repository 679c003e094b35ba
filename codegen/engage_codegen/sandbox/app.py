"""The application: the endpoints, and a JSON body for everything that goes wrong."""

from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from engage_codegen.sandbox import endpoints, models
from engage_codegen.sandbox.control import control
from engage_codegen.sandbox.dates import wire_date
from engage_codegen.sandbox.faults import FaultMiddleware
from engage_codegen.sandbox.platform import Platform
from engage_codegen.sandbox.requestlog import LogMiddleware
from engage_codegen.sandbox.tenant import Arrival
from engage_codegen.sandbox.wire import Refusal, malformed


def create_app(platform: Platform) -> FastAPI:
    """The platform stays the caller's, to look into and to close."""
    app = FastAPI(
        title="Engage interactions sandbox",
        version="1",
        docs_url=None,  # the two pages load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.platform = platform
    app.add_middleware(FaultMiddleware, faults=platform.faults, clock=platform.clock)
    app.add_middleware(LogMiddleware, log=platform.log, clock=platform.clock)
    app.include_router(endpoints.api, prefix="/api/v2")
    app.include_router(endpoints.api, prefix="/api/v3")
    app.include_router(control)
    app.exception_handler(Refusal)(_refuse)
    app.exception_handler(RequestValidationError)(_refuse_parameters)
    app.exception_handler(HTTPException)(_refuse_route)
    app.exception_handler(ClientDisconnect)(_give_up)
    app.exception_handler(Exception)(_fail)
    return app


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


def _refuse_route(_request: Request, error: HTTPException) -> JSONResponse:
    """404 NotFound and 405 MethodNotAllowed, for what is no endpoint at all."""
    status = HTTPStatus(error.status_code)
    answer = _answer(status, status.phrase.replace(" ", ""), status.phrase, ())
    answer.headers.update(error.headers or {})
    return answer


def _give_up(_request: Request, _error: ClientDisconnect) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)  # read by nobody


def _fail(_request: Request, _error: Exception) -> JSONResponse:
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "An error has occurred", ())


def _answer(status: int, code: str, message: str, reasons: Sequence[str]) -> JSONResponse:
    details = models.MessageDetails(reasons=list(reasons))
    body = models.Error(error_code=code, message=message, message_details=details)
    return JSONResponse(body.model_dump(by_alias=True), status)
