"""A separate program that imports a package and reads payloads with its classes.

The code of the package runs here and not in the process that compares and decides. Lines of JSON on
stdin are answered by lines of JSON on stdout. The first line names the `folder` of the package and
more folders to import from. Each line after it has a `task`, the `module`, the `class_name`, the
`attributes` (property -> Python name) and the `payloads` to read, to construct or to send.
"""

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Literal, Protocol, TypedDict, TypeVar, cast

if TYPE_CHECKING:
    from .trials import program
else:
    # This program runs alone, not as a part of the tool.
    _spec = importlib.util.spec_from_file_location(
        "_engage_codegen_trials",
        os.path.join(os.path.dirname(os.path.abspath(__file__)), "trials", "program.py"),
    )
    program = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(program)

PACKAGE = "_engage_codegen_verified"
MAX_MEMORY = 2_000_000_000
MAX_TEXT = 1000
_T = TypeVar("_T")


class Instance(Protocol):
    """An instance of a payload class."""

    def to_payload(self) -> dict[str, object]: ...


class Violation(Protocol):
    """A rule that a payload breaks, as the package reports it."""

    property: str
    code: str


class PayloadClass(Protocol):
    """A payload class."""

    def from_payload(self, payload: object) -> Instance: ...


class Reader:
    """Reads payloads with one class, or constructs instances, and describes the results as JSON."""

    def __init__(
        self, payload_class: PayloadClass, refusal: type[Exception], attributes: Mapping[str, str]
    ) -> None:
        self._class = payload_class
        self._refusal = refusal
        self._attributes = attributes

    def read_all(self, payloads: Sequence[object]) -> str:
        """Return the JSON of the results for the payloads."""
        return self._try_all(payloads, self._class.from_payload)

    def construct_all(self, payloads: Sequence[object]) -> str:
        """Return the JSON of the results for instances with the values of the payloads."""
        constructor = program.Constructor(cast(type, self._class), self._attributes)
        return self._try_all(payloads, cast("Callable[[object], Instance]", constructor))

    def _try_all(self, payloads: Sequence[object], create: Callable[[object], Instance]) -> str:
        results = [self._try(payload, create) for payload in payloads]
        try:
            return json.dumps({"results": results})
        except (TypeError, ValueError, RecursionError):
            return json.dumps({"results": [*map(_replace_unwritable, results)]})

    def _try(self, payload: object, create: Callable[[object], Instance]) -> dict[str, object]:
        try:
            instance = create(payload)
        except Exception as error:
            return self._describe_refusal(error)
        try:
            written = instance.to_payload()
            types = self._describe_types(instance, written)
        except Exception as error:
            return {"fault": f"to_payload raises {_describe_error(error)}"}
        try:
            is_same = bool(self._class.from_payload(written) == instance)
        except Exception as error:
            return {"written": written, "types": types, "again": self._describe_refusal(error)}
        return {"written": written, "types": types, "is_same": is_same}

    def _describe_refusal(self, error: Exception) -> dict[str, object]:
        if isinstance(error, program.ArgumentsError):
            return {"text": f"refuses: {error}"[:MAX_TEXT]}
        if not isinstance(error, self._refusal):
            return {"text": f"raises {_describe_error(error)}", "crashed": True}
        broken: tuple[Violation, ...] = getattr(error, "violations", ())
        properties = sorted({violation.property for violation in broken})
        return {
            "text": f"refuses: {'; '.join(map(str, broken))}"[:MAX_TEXT],
            "property": broken[0].property if broken else "",
            "codes": sorted({violation.code for violation in broken}),
            **({"properties": properties} if properties else {}),
        }

    def _describe_types(self, instance: Instance, written: Mapping[str, object]) -> dict[str, str]:
        """Return the names of the types of the attributes that were written."""
        return {
            name: type(getattr(instance, self._attributes[name])).__name__
            for name in self._attributes.keys() & written.keys()
        }


