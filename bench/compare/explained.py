"""Goals that are missed for a known reason. The numbers in a sentence are those of the run."""

from .rows import Measured

_SENTENCES = {
    "check-idle-1000": (
        "a tenant may have 15 schemas, so a thousand are findings (EG109), and `check` shows all "
        "findings anew: `lint` of the same schemas alone takes {floor:.0f} times a bare start"
    ),
    "encode-quicktype": (
        "its class is not frozen and is checked at the end alone; to make a frozen one of the "
        "same values, a dict of it and JSON of that, without any check, takes {floor:.2f} times "
        "as long already"
    ),
    "decode-pydantic": (
        "pydantic does it in Rust; `json.loads`, the same checks written by hand, without a word "
        "about what is wrong, and a frozen dataclass take {floor:.1f} times as long already"
    ),
    "bulk-tasks-cpu": (
        "httpx alone, as many at once at the same pace from tasks, takes {floor:.1f} %"
    ),
    "outbox-unflushed": (
        "JSON of the interaction and its row in a table like the outbox's, which never gives an "
        "id twice, take {floor:.1f} times as long already"
    ),
}


def why(measured: Measured) -> str:
    """The reason for a missed goal; empty where nobody has found one."""
    sentence = _SENTENCES.get(measured.row, "")
    numbers = {name: value for name, value in measured.more.items() if name == "floor"}
    return sentence.format(**numbers) if sentence and numbers else ""
