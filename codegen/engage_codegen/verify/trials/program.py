"""The part of the reader that constructs instances and sends them. Uses the standard library only.

It runs in the process of the package, where the code of the package is not trusted.
"""

import asyncio
import importlib
import inspect
import json
import typing
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from types import UnionType
from typing import Protocol

OPTIONS = ("created_date", "confirm", "perhaps_sent", "retry", "deadline", "timeout", "headers")
"""The keyword arguments of every sender."""


_URL = "https://engage.example"


class Instance(Protocol):
    """An instance of a payload class."""

    def to_payload(self) -> dict[str, object]: ...


class Request(Protocol):
    """A request of the HTTP library."""

    method: str
    content: bytes


class Constructor:
    """Constructs instances of a class from values as they are, by wire name."""

    def __init__(self, payload_class: type, attributes: Mapping[str, str]) -> None:
        self._class = payload_class
        self._attributes = attributes
        self._signature = inspect.signature(payload_class)

    def __call__(self, payload: Mapping[str, object]) -> object:
        """Return an instance. Raises `ArgumentsError` if an argument is missing."""
        arguments = {self._attributes[name]: value for name, value in payload.items()}
        try:
            self._signature.bind(**arguments)
        except TypeError as error:
            raise ArgumentsError(str(error)) from None
        return self._class(**arguments)


class ArgumentsError(Exception):
    """Python does not call the constructor with these arguments."""


def describe_class(payload_class: type, attributes: Mapping[str, str]) -> dict[str, object]:
    """Return the data of a class that its schema determines."""
    hints = typing.get_type_hints(payload_class)
    parameters = inspect.signature(payload_class).parameters.values()
    return {
        "schema_id": getattr(payload_class, "__schema_id__", None),
        "properties": sorted(getattr(payload_class, "__properties__", ())),
        "nullable": sorted(getattr(payload_class, "__nullable__", ())),
        "attributes": sorted(parameter.name for parameter in parameters),
        "types": {
            wire: sorted(_describe_type(hints[name]))
            for wire, name in attributes.items()
            if name in hints
        },
    }


def _describe_type(annotation: object) -> set[str]:
    """Return the names of the members of a union, and the texts of listed values."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Union or isinstance(annotation, UnionType):
        return {name for argument in arguments for name in _describe_type(argument)}
    if origin is typing.Literal:
        return {f"Literal {json.dumps(argument)}" for argument in arguments}
    return {getattr(annotation, "__name__", repr(annotation))}


def find_misuse(instance: object, attributes: Iterable[str]) -> list[str]:
    """Return what a class allows that it must refuse: changes, and arguments by position."""
    faults: list[str] = []
    for parameter in inspect.signature(type(instance)).parameters.values():
        if parameter.kind is not parameter.KEYWORD_ONLY:
            faults.append(f"the class accepts {parameter.name} by position")
    for name in attributes:
        with suppress(Exception):
            setattr(instance, name, getattr(instance, name))
            faults.append(f"the attribute {name} can be changed")
    return faults


class _Recorder:
    """A client that keeps the arguments of `send`."""

    def __init__(self) -> None:
        self.receipt = object()
        self.calls: list[dict[str, object]] = []

    def send(self, contact_id: object, payload: object, **options: object) -> object:
        self.calls.append({"contact_id": contact_id, "payload": payload, **options})
        return self.receipt


class _AsyncRecorder(_Recorder):
    async def send(self, contact_id: object, payload: object, **options: object) -> object:
        return super().send(contact_id, payload, **options)


def find_changed_arguments(module: object, name: str, instance: object) -> list[str]:
    """Return what the senders of a module do not pass on to the client as they got it."""
    faults: list[str] = []
    for suffix, recorder in (("", _Recorder()), ("_async", _AsyncRecorder())):
        sender = getattr(module, f"send_{name}{suffix}")
        arguments = {key: object() for key in ("contact_id", *OPTIONS)} | {"payload": instance}
        receipt: object = sender(
            recorder, arguments["contact_id"], instance, **{key: arguments[key] for key in OPTIONS}
        )
        if inspect.iscoroutine(receipt):
            receipt = asyncio.run(receipt)
        for key, argument in arguments.items():
            if [call.get(key) for call in recorder.calls] != [argument]:
                faults.append(f"send_{name}{suffix} does not pass {key} on, once and unchanged")
        if receipt is not recorder.receipt:
            faults.append(f"send_{name}{suffix} does not return the receipt")
    return faults


def send(
    package: str,
    module: object,
    name: str,
    instance: Instance,
    contact_id: str,
    date: str,
) -> list[object]:
    """Return the requests of both senders with clients of the package, but without a network."""
    created_date, payload = datetime.fromisoformat(date), instance.to_payload()
    public = importlib.import_module(f"{package}._runtime.public")
    library = importlib.import_module(f"{package}._runtime.transport.http_library").httpx
    requests: list[object] = []

    def answer(request: Request) -> object:
        body: object = json.loads(request.content)
        requests.append({"method": request.method, "body": body, "payload": payload})
        return library.Response(201, json={"id": "interaction-1"})

    def options(http: Callable[..., object]) -> dict[str, object]:
        transport = library.MockTransport(answer)
        return {
            "api_key": "key",
            "user_agent": "verify/1",
            "http": http(transport=transport, trust_env=False),
        }

    async def send_async() -> None:
        client = public.AsyncEngageClient(_URL, **options(library.AsyncClient))
        sender = getattr(module, f"send_{name}_async")
        await sender(client, contact_id, instance, created_date=created_date)

    client = public.EngageClient(_URL, **options(library.Client))
    getattr(module, f"send_{name}")(client, contact_id, instance, created_date=created_date)
    asyncio.run(send_async())
    return requests
