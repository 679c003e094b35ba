"""The outcomes that nobody has received yet.

Ctrl-C can raise an exception between any two lines of the main thread, but not between two steps of
a function that is written in C. `Ledger` calls `on_outcome` through `map`, and thereby records in
the same step that a call has returned.
"""

from collections import deque
from collections.abc import Callable, Iterator

from .outcome import Outcome


class Ledger:
    """The outcomes of a bulk send, from the end of each send until its outcome is reported."""

    def __init__(self, on_outcome: Callable[[Outcome], object] | None) -> None:
        self._on_outcome = on_outcome
        self._outcomes: deque[Outcome] = deque()
        self._begun: deque[Outcome] = deque(maxlen=2)
        self._returned: deque[tuple[Outcome, None, object]] = deque(maxlen=1)
        self.is_reporting = False
        """Whether `on_outcome` is running."""

    def __len__(self) -> int:
        return len(self._outcomes)

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self._outcomes)

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome until it is reported. Any thread may call this."""
        self._outcomes.append(outcome)

    def report_next(self) -> Outcome | None:
        """Pass the oldest outcome to `on_outcome`, and return it. Return None if there is none.

        Raises what `on_outcome` raises. An outcome is not reported again after an `Exception`. It
        is reported once more after an interruption, because `on_outcome` may have done nothing.
        """
        if not self._outcomes:
            return None
        outcome = self._outcomes[0]
        if self._on_outcome is not None and not self._is_reported(outcome):
            only = (outcome,)
            begin = map(self._begun.append, only)
            self.is_reporting = True
            try:
                self._returned.extend(zip(only, begin, map(self._on_outcome, only), strict=True))
            except Exception:
                self._returned.append((outcome, None, None))
                raise
            finally:
                self.is_reporting = False
        self._outcomes.popleft()
        return outcome

    def report_all(self) -> BaseException | None:
        """Report all outcomes, and return the first exception that was raised meanwhile."""
        failure: BaseException | None = None
        while self._outcomes:
            try:
                self.report_next()
            except BaseException as error:
                failure = failure or error
        return failure

    def _is_reported(self, outcome: Outcome) -> bool:
        has_returned = any(returned is outcome for returned, _, _ in self._returned)
        return has_returned or [begun is outcome for begun in self._begun] == [True, True]
