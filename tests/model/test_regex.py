"""Translated patterns match as ECMA-262 defines: by tables, by an engine, and on real schemas."""

import json
import random
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast

import pytest

from engage_codegen.model.regex import translate
from tests.support.paths import NODE
from tests.support.tiers import IS_FULL

TRANSLATIONS: list[tuple[str, str, list[str], list[str]]] = [
    ("abc", "abc", ["abc", "xabcx"], ["ab", "ABC"]),
    ("^abc$", r"^abc\Z", ["abc"], ["abc\n", "\nabc", "xabc"]),
    ("^a|b$", r"^a|b\Z", ["ax", "xb"], ["xa", "b\n"]),
    (
        "^.$",
        r"^[^\n\r\u2028\u2029]\Z",
        ["a", "\x85", "\x1c", "😀"],
        ["\n", "\r", "\u2028", "\u2029"],
    ),
    (
        r"\s",
        r"[\s\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]",
        ["\t", "\v", "\xa0", "\ufeff", "\u2003"],
        ["\x1c", "\x85", "\u180e", "\u200b", "a"],
    ),
    (
        r"^\S$",
        r"^[^\s\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]\Z",
        ["\x1c", "\x85", "\u180e", "a"],
        [" ", "\ufeff", ""],
    ),
    (
        r"[^\S\n]",
        r"[^\x00-\x08\x0e-\x1f!-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e"
        r"\u2060-\u2fff\u3001-\ufefe\uff00-\U0010ffff\n]",
        ["\t", "\ufeff", "\r", "\x0b"],
        ["\n", "a", "\x85", "\U0010ffff"],
    ),
    (r"^\d\w\D\W$", r"^\d\w\D\W\Z", ["1a٣é"], ["٣a٣é", "1é٣é", "1a1é"]),
    (r"\bé\B", r"\bé(?!\b)", ["aé"], ["é", "éa"]),
    (r"^\B$", r"^(?!\b)\Z", [""], ["a", "-"]),
    (r"\0\cA\ca\x41\u0041\u{41}", r"\u0000\u0001\u0001AAA", ["\0\1\1AAA"], ["0cAcaAAA"]),
    (r"\t\n\v\f\r", r"\u0009\n\u000b\u000c\u000d", ["\t\n\v\f\r"], ["tnvfr"]),
    (r"^\ud83d\ude00$", r"^😀\Z", ["😀"], ["\ud83d"]),
    (r"^[\u{1F600}-\u{1f64f}]$", r"^[😀-🙏]\Z", ["😀"], ["\ud83d", "😀😀"]),
    (r"^\ud83d$", r"^\ud83d\Z", ["\ud83d"], ["😀"]),
    (r"\/\^\$\\\.\*\+\?\(\)\[\]\{\}\|", r"/\^\$\\\.\*\+\?\(\)\[\]\{\}\|", [r"/^$\.*+?()[]{}|"], []),
    (r"\-\_\@\"\ \#", '-_@" #', ['-_@" #'], [r"\-"]),
    ("[]", r"[^\s\S]", [], ["", "a", "]"]),
    ("^[^]$", r"^[\s\S]\Z", ["\n", "^", "😀"], ["", "ab"]),
    ("[]]", r"[^\s\S]\]", [], ["]"]),
    (r"[\s\S]", r"[\s\S]", ["\n"], [""]),
    (r"[^\dx\D]", r"[^\s\S]", [], ["x", "1", ""]),
    (r"^[[a]$", r"^[\[a]\Z", ["[", "a"], ["]", "[a"]),
    ("^[!--]$", r"^[!-\-]\Z", ["-", "!", "+"], ["."]),
    ("^[a&&b||~~^]$", r"^[a\&b\|\~\^]\Z", ["&", "|", "~", "^"], ["&&"]),
    ("^[-a-]$", r"^[\-a]\Z", ["-", "a"], ["b"]),
    (r"^[\b]$", r"^[\u0008]\Z", ["\b"], ["b"]),
    (r"^[\w-.]$", r"^[\w\-.]\Z", ["-", ".", "a"], ["/"]),
    (r"^[\d-\d]$", r"^[\d\-]\Z", ["-", "1"], ["."]),
    (r"^[\s-\S-~]$", r"^[\s\S]\Z", ["-", "\n"], [""]),
    (r"^[+-\d]$", r"^[+\-\d]\Z", ["+", "-", "1"], [","]),
    (r"^[\]\-\^]$", r"^[\]\-\^]\Z", ["]", "-", "^"], ["\\"]),
    ("(?<year>a)(b)(?:c)", "(?:a)(?:b)(?:c)", ["abc"], ["ab"]),
    ("a(?=b)(?!bc).", r"a(?=b)(?!bc)[^\n\r\u2028\u2029]", ["abd"], ["abc"]),
    ("(?<=[ab])c(?<!bc)", "(?<=[ab])c(?<!bc)", ["ac"], ["bc", "c"]),
    ("^a{2}b{1,}?c{0,1}$", r"^a{2}b{1,}?c{0,1}\Z", ["aab", "aabbc"], ["ab"]),
    ("a{,3}", r"a\{,3\}", ["a{,3}"], ["aaa", ""]),
    ("{x}]a{1", r"\{x\}\]a\{1", ["{x}]a{1"], ["a"]),
    ("(?:)*()|", "(?:)*(?:)|", [""], []),
    ("\n\x1b\u202e # é", r"\n\u001b\u202e # é", ["\n\x1b\u202e # é"], [""]),
]

