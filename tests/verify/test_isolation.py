"""The code of a package cannot change what `verify` says about it, nor see the key."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engage_codegen import pipeline, verify
from engage_codegen.config import PARTS, Config
from engage_codegen.errors import RenderError
from engage_codegen.output.snapshot import read_lockfile
from engage_codegen.verify import subject
from engage_codegen.verify.answers import decode_results
from engage_codegen.verify.reader import Reader
from engage_codegen.verify.subject import import_package

pytestmark = pytest.mark.slow

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 5},
        "day": {"type": "string", "format": "date"},
    },
}
WRONG = ("max_length=5", "max_length=6")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("original")
    file = folder / "visit.json"
    file.write_text(json.dumps({"id": "visit", "displayName": "Visit", "jsonSchema": SCHEMA}))
    config = Config(
        output=folder / "package", schemas=(file,), dialect="json-schema", without=PARTS
    )
    pipeline.generate(config)
    return config


@pytest.fixture
def config(original: Config, tmp_path: Path) -> Config:
    """A package that is wrong about a limit."""
    config = replace(original, output=tmp_path / "package")
    shutil.copytree(original.output, config.output)
    module = config.output / "visit.py"
    text = module.read_text()
    assert WRONG[0] in text
    module.write_text(text.replace(*WRONG))
    return config


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "check_types", _check_nothing)


def _check_nothing(*_: object) -> tuple[()]:
    return ()


def add(config: Config, code: str, file: str = "visit.py") -> None:
    with (config.output / file).open("a") as module:
        module.write(f"\n{code}\n")


PATCHES = {
    "the comparison": """
import sys
for name, module in list(sys.modules.items()):
    if name.startswith(("engage_codegen", "__main__")):
        for key, value in list(vars(module).items()):
            if callable(value):
                setattr(module, key, lambda *_, **__: ())
""",
    "the validator": """
try:
    import jsonschema_rs
    jsonschema_rs.validator_for = None
except ImportError:
    pass
""",
    "the runtime of Python": """
import builtins, json
builtins.any = builtins.all = builtins.bool = lambda *_: True
json.loads = lambda *_, **__: {}
builtins.print = lambda *_, **__: None
""",
    "the standard streams": """
import os, sys
print('{"results": []}', flush=True)
sys.stdout.write('{"results": []}')
os.write(1, b'{"results": []}\\n')
sys.stdin.read()
""",
    "the exit of the process": """
import atexit, os
atexit.register(os._exit, 0)
""",
}


@pytest.mark.parametrize("name", PATCHES)
def test_a_package_that_patches_what_it_can_reach_is_still_found_wrong(
    config: Config, name: str
) -> None:
    add(config, PATCHES[name])
    try:
        (result,) = verify.verify_package(config).schemas
    except RenderError:  # it broke its own process, which is no verdict in its favor
        return
    assert {item.property for item in result.disagreements} == {"name"}


ENDINGS = {
    "import os; os._exit(0)": "it ended the process with exit code 0",
    "raise SystemExit(0)": "it ended the process with exit code 0",
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": "exit code -9",
    "import gc, io; [f.write(b'[]\\n') for f in gc.get_objects() "
    "if isinstance(f, io.BufferedWriter)]": "its answer is malformed",
    "import gc, io; [f.write(b'{}\\n') for f in gc.get_objects() "
    "if isinstance(f, io.BufferedWriter)]": "its answer is malformed",
    "import gc, io; [f.write(b'[' * 30_000 + b'\\n') for f in gc.get_objects() "
    "if isinstance(f, io.BufferedWriter)]": "its answer is malformed",
    "import gc, io; [f.write(b'x' * 100_000_000) for f in gc.get_objects() "
    "if isinstance(f, io.BufferedWriter)]": "its answer is too long",
    "while True: pass": "it did not answer within 1 s",
    "bytearray(4_000_000_000)": "MemoryError",
    "raise ValueError('x' * 100_000)": "ValueError: xxx",
}


@pytest.mark.parametrize(
    ("code", "file"),
    [*((code, "visit.py") for code in ENDINGS), (next(iter(ENDINGS)), "__init__.py")],
)
def test_a_package_without_a_proper_answer_is_an_error(
    config: Config, code: str, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if code.startswith("while"):
        monkeypatch.setattr(subject, "TIMEOUT", 1.0)
    add(config, code, file)
    with pytest.raises(RenderError) as caught:
        verify.verify_package(config)
    assert ENDINGS[code] in caught.value.message
    assert len(caught.value.message) < 2000


PROBE = """
import os, sys
def report(payload):
    return {"environment": dict(os.environ), "path": sys.path, "modules": sorted(sys.modules),
            "arguments": sys.argv, "flags": [sys.flags.isolated, sys.flags.safe_path]}
class Visit:
    @classmethod
    def from_payload(cls, payload): return cls()
    def to_payload(self): return report(None)
