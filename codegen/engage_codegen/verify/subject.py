"""The subject of a verification: the classes of a package, in a process of their own.

The code of the package can say about itself what it likes, but it can change nothing in the process
that compares and decides. It gets no environment variables, and its answers are JSON.
"""

import json
import os
import signal
import subprocess  # nosec B404
import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Literal, TypeAlias, cast

from ..errors import RenderError
from ..filesystem import read_bytes, unreadable, walk
from ..output.lockfile import GeneratedModule
from ..schema.jsontext import Json
from .answers import Exercise, ReadResult, decode_answer, decode_exercise, decode_results

BATCH = 500
"""The largest number of payloads in a request."""

TIMEOUT = 120.0
"""The seconds in which the process has to answer a request."""

Task: TypeAlias = Literal["read", "construct", "exercise"]

_PROGRAM = Path(__file__).with_name("reader.py")
_VARIABLES = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""The environment variables without which some Pythons do not start."""

_BYTES_PER_RESULT = 40_000
"""A bound on the texts of a result, beside the written payload."""


class PackageProcess:
    """The process that imported a package. It answers one request at a time."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: Path) -> None:
        self._process = process
        self._output = output
        self._stdin = cast("IO[bytes]", process.stdin)
        self._stdout = cast("IO[bytes]", process.stdout)
        self._max_bytes = 0
        self._is_late = False

    def subject(self, module: GeneratedModule) -> "Subject":
        """Return the class of a schema. It is imported with the first payloads."""
        return Subject(self, module)

    def send(self, request: Mapping[str, object], number: int, file: str) -> None:
        """Send a request with a number of payloads, about a file of the package."""
        line = json.dumps(request).encode() + b"\n"
        self._max_bytes = _BYTES_PER_RESULT * (number + 1) + 10 * len(line)
        try:
            with self._deadline():
                self._stdin.write(line)
                self._stdin.flush()
        except OSError:
            raise self._error(file, self._describe_end()) from None

    def receive(self, file: str) -> dict[str, object]:
        """Return the answer to the request. Raises `RenderError` if there is none."""
        with self._deadline():
            line = self._stdout.readline(self._max_bytes)
        if not line.endswith(b"\n"):
            is_long = len(line) == self._max_bytes
            raise self._error(file, "its answer is too long" if is_long else self._describe_end())
        try:
            answer = decode_answer(line)
        except ValueError:
            raise self.malformed(file) from None
        if "error" in answer:
            raise self._error(file, str(answer["error"]))
        return answer

    def malformed(self, file: str) -> RenderError:
        """Return the error for an answer that does not have the form of one."""
        return self._error(file, "its answer is malformed")

    def _describe_end(self) -> str:
        if self._is_late:
            return f"it did not answer within {TIMEOUT:g} s"
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        return f"it ended the process with exit code {self._process.poll()}"

    def _error(self, file: str, reason: str) -> RenderError:
        return RenderError(
            f"the generated module cannot be imported: {reason}",
            where=str(self._output / file),
            fix="report this bug in engage-codegen, with the schema",
        )

    @contextmanager
    def _deadline(self) -> Generator[None]:
        """Kill the process if the block takes too long, which ends its streams."""

        def stop() -> None:
            self._is_late = True
            _stop(self._process)

        timer = threading.Timer(TIMEOUT, stop)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


@dataclass(slots=True)
class Subject:
    """The payload class of one schema."""

    package: PackageProcess
    module: GeneratedModule
    number: int = 0

    def send(self, payloads: Sequence[Json], task: Task = "read") -> None:
        """Send at most `BATCH` payloads, which the class reads while this process goes on.

        With the task "construct", their values become arguments of the class as they are.
        """
        self._request(task, payloads)

    def exercise(self, payloads: Sequence[Json], contact_id: str, created_date: str) -> Exercise:
        """Describe the class, and send valid payloads. Raises `RenderError` as `receive` does."""
        self._request("exercise", payloads, contact_id=contact_id, created_date=created_date)
        try:
            return decode_exercise(self.package.receive(self._file))
        except ValueError:
            raise self.package.malformed(self._file) from None

    def _request(self, task: Task, payloads: Sequence[Json], **arguments: str) -> None:
        request = {
            "task": task,
            "module": self.module.module,
            "class_name": self.module.class_name,
            "attributes": dict(self.module.properties),
            "payloads": list(payloads),
        }
        self.number = len(payloads)
        self.package.send({**request, **arguments}, self.number, self._file)

    def receive(self) -> list[ReadResult]:
        """Return the results for the payloads that were sent, in their order.

        Raises `RenderError` if the module cannot be imported, or does not answer properly.
        """
        try:
            results = decode_results(self.package.receive(self._file))
        except ValueError:
            raise self.package.malformed(self._file) from None
        if len(results) != self.number:
            raise self.package.malformed(self._file)
        return results

    def read(self, payload: Json, task: Task = "read") -> ReadResult:
        """Return the result of `from_payload`, or of the constructor, for one payload."""
        self.send([payload], task)
        return self.receive()[0]

    @property
    def _file(self) -> str:
        return f"{self.module.module}.py"


@contextmanager
def import_package(output: Path) -> Generator[PackageProcess]:
    """Import a copy of the package in a folder in another process, for the duration of the block.

    The copy has no caches: Python would execute bytecode of a checkout that has the right hash or
    date of its source, whatever the bytecode does. No bytecode is written.
    """
    with TemporaryDirectory(prefix="engage-codegen-") as name:
        _copy_sources(output, Path(name))
        process = subprocess.Popen(  # noqa: S603  # nosec B603
            [sys.executable, "-I", "-B", "-X", "utf8", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=name,
            env={key: os.environ[key] for key in _VARIABLES if key in os.environ},
            start_new_session=True,
        )
        try:
            package = PackageProcess(process, output)
            package.send({"folder": name, "path": _search_path()}, 0, "__init__.py")
            package.receive("__init__.py")
            yield package
        finally:
            _stop(process)
            process.wait()
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):
                    cast("IO[bytes]", stream).close()


def _search_path() -> list[str]:
    """Return where this process imports from, but not the current folder, which may be a checkout.

    The other process looks there last, for what its isolated Python lacks: the HTTP library may be
    installed for this user alone.
    """
    current = Path.cwd()
    return [path for path in sys.path if path and Path(path) != current]


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process, and those that it started."""
    if process.poll() is not None:
        return
    with suppress(OSError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _copy_sources(output: Path, folder: Path) -> None:
    """Copy the modules of a package, and nothing else that Python could import."""
    for base, folders, names in walk(output):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for path in (Path(base) / name for name in names if name.endswith(".py")):
            copy = folder / path.relative_to(output)
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                copy.write_bytes(read_bytes(path))
            except OSError as error:
                raise unreadable(path, error) from None
