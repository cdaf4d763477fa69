"""Transition table of a control mode: moves, and the moves that carry out an event from a state."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from salt_o2.core.states import TaskEvent, TaskState


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a process: ``event`` requested in ``source`` leads to ``target``."""

    event: str
    source: str
    target: str
    with_arguments: bool = False
    """Whether the arguments of the task's transition go with this step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionTable:
    """How processes of one control mode are driven. An event that is not in ``walks`` is never sent."""

    ready: str
    """The state of a process that has just started."""
    task_states: Mapping[str, TaskState]
    """The task state for each name of the process's state; other states are between two task states."""
    goals: Mapping[TaskEvent, str]
    """The target state of each event."""
    walks: Mapping[TaskEvent, Mapping[str, tuple[Move, ...]]]
    """The steps of each event, from each state in which the event may start."""
    passing: frozenset[str] = field(default_factory=frozenset)
    """States that the process leaves without a request."""
    rollback: Mapping[str, Move] = field(default_factory=dict)
    """The step that leads back from the state in which a failed CONFIGURE stopped."""
    worn_from: frozenset[str] = field(default_factory=frozenset)
    """States whose only way back breaks the process: from there on the process can only be ended."""

    pushes_properties: bool = False
    """Whether the arguments of CONFIGURE become properties of a FairMQ device, with its pitfalls."""

    def task_state(self, state: str) -> TaskState:
        """Return the task state of ``state``; UNKNOWN for states in between and for unrecognised names."""
        return self.task_states.get(state, TaskState.UNKNOWN)

    def allowed(self, state: str) -> tuple[str, ...]:
        """Return the events that may start in ``state``."""
        return tuple(event.value for event, walks in self.walks.items() if state in walks)
