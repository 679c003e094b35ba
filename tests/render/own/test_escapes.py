"""Templates of a branch can execute nothing, read nothing and take no time."""

import json
import time

import pytest

from engage_codegen.errors import TemplateError
from engage_codegen.model.build import build
from engage_codegen.render.own.sources import OwnTemplates
from engage_codegen.render.package import render_package
from engage_codegen.schema.envelope import from_envelope

LINE = "{# template contract 1.0 #}\n"
SCHEMA = from_envelope(
    {
        "id": "visit",
        "displayName": "a'b\"c",
        "jsonSchema": {
            "type": "object",
            "properties": {
                "it's": {"type": "string", "pattern": "^'\"$"},
                "size": {"enum": ["'; import os #", "b"], "title": "x"},
                "note": {"type": "string", "description": "y " * 60 + "import os"},
            },
        },
    },
    "test",
)
PACKAGE = build({"visit": SCHEMA}, {}, "json-schema")

ESCAPES = """
{{ record.__class__ }}
{{ record.__class__.__mro__[1].__subclasses__() }}
{{ record['__class__'] }}
{{ record[0] }}
{{ ''.__class__ }}
{{ record.title.__class__ }}
{{ record.title.format }}
{{ record.title.upper() }}
{{ '{0.__class__}'.format(record) }}
{{ '%s' % record }}
{{ record|attr('__class__') }}
{{ record|attr('title') }}
{{ record.fields|map(attribute='__class__')|list }}
{{ record.fields|first }}
{{ record._fields }}
{{ record.replace }}
{{ record.names.__init__ }}
{{ record.fields.count }}
{{ record.fields.__len__ }}
{{ record.schema_id.__add__ }}
{{ record.schema_id.join }}
{% for field in record.fields %}{{ field.codec.check }}{% endfor %}
{% for field in record.fields %}{{ field.constant_prefix | literal }}{% endfor %}
{% for import in record.imports %}{{ import.module }}{% endfor %}
{% if record.imports %}{% endif %}
{{ self }}
{{ self.__init__ }}
{{ self._TemplateReference__context }}
{{ super() }}
{{ caller }}
{{ varargs }}
{{ lipsum }}
{{ lipsum.__globals__ }}
{{ cycler.__init__.__globals__.os }}
{{ joiner }}
{{ namespace }}
{{ dict }}
{{ range(3) }}
{{ range }}
{{ get_flashed_messages }}
{{ config }}
{{ request }}
{{ __builtins__ }}
{{ __import__ }}
{{ open }}
{{ environment }}
{{ context }}
{{ resolve }}
{{ \uff53elf }}
{{ record.\uff3f\uff3fclass\uff3f\uff3f }}
{{ 'a' * 10**9 }}
{{ 10**10**10 }}
{{ 1 + 1 }}
{{ 'a' ~ 'b' }}
{{ -1 }}
{{ [1] }}
{{ (1, 2) }}
{{ {'a': 1} }}
{{ record is defined }}
{{ record is callable }}
{{ record.fields[0:1] }}
{{ record.title < 'a' }}
{{ record.title in 'a' }}
{{ record == package }}
{{ record.doc | doc(10**9) }}
{{ record.doc | doc(999999999) }}
{{ record.doc | doc(indent=4) }}
{{ record.doc | doc(*record.fields) }}
{{ record.doc | doc(-1) }}
{{ record.doc | safe }}
{{ record.doc | string }}
{{ record.doc | tojson }}
{{ record.doc | the_items_of_a_loop }}
{% import 'module.py.jinja' as x %}
{% from 'module.py.jinja' import x %}
{% extends 'module.py.jinja' %}
{% block a %}{% endblock %}
{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}
{% call a() %}{% endcall %}
{% filter upper %}a{% endfilter %}
{% set x %}a{% endset %}
{% set a.b = 1 %}
{% set package = 1 %}
{% set self = 1 %}
{% set a, b = record.fields %}
{% with a = 1 %}{% endwith %}
{% autoescape true %}{% endautoescape %}
{% do record.fields %}
{% debug %}
{% trans %}a{% endtrans %}
{% for a in range(10**9) %}{% endfor %}
{% for a in 'abc' %}{% endfor %}
{% for a in record.title %}{% endfor %}
{% for a in record %}{% endfor %}
{% for a in 10**9 %}{% endfor %}
{% for a, b in record.fields %}{% endfor %}
{% for a in record.fields recursive %}{{ loop(record.fields) }}{% endfor %}
{% for a in record.fields %}{{ loop.__class__ }}{% endfor %}
{% for a in record.fields %}{{ loop.cycle('a') }}{% endfor %}
{% for a in record.fields %}{{ loop.nextitem.__class__ }}{% endfor %}
{% for a in record.fields %}{{ loop._iterable }}{% endfor %}
{% for a in record.fields %}{{ loop.changed(1) }}{% endfor %}
{% include '/etc/passwd' %}
{% include '../../pyproject.toml' %}
{% include '../secret' %}
{% include record.title %}
{% include ['a', 'b'] %}
{% include 'missing' ignore missing %}
{% include 'missing' %}
{% include 'each/x.py.jinja' %}
{% include 'module.py.jinja' without context %}
{% include package %}
""".strip().splitlines()


def render(text: str, name: str = "each/x.md.jinja", **others: str) -> str:
    """Render a template of a project and return its output for the only schema."""
    texts = {name: LINE + text, **{key: LINE + value for key, value in others.items()}}
    own = OwnTemplates(texts, "t")
    files = render_package(PACKAGE, (), "httpx", own)
    output = name.partition("/")[2].removesuffix(".jinja")
    return files[f"visit_{output}" if name.startswith("each/") else output]


