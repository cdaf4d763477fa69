"""What control and agents say to each other. Values only; they travel through core/codec.py.

Level, not edge: an order names the state that its task should reach, may be repeated or lost, and an agent
obeys the highest revision it has seen of each task. A report names the state that a task has; reports of
one agent are numbered, so control sees a gap and asks for a survey.

    control  --Command-->  agent      publish channel, or Salt job o2.deliver: whichever comes first
    control  --SurveyRequest-->  agent
    agent    --Report--->  control    request channel, one for all that changed in a short window
"""

from dataclasses import dataclass, field
from typing import Any

from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one task should be: ``goal`` is STANDBY, CONFIGURED, RUNNING or DONE."""

    task: TaskId
    launch: Launch | None = None
    """Given when the task may have to be started; the agent keeps it from then on."""
    properties: dict[str, str] | None = None
    """What CONFIGURE pushes; given with a CONFIGURED goal, kept from then on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """All orders of one environment to one host, at one revision."""

    host: HostId
    environment: EnvironmentId
    revision: int
    goal: TaskState
    orders: tuple[Order, ...]
    arguments: dict[str, str] = field(default_factory=dict)
    """What START or STOP pushes to every task (run number, times)."""
    timeout_s: float = 90.0
    """How long each task may take before the agent gives up on it, kills it, and says so."""
    unreadable: dict[TaskId, str] = field(default_factory=dict)
    """Orders that the agent could not read (core/messages/command_parsing.py), and why; never sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRequest:
    """Asks one agent for a survey: a full report of itself and all its tasks."""

    host: HostId


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Tells one agent whether control believes it, see core/recovery/agent_instances.py."""

    host: HostId
    incarnation: str
    """The agent that is meant; another one of the same name ignores the notice."""
    refused: str = ""
    """Why control refuses it; empty if control believes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Asks one agent for what only its host has; changes nothing there."""

    host: HostId
    id: str
    """What the answer names; a question that is repeated has the same."""
    verb: str
    arguments: tuple[Any, ...] = ()


Downward = Command | SurveyRequest | Notice | Question
"""What control says to agents."""
