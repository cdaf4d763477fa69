"""Define how long control waits for tasks, and when it resends commands."""

from dataclasses import dataclass, field

from salt_o2.core.states import EnvironmentEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long control waits, in seconds, for the tasks in each transition (AliECS A1.4, A2.4)."""

    by_event: dict[EnvironmentEvent, float] = field(
        default_factory=lambda: {
            EnvironmentEvent.DEPLOY: 90.0,
            EnvironmentEvent.CONFIGURE: 120.0,
            EnvironmentEvent.START_ACTIVITY: 90.0,
            EnvironmentEvent.STOP_ACTIVITY: 90.0,
            EnvironmentEvent.RESET: 90.0,
            EnvironmentEvent.RECOVER: 120.0,
            EnvironmentEvent.EXIT: 30.0,
            EnvironmentEvent.GO_ERROR: 10.0,
            EnvironmentEvent.MODIFY: 120.0,
        }
    )
    acknowledge: float = 1.0
    """After this time, control resends the command to a silent host as a Salt job."""
    margin: float = 5.0
    """How much longer than the limit of its tasks control waits, so that the agent's reason comes first."""
    gather: float = 0.5
    """How long control waits for further failures after the first one, so that one message names them all."""
