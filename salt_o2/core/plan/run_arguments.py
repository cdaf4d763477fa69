"""Compute the arguments that START and STOP push to every task.

Source: AliECS `core/environment/transition_st*activity.go`.
"""

import re
from collections.abc import Mapping

from salt_o2.core.errors import InvalidRequestError

_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"([0-9]*\.?[0-9]+)(ms|h|m|s)")
FILL_INFO = ("fill_number", "filling_scheme", "beam_type", "stable_beams_start_ms", "stable_beams_end_ms")
PASSED_ON = ("run_type", "lhc_period", "pdp_beam_type", "pdp_override_run_start_time", "original_run_number")


def start_arguments(variables: Mapping[str, str], run_number: int, at: float, cleanup: int) -> dict[str, str]:
    """Return START's arguments in both spellings; ``at`` in seconds, ``cleanup`` counts earlier starts."""
    snake = _fill_info(variables)
    snake |= {name: variables[name] for name in PASSED_ON if name in variables}
    snake |= {"run_number": str(run_number), "run_start_time_ms": _milliseconds(at), "run_end_time_ms": ""}
    return _both_spellings(snake) | {"cleanup": str(cleanup)}


def stop_at(variables: Mapping[str, str], started: float) -> float | None:
    """Return when a run that ``started`` stops automatically, if it does (A1.7: auto-stop)."""
    if variables.get("auto_stop_enabled", "").lower() not in ("true", "1"):
        return None
    return started + seconds(variables.get("auto_stop_timeout", ""))


def seconds(duration: str) -> float:
    """Return a Go duration such as ``1m30s`` or ``500ms`` in seconds.

    Raises:
        InvalidRequestError: if it is no Go duration.
    """
    parts = _PART.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration.strip():
        raise InvalidRequestError(
            f"{duration!r} is not a duration: expected numbers with units h, m, s or ms, as in 1m30s"
        )
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def stop_arguments(variables: Mapping[str, str], at: float) -> dict[str, str]:
    """Return STOP's arguments in both spellings; ``at`` is the end of the run in seconds."""
    return _both_spellings(_fill_info(variables) | {"run_end_time_ms": end_time_ms(variables, at)})


def end_time_ms(variables: Mapping[str, str], at: float) -> str:
    """Return the end time of the run at ``at``; a clock that was put back does not make a run end early."""
    started = variables.get("run_start_time_ms", "")
    return str(max(int(at * 1000), int(started) if started.isdecimal() else 0))


def _fill_info(variables: Mapping[str, str]) -> dict[str, str]:
    names = (f"fill_info_{name}" for name in FILL_INFO)
    return {name: variables[name] for name in names if name in variables}


def _milliseconds(at: float) -> str:
    return str(int(at * 1000))


def _both_spellings(snake: dict[str, str]) -> dict[str, str]:
    return snake | {_camel(name): value for name, value in snake.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