@pytest.mark.parametrize("escape", ESCAPES)
def test_no_escape_renders_and_the_error_names_its_line(escape: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(f"first line\n{escape}\n")
    assert caught.value.location.file == "t/each/x.md.jinja"
    assert caught.value.location.line == 3
    assert caught.value.fix


HEAVY = {
    "nested loops": "{% for a in record.fields %}" * 12 + "x" + "{% endfor %}" * 12,
    "nested loops without output": ("{% for a in record.fields %}" * 13 + "{% endfor %}" * 13),
    "deep blocks": "{% if record %}" * 200 + "{% endif %}" * 200,
    "deep expression": "{{ " + "not " * 5_000 + "record }}",
    "deep brackets": "{{ " + "(" * 20_000 + "record" + ")" * 20_000 + " }}",
    "large number": "{{ " + "9" * 50_000 + " }}",
    "much text": "{% for a in package.records %}"
    + "{% for b in record.fields %}" * 8
    + "x" * 5_000
    + "{% endfor %}" * 8
    + "{% endfor %}",
    "repeated filter": "{% for a in record.fields %}" * 11
    + "{% if record.doc | doc %}{% endif %}"
    + "{% endfor %}" * 11,
}


@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_template_ends_with_an_error(name: str) -> None:
    start = time.process_time()
    with pytest.raises(TemplateError):
        render(HEAVY[name])
    assert time.process_time() - start < 20


def test_templates_that_include_each_other_end() -> None:
    with pytest.raises(TemplateError, match="includes itself"):
        render("{% include '_a.jinja' %}", **{"_a.jinja": "{% include '_a.jinja' %}"})
    with pytest.raises(TemplateError, match="includes itself"):
        render(
            "{% include '_a.jinja' %}",
            **{"_a.jinja": "{% include '_b.jinja' %}", "_b.jinja": "{% include '_a.jinja' %}"},
        )
    with pytest.raises(TemplateError, match="includes itself"):
        render("", **{"_check.py.jinja": "{% include 'module.py.jinja' %}"})


def test_includes_that_multiply_end() -> None:
    partials = {
        f"_{number}.jinja": f"{{% include '_{number + 1}.jinja' %}}" * 4 for number in range(20)
    }
    with pytest.raises(TemplateError, match="steps"):
        render("{% include '_0.jinja' %}", **partials, **{"_20.jinja": "x"})


MISPLACED = """
# {{ record.title | literal }}
x = '{{ record.title | literal }}'
x = "{{ record.title | literal }}"
x = r{{ record.title | literal }}
x = f"{ {{ record.title | literal }} }"
x = {{ record.title | doc }}
# {{ record.doc | doc }}
x = f\"\"\"{{ record.doc | doc }}\"\"\"
x = '''{{ record.doc | doc }}'''
x = "{{ record.doc | doc }}"
x = '{{ record.title | cell }}'
\"\"\"{{ record.title | cell }}\"\"\"
x = {{ record.title | json }}
x = '{{ record.title | json }}'
{% for a in record.fields %}{% if a.name == "size" %}x: '{{ a.annotation }}'{% endif %}{% endfor %}
{% for field in record.fields %}{% if field.rule %}x = '{{ field.rule }}'{% endif %}{% endfor %}
{% for field in record.fields %}{% if field.rule %}# {{ field.rule }}{% endif %}{% endfor %}
x = '{{ record.fields | wires }}'
x = '''{{ record.fields | wires }}'''
# {{ record.fields | wires }}
x = {{ record.title | contract_cells(package) }}
""".strip().splitlines()


@pytest.mark.parametrize("line", MISPLACED)
def test_a_text_in_the_wrong_place_of_a_module_is_an_error(line: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(f"import os\n{line}\n", "each/x.py.jinja")
    assert caught.value.location[:3] == ("t/each/x.py.jinja", "", 3)


def test_a_text_in_its_place_is_itself() -> None:
    text = render(
        '"""{{ record.doc | doc }}"""\n'
        "TITLE = {{ record.title | literal }}\n"
        "NAMES = {{ record.fields | wires }}\n"
        "{% for field in record.fields %}\n"
        "{{ field.name }}: {{ field.annotation }}\n"
        "{% endfor %}\n",
        "each/x.py.jinja",
    )
    names: dict[str, object] = {}
    exec(text.replace("size: Lit", "# "), {"__annotations__": {}}, names)
    assert names["TITLE"] == "a'b\"c"
    assert names["NAMES"] == {"it's", "size", "note"}


@pytest.mark.parametrize("raw", ["record.title", "record.doc", "'a'", "true", "record", "none"])
def test_raw_text_is_an_error_with_its_line(raw: str) -> None:
    with pytest.raises(TemplateError, match="without a filter") as caught:
        render(f"a\nb {{{{ {raw} }}}}\n")
    assert caught.value.location.line == 3


def test_json_is_json_in_every_place() -> None:
    text = render("{{ record.title | json }}")
    assert json.loads(text) == "a'b\"c"
    assert "'" not in text


def test_all_files_together_have_a_budget() -> None:
    """Many templates that are each within their limits."""
    loops = "{% for a in record.fields %}" * 9 + "x" + "{% endfor %}" * 9
    many = {f"each/x{number}.md.jinja": loops for number in range(60)}
    with pytest.raises(TemplateError, match="more than"):
        render("", **many)


def test_a_large_module_is_an_error() -> None:
    partials = "{% include '_a.jinja' %}" * 30
    with pytest.raises(TemplateError, match=r"more than \S+ characters"):
        render(partials, "once/x.py.jinja", **{"_a.jinja": "x = 1\n" * 8_000})
