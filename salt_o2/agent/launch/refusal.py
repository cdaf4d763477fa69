"""Why a launch was not tried."""

from salt_o2.core.errors import TaskError


class Refusal(TaskError):
    """A launch that was not tried; ``advice`` says what to do."""

    def __init__(self, reason: str, advice: str = "") -> None:
        self.advice = advice
        super().__init__(reason)
