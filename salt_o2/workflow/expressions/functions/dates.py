"""Built-in functions of times: now, date, duration, timezone."""

import time
from typing import Any

from salt_o2.workflow.expressions.functions.signatures import Function, function
from salt_o2.workflow.expressions.static_types import DURATION, STRING, TIME, ZONE, Type
from salt_o2.workflow.expressions.times import (
    LAYOUTS,
    LOCATION,
    UTC_ZONE,
    Time,
    location,
    parse_duration,
    read,
)
from salt_o2.workflow.expressions.values import Refused, kind_of, shown

_MOST = 3


def _now(zone: Any = UTC_ZONE) -> Time:
    return Time(time.time_ns(), zone)


def _check_now(given: list[Type]) -> Type:
    if len(given) > 1 or (given and given[0] != ZONE):
        raise Refused("now takes no argument, or a time zone")
    return TIME


def _date(*arguments: Any) -> Time:
    zone = arguments[0] if isinstance(arguments[0], LOCATION) else None
    texts = arguments[1:] if zone else arguments
    for text in texts:
        if not isinstance(text, str):
            raise Refused(f"date takes texts, not {kind_of(text)}")
    if len(texts) == _MOST:
        return read(texts[0], texts[1], location(texts[2]))
    if len(texts) == 2:
        return read(texts[0], texts[1], zone or UTC_ZONE)
    if not texts:
        raise Refused("date takes a text")
    for layout in LAYOUTS:
        try:
            return read(texts[0], layout, zone or UTC_ZONE)
        except Refused:
            continue
    raise Refused(f"{shown(texts[0])} is no date, as 2006-01-02 or 2006-01-02 15:04:05")


def _check_date(given: list[Type]) -> Type:
    texts = given[1:] if given and given[0] == ZONE else given
    if not given or len(texts) > _MOST:
        raise Refused(f"date takes 1 to {_MOST} texts, not {len(texts)}")
    return TIME


FUNCTIONS = (
    Function("now", _now, check=_check_now),
    Function("date", _date, check=_check_date),
    function("duration", parse_duration, (STRING,), DURATION),
    function("timezone", location, (STRING,), ZONE),
)
