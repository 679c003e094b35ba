"""Limits of reading: sizes, folders, wheels, settings, and differences of long texts."""

import errno
import os
import struct
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile

import pytest

from engage_codegen.config import parse_toml
from engage_codegen.errors import CodegenError, InputError
from engage_codegen.filesystem import MAX_DEPTH, read_bytes, walk
from engage_codegen.inspection.packages import find_packages
from engage_codegen.integrations import edits
from engage_codegen.output.difference import compare_lines
from engage_codegen.schema.jsontext import JsonError, loads
from engage_codegen.sources.folders import find_schema_files

LOCK = "acme/_snapshot/codegen.lock.json"


def test_the_limit_counts_what_is_read_and_not_what_the_system_says(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1000)
    assert read_bytes(path, 1000) == b"x" * 1000
    for limited, limit in ((path, 999), (Path("/proc/self/status"), 10)):
        with pytest.raises(OSError, match=f"larger than {limit} bytes") as caught:
            read_bytes(limited, limit)
        assert caught.value.errno == errno.EFBIG
    assert read_bytes("/proc/self/status").startswith(b"Name:"), "its size is said to be 0"


def nest(path: Path, depth: int) -> Path:
    for _ in range(depth):
        path /= "d"
    path.mkdir(parents=True)
    return path


def test_a_walk_has_a_limit_of_depth_and_of_entries(tmp_path: Path) -> None:
    nest(tmp_path / "fine", MAX_DEPTH - 1)
    assert len(list(walk(tmp_path))) == MAX_DEPTH + 1
    with pytest.raises(InputError, match="there are more than 49 files"):
        list(walk(tmp_path, limit=49))
    too_deep = nest(tmp_path / "deep", MAX_DEPTH)
    with pytest.raises(InputError, match="deeper than 50 levels") as caught:
        list(walk(tmp_path))
    assert caught.value.where == str(too_deep)


