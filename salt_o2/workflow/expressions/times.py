"""Times, time zones, months and weekdays of expressions, written and read by the layouts of Go.

A layout shows how the time 2006-01-02 15:04:05 would be written.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from salt_o2.workflow.expressions.values import Attributes, Duration, Refused, shown

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_SECOND = 1_000_000_000
MOST_LAYOUT = 1_000
"""Characters of a layout."""
MOST_DURATION = 200
"""Characters of a duration."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": _SECOND}
_UNITS |= {"m": 60 * _SECOND, "h": 3600 * _SECOND}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_LAYOUT = re.compile(
    r"January|Jan|Monday|Mon|2006|Z07:00|-07:00|-0700|MST|-07|15|01|02|03|04|05|06|_2|PM|pm|[.,](?:0+|9+)(?!\d)|1|2|3|4|5"
)
LAYOUTS = (
    "2006-01-02",
    "15:04:05",
    "2006-01-02 15:04:05",
    "2006-01-02T15:04:05Z07:00",
    "02 Jan 06 15:04 MST",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
)
"""The layouts that ``date`` tries if it is given none."""


@dataclass(frozen=True, slots=True)
class LOCATION:
    """A time zone."""

    name: str
    zone: tzinfo

    def __str__(self) -> str:
        """Return the name of the zone."""
        return self.name


UTC_ZONE = LOCATION("UTC", UTC)


