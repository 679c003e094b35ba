"""The page of finding codes is generated from the registry: `pytest --update-goldens`."""

from engage_codegen.findings.codes import Rule, rules
from tests.support.readers.pages import DOCS
from tests.support.tool import Golden

INTRODUCTION = """\
# Finding codes

Every finding of `lint`, `check`, `diff` and `preflight`, and every error that ends `pull` or
`generate`, has one of these codes. EG1xx and EG2xx are about schemas, EG3xx about differences
between schemas, EG4xx about packages and waivers, EG5xx about runs that failed. Errors end a check
with exit code 1, warnings only with `--strict`. `engage-codegen lint --explain EG118` prints one of
these sections.
"""


def render_page() -> str:
    """Return the page of all codes, with a heading for each."""
    return "\n".join([INTRODUCTION, *map(render_rule, rules().values())])


def render_rule(rule: Rule) -> str:
    """Return the section of one code. The anchor of its heading is the code in lower case."""
    waivers = "" if rule.waivable else ", cannot be waived"
    lines = [
        f"## {rule.code}",
        f"**{rule.title}** ({rule.severity}{waivers}). {rule.help.strip()}",
        f"To fix it: {rule.remedy}" + (f" [More]({rule.page}.md)." if rule.page else ""),
        render_example("An example that fails", rule.fails),
        render_example("An example that passes", rule.passes),
    ]
    return "\n\n".join(filter(None, lines)) + "\n"


def render_example(label: str, example: str) -> str:
    """Return an example: JSON as a block, words as a sentence."""
    text = example.strip()
    if not text:
        return ""
    return f"{label}:\n\n```text\n{text}\n```" if text[0] == "{" else f"{label}: {text}"


def test_the_page_of_codes_is_current(golden: Golden) -> None:
    golden(DOCS / "rules.md", render_page())


def test_the_pages_of_codes_exist() -> None:
    pages = {rule.page for rule in rules().values()} - {""}
    assert len(pages) >= 4
    assert all((DOCS / f"{page}.md").is_file() for page in pages)


def test_every_code_has_a_heading_whose_anchor_is_the_code() -> None:
    lines = (DOCS / "rules.md").read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("## ")] == [f"## {code}" for code in rules()]
