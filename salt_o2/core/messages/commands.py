"""Define the messages of control to agents. Values only; they are converted by core/codec.py.

Orders are level-triggered: an order names the state that its task should reach, and may be repeated or lost.
An agent follows the highest revision that it has received for each task. A report names the state that a task
has. Reports of one agent are numbered, so control detects a gap and requests a survey.

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
    """The state that one task should reach: ``goal`` is STANDBY, CONFIGURED, RUNNING or DONE."""

    task: TaskId
    launch: Launch | None = None
    """Given if the agent may have to start the task; the agent stores it."""
    properties: dict[str, str] | None = None
    """The properties that CONFIGURE pushes; given with the goal CONFIGURED. The agent stores them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """All orders of one environment to one host, at one revision."""

    host: HostId
    environment: EnvironmentId
    revision: int
    goal: TaskState
    orders: tuple[Order, ...]
    arguments: dict[str, str] = field(default_factory=dict)
    """The arguments that START or STOP pushes to every task (run number, times)."""
    timeout_s: float = 90.0
    """How long each task may take, in seconds; then the agent kills it and reports the failure."""
    unreadable: dict[TaskId, str] = field(default_factory=dict)
    """Orders that the agent could not read (core/messages/command_parsing.py), and why; never sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRequest:
    """Request a survey of one agent: a full report of itself and all its tasks."""

    host: HostId


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Report to one agent whether control accepts it, see core/recovery/agent_instances.py."""

    host: HostId
    incarnation: str
    """The addressed agent; another agent of the same name ignores the notice."""
    refused: str = ""
    """Why control refuses the agent; empty if control accepts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Request data from one agent that only its host has; the host does not change."""

    host: HostId
    id: str
    """The answer repeats this id; a repeated question has the same id."""
    verb: str
    arguments: tuple[Any, ...] = ()


Downward = Command | SurveyRequest | Notice | Question
"""The messages of control to agents."""
