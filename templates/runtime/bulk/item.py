"""The items of a bulk send."""

from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from typing import TypeAlias, cast

from ..call.item import Item, Pair, as_item
from ..call.retry import RetryPolicy
from ..call.steps import Call
from ..engine.engine import CallSettings, Engine
from ..errors import ConfigurationError
from ..results import Receipt

ItemSource: TypeAlias = Item | Pair | Callable[[], Item | Pair] | Exception
"""An item of the input.

A callable is called when the item is about to be sent, in a thread of the bulk send; what it raises
becomes the error of its outcome. An exception is the error of its outcome: use it for an item that
could not even be created, so that it is counted.
"""


@dataclass(frozen=True, slots=True)
class SendOptions:
    """The arguments that apply to all items."""

    confirm: bool
    retry: RetryPolicy | None
    deadline: float | None
    timeout: float | None
    headers: Mapping[str, str] | None

    def settings(self, engine: Engine) -> CallSettings:
        """Return the settings of a call that begins now. Raises `ConfigurationError`."""
        return engine.settings(
            self.retry,
            deadline=self.deadline,
            timeout=self.timeout,
            headers=self.headers,
            is_urgent=False,
        )

    def prepare(self, engine: Engine, item: Item) -> tuple[Call[Receipt], CallSettings]:
        """Encode an item. Return the call that sends it, and the settings of the call."""
        settings = self.settings(engine)
        call = engine.prepare_send(
            item.contact_id, item.payload, item.created_date, settings.policy, confirm=self.confirm
        )
        return call, settings


def resolve_item(number: int, source: object) -> Item:
    """Return the item that a source stands for.

    Raises what a callable raises, and `ConfigurationError` for what is no item.
    """
    item = as_item(source)
    if item is None and callable(source):
        source = cast(Callable[[], object], source)()
        item = as_item(source)
    if item is not None:
        return item
    kind = type(source).__name__
    if isinstance(source, (tuple, list)):
        kind += f" of {len(cast(Sized, source))}"
    raise ConfigurationError(
        f"Item {number} is neither an Item nor a pair of a contact id and a payload, but a value "
        f"of the type {kind}. It was not sent. Correct the input."
    )
