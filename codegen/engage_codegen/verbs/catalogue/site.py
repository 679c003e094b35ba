"""The pages of a site as HTML. Pure but for the templates, which it reads."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from ...schema.envelope import Schema, file_stem
from ...schema.text import escape
from .page import SchemaPage, describe_page
from .tenant import Caller, Tenant

_TEMPLATES = Path(__file__).parent / "templates"
_PAGES = ("index", "schema")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A schema in its tenant. `path` is that of its page, below the site."""

    tenant: Tenant
    path: str
    page: SchemaPage
    callers: Sequence[Caller]
    twins: tuple[tuple[str, str, bool], ...]
    """The same id in other tenants: the name of the tenant, the path, and whether it is equal."""


def render_site(tenants: Sequence[Tenant]) -> dict[str, str]:
    """Return the files of the site: path below its folder -> HTML.

    The schemas must have no problems (see `require_valid`). The same schemas give the same bytes.
    """
    environment, style = _environment(), _style()
    index, schema = (environment.get_template(f"{name}.html.jinja") for name in _PAGES)
    groups = [(tenant, _entries(tenant, tenants)) for tenant in tenants]
    pages = {"index.html": index.render(style, groups=groups)}
    for entry in (entry for _, entries in groups for entry in entries):
        pages[entry.path] = schema.render(style, entry=entry, page=entry.page)
    return pages


def _entries(tenant: Tenant, tenants: Sequence[Tenant]) -> list[_Entry]:
    return [
        _Entry(
            tenant,
            page_path(tenant.name, schema_id),
            describe_page(schema),
            tenant.callers.get(schema_id, ()),
            tuple(_twins(schema, tenant, tenants)),
        )
        for schema_id, schema in sorted(tenant.schemas.items())
    ]


def _twins(
    schema: Schema, tenant: Tenant, tenants: Sequence[Tenant]
) -> list[tuple[str, str, bool]]:
    return [
        (other.name, page_path(other.name, schema.id), other.schemas[schema.id] == schema)
        for other in tenants
        if other is not tenant and schema.id in other.schemas
    ]


def page_path(tenant: str, schema_id: str) -> str:
    """Return the path of the page of a schema, which every file system can have."""
    return f"{file_stem(tenant) if tenant else 'schemas'}/{file_stem(schema_id)}.html"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=_make_visible,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.clear()
    return environment


def _style() -> dict[str, object]:
    """Return the style sheet, and its checksum for the content security policy.

    Browsers refuse every other style and every script, so an escape that is missing would not run
    what a schema says.
    """
    style = (_TEMPLATES / "style.css").read_text("utf-8")
    checksum = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return {"style": Markup(style), "style_checksum": checksum}  # noqa: S704 - ours  # nosec B704


def _make_visible(value: object) -> object:
    """Return foreign text with escapes for characters that have no glyph."""
    return escape(value) if isinstance(value, str) and not isinstance(value, Markup) else value
