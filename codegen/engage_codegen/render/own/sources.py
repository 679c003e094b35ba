"""The templates of a project as data: their names, and the files that they make. Pure."""

import keyword
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from ...errors import TemplateError
from ...schema.jsontext import digest
from ...schema.text import quote, suggest

EACH, ONCE = "each/", "once/"
SUFFIX = ".jinja"
INDEX_TEMPLATE, MODULE_TEMPLATE = "INDEX.md.jinja", "module.py.jinja"

_OUTPUT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+")
_FORBIDDEN = frozenset("pyc pyo pyw pyd so dll pth".split())
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)

PROMISES: Mapping[str, str] = {
    "module.py.jinja": "checks of values, wire names, senders",
    "_class.py.jinja": "checks of values, wire names",
    "_check.py.jinja": "checks of values",
    "_codec.py.jinja": "wire names, reading of payloads",
    "_encode.py.jinja": "wire names",
    "_stored.py.jinja": "reading of stored interactions",
    "_sender.py.jinja": "senders",
    "_sender_async.py.jinja": "senders",
}
"""Template of engage-codegen -> what the package promises by it."""


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file that a template of the project makes; without `schema_id`, for all schemas."""

    template: str
    schema_id: str = ""


@dataclass(frozen=True, slots=True)
class OwnTemplates:
    """The templates of a project: path below their folder -> text. `folder` is for messages."""

    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    folder: str = ""

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each template, as the lock file records it."""
        return {name: digest(text) for name, text in sorted(self.texts.items())}

    def place(self, name: str) -> str:
        """Return the path of a template."""
        return f"{self.folder}/{name}" if self.folder else name

    def error(self, name: str, message: str, fix: str, line: int = 1) -> TemplateError:
        """Return the error for a template."""
        return TemplateError(message, where=self.place(name), fix=fix, line=line)


NO_TEMPLATES = OwnTemplates()


def replaces_module(names: Collection[str], original: Collection[str]) -> bool:
    """Return True if templates replace one that makes the module of a schema.

    `original` are the names of the templates of engage-codegen.
    """
    return any(name in original and name != INDEX_TEMPLATE for name in names)


def own_files(
    names: Collection[str], original: Collection[str], modules: Mapping[str, str]
) -> dict[str, OwnFile]:
    """Return the files that templates with these names make or change: path -> file.

    `modules` are the modules of the schemas: schema id -> name.
    """
    files: dict[str, OwnFile] = {}
    if INDEX_TEMPLATE in names:
        files["INDEX.md"] = OwnFile(INDEX_TEMPLATE)
    if replaces_module(names, original):
        replaced = sorted({*names} & {*original} - {INDEX_TEMPLATE})
        template = MODULE_TEMPLATE if MODULE_TEMPLATE in replaced else replaced[0]
        files |= {f"{module}.py": OwnFile(template, key) for key, module in modules.items()}
    return files | dict(added_files(names, modules))


def added_files(
    names: Collection[str], modules: Mapping[str, str]
) -> Iterator[tuple[str, OwnFile]]:
    """Yield the files that templates add to a package, with their paths."""
    for name in sorted(names):
        output = name.partition("/")[2].removesuffix(SUFFIX)
        if name.startswith(ONCE):
            yield output, OwnFile(name)
        elif name.startswith(EACH):
            yield from (
                (f"{module}_{output}", OwnFile(name, key)) for key, module in modules.items()
            )


def check_names(templates: OwnTemplates, original: Collection[str]) -> None:
    """Raise `TemplateError` for a template whose name says nothing.

    `original` are the names of the templates of engage-codegen.
    """
    folded: dict[str, str] = {}
    for name in sorted(templates.texts):
        other = folded.setdefault(name.lower(), name)
        if other != name:
            message = f"{quote(other)} and {quote(name)} are one file on Windows and macOS"
            raise templates.error(name, message, "rename one of them")
        _check_name(templates, name, original)


def _check_name(templates: OwnTemplates, name: str, original: Collection[str]) -> None:
    folder, _, file = name.rpartition("/")
    if not name.endswith(SUFFIX):
        raise templates.error(name, "the name of a template ends in .jinja", "rename the file")
    if folder and f"{folder}/" not in (EACH, ONCE):
        raise templates.error(
            name,
            f"there is no folder {quote(folder)} of templates",
            f"move the template into {EACH} (a file for each schema), {ONCE} (one file), or "
            "above both to replace a template",
        )
    if folder:
        _check_output(templates, name, file.removesuffix(SUFFIX))
    elif not (name in original or re.fullmatch(r"_[A-Za-z0-9_.-]+", name)):
        hint = suggest(name, original) or f"the names are {', '.join(original)}"
        raise templates.error(
            name,
            f"the template {quote(name)} replaces no template of engage-codegen",
            f"{hint} A template for another file belongs into {EACH} or {ONCE}, and the name of a "
            "partial begins with _",
        )


def _check_output(templates: OwnTemplates, name: str, output: str) -> None:
    stem, _, extension = output.rpartition(".")
    is_python, is_single = extension in ("py", "pyi"), name.startswith(ONCE)
    problem = ""
    if not _OUTPUT.fullmatch(output) or _DEVICES.match(output):
        problem = "is not the name of a file with an extension, of ASCII letters, digits, _ and -"
    elif extension.lower() in _FORBIDDEN or extension != extension.lower():
        problem = "has an extension that a template cannot make"
    elif is_python and not (_is_module(stem) if is_single else re.fullmatch(r"\w+", stem)):
        problem = "is not the name of a module"
    if problem:
        raise templates.error(
            name, f"{quote(output)} {problem}", f"name the template like {EACH}page.md.jinja"
        )


def _is_module(stem: str) -> bool:
    return stem.isidentifier() and not keyword.iskeyword(stem)


def check_collisions(
    templates: OwnTemplates, modules: Mapping[str, str], existing: Collection[str]
) -> None:
    """Raise `TemplateError` for a file of a template that has the place of another file.

    `existing` are the paths of the files that engage-codegen makes.
    """
    owners = {part: "engage-codegen" for path in existing for part in _parents(path.lower())}
    for path, file in added_files(templates.texts, modules):
        # A module hides a package of its name, and a stub is read instead of a module.
        stem = path.lower().rpartition(".")[0] if path.endswith((".py", ".pyi")) else path.lower()
        for key in sorted({path.lower(), stem}):
            owner = owners.setdefault(key, file.template)
            if owner != file.template:
                raise templates.error(
                    file.template,
                    f"the file {quote(path)} has the place of a file of {owner}",
                    "rename the template",
                )


def _parents(path: str) -> Iterator[str]:
    """Yield a path, its first folder, and the name by which Python imports it."""
    yield path
    yield path.partition("/")[0]
    if path.endswith(".py") and "/" not in path:
        yield path.removesuffix(".py")
