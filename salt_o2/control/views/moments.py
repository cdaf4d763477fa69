"""Times that users write, as seconds since the epoch."""

import re
from datetime import datetime, timedelta

from salt_o2.core.errors import InvalidRequestError

_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?")


def moment(written: str, now: datetime | None = None) -> float | None:
    """Return a time as seconds since the epoch; ``None`` if it is empty.

    A time is seconds since the epoch, ISO 8601, or a time of day such as ``11:21``: the last one before
    ``now``, in the time zone of this machine.

    Raises:
        InvalidRequestError: if it is none of these.
    """
    if not written:
        return None
    try:
        return float(written)
    except ValueError:
        pass
    try:
        if _TIME_OF_DAY.fullmatch(written):
            return _last(written, now or datetime.now().astimezone()).timestamp()
        return datetime.fromisoformat(written).timestamp()
    except ValueError:
        raise InvalidRequestError(
            f"{written!r} is not a time: expected 2026-11-22T14:00:00, 14:00 or Unix time"
        ) from None


def _last(time_of_day: str, now: datetime) -> datetime:
    """Return the last moment before ``now`` at which clocks showed ``time_of_day``."""
    hours = time_of_day if time_of_day.index(":") == 2 else f"0{time_of_day}"
    at = datetime.combine(now.date(), datetime.fromisoformat(f"2000-01-01T{hours}").time(), now.tzinfo)
    return at if at <= now else at - timedelta(days=1)
