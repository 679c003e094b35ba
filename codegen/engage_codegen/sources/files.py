"""Schemas in local files: folders of ``*.json``, single files, and a list exported from the API.

A file holds an envelope `{id, displayName, jsonSchema}`, a list of envelopes, or a bare JSON
Schema, whose id is the name of the file.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import InputError
from ..schema.envelope import Schema, check_id, from_envelope
from ..schema.jsontext import Json, loads
from .interface import Progress


class FileSource:
    """The schemas below some paths."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)

    def fetch(self, only: Sequence[str], progress: Progress) -> Mapping[str, Schema]:
        """See `Source.fetch`."""
        found: dict[str, Schema] = {}
        for schema in self._all():
            first = found.setdefault(schema.id, schema)
            if first is not schema:
                raise InputError(
                    f"two files hold the schema {schema.id}",
                    where=f"{first.origin} and {schema.origin}",
                    fix="keep one of them; schemas of different tenants need different outputs",
                )
        missing = sorted(set(only) - set(found))
        if missing:
            raise InputError(
                f"no schema {missing[0]} in the source",
                where=", ".join(map(str, self._paths)),
                fix=f"the source holds {', '.join(sorted(found)) or 'no schemas at all'}",
            )
        wanted = {key: found[key] for key in sorted(only or found)}
        progress(len(wanted), len(wanted))
        return wanted

    def _all(self) -> Iterator[Schema]:
        for path in self._paths:
            for file in _files(path):
                yield from schemas_in(_load(file), file)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.glob("*.json") if file.is_file())
    if not files:
        raise InputError("the folder holds no *.json file", where=str(path), fix="check the path")
    return files


def _load(file: Path) -> Json:
    try:
        return loads(file.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise InputError("no such file or folder", where=str(file), fix="check the path") from None
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", where=str(file), fix="check its permissions"
        ) from None
    except UnicodeDecodeError:
        raise InputError("not UTF-8", where=str(file), fix="save the file as UTF-8") from None
    except ValueError as error:
        raise InputError(f"not JSON: {error}", where=str(file), fix="correct the file") from None


def schemas_in(value: Json, file: Path) -> Iterator[Schema]:
    """The schemas in the JSON of a file, in its order. Raises `InputError` and `SchemaError`."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from_envelope(item, f"{file}, item {number}")
    elif isinstance(value, dict) and is_bare(value):
        check_id(file.stem, f"{file}, whose name is the id")
        title = value.get("title")
        name = title.strip() if isinstance(title, str) else ""
        yield Schema(file.stem, name or file.stem, value, str(file))
    else:
        yield from_envelope(value, str(file))


def is_bare(value: Json) -> bool:
    """Whether it is a JSON Schema without an envelope."""
    return (
        isinstance(value, dict)
        and "jsonSchema" not in value
        and ("$schema" in value or "properties" in value or value.get("type") == "object")
    )
