"""Goals that are missed for a known reason. The numbers in a sentence are those of the run."""

from .rows import Measured

_SENTENCES = {
    "check-idle-1000": (
        "a tenant may have 15 schemas, so a thousand are findings (EG109), and `check` shows all "
        "findings anew: `lint` of the same schemas alone takes {floor:.0f} times a bare start"
    ),
    "decode-pydantic": (
        "`json.loads` and making a frozen dataclass of values that are ready, without a check, "
        "take {floor:.1f} times as long already"
    ),
    "bulk-tasks-cpu": (
        "httpx alone, as many at once at the same pace from tasks, takes {floor:.1f} %"
    ),
    "outbox-unflushed": (
        "the statement of a `put` with values that are ready, into a table and indexes like the "
        "outbox's, takes {floor:.1f} times as long already"
    ),
}


def why(measured: Measured) -> str:
    """The reason for a missed goal; empty where nobody has found one."""
    sentence = _SENTENCES.get(measured.row, "")
    numbers = {name: value for name, value in measured.more.items() if name == "floor"}
    return sentence.format(**numbers) if sentence and numbers else ""
