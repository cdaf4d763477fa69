"""Turn order batches into commands, each batch under the next revision."""

from collections.abc import Iterable

from salt_o2.core.environment.model import EnvironmentModel
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.effects import Effect, SendCommand
from salt_o2.core.states import EnvironmentEvent
from salt_o2.core.tasks.orders import OrderBatch, commands_for


class CommandIssuer:
    """Issues all commands of one environment; only this component writes ``model.revision``."""

    def __init__(self, model: EnvironmentModel) -> None:
        """Issue commands for the environment of ``model``."""
        self._model = model

    def issue(self, batch: OrderBatch, event: EnvironmentEvent) -> list[Command]:
        """Return the commands of ``batch``, which may take as long as a transition of ``event``."""
        return self.issue_within(batch, self._model.timeouts.by_event[event])

    def issue_within(self, batch: OrderBatch, timeout_s: float) -> list[Command]:
        """Return the commands of ``batch``, which may take ``timeout_s`` seconds."""
        self._model.revision += 1
        return commands_for(batch, self._model.id, self._model.revision, timeout_s)

    def raise_revision(self, revision: int) -> None:
        """Issue all following commands above ``revision``: another owner ordered the same tasks under it."""
        self._model.revision = max(self._model.revision, revision)


def send_commands(commands: Iterable[Command]) -> list[Effect]:
    """Return the effects that send ``commands``."""
    return [SendCommand(command=command) for command in commands]