REFUSALS = [
    ("\\", "ends in a backslash"),
    (r"(a)\1", r"has a back-reference ('\1')"),
    (r"(?<n>a)\k<n>", r"has a back-reference ('\k')"),
    (r"\p{L}", r"has a Unicode property ('\p'), which Python's re does not support"),
    (r"[\P{L}]", r"has a Unicode property ('\P')"),
    ("a++", "has the possessive or doubled quantifier '+', which ECMA-262 does not define"),
    ("a*?+", "has the possessive or doubled quantifier '+'"),
    ("a{2}{3}", "has the possessive or doubled quantifier '{3}'"),
    ("*", "has the quantifier '*' with nothing to repeat"),
    ("(?:+)", "has the quantifier '+' with nothing to repeat"),
    ("{1}", "has the quantifier '{1}' with nothing to repeat"),
    ("^*", "has the quantifier '*' on an assertion"),
    (r"\b?", "has the quantifier '?' on an assertion"),
    ("(?=a)*", "has the quantifier '*' on an assertion"),
    ("(?<!a){2}", "has the quantifier '{2}' on an assertion"),
    ("a{2,1}", "has a part that Python's re refuses: min repeat greater than max repeat"),
    ("a{4294967296}", "has the quantifier '{4294967296}', which is too large"),
    ("a{" + "9" * 5000 + "}", "has the quantifier '{999999999999999999…', which is too large"),
    ("(?<=a|bc)", "has a part that Python's re refuses: look-behind requires fixed-width pattern"),
    ("(?>a)", "has an atomic group ('(?>')"),
    ("(?i)a", "has inline flags ('(?i')"),
    ("(?i:a)", "has inline flags ('(?i')"),
    ("(?-s:a)", "has inline flags ('(?-')"),
    ("(?(1)a)", "has a conditional group ('(?(')"),
    ("(?P<n>a)", "has a group in Python's own syntax ('(?P')"),
    ("(?#a)", "has a comment ('(?#')"),
    ("(?~a)", "has a group that starts with '(?~'"),
    ("(?", "has a group that starts with '(?'"),
    ("(?<å>a)", "has a group ('(?<') whose name is not an ASCII identifier"),
    ("(?<1>a)", "has a group ('(?<') whose name is not an ASCII identifier"),
    ("(?<a>b)|(?<a>c)", "has two groups with the name 'a'"),
    (r"\A", r"has the escape '\A', which ECMA-262 does not define"),
    (r"\Z", r"has the escape '\Z', which ECMA-262 does not define"),
    (r"\a", r"has the escape '\a', which ECMA-262 does not define"),
    (r"[\B]", r"has the escape '\B', which ECMA-262 does not define"),
    ("\\é", r"has the escape '\é', which ECMA-262 does not define"),
    ("\\\x1b", r"has the escape '\\u001b', which ECMA-262 does not define"),
    (r"\x1", r"has an incomplete or octal escape ('\x')"),
    (r"\u12", r"has an incomplete or octal escape ('\u')"),
    (r"\u{110000}", r"has an incomplete or octal escape ('\u')"),
    (r"\u{}", r"has an incomplete or octal escape ('\u')"),
    (r"\c1", r"has an incomplete or octal escape ('\c')"),
    (r"\01", r"has an incomplete or octal escape ('\0')"),
    ("[a--]", "has the range 'a--', which is out of order"),
    ("[z-a]", "has the range 'z-a', which is out of order"),
    ("[a", "has an unmatched opening bracket"),
    ("[a\\", "ends in a backslash"),
    ("(a", "has an unmatched opening parenthesis"),
    ("a)", "has an unmatched closing parenthesis"),
    (r"\@😀", r"has '\@', which is valid only without Unicode mode, and '😀', which"),
    (r"]\u{41}", r"has ']', which is valid only without Unicode mode, and '\u{41}', which"),
    ("(" * 51 + ")" * 51, "has more than 50 nested groups"),
    ("a" * 10_001, "is longer than 10000 characters"),
]


