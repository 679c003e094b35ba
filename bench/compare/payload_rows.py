"""Payloads in process: to bytes and from bytes, beside other people's classes."""

from collections.abc import Iterator

from . import inputs
from .environments import python, quicktype
from .measure import Command, told_often
from .rows import Group, Measured, Options, Row
from .serving import SCRIPTS

_PEERS = {
    "pydantic": "pydantic, strict",
    "fastjsonschema": "fastjsonschema and a dataclass",
    "cattrs": "attrs and cattrs",
    "quicktype": "quicktype's class",
}
_GOALS = {"encode": {"pydantic": 2.0, "": 0.9}, "decode": {"pydantic": 3.0}}
_WHAT = {"encode": "a payload made, checked and encoded", "decode": "a payload decoded and checked"}


def _payloads(options: Options) -> Iterator[Measured]:
    rounds = options.often(9)
    folder = inputs.package(1)
    review = inputs.write(folder / "schema", inputs.schemas(1), "jsonSchema") / "review.json"
    made = quicktype(review, "Review")
    (folder / "quicktype_review.py").write_text(made, "utf-8")
    command = Command(
        [python("peers"), SCRIPTS / "payloads.py", folder], folder, {"PYTHONPATH": str(folder)}
    )
    seen = told_often(command, rounds)
    for way in _WHAT:
        for peer in _PEERS:
            floor = {"floor": seen[f"{way} floor"] / seen[f"{way} {peer}"]}
            took = seen[f"{way} ours"], seen[f"{way} {peer}"]
            yield Measured(f"{way}-{peer}", *took, rounds=rounds, more=floor)


def _rows() -> Iterator[Row]:
    for way, what in _WHAT.items():
        for peer, name in _PEERS.items():
            goal = _GOALS[way].get(peer, _GOALS[way].get(""))
            yield Row(f"{way}-{peer}", what, name, goal, "µs")


GROUPS = (Group(tuple(_rows()), _payloads),)
