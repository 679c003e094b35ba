"""The state of a running sandbox, shared by its endpoints and the tests that look behind them."""

from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from engage_codegen.sandbox.api.rate_limit import RateLimit
from engage_codegen.sandbox.clock import Clock
from engage_codegen.sandbox.control.faults import Faults
from engage_codegen.sandbox.control.request_log import RequestLog
from engage_codegen.sandbox.marketing.webhooks import Webhooks
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.options.platform_file import NO_PLATFORM_FILE, PlatformFile
from engage_codegen.sandbox.store.database import Store


@dataclass(slots=True)
class SandboxState:
    """Everything that a sandbox remembers.

    `key` is the API key that the sandbox was started with. `options` can be replaced at any time;
    `reset` returns to `initial_options`. `platform` says which of them were observed in a tenant.
    """

    store: Store
    key: str
    options: Options = field(default_factory=Options)
    initial_options: Options = field(init=False)
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    rate_limit: RateLimit = field(default_factory=RateLimit)
    log: RequestLog = field(default_factory=RequestLog)
    webhooks: Webhooks = field(init=False)
    platform: PlatformFile = NO_PLATFORM_FILE

    def __post_init__(self) -> None:
        self.initial_options = self.options
        self.webhooks = Webhooks(self.store)
        self.store.add_key(self.key)

    def reset(self) -> None:
        """Restore the initial schemas, contacts, keys, options and time; clear faults and log."""
        self.store.reset()
        for key in self.store.list_keys():
            if key != self.key:
                self.store.delete_key(key)
        self.store.add_key(self.key)
        self.rate_limit.reset()
        self.options = self.initial_options
        self.clock.reset()
        self.faults.clear()
        self.log.clear()


def get_state(request: Request) -> SandboxState:
    """Return the state of the sandbox that serves this request."""
    state: SandboxState = request.app.state.sandbox
    return state


State: TypeAlias = Annotated[SandboxState, Depends(get_state)]
