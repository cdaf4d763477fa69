"""Check a command against all rules."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from salt_o2.core.errors import InvalidRequestError, O2Error
from salt_o2.device.conformance import data_flow, errors, options, refusals, states, streams, termination
from salt_o2.device.conformance.device_under_test import Deviation, Trial

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
LIMIT_S = 60.0
"""Time limit for one rule, in seconds. A device that needs longer violates the rule."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether one rule holds under one codec. ``detail`` says what was observed if it does not."""

    name: str
    ok: bool
    detail: str = ""


def check(command: Sequence[str]) -> Iterator[Finding]:
    """Check ``command`` against every rule and yield each finding.

    The command runs as under an agent, with ``--id``, ``--session``, ``-P``, ``--color`` and
    ``--control-port`` appended. A ``-P`` in the command is kept; otherwise both codecs are checked. The
    channels come from the command's ``--channel-config``; without one, the usual channels of its kind are
    used (see ``device_under_test.usual_channels``).

    Raises:
        InvalidRequestError: if the command does not exist.
    """
    if not command:
        raise InvalidRequestError("no command to check: give one after --")
    if shutil.which(command[0]) is None:
        raise InvalidRequestError(f"there is no command {command[0]}")
    for codec in _codecs(command):
        for rule in rules_for(codec):
            yield check_rule(rule, command, codec)


def rules_for(codec: str) -> tuple[Rule, ...]:
    """Return all rules for a device that uses ``codec``."""
    return RULES + OCCLITE_RULES if codec == "OCClite" else RULES


def check_rule(rule: Rule, command: Sequence[str], codec: str) -> Finding:
    """Check one rule. Leave no process of the command running."""
    name = f"{codec}: {(rule.__doc__ or rule.__name__).splitlines()[0]}"
    try:
        asyncio.run(_within_limit(rule, command, codec))
    except Deviation as deviation:
        return Finding(name, False, str(deviation))
    except TimeoutError:
        return Finding(name, False, f"no end after {LIMIT_S:.0f} s")
    except (O2Error, OSError) as error:
        return Finding(name, False, f"{type(error).__name__}: {error}")
    return Finding(name, True)


async def _within_limit(rule: Rule, command: Sequence[str], codec: str) -> None:
    trial = Trial(command, codec)
    try:
        async with asyncio.timeout(LIMIT_S):
            await rule(trial)
    finally:
        await trial.clean_up()


def _codecs(command: Sequence[str]) -> tuple[str, ...]:
    given = [codec for codec in ("OCClite", "OCC") if codec in " ".join(command).split()]
    return tuple(given) or ("OCClite", "OCC")