@pytest.mark.skipif(os.geteuid() == 0, reason="everything is readable")
def test_a_folder_that_cannot_be_read_is_not_skipped(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(0)
    with pytest.raises(InputError, match="cannot be read") as caught:
        list(walk(tmp_path))
    assert caught.value.where == str(tmp_path / "closed")
    errors: list[OSError] = []
    assert len(list(walk(tmp_path, errors.append))) == len(errors) == 1


def test_links_between_folders_do_not_multiply_them(tmp_path: Path) -> None:
    folders = [tmp_path / f"f{number}" for number in range(30)]
    for folder in folders:
        folder.mkdir()
    for folder, following in pairwise(folders):
        (folder / "a").symlink_to(following)
        (folder / "b").symlink_to(following)
    (folders[-1] / "x.json").write_text("{}")
    assert len(find_schema_files([folders[0]])) == 1


def test_a_folder_with_too_many_or_too_deep_schema_files_is_an_error(tmp_path: Path) -> None:
    (nest(tmp_path / "deep", MAX_DEPTH + 1) / "x.json").write_text("{}")
    with pytest.raises(InputError, match="deeper than 50 levels"):
        find_schema_files([tmp_path / "deep"])
    (tmp_path / "many").mkdir()
    for number in range(1001):
        (tmp_path / "many" / f"{number}.json").touch()
    with pytest.raises(InputError, match="more than 1,000 schemas") as caught:
        find_schema_files([tmp_path / "many"])
    assert caught.value.where == str(tmp_path / "many")


def test_json_of_many_values_is_refused_before_it_fills_the_memory() -> None:
    many = "[" + "{}," * 200_001 + "{}]"
    for text in (many, "[" + many[1:-1].replace("{}", "1") + "]", "[" * 200_001):
        tracemalloc.start()
        with pytest.raises(JsonError, match="more than 200,000 values"):
            loads(text)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
        tracemalloc.stop()
    assert loads('["' + "," * 500_000 + '\\"{"]') == ["," * 500_000 + '"{']


@pytest.mark.parametrize(
    "text",
    [
        ".".join(["a"] * 100_000) + " = 1",
        "[" + " . ".join(['"a b"'] * 1000) + "]",
        "a = {" + ".".join(["b"] * 1000) + " = 1}",
        "a = " + "[" * 50_000,
        "a = " + "{a = " * 50_000,
        "a = " + "9" * 5000,
        "a = ",
        "\ufeff\ufeff",
    ],
    ids=range(8),
)
def test_toml_that_takes_long_is_invalid_like_any_other(text: str) -> None:
    with pytest.raises(ValueError, match=r"line|nested|limit|end of document"):
        parse_toml(text)


def test_toml_with_dots_in_strings_and_byte_order_mark_is_read() -> None:
    dots = "." * 300
    assert parse_toml(f'\ufeffa.b.c = "{dots}"\n') == {"a": {"b": {"c": dots}}}


ENTRY = "  - repo: new\n    hooks: []\n"


@pytest.mark.parametrize(
    "text",
    [
        "l0: &l0 x\n"
        + "".join(f"l{n + 1}: &l{n + 1} [{', '.join([f'*l{n}'] * 9)}]\n" for n in range(40)),
        "x: &x [*x]\n",
        "x: " + "[" * 5_000,
        "x: !!timestamp x\n? [a]\n: b\n",
        "x: 1\nx: 2\n",
        "# " + "x" * 200_000 + "\n",
        "x: \x01\n",
    ],
    ids=["bomb", "itself", "nested", "odd key", "repeated key", "long", "control"],
)
def test_yaml_that_takes_long_is_not_edited(text: str) -> None:
    assert edits.append_repo(f"{text}repos:\n  - repo: old\n", ENTRY) is None


def test_yaml_with_aliases_and_odd_values_is_edited() -> None:
    text = "x: &x a\nrepos:\n  - repo: *x\n    rev: 2001-99-99\n    n: !!int ''\n"
    assert edits.append_repo(text, ENTRY) == text + ENTRY


@pytest.mark.parametrize("rest", ["/*" * 300_000, '"\\' * 300_000, "[" * 300_000, ", " * 300_000])
def test_settings_of_an_editor_are_read_in_linear_time(rest: str) -> None:
    assert edits.insert_tasks('{"tasks": [' + rest, [{}]) is None


def write_wheel(path: Path, method: int, data: bytes, *, damage: slice | None = None) -> None:
    with ZipFile(path, "w", method) as wheel:
        wheel.writestr(LOCK, data)
    if damage:
        content = bytearray(path.read_bytes())
        content[damage] = b"\xff" * len(content[damage])
        path.write_bytes(content)


def write_long_directory(path: Path) -> None:
    write_wheel(path, ZIP_DEFLATED, b"{}")
    content = bytearray(path.read_bytes())
    struct.pack_into("<L", content, len(content) - 10, 1 << 31)
    path.write_bytes(content)


WHEELS: dict[str, tuple[Callable[[Path], None], str]] = {
    "damaged LZMA": (
        lambda path: write_wheel(path, ZIP_LZMA, b"x" * 9000, damage=slice(75, 95)),
        "deflate",
    ),
    "bzip2": (lambda path: write_wheel(path, ZIP_BZIP2, b" " * 4_000_000), "deflate"),
    "damaged deflate": (
        lambda path: write_wheel(path, ZIP_DEFLATED, os.urandom(9000), damage=slice(75, 95)),
        "is not a wheel",
    ),
    "long lock file": (
        lambda path: write_wheel(path, ZIP_DEFLATED, b"[" + b" " * 20_000_000 + b"]"),
        "larger than 5,000,000 bytes",
    ),
    "long table of contents": (write_long_directory, "more than 50,000 files"),
    "nested JSON": (
        lambda path: write_wheel(path, ZIP_DEFLATED, b"[" * 150_000),
        "the lock file is damaged",
    ),
    "pipe": (os.mkfifo, "not a regular file"),
    "folder": (Path.mkdir, "no generated package"),
    "nothing": (lambda path: path.symlink_to("nowhere"), "cannot be read"),
}


@pytest.mark.parametrize("name", WHEELS)
def test_a_wheel_that_cannot_be_read_is_an_input_error(tmp_path: Path, name: str) -> None:
    write, message = WHEELS[name]
    path = tmp_path / "acme.whl"
    write(path)
    tracemalloc.start()
    with pytest.raises(CodegenError, match=message):
        find_packages(str(path))
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


def test_a_wheel_with_too_many_bytes_in_total_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "acme.whl"
    with ZipFile(path, "w", ZIP_DEFLATED) as wheel:
        wheel.writestr(LOCK, b"{}")
    content = bytearray(path.read_bytes())
    struct.pack_into("<L", content, content.index(b"PK\x01\x02") + 24, 100_000_001)
    path.write_bytes(content)
    with pytest.raises(InputError, match="more than 100,000,000 bytes"):
        find_packages(str(path))


def apply_hunk(old: list[str], lines: list[str]) -> list[str]:
    """Return the text after a hunk without context."""
    if not lines:
        return old
    ranges = lines[2].split()[1:3]
    start, length = map(int, ranges[0][1:].split(","))
    assert length == sum(line[0] == "-" for line in lines[3:])
    assert int(ranges[1].partition(",")[2]) == sum(line[0] == "+" for line in lines[3:])
    begin = start - 1 if length else start
    assert old[begin : begin + length] == [line[1:] for line in lines[3:] if line[0] == "-"]
    added = [line[1:] for line in lines[3:] if line[0] == "+"]
    return [*old[:begin], *added, *old[begin + length :]]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *(("abcd", "abxd"), ("", "ab"), ("ab", ""), ("abc", "abc"), ("ab", "abc"), ("aa", "aaa")),
        *(("bc", "abc"), ("abc", "axyc"), ("ab", "xy")),
    ],
)
def test_a_long_difference_is_one_hunk_that_leads_from_old_to_new(old: str, new: str) -> None:
    lines = list(compare_lines(list(old), list(new), "a", "b", limit=0))
    assert apply_hunk(list(old), lines) == list(new)
    assert bool(lines) == (old != new)


def test_long_texts_are_compared_in_linear_time() -> None:
    old = [f"line {number % 110}" for number in range(100_000)]
    new = [f"line {number * 7 % 110}" for number in range(100_000)]
    assert len(list(compare_lines(old, new, "a", "b"))) > 100_000
