"""Values of users in the shell text of a task: none of them may become program text.

A task with ``shell: true`` runs the text of its template with values in it. The author decides what runs: the
values of the author and of the site may hold any shell syntax. A user chooses values only. A value with
characters that a shell reads as program is refused in such a text; ``command.env`` takes it as it is.
"""

from collections.abc import Iterator

from salt_o2.workflow.variables.stack import Layer, Stack
from salt_o2.workflow.variables.user_variables import is_of_user

PROGRAM = frozenset("'\"`$\\;&|<>()\n\r")
"""What a shell reads as more than a part of a word (POSIX.1-2017, 2.2 and 2.10); blanks only part words."""


def program_of_user(value: str, stack: Stack) -> tuple[str, str]:
    """Return the variable of a user that would be program in the shell text ``value``, and its characters.

    Both are empty if there is none. ``value`` is that of one expression.
    """
    if PROGRAM.isdisjoint(value):
        return "", ""
    for name, given in _given_by_user(stack):
        signs = PROGRAM.intersection(given)
        if signs and (given in value or any(word in value for word in _words(given))):
            return name, " ".join(map(repr, sorted(signs)))
    return "", ""


def _words(given: str) -> list[str]:
    """Return the words of a value that have such characters: a template may take a value apart."""
    return [word for word in given.split() if not PROGRAM.isdisjoint(word)]


def _given_by_user(stack: Stack) -> Iterator[tuple[str, str]]:
    """Return the values of users that are not also what the author or the site says."""
    own = [layer for layer in stack.layers if is_of_user(layer)]
    others = [layer for layer in stack.layers if not is_of_user(layer)]
    for layer in own:
        yield from ((name, str(given)) for name, given in layer.items() if not _is_said(name, given, others))


def _is_said(name: str, given: object, layers: list[Layer]) -> bool:
    return any(layer.get(name) == given for layer in layers)
