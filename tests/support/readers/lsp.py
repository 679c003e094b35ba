"""A language server, asked as an editor asks it: JSON-RPC over pipes."""

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

CAPABILITIES = {
    "workspace": {"configuration": True, "workspaceFolders": True},
    "textDocument": {
        "hover": {"contentFormat": ["markdown"]},
        "completion": {
            "completionItem": {
                "documentationFormat": ["markdown"],
                "resolveSupport": {"properties": ["documentation", "additionalTextEdits"]},
            }
        },
        "signatureHelp": {
            "signatureInformation": {
                "documentationFormat": ["markdown"],
                "parameterInformation": {"labelOffsetSupport": True},
                "activeParameterSupport": True,
            }
        },
        "diagnostic": {"dynamicRegistration": True},
    },
    "window": {"workDoneProgress": True},
}
NEEDS_NO_ANSWER = {
    "client/registerCapability",
    "client/unregisterCapability",
    "window/workDoneProgress/create",
    "window/showMessageRequest",
    "workspace/diagnostic/refresh",
    "workspace/inlayHint/refresh",
    "workspace/semanticTokens/refresh",
}
"""Requests of the server that null is a good answer to."""


class ServerFailed(Exception):
    """It ended, was silent for too long, talked nonsense or refused a request."""


class LanguageServer:
    """A running server for one folder, and one document of it at a time as the editor shows it.

    `settings` are the editor's, by section; `patience` is how many seconds an answer may take.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        settings: Mapping[str, object],
        patience: float = 60,
    ) -> None:
        self._settings = settings
        self._patience = patience
        self._versions: dict[Path, int] = {}
        self._number = 0
        self._inbox: queue.SimpleQueue[dict[str, Any] | Exception | None] = queue.SimpleQueue()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._stdin = self._process.stdin
        self._reader = threading.Thread(
            target=self._receive, args=[self._process.stdout], daemon=True
        )
        self._reader.start()
        self._folder = folder

    def __enter__(self) -> Self:
        try:
            where = {"uri": self._folder.as_uri(), "name": self._folder.name}
            self.request(
                "initialize",
                {
                    "processId": os.getpid(),
                    "rootUri": where["uri"],
                    "workspaceFolders": [where],
                    "capabilities": CAPABILITIES,
                },
            )
            self.notify("initialized", {})
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            with suppress(ServerFailed):
                self.request("shutdown", None)
                self.notify("exit", None)
                self._process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._end()

    def show(self, path: Path, text: str) -> None:
        """Open the document, or type over all of it."""
        uri, version = path.as_uri(), self._versions.get(path, 0) + 1
        self._versions[path] = version
        if version == 1:
            document = {"uri": uri, "languageId": "python", "version": version, "text": text}
            self.notify("textDocument/didOpen", {"textDocument": document})
            return
        document = {"uri": uri, "version": version}
        changes = [{"text": text}]
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    def request(self, method: str, params: object) -> Any:
        """The result. Raises `ServerFailed`."""
        self._number += 1
        number = self._number
        self._send({"id": number, "method": method, "params": params})
        deadline = time.monotonic() + self._patience
        while True:
            message = self._next(method, deadline)
            if "method" in message:
                self._answer(message)
            elif message.get("id") == number:
                if "error" in message:
                    raise ServerFailed(f"{method} was refused: {message['error']}")
                return message.get("result")

    def notify(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def _answer(self, message: Mapping[str, Any]) -> None:
        if "id" not in message:
            return
        method = message["method"]
        if method == "workspace/configuration":
            items = message["params"]["items"]
            values = [self._settings.get(item.get("section")) for item in items]
            self._send({"id": message["id"], "result": values})
        elif method in NEEDS_NO_ANSWER:
            self._send({"id": message["id"], "result": None})
        else:
            error = {"code": -32601, "message": f"this client knows no {method}"}
            self._send({"id": message["id"], "error": error})

    def _send(self, message: Mapping[str, object]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        try:
            self._stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            self._stdin.flush()
        except OSError as error:
            raise ServerFailed(f"the server cannot be written to{self._last_words()}") from error

    def _next(self, method: str, deadline: float) -> dict[str, Any]:
        try:
            message = self._inbox.get(timeout=max(0, deadline - time.monotonic()))
        except queue.Empty:
            said = self._last_words()
            raise ServerFailed(f"no answer to {method} in {self._patience} seconds{said}") from None
        if message is None:
            raise ServerFailed(f"the server ended before it answered {method}{self._last_words()}")
        if isinstance(message, Exception):
            raise ServerFailed(f"nonsense before the answer to {method}: {message}") from message
        return message

    def _receive(self, stdout: IO[bytes]) -> None:
        try:
            for message in _messages(stdout):
                self._inbox.put(message)
        except (OSError, ValueError) as error:
            self._inbox.put(error)
        self._inbox.put(None)

    def _last_words(self) -> str:
        # Not by seek and read: that would move where the server writes.
        text = os.pread(self._stderr.fileno(), 1 << 20, 0).decode(errors="replace").strip()
        return f"; on stderr it said: {text[-2000:]}" if text else ""

    def _end(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(10)
        with suppress(OSError):
            self._stdin.close()
        if self._process.stdout:
            self._process.stdout.close()
        self._stderr.close()


def _messages(stream: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Header lines, an empty line, and as many bytes of JSON as they say."""
    while line := stream.readline():
        length = -1
        while line.strip():
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value)
            line = stream.readline()
        if length < 0:
            raise ValueError("a message without Content-Length")
        body = stream.read(length)
        if len(body) < length:
            raise ValueError("a message was cut short")
        message = json.loads(body)
        if not isinstance(message, dict):
            raise ValueError("a message that is no object")
        yield cast("dict[str, Any]", message)
