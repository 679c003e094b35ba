"""When a send is repeated, and how patiently.

The vendor's rules: wait for the answer, for a late one is likelier than a lost request; repeat as
late as the situation allows; never repeat a POST without having looked whether the first one went
through.
"""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long to go on, as seconds to wait before each further step.

    `again` are the waits before a request is repeated that certainly was not carried out: it never
    left, or it was answered with 429 (a longer Retry-After counts instead). `look` are the waits
    before each look for an interaction whose send was not answered. `resend` says whether it is
    sent once more when the last of these looks did not find it; the only way to a duplicate is
    then a platform that carries out the first request after that look.
    """

    again: tuple[float, ...] = ()
    look: tuple[float, ...] = ()
    resend: bool = False

    def __post_init__(self) -> None:
        if not all(0 <= seconds <= 86_400 for seconds in (*self.again, *self.look)):
            raise ValueError("a wait has to be between 0 and 86400 seconds")
        if self.resend and not self.look:
            raise ValueError("nothing may be sent again without a look")

    @classmethod
    def interactive(cls) -> Self:
        """Somebody is waiting: a few seconds at most, one look, no second send. The default."""
        return cls(again=(0.5, 1.0, 2.0), look=(1.0,))

    @classmethod
    def background(cls) -> Self:
        """Nobody is waiting: the vendor's 10, 30, 60 and 300 seconds, and only then again."""
        return cls(again=(10.0, 30.0, 60.0, 300.0), look=(10.0, 30.0, 60.0, 300.0), resend=True)

    @classmethod
    def never(cls) -> Self:
        """One request, and not even a look."""
        return cls()
