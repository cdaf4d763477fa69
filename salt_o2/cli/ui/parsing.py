"""Parse command line input, before and after typer."""

import json
import re
from collections.abc import Sequence
from typing import TypeVar

from salt_o2.core.errors import InvalidRequestError

FLAGS = ("--json", "--nocolor")
VALUED = ("--control", "--server")
Value = TypeVar("Value")
DIGITS = 9
"""Maximum digits of a number of roles: Python itself refuses numbers of thousands of digits."""
_NAME = re.compile(r"[\w.-]+")
_TIME_OF_DAY = re.compile(r"\d?\d:\d\d(:\d\d(\.\d+)?)?")


def hoist(argv: Sequence[str]) -> list[str]:
    """Return ``argv`` with the global options in front, so they may be given before or after the verb.

    Arguments after ``--`` belong to another program's command line and stay in place.
    """
    own, foreign = _split(list(argv))
    front: list[str] = []
    rest: list[str] = []
    while own:
        word = own.pop(0)
        if word in FLAGS or word.startswith(tuple(f"{name}=" for name in VALUED)):
            front.append(word)
        elif word in VALUED and own:
            front += [word, own.pop(0)]
        else:
            rest.append(word)
    return [*front, *rest, *foreign]


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    at = argv.index("--") if "--" in argv else len(argv)
    return argv[:at], argv[at:]


def variables(given: Sequence[str]) -> dict[str, str]:
    """Return the variables of all ``-e`` options: each is ``k=v``, ``k=v,k2=v2``, or a JSON object.

    A comma starts the next variable only where a ``name=`` follows, so values may contain commas. Values
    that are not strings in JSON are passed on as JSON, which templates expect. A later option overrides an
    earlier one, so a script can have defaults.

    Raises:
        InvalidRequestError: if one is neither.
    """
    result: dict[str, str] = {}
    for text in given:
        result |= _from_json(text) if text.lstrip().startswith("{") else _from_pairs(text)
    return result


def _from_json(text: str) -> dict[str, str]:
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidRequestError(f"-e {text}: not JSON: {error}") from error
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def _from_pairs(text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    name = ""
    for part in text.split(","):
        before, equals, value = part.partition("=")
        if equals and _NAME.fullmatch(before.strip()):
            name = before.strip()
            pairs[name] = value
        elif name:
            pairs[name] += f",{part}"
        else:
            raise InvalidRequestError(
                f"-e {text}: expected NAME=VALUE, several separated by commas, or a JSON object"
            )
    return pairs


def scale(given: Sequence[str]) -> dict[str, int]:
    """Return the number of roles for each iterator: ``epn=20``, several separated by commas.

    Raises:
        InvalidRequestError: if one is not a name and a whole number, or a role is given twice.
    """
    pairs = _pairs("--scale", given, "ROLE=NUMBER")
    for name, number in pairs:
        if not (number.isascii() and number.isdigit() and len(number) <= DIGITS):
            raise InvalidRequestError(f"--scale {name}={number}: expected ROLE=NUMBER, as in epn=20")
    return {name: int(number) for name, number in _once("--scale", pairs).items()}


def move(given: Sequence[str]) -> dict[str, str]:
    """Return the requested host of each role's task: ``readout.sink=flp2``, several separated by commas.

    Raises:
        InvalidRequestError: if one is not a role and a host, or a role is given twice.
    """
    return _once("--move", _pairs("--move", given, "ROLE=HOST"))


def moment(option: str, given: str) -> str:
    """Return a time for control; a time of day such as ``11:21`` is the last one on this machine's clock.

    Raises:
        InvalidRequestError: if ``given`` is neither seconds, nor ISO 8601, nor a time of day.
    """
    if not given or given.replace(".", "", 1).isdigit():
        return given
    from datetime import datetime, timedelta

    try:
        if not _TIME_OF_DAY.fullmatch(given):
            return datetime.fromisoformat(given).astimezone().isoformat()
        now = datetime.now().astimezone()
        of_day = datetime.fromisoformat(f"2000-01-01T{given.zfill(5) if given[1] == ':' else given}").time()
    except ValueError:
        raise InvalidRequestError(
            f"{option} {given}: expected a time such as 2026-11-22T14:00:00, 14:00 or Unix time"
        ) from None
    # Without a time zone: an hour of another day may have another one.
    at = datetime.combine(now.date(), of_day)
    return (at if at.astimezone() <= now else at - timedelta(days=1)).astimezone().isoformat()


def channels(given: Sequence[str]) -> dict[str, str]:
    """Return the type of each channel of a device: ``data=push``, several separated by commas.

    Raises:
        InvalidRequestError: if one is not a name and a type of socket, or a channel is given twice.
    """
    from salt_o2.device.transport.channel_settings import TYPES

    pairs = _pairs("--channels", given, "NAME=TYPE")
    for name, kind in pairs:
        if kind not in TYPES:
            raise InvalidRequestError(f"--channels {name}={kind}: the types are {', '.join(TYPES)}")
    return _once("--channels", pairs)


def names(given: Sequence[str]) -> list[str]:
    """Return all names of a repeatable option that accepts several names separated by commas."""
    return [name.strip() for text in given for name in text.split(",") if name.strip()]


def _once(option: str, pairs: Sequence[tuple[str, Value]]) -> dict[str, Value]:
    """Return ``pairs`` as a dict; refuse duplicates, because the last would silently win."""
    found: dict[str, Value] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidRequestError(f"{option} has {name} twice: {found[name]} and {value}; give it once")
        found[name] = value
    return found


def _pairs(option: str, given: Sequence[str], form: str) -> list[tuple[str, str]]:
    pairs = []
    for text in names(given):
        name, _, value = (part.strip() for part in text.partition("="))
        if not name or not value:
            raise InvalidRequestError(f"{option} {text}: expected {form}")
        pairs.append((name, value))
    return pairs
