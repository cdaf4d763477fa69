"""Values of users in the shell text of a task: none of them may become program text.

A task with ``shell: true`` runs the text of its template with values in it. The author decides what runs: the
values of the author and of the site may hold any shell syntax. A user chooses values only. A value with
characters that a shell reads as program is refused in such a text, also if it gets there by other variables,
iterators and functions that take it apart or change it; ``command.env`` takes it as it is.
"""

import json
from collections.abc import Iterator

from salt_o2.workflow.expressions.evaluation.expression import Expression
from salt_o2.workflow.expressions.evaluation.value_flow import flow_of
from salt_o2.workflow.variables.stack import Block, Layer, Stack
from salt_o2.workflow.variables.user_variables import is_of_user

PROGRAM = frozenset("'\"`$\\;&|<>()\n\r")
"""What a shell reads as more than a part of a word (POSIX.1-2017, 2.2 and 2.10); blanks only part words."""
_PLACES = frozenset(("This", "Parent", "Up", "this", "parent", "up"))
"""Functions whose values have names of roles, which a template may compute from any variable."""


def program_of_user(
    value: str, expression: Expression, stack: Stack, program: frozenset[str] = PROGRAM
) -> tuple[str, str]:
    """Return the variable of a user that would be program in the text ``value``, and its characters.

    Both are empty if there is none. ``value`` is that of ``expression`` with the variables in ``stack``;
    ``program`` are the characters that are more than a part of a word, for a shell if not said otherwise.
    """
    signs = program.intersection(value)
    if not signs:
        return "", ""
    name, own = contained_program(value, stack, program)
    if name:
        return name, own
    given = list(_given_by_user(stack))
    is_used = any(map(is_of_user, stack.layers))
    source = _source(expression, stack, given, signs, program) if is_used else ""
    return (source, _listed(signs)) if source else ("", "")


def contained_program(value: str, stack: Stack, program: frozenset[str] = PROGRAM) -> tuple[str, str]:
    """Return the variable of a user that stands in ``value``, or one of its words, if it has ``program``.

    Both results are empty if there is none; the second one has the characters.
    """
    for name, text in _given_by_user(stack):
        own = program.intersection(text)
        if own and (text in value or any(word in value for word in _words(text, program))):
            return name, _listed(own)
    return "", ""


def _listed(signs: frozenset[str]) -> str:
    return " ".join(map(repr, sorted(signs)))


def _source(
    expression: Expression,
    stack: Stack,
    given: list[tuple[str, str]],
    signs: frozenset[str],
    program: frozenset[str],
) -> str:
    """Return a variable of a user of which a part can stand in the value of ``expression``; "" if none.

    A value without signs of a shell matters only if it is decoded.
    """
    todo, done = [(expression, stack, False)], set[tuple[int, str, bool]]()
    while todo:
        current, at, decoded = todo.pop()
        flow = flow_of(current)
        decoded = decoded or flow.decodes
        many = bool(flow.computes_names or flow.endings)
        for name in sorted({each for each in at.given() if flow.reads(each)} if many else flow.names):
            layer = at.layer_of(name)
            if layer is None:
                found = _of_the_site(given, signs) if name in at.services or name in _PLACES else ""
                if found:
                    return found
                continue
            if (id(layer), name, decoded) in done:
                continue
            done.add((id(layer), name, decoded))
            if not decoded and program.isdisjoint(str(layer[name])):
                continue
            if is_of_user(layer):
                if not _is_said(name, layer[name], [each for each in at.layers if not is_of_user(each)]):
                    return name
            elif isinstance(layer, Block) and layer.seen is not None and name in layer.written:
                seen = layer.seen
                todo += [(each, seen, decoded) for each in layer.written[name].expressions]
    return ""


def _of_the_site(given: list[tuple[str, str]], signs: frozenset[str]) -> str:
    """Return the variable that an entry of the configuration or the name of a role may have in it.

    Such texts can have each variable in them, so that one sign which both have is enough.
    """
    return next((name for name, text in given if not signs.isdisjoint(_entries(text))), "")


def _entries(text: str) -> str:
    """Return a text; of a JSON list its entries, without its own quotes and commas."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return "".join(map(str, found)) if isinstance(found, list) else text


def _words(given: str, program: frozenset[str]) -> list[str]:
    """Return the words of a value that have such characters: a template may take a value apart."""
    return [word for word in given.split() if not program.isdisjoint(word)]


def _given_by_user(stack: Stack) -> Iterator[tuple[str, str]]:
    """Return the values of users that are not also what the author or the site says."""
    own = [layer for layer in stack.layers if is_of_user(layer)]
    others = [layer for layer in stack.layers if not is_of_user(layer)]
    for layer in own:
        yield from ((name, str(given)) for name, given in layer.items() if not _is_said(name, given, others))


def _is_said(name: str, given: object, layers: list[Layer]) -> bool:
    """Return whether the author or the site says the same, as it is written: not by an expression."""
    return any(layer.get(name) == given and not _is_computed(name, layer) for layer in layers)


def _is_computed(name: str, layer: Layer) -> bool:
    return isinstance(layer, Block) and name in layer.written and any(layer.written[name].expressions)
