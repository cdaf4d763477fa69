"""The error of a launch that was refused."""

from salt_o2.core.errors import TaskError


class Refusal(TaskError):
    """A refused launch; ``advice`` says what to do."""

    def __init__(self, reason: str, advice: str = "") -> None:
        self.advice = advice
        super().__init__(reason)
