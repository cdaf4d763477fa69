"""Arguments that START and STOP pushed to the tasks of a run, read from the commands in the journal."""

from collections.abc import Iterable

import msgspec

from salt_o2.control.storage.journal import JournalEntry
from salt_o2.core.codec import typed
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.effects import SendCommand
from salt_o2.core.states import TaskState

Arguments = dict[str, str]


def pushed(lines: Iterable[JournalEntry], run_number: int) -> tuple[Arguments, Arguments]:
    """Return the arguments that began and ended a run, in both spellings; empty if none were pushed.

    ``lines`` are the commands of its environment since its beginning.
    """
    start: Arguments = {}
    for line in lines:
        command = typed(msgspec.json.decode(line.body), SendCommand).command
        number = command.arguments.get("run_number")
        if number == str(run_number):
            start = start or command.arguments
        elif start and number:
            break  # the next run has begun
        elif start and _ends_a_run(command):
            return start, command.arguments
    return start, {}


def _ends_a_run(command: Command) -> bool:
    """Return whether ``command`` is STOP, not the stop of single tasks while the run continues."""
    return command.goal is TaskState.CONFIGURED and "run_end_time_ms" in command.arguments
