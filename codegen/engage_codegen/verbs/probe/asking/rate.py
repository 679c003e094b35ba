"""The rate limit of a tenant, by exceeding it once."""

from ....sources.tenant_session import TenantSession
from ..readings.reading import Reading, hidden, observed, unexplained
from .recorder import TimerLike

_REQUESTS = 300
_SECOND = 1.0


def find_rate_limit(session: TenantSession, timer: TimerLike) -> Reading:
    """Send many requests within a second and count those that are not answered with 429."""
    timer.sleep(2 * _SECOND)
    started = timer.now()
    replies = session.send_together("GET", "contacts/count", _REQUESTS)
    seconds = (timer.now() - started).total_seconds()
    timer.sleep(2 * _SECOND)
    statuses = [reply.status for reply in replies]
    accepted, refused = statuses.count(200), statuses.count(429)
    if accepted + refused < _REQUESTS:
        others = sorted(set(statuses) - {200, 429})
        return unexplained(f"of {_REQUESTS} requests at once, some are answered with {others}")
    if not refused:
        return hidden(f"{_REQUESTS} requests in {seconds:.1f} seconds are all accepted")
    if seconds > _SECOND:
        text = f"{accepted} of {_REQUESTS} requests are accepted in {seconds:.1f} seconds"
        return hidden(f"{text}, which is too slow to tell the limit")
    return observed(accepted)
