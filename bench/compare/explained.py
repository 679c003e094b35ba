"""Goals that are missed for a known reason. The numbers in a sentence are those of the run."""

from .rows import Measured

_SENTENCES = {
    "encode-quicktype": (
        "its class is not frozen and is checked at the end alone; to make a frozen one of the "
        "same values, a dict of it and JSON of that, without any check, takes {floor:.2f} times "
        "as long already"
    ),
    "decode-pydantic": (
        "pydantic does it in Rust; `json.loads`, the same checks by hand, which stop at the first "
        "that is wrong and name none, and a frozen dataclass take {floor:.1f} times as long"
    ),
    "bulk-tasks-cpu": (
        "httpx alone, as many at once at the same pace from tasks, takes {floor:.1f} %"
    ),
    "outbox-unflushed": (
        "JSON of the interaction and its row in a table like the outbox's, which never gives an "
        "id twice, take {floor:.1f} times as long already"
    ),
}


_NEAR = 0.9
_FAR = 2.0


def why(measured: Measured, goal: float | None) -> str:
    """The reason for a missed goal; empty where nobody has found one, or the run does not bear it
    out: what cannot be undercut leaves a tenth of the goal or less, and ours takes less than twice
    as much."""
    sentence = _SENTENCES.get(measured.row, "")
    floor = measured.more.get("floor", 0.0)
    if not sentence or goal is None or not isinstance(floor, float):
        return ""
    is_so = floor >= _NEAR * goal and measured.value <= _FAR * floor
    return sentence.format(floor=floor) if is_so else ""