def _matches(translated: str, text: str) -> bool:
    return re.compile(translated, re.ASCII).search(text) is not None


@pytest.mark.parametrize(("pattern", "translated", "good", "bad"), TRANSLATIONS)
def test_a_pattern_keeps_its_meaning(
    pattern: str, translated: str, good: list[str], bad: list[str]
) -> None:
    assert translate(pattern) == translated
    assert [text for text in good if not _matches(translated, text)] == []
    assert [text for text in bad if _matches(translated, text)] == []


@pytest.mark.parametrize(("pattern", "reason"), REFUSALS)
def test_a_pattern_without_an_equivalent_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}"):
        translate(pattern)


@pytest.mark.parametrize(
    "part",
    r"( [ { {1 \u{0 (?<a (?:a|b) [a-z] \S [^ a{1,2} .? a| \ - (?= (?<= (?:a*)* é (| [a-".split(),
)
def test_translation_takes_linear_time(part: str) -> None:
    start = time.process_time()
    for text in (part * (10_000 // len(part)), "[" + part * (9_990 // len(part)) + "]"):
        try:
            translate(text)
        except ValueError:
            continue
    assert time.process_time() - start < 3


class Part(NamedTuple):
    """A pattern, and a string that it probably matches."""

    text: str
    example: str


STRANGE = (
    "\n\r\t\v\f \0\x03\b\x1c\x7f\x80\x85\xa0\xad\u1680\u180e\u2003\u2028\u2029\u200b\u3000\ufeff"
    "\uffff\u212a\u017f\xdfé٣\u07c0K😀🙏\U0010ffff\ud83d\ude00-[]\\{}()^$.*+?|&~/_@\"',:=!<>#%`;09aAbBzZ"
)
ESCAPES = {rf"\{sign}": sign for sign in "/^$\\.*+?()[]{}|"} | {
    **{r"\d": "1", r"\D": "é", r"\w": "a", r"\W": "é", r"\s": "\ufeff", r"\S": "\x85"},
    **{r"\t": "\t", r"\n": "\n", r"\v": "\v", r"\f": "\f", r"\r": "\r", r"\0": "\0"},
    **{r"\cC": "\3", r"\cj": "\n", r"\x41": "A", r"\xa0": "\xa0", r"\u2028": "\u2028"},
    **{r"\u{1f600}": "😀", r"\u{00061}": "a", r"\ud83d\ude00": "😀", r"\ud83d": "\ud83d"},
    **{r"\uDE00": "\ude00", r"\u{d83d}": "\ud83d", r"\u180E": "\u180e"},
}
LENIENT = {rf"\{sign}": sign for sign in "-_@\"'# ,:;<>=!&~%`"}
QUANTIFIERS = {"*": 2, "+": 2, "?": 1, "{2}": 2, "{0}": 0, "{1,}": 2, "{0,2}": 1, "{2,3}": 3}
LITERAL = [sign for sign in STRANGE if sign not in "^$\\.*+?()[]{}|"]


class Grammar:
    """Random patterns, nearly all of them valid."""

    def __init__(self, seed: int, *, lenient: bool) -> None:
        self.random = random.Random(seed)
        self.lenient = lenient

    def pattern(self, depth: int = 3) -> Part:
        branches = [self.sequence(depth) for _ in range(self.random.choice([1, 1, 1, 2, 3]))]
        return Part(
            "|".join(branch.text for branch in branches), self.random.choice(branches).example
        )

    def sequence(self, depth: int) -> Part:
        terms = [self.term(depth) for _ in range(self.random.choice([0, 1, 1, 2, 2, 3]))]
        return Part("".join(term.text for term in terms), "".join(term.example for term in terms))

    def term(self, depth: int) -> Part:
        choice = self.random.random()
        if choice < 0.15:
            return Part(self.random.choice(["^", "$", r"\b", r"\B"]), "")
        if choice < 0.25 and depth:
            sign = self.random.choice(["=", "!", "<=", "<!"])
            return Part(f"(?{sign}{self.pattern(depth - 2 if depth > 1 else 0).text})", "")
        atom = self.atom(depth)
        if self.random.random() < 0.6:
            return atom
        quantifier, count = self.random.choice(list(QUANTIFIERS.items()))
        lazy = self.random.choice(["", "", "?"])
        return Part(atom.text + quantifier + lazy, (atom.example * count)[:8])

    def atom(self, depth: int) -> Part:
        choice = self.random.random()
        if choice < 0.25 and depth:
            inner = self.pattern(depth - 1)
            start = self.random.choice(["(", "(?:", f"(?<n{self.random.randrange(10**9)}>"])
            return Part(f"{start}{inner.text})", inner.example)
        if choice < 0.5:
            return self.set()
        if choice < 0.55:
            return Part(".", self.random.choice(STRANGE))
        if choice < 0.75:
            return Part(*self.random.choice(list(self.escapes().items())))
        if choice < 0.8 and self.lenient:
            text = self.random.choice(["{", "}", "]", "a{,2}", "{x}", "a{1", "a{1,2,3}"])
            return Part(text, text)
        sign = self.random.choice([*"ab1", *LITERAL])
        return Part(sign, sign)

    def escapes(self) -> dict[str, str]:
        return ESCAPES | LENIENT if self.lenient else ESCAPES

    def set(self) -> Part:
        items = [self.item() for _ in range(self.random.choice([0, 1, 1, 2, 3, 4]))]
        text = self.random.choice(["[", "[^"]) + "".join(item.text for item in items) + "]"
        return Part(text, self.random.choice([item.example for item in items] or [""]))

    def item(self) -> Part:
        choice = self.random.random()
        if choice < 0.2:
            first, last = sorted(
                self.random.choices([sign for sign in STRANGE if sign not in "\\]"], k=2)
            )
            return Part(f"{first}-{last}", self.random.choice([first, last]))
        if choice < 0.3 and self.lenient:
            return Part(self.random.choice([r"\w-.", r"+-\d", r"\s-\S", r"\d-\d", r"\d-"]), "-")
        if choice < 0.6:
            return Part(
                *self.random.choice(list((self.escapes() | {r"\b": "\b", r"\-": "-"}).items()))
            )
        text = self.random.choice([*LITERAL, *"[^-&~|{}().*+?$", "&&", "--", "||", "~~"])
        return Part(text, text[0])


SOUP = [
    *"abc019",
    *"^$\\.*+?()[]{}|",
    *"(((())))[[]]]-,:=!<>&~#kpPuxcXAZ\n é😀",
    *"(?: (?= (?! (?<= (?<! (?<n> (?<m> (?i) (?i: (?P<n> (?> *+ ++ ?+ [^ {1} {2,} {,2}".split(),
    *r"\u{61} \u \x4 \b \B \s \S \w \1 \k<n> \0 \- -- && \] \[ \c \cA \d- a-z".split(),
]


def _patterns(seed: int, count: int) -> Iterator[Part]:
    """Yield patterns: half for Unicode mode, a quarter lenient, a quarter of random characters."""
    strict, lenient = Grammar(seed, lenient=False), Grammar(seed + 1, lenient=True)
    signs = random.Random(seed + 2)
    for number in range(count):
        if number % 4 == 3:
            text = "".join(signs.choices(SOUP, k=signs.randrange(1, 9)))
            yield Part(text, re.sub(r"[^\w\s-]", "", text))
        else:
            yield (lenient if number % 4 == 2 else strict).pattern()


def _strings(part: Part, count: int, chance: random.Random) -> list[str]:
    """Return mutations of the example and other strings, of at most six characters."""
    example = part.example[:6]
    result = ["", example, f"{example[:5]}\n"]
    while len(result) < count:
        text = example if chance.random() < 0.5 else ""
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(text) + 1)
            sign = chance.choice(STRANGE + part.text * 2)
            text = text[:at] + sign + text[at + chance.randrange(2) :]
        result.append(text[:6])
    return [
        text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") for text in result
    ]


ENGINE = """
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
const make = (pattern, mode) => { try { return new RegExp(pattern, mode) } catch { return null } };
console.log(JSON.stringify(cases.map(([pattern, strings]) => {
  const strict = make(pattern, "u") && make(`^[^]*?(?:${pattern})`, "u");
  const regex = strict || make(pattern, "");
  return [strict ? "u" : regex ? "" : "none", regex ? strings.map((s) => regex.test(s)) : []];
})));
"""
"""The search is part of the expression, because V8, unlike ECMA-262, also starts between the two
halves of a character: `/\\B/u` matches in `B😀a`."""


def _run_engine(cases: list[tuple[str, list[str]]]) -> list[tuple[str, list[bool]]]:
    """Return the mode in which node accepts each pattern, and whether each string matches."""
    process = subprocess.run(
        [NODE / "node", "-e", ENGINE],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
    )
    verdicts: list[tuple[str, list[bool]]] = json.loads(process.stdout)
    return verdicts


class Comparison(NamedTuple):
    """The verdicts of the engine and of translated patterns on the same strings."""

    pairs: int
    hits: int
    wrong: list[tuple[str, str, str, bool]]
    refused: list[tuple[str, str]]
    """Patterns that only the engine accepts, and why translation refuses them."""


def compare(cases: list[tuple[str, list[str]]]) -> Comparison:
    """Compare both on all strings.

    Without Unicode mode, the engine splits characters above U+FFFF, so these are left out.
    """
    wrong: list[tuple[str, str, str, bool]] = []
    refused: list[tuple[str, str]] = []
    pairs = hits = 0
    for (pattern, texts), (mode, verdicts) in zip(cases, _run_engine(cases), strict=True):
        try:
            translated = translate(pattern)
        except ValueError as error:
            refused += [(pattern, str(error))] if mode != "none" else []
            continue
        if mode == "none":
            wrong.append((pattern, translated, "is no pattern", False))
        for text, verdict in zip(texts, verdicts, strict=mode != "none"):
            if mode == "u" or not re.search("[\ud800-\udfff\U00010000-\U0010ffff]", text):
                pairs, hits = pairs + 1, hits + verdict
                if _matches(translated, text) != verdict:
                    wrong.append((pattern, translated, text, verdict))
    return Comparison(pairs, hits, wrong, refused)


def random_cases(seed: int, patterns: int, strings: int) -> list[tuple[str, list[str]]]:
    chance = random.Random(seed)
    return [(part.text, _strings(part, strings, chance)) for part in _patterns(seed, patterns)]


EXPECTED = re.compile(
    "look-behind requires fixed-width|only without Unicode mode|back-reference|inline flags|"
    "Unicode property|has the escape|incomplete or octal|on an assertion|out of order|two groups|"
    "exponential or high polynomial time"
)


def test_an_engine_agrees_on_random_patterns() -> None:
    result = compare(random_cases(seed=1, patterns=8_000 if IS_FULL else 2_000, strings=12))
    assert result.wrong == []
    assert [reason for _, reason in result.refused if not EXPECTED.search(reason)] == []
    assert result.pairs > (60_000 if IS_FULL else 15_000)
    assert 0.2 < result.hits / result.pairs < 0.8


def _patterns_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        pattern = members.get("pattern")
        yield from [pattern] if isinstance(pattern, str) else []
        yield from _patterns_in([*members.values()])
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _patterns_in(inner)


@pytest.fixture(scope="module")
def foreign(corpora: Path) -> set[str]:
    """All patterns of the collections."""
    texts = [path.read_text("utf-8") for path in (corpora / "events/schemas").glob("*.json")]
    for name in ("events/projected.jsonl", "json-schema-test-suite/scalar.jsonl"):
        texts += (corpora / name).read_text("utf-8").splitlines()
    return {pattern for text in texts for pattern in _patterns_in(json.loads(text))}


def test_patterns_of_real_schemas_are_translated(foreign: set[str]) -> None:
    refused: dict[str, str] = {}
    for pattern in foreign:
        try:
            translate(pattern)
        except ValueError as error:
            refused[pattern] = str(error)
    assert len(foreign) > 100
    assert refused == {
        r"^\p{Letter}+$": r"has a Unicode property ('\p'), which Python's re does not support"
    }


def test_an_engine_agrees_on_patterns_of_real_schemas(foreign: set[str]) -> None:
    chance = random.Random(1)
    cases = [(text, _strings(Part(text, ""), 100, chance)) for text in sorted(foreign)]
    result = compare(cases)
    assert result.wrong == []
    assert len(result.refused) == 1


def test_the_official_suite_agrees(corpora: Path) -> None:
    count = 0
    suite = corpora / "json-schema-test-suite/scalar.jsonl"
    for group in map(json.loads, suite.read_text("utf-8").splitlines()):
        pattern = group["jsonSchema"]["properties"]["value"].get("pattern", r"\p")
        if r"\p" in pattern:
            continue
        for case in group["tests"]:
            value = case["payload"]["value"]
            if isinstance(value, str):
                count += 1
                assert _matches(translate(pattern), value) == case["valid"], (pattern, case)
    assert count > 30