def import_class(module_name: str, class_name: str) -> tuple[PayloadClass, type[Exception]]:
    """Return a class of the package, and the error with which it refuses payloads."""
    module = importlib.import_module(f"{PACKAGE}.{module_name}")
    errors = importlib.import_module(f"{PACKAGE}._runtime.errors")
    return getattr(module, class_name), errors.InvalidPayloadError


def import_root(folder: str) -> str:
    """Import the package of a folder under its private name, and return an empty answer."""
    spec = importlib.util.spec_from_file_location(
        PACKAGE, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        raise ImportError("Python has no loader for it")
    package = sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    return "{}"


def set_limits() -> None:
    """Limit memory, and forbid to write files and to start processes, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = {"AS": MAX_MEMORY, "CORE": 0, "FSIZE": 0, "NPROC": 0}
    for name, limit in limits.items():
        with suppress(AttributeError, OSError, ValueError):
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))


def main() -> None:
    """Answer each line of stdin. What the package prints goes nowhere."""
    requests, answers = _take_stream(sys.stdin, "rb"), _take_stream(sys.stdout, "wb")
    start = json.loads(requests.readline())
    sys.path += start["path"]
    set_limits()
    answer = _report_errors(import_root, start["folder"])
    while True:
        answers.write(f"{answer}\n".encode())
        answers.flush()
        line = requests.readline()
        if not line:
            return
        answer = _report_errors(_answer_request, json.loads(line))


class _Request(TypedDict):
    task: Literal["read", "construct", "exercise"]
    module: str
    class_name: str
    attributes: dict[str, str]
    payloads: list[object]
    contact_id: str
    created_date: str


def _answer_request(request: _Request) -> str:
    payload_class, refusal = import_class(request["module"], request["class_name"])
    reader = Reader(payload_class, refusal, request["attributes"])
    if request["task"] == "construct":
        return reader.construct_all(request["payloads"])
    if request["task"] == "exercise":
        return json.dumps(_exercise(payload_class, request))
    return reader.read_all(request["payloads"])


def _exercise(payload_class: PayloadClass, request: _Request) -> dict[str, object]:
    """Describe a class, and send the payloads."""
    module = importlib.import_module(f"{PACKAGE}.{request['module']}")
    attributes, name = request["attributes"], request["module"]
    faults: list[str] = []
    requests: list[object] = []
    description: dict[str, object] = {}
    try:
        description = program.describe_class(cast(type, payload_class), attributes)
        for payload in request["payloads"]:
            instance = payload_class.from_payload(payload)
            faults += program.find_misuse(instance, attributes.values())
            faults += program.find_changed_arguments(module, name, instance)
            requests += program.send(
                PACKAGE, module, name, instance, request["contact_id"], request["created_date"]
            )
    except Exception as error:
        faults.append(f"the class or a sender raises {_describe_error(error)}")
    return {"description": description, "faults": [*dict.fromkeys(faults)], "requests": requests}


def _report_errors(call: Callable[[_T], str], argument: _T) -> str:
    try:
        return call(argument)
    except Exception as error:
        return json.dumps({"error": _describe_error(error)})


def _replace_unwritable(result: Mapping[str, object]) -> Mapping[str, object]:
    """Return the result with a fault instead of a written payload that is not JSON."""
    try:
        json.dumps(result)
    except (TypeError, ValueError, RecursionError) as error:
        return {"fault": f"to_payload returns no JSON: {_describe_error(error)}"}
    return result


def _describe_error(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:MAX_TEXT]


def _take_stream(stream: IO[str], mode: str) -> IO[bytes]:
    """Return a stream with a descriptor of its own, and leave the null device in its place."""
    copy = os.dup(stream.fileno())
    with open(os.devnull, "r+b") as nothing:
        os.dup2(nothing.fileno(), stream.fileno())
    return os.fdopen(copy, mode)


if __name__ == "__main__":
    main()
