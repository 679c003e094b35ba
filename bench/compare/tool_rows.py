"""The command line: with nothing to do, with everything, with one schema."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from . import inputs
from .environments import TOOL, python, script
from .inputs import PACKAGE
from .measure import Command, alternate, middle, run
from .rows import Group, Measured, Options, Row

_ROUNDS, _FEW = 21, 3


def _bare() -> Command:
    return Command([python(TOOL), "-c", "pass"])


def _against_bare(
    names: list[str], commands: list[Command], options: Options
) -> Iterator[Measured]:
    rounds = options.often(_ROUNDS)
    *ours, bare = alternate([*commands, _bare()], rounds)
    for name, runs in zip(names, ours, strict=True):
        clock = {"ms on the clock": middle(runs, "wall") * 1000}
        yield Measured(name, middle(runs) * 1000, middle(bare) * 1000, rounds=rounds, more=clock)


def _idle_15(options: Options) -> Iterator[Measured]:
    folder = inputs.project("idle-15", 15)
    run(inputs.tool(folder, "generate"))
    command = inputs.tool(folder, "generate")
    yield from _against_bare(["generate-idle-15"], [command], options)


def _said(options: Options) -> Iterator[Measured]:
    folder = inputs.fresh("said")
    commands = [inputs.tool(folder, it) for it in ("--help", "--version")]
    yield from _against_bare(["help", "version"], commands, options)


def _ours(folder: Path) -> Command:
    """Everything, into an empty folder."""
    command = inputs.tool(folder, "generate")

    def empty() -> None:
        shutil.rmtree(folder / PACKAGE, ignore_errors=True)

    return Command(command.arguments, folder, command.environment, before=empty)


def _models(name: str, count: int) -> tuple[Command, Path]:
    """The peer's run, and what it writes: the models alone."""
    folder = inputs.fresh(name)
    source = inputs.write(folder / "schemas", inputs.schemas(count), "jsonSchema")
    made = folder / "models"
    options = (
        "--input-file-type jsonschema --output-model-type dataclasses.dataclass "
        "--formatters black isort --disable-timestamp"
    ).split()
    program = script("models", "datamodel-codegen")
    arguments: list[str | Path] = [program, "--input", source, "--output", made, *options]
    return Command(arguments, folder, before=lambda: shutil.rmtree(made, ignore_errors=True)), made


def _lines(folder: Path) -> int:
    """Of Python that was made, without what is only copied."""
    files = [it for it in folder.rglob("*.py") if "_runtime" not in it.parts]
    return sum(len(it.read_text("utf-8").splitlines()) for it in files)


def _full(count: int, rounds: int) -> Iterator[Measured]:
    folder = inputs.project(f"full-{count}", count, of_files=True)
    peer, made = _models(f"models-{count}", count)
    ours, theirs = alternate([_ours(folder), peer], rounds, warm_up=1 if count < 1000 else 0)
    seconds = middle(ours), middle(theirs)
    clock = middle(ours, "wall"), middle(theirs, "wall")
    own_lines, their_lines = _lines(folder / PACKAGE), _lines(made)
    more: dict[str, float | str] = {
        "lines": own_lines,
        "peer's lines": their_lines,
        "lines a second": own_lines / seconds[0],
        "peer's lines a second": their_lines / seconds[1],
    }
    yield Measured(f"generate-{count}", *seconds, rounds=rounds, more=more)
    yield Measured(f"generate-{count}-clock", *clock, rounds=rounds)
    yield Measured(f"memory-{count}", middle(ours, "memory"), rounds=rounds)


def _full_15(options: Options) -> Iterator[Measured]:
    yield from _full(15, options.often(9))


def _check_15(options: Options) -> Iterator[Measured]:
    folder = inputs.project("check-15", 15)
    run(inputs.tool(folder, "generate"))
    peer, _ = _models("models-for-check", 15)
    rounds = options.often(9)
    ours, theirs = alternate([inputs.tool(folder, "check"), peer], rounds)
    yield Measured("check-15", middle(ours), middle(theirs), rounds=rounds)


def _full_1000(options: Options) -> Iterator[Measured]:
    yield from _full(1000, options.often(_FEW))


def _per_schema(options: Options) -> Iterator[Measured]:
    rounds = options.often(_FEW)
    counts = (1, 100, 1000)
    folders = [inputs.project(f"per-schema-{it}", it, of_files=True) for it in counts]
    runs = alternate([_ours(it) for it in folders], rounds)
    one, hundred, thousand = map(middle, runs)
    yield Measured("per-schema", thousand, hundred * 10, rounds=rounds)
    # What a run costs whatever it makes could hide a cost that grows.
    further = (thousand - one) / 999 * 1000, (hundred - one) / 99 * 1000
    yield Measured("per-further-schema", *further, rounds=rounds, more={"s for one": one})


_BARE = "`python -c pass`"
_MODELS = "datamodel-codegen, models alone"

GROUPS = (
    Group((Row("generate-idle-15", "`generate`, nothing to do, 15 schemas", _BARE, 6),), _idle_15),
    Group(
        (
            Row("help", "`--help`", _BARE, 5),
            Row("version", "`--version`", _BARE, 5),
        ),
        _said,
    ),
    Group((Row("check-15", "`check` of 15 schemas", _MODELS, 1.3, "s"),), _check_15),
    Group(
        (
            Row("generate-15", "`generate` of 15 schemas", _MODELS, 1.3, "s"),
            Row("generate-15-clock", "the same, on the clock", _MODELS, 1.3, "s"),
            Row("memory-15", "memory for 15 schemas", "", None, "MiB"),
        ),
        _full_15,
    ),
    Group(
        (
            Row("generate-1000", "`generate` of 1,000 schemas", _MODELS, None, "s"),
            Row("generate-1000-clock", "the same, on the clock", _MODELS, None, "s"),
            Row("memory-1000", "memory for 1,000 schemas", "", 250, "MiB"),
        ),
        _full_1000,
    ),
    Group(
        (
            Row("per-schema", "a schema of 1,000", "a schema of 100", 1.1),
            Row("per-further-schema", "a schema more, up to 1,000", "one more, up to 100"),
        ),
        _per_schema,
    ),
)
