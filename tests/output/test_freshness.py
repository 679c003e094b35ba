"""When `generate` has nothing to do: every input and output has the hash that was recorded."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engage_codegen import pipeline
from engage_codegen.errors import InputError
from engage_codegen.output.freshness import count_current
from engage_codegen.output.lockfile import FOLDER, LOCKFILE_PATH
from tests.support.packages import Package, read_tree, write_schema

pytestmark = pytest.mark.slow


def has_nothing_to_do(package: Package) -> bool:
    """Return True if the hashes say so, with the schema files and without them."""
    counts = {count_current(package.config), count_current(package.offline)}
    return None not in counts


def test_any_changed_byte_or_missing_file_gives_generate_something_to_do(package: Package) -> None:
    assert has_nothing_to_do(package)
    files = read_tree(package.output)
    assert len(files) > 12
    for path, data in files.items():
        if path == LOCKFILE_PATH:
            continue
        target = package.output / path
        edits = [data + extra for extra in (b"x", b"\n", b" ", b"\0", b"\r", b"\xff")]
        cuts = {0, len(data) // 3, len(data) // 2, len(data) - 2} if data else set[int]()
        edits += [data[:at] + data[at + 1 :] for at in cuts]
        for edited in edits:
            target.write_bytes(edited)
            assert not has_nothing_to_do(package), (path, edited[-3:])
        target.unlink()
        assert not has_nothing_to_do(package), path
        target.write_bytes(data)
    assert has_nothing_to_do(package)


def test_a_damaged_lock_file_is_an_error_and_a_missing_one_gives_generate_something_to_do(
    package: Package,
) -> None:
    path = package.output / LOCKFILE_PATH
    data = path.read_bytes()
    for extra in (b"x", b"\0", b"\xff"):
        path.write_bytes(data + extra)
        assert not has_nothing_to_do(package)
        with pytest.raises(InputError):
            pipeline.generate(package.offline)
    path.unlink()
    assert not has_nothing_to_do(package)


def test_a_changed_added_or_deleted_schema_file_gives_generate_something_to_do(
    package: Package,
) -> None:
    for path in sorted(package.schemas.iterdir()):
        data = path.read_bytes()
        path.write_bytes(data.replace(b'"string"', b'"integer"', 1))
        assert not has_nothing_to_do(package)
        path.unlink()
        assert not has_nothing_to_do(package)
        path.write_bytes(data)
    write_schema(package.schemas, "Visit-x")
    assert not has_nothing_to_do(package)


def test_a_schema_that_was_added_to_the_snapshot_by_hand_is_generated(package: Package) -> None:
    write_schema(package.output / FOLDER, "Visit-x")
    assert not has_nothing_to_do(package)
    assert "visit_x.py" in pipeline.generate(package.offline).written


@pytest.mark.parametrize("part", ["version", "config", "templates"])
def test_another_version_configuration_or_template_gives_generate_something_to_do(
    package: Package, part: str
) -> None:
    package.edit_lockfile(lambda lockfile: lockfile["engage-codegen"].update({part: "0"}))
    assert not has_nothing_to_do(package)


def test_one_line_of_another_generator_gives_generate_something_to_do(package: Package) -> None:
    package.edit_lockfile(
        lambda lockfile: lockfile["schema Visit-b"]["generated"].update(generator="0.0.1+0")
    )
    assert not has_nothing_to_do(package)


def test_a_configuration_for_another_text_gives_generate_something_to_do(package: Package) -> None:
    for changed in (
        replace(package.offline, without=("bulk",)),
        replace(package.offline, dialect="json-schema"),
        replace(package.offline, renames={"Visit-b": "visit"}),
    ):
        assert count_current(changed) is None
    assert count_current(replace(package.offline, base_url="https://a.example"))


def test_windows_line_ends_give_generate_nothing_to_do(package: Package) -> None:
    for path, data in read_tree(package.output).items():
        (package.output / path).write_bytes(data.replace(b"\n", b"\r\n"))
    assert has_nothing_to_do(package)
    before = read_tree(package.output)
    assert pipeline.generate(package.config).written == ()
    assert read_tree(package.output) == before


@pytest.mark.parametrize("indent", [None, 0, 8])
@pytest.mark.parametrize("verb", ["generate", "pull"])
def test_another_layout_of_a_snapshot_file_is_replaced_by_the_canonical_one(
    package: Package, indent: int | None, verb: str
) -> None:
    path = package.output / "_snapshot/Visit-d.json"
    data = path.read_bytes()
    value = json.loads(data)
    path.write_text(json.dumps(dict(reversed(value.items())), indent=indent), encoding="utf-8")
    assert not has_nothing_to_do(package)
    if verb == "generate":
        package.generate()
    else:
        package.pull()
    assert path.read_bytes() == data
    assert count_current(package.offline) == 2


def test_generate_with_nothing_to_do_renders_nothing(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engage_codegen.render.package.render_package", None)
    result = pipeline.generate(package.config)
    assert (result.written, result.deleted, result.schemas) == ((), (), 2)


def test_a_file_above_the_size_limit_gives_generate_something_to_do(package: Package) -> None:
    with open(package.output / "visit_b.py", "r+b") as file:
        file.truncate(30_000_000)
    assert not has_nothing_to_do(package)


def test_a_folder_in_place_of_a_file_gives_generate_something_to_do(
    package: Package,
) -> None:
    target = package.output / "visit_b.py"
    target.unlink()
    Path(target).mkdir()
    assert not has_nothing_to_do(package)
