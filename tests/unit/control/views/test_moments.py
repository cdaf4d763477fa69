"""Times that users write: seconds, ISO 8601, and times of day."""

from datetime import UTC, datetime

import pytest

from salt_o2.control.views.moments import moment
from salt_o2.core.errors import InvalidRequestError

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("11:21", datetime(2026, 11, 22, 11, 21, tzinfo=UTC)),
        ("9:05", datetime(2026, 11, 22, 9, 5, tzinfo=UTC)),
        ("12:00", NOON),
        ("11:21:30.5", datetime(2026, 11, 22, 11, 21, 30, 500_000, tzinfo=UTC)),
        ("12:01", datetime(2026, 11, 21, 12, 1, tzinfo=UTC)),
        ("23:59:59", datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)),
        ("2026-11-01T10:00:00+00:00", datetime(2026, 11, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_time_of_day_is_the_last_one(written, meant):
    assert moment(written, NOON) == meant.timestamp()


@pytest.mark.parametrize(("written", "meant"), [("", None), ("12.5", 12.5), ("1700000000", 1_700_000_000.0)])
def test_seconds_are_themselves_and_nothing_is_no_time(written, meant):
    assert moment(written, NOON) == meant


@pytest.mark.parametrize("written", ["soon", "24:00", "11:60", "1:2", "11:21 pm", "2026-13-01"])
def test_an_unreadable_time_is_refused_with_an_example(written):
    with pytest.raises(InvalidRequestError, match="14:00"):
        moment(written, NOON)
