"""Compute the values of iterators; an iterator makes one role for each value."""

import json
from collections.abc import Iterable, Mapping

from salt_o2.workflow.expressions.rendering import text_of
from salt_o2.workflow.limits import ITERATIONS
from salt_o2.workflow.problems import Problems
from salt_o2.workflow.templates.role_template import Loop, RoleTemplate
from salt_o2.workflow.templates.text import Text, rendered
from salt_o2.workflow.variables.stack import Stack


class Iterations:
    """The values of the iterators of one workflow.

    ``scale`` has the requested number of instances of some iterators, by the part of their names before the
    iterator's variable, with or without the path above it.
    """

    def __init__(self, problems: Problems, scale: Mapping[str, int]) -> None:
        self.unmet = dict(scale)
        """The entries of ``scale`` that no iterator has used yet."""
        self._problems = problems
        self._scale = dict(scale)

    def values(self, template: RoleTemplate, loop: Loop, stack: Stack, path: str) -> Iterable[str]:
        """Return the values of ``loop``, evaluated with ``stack`` of the parent role at ``path``."""
        return self._scaled(template, loop, path, self._written(loop, stack, path))

    def _scaled(self, template: RoleTemplate, loop: Loop, above: str, values: Iterable[str]) -> Iterable[str]:
        """Return the requested number of values of this iterator: numbers continue, lists are cut."""
        first_part = template.name.parts[0] if template.name.parts else ""
        prefix = first_part if isinstance(first_part, str) else ""
        name = next((name for name in (f"{above}.{prefix}", prefix) if name in self._scale), None)
        if name is None:
            return values
        self.unmet.pop(name, None)
        wanted, known = self._scale[name], list(values)
        if wanted > ITERATIONS:
            what = f"cannot be scaled to {wanted:,}: an iterator makes at most {ITERATIONS:,} roles"
            self._problems.add(template.place, above, what)
            return known
        if not loop.range and known:
            first = int(known[0])
            return map(str, range(first, first + wanted))
        if wanted > len(known):
            what = f"cannot be scaled to {wanted}: its range has {len(known)} values"
            self._problems.add(template.place, above, what)
        return known[:wanted]

    def _written(self, loop: Loop, stack: Stack, path: str) -> Iterable[str]:
        if loop.range:
            return self._listed(loop.range, stack, path)
        begin, end = self._integer(loop.begin, stack, path), self._integer(loop.end, stack, path)
        if begin is None or end is None:
            return ()
        if end - begin >= ITERATIONS:
            self._problems.add(
                loop.place, path, f"an iterator from {begin} to {end} makes more than {ITERATIONS:,} roles"
            )
            return ()
        return map(str, range(begin, end + 1))

    def _integer(self, text: Text | None, stack: Stack, path: str) -> int | None:
        value = rendered(text, stack, path, self._problems) if text else None
        if text is None or value is None:
            return None
        try:
            return int(value)
        except ValueError:
            self._problems.add(
                text.place, path, f"begin and end of an iterator are whole numbers, not {value[:80]!r}"
            )
            return None

    def _listed(self, text: Text, stack: Stack, path: str) -> Iterable[str]:
        value = rendered(text, stack, path, self._problems)
        if value is None:
            return ()
        try:
            values = json.loads(value)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, list) or any(isinstance(each, list | dict) for each in values):
            self._problems.add(text.place, path, f"range must be a JSON list of texts, not {value[:80]!r}")
            return ()
        if len(values) > ITERATIONS:
            self._problems.add(text.place, path, f"an iterator over more than {ITERATIONS:,} values")
            return ()
        return map(text_of, values)
