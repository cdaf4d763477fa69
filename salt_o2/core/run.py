"""What START and STOP push to every task (AliECS `core/environment/transition_st*activity.go`)."""

from collections.abc import Mapping

FILL_INFO = ("fill_number", "filling_scheme", "beam_type", "stable_beams_start_ms", "stable_beams_end_ms")
PASSED_ON = ("run_type", "lhc_period", "pdp_beam_type", "pdp_override_run_start_time", "original_run_number")


def start_arguments(variables: Mapping[str, str], run_number: int, at: float, cleanup: int) -> dict[str, str]:
    """Return START's arguments in both spellings; ``at`` in seconds, ``cleanup`` counts earlier starts."""
    snake = _fill_info(variables)
    snake |= {name: variables[name] for name in PASSED_ON if name in variables}
    snake |= {"run_number": str(run_number), "run_start_time_ms": _milliseconds(at), "run_end_time_ms": ""}
    return _both_spellings(snake) | {"cleanup": str(cleanup)}


def stop_arguments(variables: Mapping[str, str], at: float) -> dict[str, str]:
    """Return STOP's arguments in both spellings; ``at`` is the end of the run in seconds."""
    return _both_spellings(_fill_info(variables) | {"run_end_time_ms": _milliseconds(at)})


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