@dataclass(frozen=True, slots=True)
class Named:
    """A month or a day of the week, which prints as its name."""

    type_name: str
    number: int
    name: str

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class Time(Attributes):
    """A moment in a time zone, in nanoseconds since 1970."""

    __slots__ = ("location", "moment", "nanoseconds")
    type_name = "time.Time"

    def __init__(self, nanoseconds: int, location: LOCATION = UTC_ZONE) -> None:
        """Set the moment."""
        self.nanoseconds = nanoseconds
        self.location = location
        try:
            utc = _EPOCH + timedelta(seconds=nanoseconds // _SECOND)
            self.moment = utc.astimezone(location.zone)
        except (OverflowError, ValueError) as error:
            raise Refused("a time outside the years 1 to 9999") from error

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same moment, in whatever zone."""
        return isinstance(other, Time) and self.nanoseconds == other.nanoseconds

    def __hash__(self) -> int:
        """Return a hash of the moment."""
        return hash(self.nanoseconds)

    def __lt__(self, other: "Time") -> bool:
        """Return whether it is before ``other``."""
        return self.nanoseconds < other.nanoseconds

    def __le__(self, other: "Time") -> bool:
        """Return whether it is not after ``other``."""
        return self.nanoseconds <= other.nanoseconds

    def __str__(self) -> str:
        """Return it as Go prints it."""
        return self.format("2006-01-02 15:04:05.999999999 -0700 MST")

    def __getattr__(self, name: str) -> Any:
        """Return the method ``name``."""
        method = METHODS.get(name)
        if method is None:
            raise AttributeError(name)
        return lambda *arguments: method(self, *arguments)

    @property
    def fields(self) -> frozenset[str]:  # type: ignore[override]
        """The methods that an expression may call."""
        return frozenset(METHODS)

    def moved(self, by: Duration) -> "Time":
        """Return the time later by a duration."""
        return Time(self.nanoseconds + by.nanoseconds, self.location)

    def since(self, other: "Time") -> Duration:
        """Return how long after ``other`` it is."""
        return Duration(self.nanoseconds - other.nanoseconds)

    def format(self, layout: str) -> str:
        """Return it in a layout of Go."""
        return _LAYOUT.sub(lambda found: self._written(found.group()), _bounded(layout))

    def _written(self, element: str) -> str:
        moment = self.moment
        offset = moment.utcoffset() or timedelta()
        fraction = self.nanoseconds % _SECOND
        if element[0] in ".,":
            digits = f"{fraction:09d}"[: len(element) - 1]
            if element[1] == "9":
                digits = digits.rstrip("0")
            return f"{element[0]}{digits}" if digits else ""
        minutes = int(offset.total_seconds()) // 60
        sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
        hour = moment.hour % 12 or 12
        written: dict[str, Callable[[], str]] = {
            "2006": lambda: f"{moment.year:04d}",
            "06": lambda: f"{moment.year % 100:02d}",
            "January": lambda: _MONTHS[moment.month - 1],
            "Jan": lambda: _MONTHS[moment.month - 1][:3],
            "01": lambda: f"{moment.month:02d}",
            "1": lambda: str(moment.month),
            "Monday": lambda: _DAYS[moment.isoweekday() % 7],
            "Mon": lambda: _DAYS[moment.isoweekday() % 7][:3],
            "02": lambda: f"{moment.day:02d}",
            "_2": lambda: f"{moment.day:2d}",
            "2": lambda: str(moment.day),
            "15": lambda: f"{moment.hour:02d}",
            "03": lambda: f"{hour:02d}",
            "3": lambda: str(hour),
            "04": lambda: f"{moment.minute:02d}",
            "4": lambda: str(moment.minute),
            "05": lambda: f"{moment.second:02d}",
            "5": lambda: str(moment.second),
            "PM": lambda: "PM" if moment.hour >= 12 else "AM",
            "pm": lambda: "pm" if moment.hour >= 12 else "am",
            "MST": lambda: moment.tzname() or "UTC",
            "Z07:00": lambda: f"{sign}{minutes // 60:02d}:{minutes % 60:02d}" if minutes else "Z",
            "-07:00": lambda: f"{sign}{minutes // 60:02d}:{minutes % 60:02d}",
            "-0700": lambda: f"{sign}{minutes // 60:02d}{minutes % 60:02d}",
            "-07": lambda: f"{sign}{minutes // 60:02d}",
        }
        return written[element]()


def parse_duration(text: str) -> Duration:
    """Return the duration that ``text`` spells, as ``1h30m``.

    Raises:
        Refused: if it spells none.
    """
    if len(text) > MOST_DURATION:
        raise Refused(f"a duration of more than {MOST_DURATION} characters")
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    parts = _DURATION.findall(rest)
    if rest == "0":
        return Duration(0)
    if not parts or "".join(number + unit for number, unit in parts) != rest:
        raise Refused(f"{text!r} is no duration, as 1h30m or 500ms")
    total = 0
    for number, unit in parts:
        whole, _, fraction = number.partition(".")
        total += int(whole or 0) * _UNITS[unit]
        total += int(fraction or 0) * _UNITS[unit] // 10 ** len(fraction)
    if total >= 2**63:
        raise Refused(f"{text!r} is too long a duration")
    return Duration(sign * total)


def location(name: str) -> LOCATION:
    """Return the time zone called ``name``.

    Raises:
        Refused: if there is none.
    """
    if name in ("", "UTC"):
        return UTC_ZONE
    try:
        return LOCATION(name, ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Refused(f"{name!r} is no time zone") from error


def read(text: str, layout: str, zone: LOCATION = UTC_ZONE) -> Time:
    """Return the time that ``text`` spells in a layout of Go.

    Raises:
        Refused: if it does not fit the layout.
    """
    found: dict[str, str] = {}
    at = last = 0
    for element in _LAYOUT.finditer(_bounded(layout)):
        at = _past(text, at, layout[last : element.start()], layout)
        matched = _PATTERNS.get(element.group(), _FRACTION).match(text, at)
        if matched is None:
            raise _unlike(text, layout)
        found[element.group()] = matched.group()
        at, last = matched.end(), element.end()
        if element.group() == "05" and not _LAYOUT.match(layout, last):
            fraction = _FRACTION.match(text, at)
            at = fraction.end() if fraction else at
    if _past(text, at, layout[last:], layout) != len(text):
        raise _unlike(text, layout)
    try:
        return _made(found, zone)
    except (ValueError, OverflowError) as error:
        raise Refused(f"{shown(text)} is no time: {error}") from error


def _past(text: str, at: int, between: str, layout: str) -> int:
    if not text.startswith(between, at):
        raise _unlike(text, layout)
    return at + len(between)


def _unlike(text: str, layout: str) -> Refused:
    return Refused(f"{shown(text)} is no time written as {shown(layout)}")


def _bounded(layout: str) -> str:
    if len(layout) > MOST_LAYOUT:
        raise Refused(f"a layout of more than {MOST_LAYOUT:,} characters")
    return layout


_FRACTION = re.compile(r"[.,]\d+", re.ASCII)
_PATTERNS = {
    "2006": re.compile(r"(\d{4})", re.ASCII),
    "06": re.compile(r"(\d\d)", re.ASCII),
    "January": re.compile(f"({'|'.join(_MONTHS)})", re.ASCII),
    "Jan": re.compile(f"({'|'.join(name[:3] for name in _MONTHS)})", re.ASCII),
    "01": re.compile(r"(\d\d)", re.ASCII),
    "1": re.compile(r"(\d\d?)", re.ASCII),
    "Monday": re.compile(f"({'|'.join(_DAYS)})", re.ASCII),
    "Mon": re.compile(f"({'|'.join(name[:3] for name in _DAYS)})", re.ASCII),
    "02": re.compile(r"(\d\d)", re.ASCII),
    "_2": re.compile(r"( ?\d\d?)", re.ASCII),
    "2": re.compile(r"(\d\d?)", re.ASCII),
    "15": re.compile(r"(\d\d)", re.ASCII),
    "03": re.compile(r"(\d\d)", re.ASCII),
    "3": re.compile(r"(\d\d?)", re.ASCII),
    "04": re.compile(r"(\d\d)", re.ASCII),
    "4": re.compile(r"(\d\d?)", re.ASCII),
    "05": re.compile(r"(\d\d)", re.ASCII),
    "5": re.compile(r"(\d\d?)", re.ASCII),
    "PM": re.compile("(AM|PM)", re.ASCII),
    "pm": re.compile("(am|pm)", re.ASCII),
    "MST": re.compile("([A-Z]{3,4}|[+-]\\d\\d)", re.ASCII),
    "Z07:00": re.compile(r"(Z|[+-]\d\d:\d\d)", re.ASCII),
    "-07:00": re.compile(r"([+-]\d\d:\d\d)", re.ASCII),
    "-0700": re.compile(r"([+-]\d{4})", re.ASCII),
    "-07": re.compile(r"([+-]\d\d)", re.ASCII),
}


def _made(found: dict[str, str], zone: LOCATION) -> Time:
    def number(*names: str) -> int | None:
        return next((int(found[name]) for name in names if name in found), None)

    year = number("2006")
    short = number("06")
    if year is None and short is not None:
        year = short + (1900 if short >= 69 else 2000)
    month = number("01", "1")
    for name, length in (("January", None), ("Jan", 3)):
        if name in found:
            month = [each[:length] for each in _MONTHS].index(found[name]) + 1
    hour = number("15", "03", "3") or 0
    half = found.get("PM", found.get("pm", "")).upper()
    if half:
        hour = hour % 12 + (12 if half == "PM" else 0)
    offset = next((found[name] for name in ("Z07:00", "-07:00", "-0700", "-07") if name in found), "")
    place = _fixed(offset) if offset else zone
    moment = datetime(
        1 if year is None else year,
        month or 1,
        number("02", "_2", "2") or 1,
        hour,
        number("04", "4") or 0,
        number("05", "5") or 0,
        tzinfo=place.zone,
    )
    elapsed = moment.astimezone(UTC) - _EPOCH
    return Time((elapsed.days * 86_400 + elapsed.seconds) * _SECOND, place)


def _fixed(offset: str) -> LOCATION:
    if offset == "Z":
        return UTC_ZONE
    digits = offset[1:].replace(":", "").ljust(4, "0")
    minutes = (int(digits[:2]) * 60 + int(digits[2:])) * (-1 if offset[0] == "-" else 1)
    if not minutes:
        return UTC_ZONE
    return LOCATION("", timezone(timedelta(minutes=minutes), offset.replace(":", "")))


def _month(time: Time) -> Named:
    return Named("time.Month", time.moment.month, _MONTHS[time.moment.month - 1])


def _weekday(time: Time) -> Named:
    day = time.moment.isoweekday() % 7
    return Named("time.Weekday", day, _DAYS[day])


METHODS: dict[str, Callable[..., Any]] = {
    "Year": lambda time: time.moment.year,
    "Month": _month,
    "Day": lambda time: time.moment.day,
    "Hour": lambda time: time.moment.hour,
    "Minute": lambda time: time.moment.minute,
    "Second": lambda time: time.moment.second,
    "Nanosecond": lambda time: time.nanoseconds % _SECOND,
    "Weekday": _weekday,
    "YearDay": lambda time: time.moment.timetuple().tm_yday,
    "Unix": lambda time: time.nanoseconds // _SECOND,
    "UnixMilli": lambda time: time.nanoseconds // 1_000_000,
    "UnixMicro": lambda time: time.nanoseconds // 1_000,
    "UnixNano": lambda time: time.nanoseconds,
    "UTC": lambda time: Time(time.nanoseconds),
    "In": lambda time, zone: Time(time.nanoseconds, zone),
    "Location": lambda time: time.location,
    "Format": lambda time, layout: time.format(layout),
    "String": str,
    "Add": lambda time, duration: time.moved(duration),
    "Sub": lambda time, other: time.since(other),
    "Before": lambda time, other: time < other,
    "After": lambda time, other: other < time,
    "Equal": lambda time, other: time == other,
}
"""The methods of a time that expressions may call."""
