"""One transition under way: who asked, from where to where, what is left to do, what went wrong."""

from collections import deque
from dataclasses import dataclass, field

from salt_o2.core.agenda import Stage
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.inputs import Requested
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, TaskState
from salt_o2.core.tasks.orders import Wave

NOBODY = Wave(goal=TaskState.DONE, tasks=())


@dataclass(slots=True, kw_only=True)
class Transition:
    """A transition of an environment."""

    event: EnvironmentEvent
    source: EnvironmentState
    target: EnvironmentState
    request: Requested
    """With this event first, and those to follow."""
    since: float
    stages: deque[Stage]
    waves: deque[Wave] = field(default_factory=deque)
    """What the tasks are still to be told, one wave after the other."""
    parting: Wave = NOBODY
    """Who leaves, with a modification, when all others are where they should be."""
    rested: int = 0
    """The revision of the last order to come to rest: who has not answered it does not rest."""
    kept: tuple[TaskId, ...] = ()
    """Tasks that rest and go to the pool instead of ending with the others, with the environment."""
    may_exclude: frozenset[TaskId] = frozenset()
    """Tasks that a modification excludes if they cannot join; others go by their recovery policies."""
    error: str = ""
    """What the answer will say went wrong, even if this transition goes well."""

    @property
    def rest(self) -> tuple[EnvironmentEvent, ...]:
        """The events to follow."""
        return self.request.events[1:]

    @property
    def forgives(self) -> bool:
        """Whether failures are noted and not acted upon: on the way to the end, or to ERROR."""
        return self.event in (EnvironmentEvent.EXIT, EnvironmentEvent.GO_ERROR)
