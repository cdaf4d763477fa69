"""One transition under way: who asked, from where to where, what is left to do, what went wrong."""

from collections import deque
from dataclasses import dataclass, field

from salt_o2.core.agenda import Stage
from salt_o2.core.effects import Effect, Keep, Release, Requested
from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.orders import Wave
from salt_o2.core.states import EnvironmentEvent, EnvironmentState


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
    kept: tuple[TaskId, ...] = ()
    """Tasks that rest and go to the pool instead of ending with the others."""
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

    def parting(self, environment: EnvironmentId, revision: int) -> list[Effect]:
        """Return how an environment that has ended gives back what it took, but for what the pool gets."""
        effects: list[Effect] = []
        if self.kept:
            by = self.request.user
            effects.append(Keep(environment=environment, tasks=self.kept, revision=revision, user=by))
        return [*effects, Release(environment=environment)]
