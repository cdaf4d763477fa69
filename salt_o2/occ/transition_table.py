"""What a table of a control mode consists of: moves, and which moves carry out an event from a state."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from salt_o2.core.states import TaskEvent, TaskState


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a process: ``event`` asked for in ``source`` leads to ``target``."""

    event: str
    source: str
    target: str
    with_arguments: bool = False
    """Whether the arguments of the task's transition go with this step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionTable:
    """How processes of one control mode are driven. Whatever is not in ``walks`` is never sent."""

    ready: str
    """The state of a process that has just started."""
    task_states: Mapping[str, TaskState]
    """What the process's word means; other states are between two of a task's."""
    goals: Mapping[TaskEvent, str]
    """Where each event leads."""
    walks: Mapping[TaskEvent, Mapping[str, tuple[Move, ...]]]
    """The steps of each event, from each state in which it may begin."""
    passing: frozenset[str] = field(default_factory=frozenset)
    """States that the process leaves by itself."""
    rollback: Mapping[str, Move] = field(default_factory=dict)
    """The step that leads back from where a failed CONFIGURE stopped."""
    worn_from: frozenset[str] = field(default_factory=frozenset)
    """States whose only way back breaks the process: from there on it is only good for its end."""

    pushes_properties: bool = False
    """Whether the arguments of CONFIGURE become properties of a FairMQ device, with its pitfalls."""

    def task_state(self, state: str) -> TaskState:
        """Return what ``state`` is to a task; UNKNOWN in between and for words never heard of."""
        return self.task_states.get(state, TaskState.UNKNOWN)

    def allowed(self, state: str) -> tuple[str, ...]:
        """Return the events that may begin in ``state``."""
        return tuple(event.value for event, walks in self.walks.items() if state in walks)