"""


def probe(config: Config) -> dict[str, object]:
    """Return what the code of a package sees of its process."""
    add(config, PROBE)
    with import_package(config.output) as package:
        result = package.subject(read_lockfile(config.output).modules["visit"]).read({})
    assert result.is_accepted
    return dict(result.written)


def test_the_process_has_neither_the_key_nor_the_verifier(
    config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "secret")
    monkeypatch.setenv("ENGAGE_API_KEY_STAGING", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    view = probe(config)
    assert "secret" not in json.dumps(view)
    assert set(view["environment"]) <= {*subject._VARIABLES, "LC_CTYPE"}  # type: ignore[call-overload]
    assert view["flags"] == [1, True]
    assert str(tmp_path) not in view["path"]  # type: ignore[operator]
    modules = view["modules"]
    assert not [name for name in modules if name.split(".")[0] == "engage_codegen"]  # type: ignore[attr-defined]


def test_the_process_cannot_write_files_or_start_processes(config: Config, tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("Windows has no limits of processes")
    target = tmp_path / "written.txt"
    add(
        config,
        f"import resource\nfile = open({str(target)!r}, 'w')\ntry:\n    file.write('x')\n"
        "    file.close()\nexcept OSError: pass\n"
        "assert resource.getrlimit(resource.RLIMIT_NPROC) == (0, 0)\n"
        "assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)",
    )
    verify.verify_package(config)
    assert target.read_text() == ""


def test_the_process_ends_with_the_verification(config: Config) -> None:
    add(config, PROBE.replace("dict(os.environ)", "os.getpid()"))
    with import_package(config.output) as package:
        module = read_lockfile(config.output).modules["visit"]
        number = package.subject(module).read({}).written["environment"]
    assert isinstance(number, int)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


FORGED: list[dict[str, object]] = [
    {},
    {"results": None},
    {"results": [{}]},
    {"results": [None]},
    {"results": [{"written": []}]},
    {"results": [{"written": {}}]},
    {"results": [{"written": {}, "types": {"a": 1}}]},
    {"results": [{"written": {}, "types": {}, "is_same": 1}]},
    {"results": [{"written": {}, "types": {}, "again": {}}]},
    {"results": [{"text": 5}]},
    {"results": [{"text": "", "property": None}]},
    {"results": [{"text": "", "codes": "precision"}]},
    {"results": [{"text": "", "codes": [5]}]},
    {"results": [{"text": "", "crashed": "no"}]},
    {"results": [{"fault": None}]},
]


@pytest.mark.parametrize("answer", FORGED, ids=json.dumps)
def test_an_answer_of_another_form_is_refused(answer: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"a [a-z]+ is missing"):
        decode_results(answer)


@pytest.mark.parametrize("answer", [{"results": []}, {"results": [{"text": 5}]}], ids=json.dumps)
def test_a_package_that_forges_answers_of_another_form_is_an_error(
    config: Config, answer: object
) -> None:
    patch = "sys.modules['__main__'].Reader.read_all"
    add(config, f"import sys\n{patch} = lambda self, payloads: {json.dumps(answer)!r}")
    with pytest.raises(RenderError, match="its answer is malformed"):
        verify.verify_package(config)


class _Refusal(Exception):
    violations = ()


class _Odd:
    """A payload class with a given fault."""

    def __init__(self, write: Callable[[], object], read: Callable[[object], object]) -> None:
        self.write, self.read = write, read

    def from_payload(self, payload: object) -> "_Odd":
        self.read(payload)
        return self

    def to_payload(self) -> object:
        return self.write()


def _read(write: Callable[[], object], read: Callable[[object], object] = id) -> dict[str, object]:
    reader = Reader(_Odd(write, read), _Refusal, {})  # type: ignore[arg-type]
    (result,) = json.loads(reader.read_all([{}]))["results"]
    return dict(result)


def _fail(error: Exception) -> Callable[..., object]:
    def fail(*_: object) -> object:
        raise error

    return fail


def test_the_reader_describes_every_fault() -> None:
    assert _read(dict) == {"written": {}, "types": {}, "is_same": True}
    assert _read(_fail(KeyError("a"))) == {"fault": "to_payload raises KeyError: 'a'"}
    assert _read(lambda: {"a": object()})["fault"] == (
        "to_payload returns no JSON: TypeError: Object of type object is not JSON serializable"
    )
    assert _read(list)["fault"] == (
        "to_payload raises AttributeError: 'list' object has no attribute 'keys'"
    )
    assert _read(dict, _fail(_Refusal("no"))) == {"text": "refuses: ", "property": "", "codes": []}
    assert _read(dict, _fail(OSError("no"))) == {"text": "raises OSError: no", "crashed": True}


def test_a_verification_of_many_payloads_takes_several_requests(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = config.output / "visit.py"
    module.write_text(module.read_text().replace(WRONG[1], WRONG[0]))
    (expected,) = verify.verify_package(config).schemas
    assert expected.is_sound
    monkeypatch.setitem(vars(sys.modules["engage_codegen.verify.compare"]), "BATCH", 7)
    assert verify.verify_package(config).schemas == (expected,)
