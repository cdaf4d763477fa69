"""Make the leaves of the tree: task roles and call roles, from their templates and the roles above."""

from typing import NamedTuple

from salt_o2.core.placement.constraints import merged_constraints
from salt_o2.core.plan.channels import BoundChannel, ConnectedChannel
from salt_o2.core.states import ControlMode
from salt_o2.workflow.expansion.inheritance import InheritedScope, render_constraints
from salt_o2.workflow.expansion.known_calls import doubt
from salt_o2.workflow.expansion.task_rendering import check_outputs
from salt_o2.workflow.expansion.template_catalogue import TaskClasses, unknown_names
from salt_o2.workflow.expansion.timing import is_empty, moment_of, seconds_of
from salt_o2.workflow.expansion.workflow_tree import CallRole, TaskRole
from salt_o2.workflow.expressions.evaluation.expression import expression
from salt_o2.workflow.expressions.values import Open, Refused
from salt_o2.workflow.problems import Place, Problems
from salt_o2.workflow.templates.call_text import rendered_call
from salt_o2.workflow.templates.channel_template import (
    make_bound,
    make_connected,
    open_channels,
    render_channels,
)
from salt_o2.workflow.templates.role_template import CallTemplate, RoleTemplate, TaskLoad
from salt_o2.workflow.templates.task_template import TaskTemplate
from salt_o2.workflow.templates.text import Text, rendered
from salt_o2.workflow.variables.stack import Stack


class Wanted(NamedTuple):
    """A connection that a task requests."""

    path: str
    place: Place
    channel: ConnectedChannel


class Leaves:
    """Makes the leaves of one workflow, in the order of the tree."""

    def __init__(self, classes: TaskClasses, problems: Problems) -> None:
        self.tasks: list[TaskRole] = []
        self.calls: list[CallRole] = []
        self.wanted: list[Wanted] = []
        self._classes = classes
        self._problems = problems
        self._asked: set[str] = set()
        self._checked: set[tuple[int, int]] = set()
        self._checked_outputs: set[tuple[int, int]] = set()

    def task(
        self, template: RoleTemplate, load: TaskLoad, inner: InheritedScope, stack: Stack, path: str
    ) -> TaskRole | None:
        """Return the task role at ``path``, or ``None`` if it has a fault."""
        name = rendered(load.load, stack, path, self._problems)
        found = self._classes.find(name, inner.source, load.load.place, path) if name is not None else None
        if found is None:
            return None
        self._check_names(template, found, stack, path)
        is_hook = load.trigger is not None and not is_empty(load.trigger, stack, path)
        trigger = moment_of(load.trigger, stack, path, self._problems) if load.trigger and is_hook else None
        channels = self._channels(found, inner, stack, path) if not is_hook else ((), (), ())
        if channels is None or (is_hook and not trigger):
            return None
        bound, connected, open_here = channels
        own, left_open = render_constraints(found.constraints, stack, path, self._problems)
        leaf = TaskRole(
            path=path,
            place=template.place,
            template=found,
            critical=load.critical,
            constraints=merged_constraints(own, inner.constraints) if own else inner.constraints,
            bind=bound,
            connect=connected,
            stack=stack,
            trigger=trigger,
            timeout_s=seconds_of(load.timeout, stack, path, self._problems),
            ends_data=load.ends_data,
            left_open=(*inner.open_constraints, *left_open, *open_here),
        )
        self._check_end(load, leaf)
        self._check_outputs(template, leaf)
        self.tasks.append(leaf)
        return leaf

    def call(self, template: RoleTemplate, call: CallTemplate, stack: Stack, path: str) -> CallRole | None:
        """Return the call role at ``path``, or ``None`` if its function or its moment is not valid."""
        func = rendered_call(call.func, stack, path, self._problems)
        trigger = moment_of(call.trigger, stack, path, self._problems)
        awaited = call.until is not None and not is_empty(call.until, stack, path)
        until = moment_of(call.until, stack, path, self._problems) if call.until and awaited else trigger
        result = rendered(call.result, stack, path, self._problems) if call.result else ""
        timeout_s = seconds_of(call.timeout, stack, path, self._problems)
        if func is None or trigger is None or until is None or result is None:
            return None
        if not self._callable(func, call.func, path):
            return None
        leaf = CallRole(
            path=path,
            place=template.place,
            func=func.strip(),
            trigger=trigger,
            until=until,
            result=result,
            timeout_s=timeout_s,
            critical=call.critical,
            stack=stack,
        )
        self.calls.append(leaf)
        return leaf

    def _check_end(self, load: TaskLoad, leaf: TaskRole) -> None:
        """Refuse ``ends_data`` where it has no meaning: a device signals the end of its data itself."""
        if load.ends_data and leaf.mode is not ControlMode.BASIC:
            kind = "a hook" if leaf.trigger else f"a task of mode {leaf.mode}"
            self._problems.add(
                load.load.place, leaf.path, f"ends_data is for plain programs (mode basic), not for {kind}"
            )

    def _check_outputs(self, role: RoleTemplate, leaf: TaskRole) -> None:
        """Record outputs that lead nowhere, once for each pair of a role's and a task's template."""
        pair = (id(role), id(leaf.template))
        if pair not in self._checked_outputs:
            self._checked_outputs.add(pair)
            check_outputs(leaf, self._problems)

    def _callable(self, func: str, text: Text, path: str) -> bool:
        """Return whether ``func`` can be evaluated at its moment, as far as its text shows."""
        try:
            expression(func)
        except Refused as error:
            self._problems.add(text.place, path, f"func: {error}")
            return False
        if func not in self._asked:
            self._asked.add(func)
            doubtful = doubt(func)
            if doubtful:
                self._problems.note(text.place, path, doubtful)
        return True

    def _channels(
        self, found: TaskTemplate, inner: InheritedScope, stack: Stack, path: str
    ) -> tuple[tuple[BoundChannel, ...], tuple[ConnectedChannel, ...], tuple[str, ...]] | None:
        """Return the channels of a task, its template's below those of the roles around it; and open ones."""
        if found.mode is ControlMode.BASIC:  # Roles above it may set channels that are meant for other tasks.
            return (), (), ()
        before = len(self._problems)
        bind = render_channels(found.bind, stack, path, self._problems)
        connect = render_channels(found.connect, stack, path, self._problems)
        bound = make_bound((bind, *inner.bind), path, self._problems)
        connected = make_connected((connect, *inner.connect), path, self._problems)
        self.wanted.extend(Wanted(path, place, channel) for channel, place in connected)
        if len(self._problems) > before:
            return None
        left_open: tuple[str, ...] = ()
        if self._problems.channels_lost:
            left_open = open_channels((bind, *inner.bind), "bind")
            left_open += open_channels((connect, *inner.connect), "connect")
        return bound, tuple(channel for channel, _ in connected), left_open

    def _check_names(self, role: RoleTemplate, found: TaskTemplate, stack: Stack, path: str) -> None:
        """Report names that the task template needs and the role does not set; once for each such pair.

        The names of a role depend only on its place in the template, not on the values of iterators.
        """
        if (id(role), id(found)) in self._checked:
            return
        self._checked.add((id(role), id(found)))
        for text, name, known in unknown_names(found, stack.given()):
            value = stack.find(name)
            if isinstance(value, Open):
                value.refuse(name)
            else:
                self._problems.add(
                    text.place, path, f"unknown variable {name}", name, {*known, *stack.names()}
                )
