"""Check a command against all rules."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from salt_o2.core.errors import InvalidRequestError, O2Error
from salt_o2.device.conformance import data_flow, errors, options, refusals, states, streams, termination
from salt_o2.device.conformance.device_under_test import (
    Deviation,
    Subject,
    Trial,
    declared_channels,
    usual_channels,
)
from salt_o2.occ import fairmq_states as n

Rule = Callable[[Trial], Awaitable[None]]

RULES: tuple[Rule, ...] = (
    *options.RULES,
    *states.RULES,
    *refusals.RULES,
    *errors.RULES,
    *termination.RULES,
    *streams.RULES,
    *data_flow.RULES,
)
OCCLITE_RULES: tuple[Rule, ...] = (*states.OCCLITE_RULES, *refusals.OCCLITE_RULES)
SETTLE_S = 0.5
"""Seconds in RUNNING after which a device that uses an unknown channel has failed."""
LIMIT_S = 60.0
"""Time limit for one rule, in seconds. A device that needs longer violates the rule."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether one rule holds under one codec. ``detail`` says what was observed if it does not."""

    name: str
    ok: bool
    detail: str = ""


def check(command: Sequence[str], channels: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """Check ``command`` against every rule and yield each finding.

    If the device does not even reach RUNNING, the only finding says why.

    The command runs as under an agent, with ``--id``, ``--session``, ``-P``, ``--color`` and
    ``--control-port`` appended. A ``-P`` in the command is kept; otherwise both codecs are checked. The
    channels are ``channels``, by name with their types; else those of the command's ``--channel-config``;
    else those that the device prints for ``--print-channels``; else the usual ones of its kind (see
    ``device_under_test.usual_channels``).

    Raises:
        InvalidRequestError: if the command does not exist, or the types of its channels are not known.
    """
    if not command:
        raise InvalidRequestError("no command to check: give one after --")
    if shutil.which(command[0]) is None:
        raise InvalidRequestError(f"there is no command {command[0]}")
    codecs = _codecs(command)
    used = channels or declared_channels(command) or _asked(command, codecs[0]) or usual_channels(command)
    first = check_rule(reaches_running, command, codecs[0], used)
    if not first.ok:
        named = ", ".join(f"{name}={kind}" for name, kind in used.items())
        yield Finding(
            "the device cannot be checked",
            False,
            f"{first.detail}. It was started with the channels {named}: if it has others, give them with "
            "--channels NAME=TYPE,...",
        )
        return
    for codec in codecs:
        for rule in rules_for(codec):
            yield check_rule(rule, command, codec, used)


async def reaches_running(trial: Trial) -> None:
    """It reaches RUNNING with its channels, and stays there or goes back to READY."""
    device = trial.launch()
    try:
        await _run(device, trial)
    except Deviation as deviation:
        raise Deviation(device.error() or str(deviation)) from None


async def _run(device: Subject, trial: Trial) -> None:
    await device.ready()
    await device.configure(trial.properties())
    await device.go(n.READY, "RUN", n.RUNNING)
    await asyncio.sleep(SETTLE_S)
    if device.process.poll() is None and (state := await device.state()) in (n.RUNNING, n.READY):
        return
    code = device.process.poll()
    what = f"it ended with {code} in RUNNING" if code is not None else f"it is {state} after RUN"
    raise Deviation(f"{what}: {device.last_words()}")


def _asked(command: Sequence[str], codec: str) -> dict[str, str]:
    """Return the channels that the device prints, with their types; none if it prints none.

    Raises:
        InvalidRequestError: if their types are not known.
    """

    async def ask() -> list[tuple[str, str]]:
        trial = Trial(command, codec)
        try:
            return await trial.printed_channels()
        finally:
            await trial.clean_up()

    found, usual = dict(asyncio.run(ask())), usual_channels(command)
    types = {name: kind or usual.get(name, "") for name, kind in found.items()}
    if unknown := [name for name, kind in types.items() if not kind]:
        example = ",".join(f"{name}=push" for name in unknown)
        raise InvalidRequestError(
            f"the device has the channels {', '.join(found)}, and does not say the types of all: "
            f"give --channels, as in --channels {example}"
        )
    return types


def rules_for(codec: str) -> tuple[Rule, ...]:
    """Return all rules for a device that uses ``codec``."""
    return RULES + OCCLITE_RULES if codec == "OCClite" else RULES


def check_rule(
    rule: Rule, command: Sequence[str], codec: str, channels: Mapping[str, str] | None = None
) -> Finding:
    """Check one rule. Leave no process of the command running."""
    name = f"{codec}: {(rule.__doc__ or rule.__name__).splitlines()[0]}"
    try:
        asyncio.run(_within_limit(rule, Trial(command, codec, channels)))
    except Deviation as deviation:
        return Finding(name, False, str(deviation))
    except TimeoutError:
        return Finding(name, False, f"no end after {LIMIT_S:.0f} s")
    except (O2Error, OSError) as error:
        return Finding(name, False, f"{type(error).__name__}: {error}")
    return Finding(name, True)


async def _within_limit(rule: Rule, trial: Trial) -> None:
    try:
        async with asyncio.timeout(LIMIT_S):
            await rule(trial)
    finally:
        await trial.clean_up()


def _codecs(command: Sequence[str]) -> tuple[str, ...]:
    given = [codec for codec in ("OCClite", "OCC") if codec in " ".join(command).split()]
    return tuple(given) or ("OCClite", "OCC")
