"""Show users that a state is old, or not known any more, see control/views/staleness.py."""

from collections.abc import Sequence
from typing import Any

Plain = dict[str, Any]


def state(known: Plain) -> str:
    """Return the state of a task or role; if it is unknown now, with the last known state."""
    now, last = known["state"], known.get("last_state")
    return f"{now} (was {last})" if last and last != now else str(now)


def seen(known: Plain) -> str:
    """Return how long ago the state of a task was confirmed."""
    age_s = known.get("age_s")
    return "" if age_s is None else f"{age_s:.1f} s ago"


def environment_state(env: Plain) -> str:
    """Return the state of an environment, how much of it is excluded, and how much is unknown."""
    unknown, excluded = env.get("unknown"), env.get("tasks_excluded")
    notes = [f"{excluded} of {env['tasks_planned']} excluded"] if excluded else []
    notes += [f"{unknown} of {env.get('tasks_total')} tasks unknown"] if unknown else []
    return f"{env['state']} ({', '.join(notes)})" if notes else str(env["state"])


def unconfirmed(env: Plain) -> str | None:
    """Return for each host its unknown tasks and the reason; ``None`` if all states are known."""
    return "\n".join(f"{host}: {why}" for host, why in (env.get("unconfirmed") or {}).items()) or None


def below(role: Plain) -> str:
    """Return the number of unknown tasks below a role, in brackets; empty if all are known."""
    unknown = role.get("unknown") if role.get("roles") else 0
    return f" ({unknown} unknown)" if unknown else ""


def outcomes(hosts: Sequence[Plain]) -> str:
    """Return the results of a request about hosts, one a line."""
    return "\n".join(f"{host['id']} is {host['status'] or 'unknown'}: {host['outcome']}" for host in hosts)
