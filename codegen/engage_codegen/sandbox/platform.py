"""The parts of a running sandbox, in one place for the endpoints and for tests."""

from dataclasses import dataclass, field

from engage_codegen.sandbox.api.rate_limit import RateLimit
from engage_codegen.sandbox.clock import Clock
from engage_codegen.sandbox.control.faults import Faults
from engage_codegen.sandbox.control.request_log import RequestLog
from engage_codegen.sandbox.marketing.automations import Webhooks
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.store.database import Store


@dataclass(slots=True)
class Platform:
    """`options` may be replaced at any time; with `key` it was started, and is reset to."""

    store: Store
    key: str
    options: Options = field(default_factory=Options)
    at_start: Options = field(init=False)
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    rate_limit: RateLimit = field(default_factory=RateLimit)
    log: RequestLog = field(default_factory=RequestLog)
    webhooks: Webhooks = field(init=False)

    def __post_init__(self) -> None:
        self.at_start = self.options
        self.webhooks = Webhooks(self.store)
        self.store.add_key(self.key)

    def reset(self) -> None:
        """As it was at the start: schemas, contacts, keys, options, time; no faults, no log."""
        self.store.reset()
        for key in self.store.list_keys():
            if key != self.key:
                self.store.delete_key(key)
        self.store.add_key(self.key)
        self.rate_limit.reset()
        self.options = self.at_start
        self.clock.reset()
        self.faults.clear()
        self.log.clear()
