"""What the course of an environment (core/course.py) leaves to the layers of the machine above it."""

from salt_o2.core.agenda import Stage
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.effects import Effect
from salt_o2.core.messages.reports import Failure


class Above:
    """Acts that the course calls, each written in the layer that knows how."""

    def _enact(self, stage: Stage, at: float) -> list[Effect]:
        """Begin one stage."""
        raise NotImplementedError

    def _hooks_failed(self, reason: str, critical: bool, at: float) -> list[Effect]:
        """Act on failed task hooks."""
        raise NotImplementedError

    def _part(self, at: float) -> list[Effect]:
        """Let go of who leaves by a modification."""
        raise NotImplementedError

    def _is_needed(self, task: TaskId) -> bool:
        """Return whether a modification is under way that must not go on without ``task``."""
        raise NotImplementedError

    def _go_by_policy(self, failures: dict[TaskId, Failure], at: float) -> list[Effect]:
        """Do what the recovery policies say about ``failures`` that no report names."""
        raise NotImplementedError

    def _take_out(self, failures: dict[TaskId, Failure], reason: str) -> list[Effect]:
        """Leave out what could not join by a modification."""
        raise NotImplementedError
