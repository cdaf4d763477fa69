"""Render a task template for one task, once the task has a host, an id and a port."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from salt_o2.core.states import ControlMode
from salt_o2.workflow.expansion.template_catalogue import SPECIALS
from salt_o2.workflow.expansion.workflow_tree import TaskRole
from salt_o2.workflow.expressions.rendering import text_of
from salt_o2.workflow.expressions.values import OPEN, Refused, shown
from salt_o2.workflow.problems import Problems
from salt_o2.workflow.templates.task_template import OUTPUTS, CommandTemplate, output_of
from salt_o2.workflow.templates.text import Text, guarded, rendered
from salt_o2.workflow.variables.shell_values import program_of_user
from salt_o2.workflow.variables.stack import Block, Layer, Stack

PTREE_SYNTAXES = ("ini", "json", "xml")
ENVIRONMENT_ID = "environment_id"
_OVERRIDE = "pdp_override_run_start_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The rendered template of one task; the arguments are the template's own."""

    value: str
    arguments: tuple[str, ...]
    env: tuple[str, ...]
    user: str
    stdout: str
    stderr: str
    properties: dict[str, str]


@dataclass(frozen=True, slots=True)
class Ptree:
    """A property that the device receives as a tree: ``ToPtree(payload, syntax)``."""

    payload: str
    syntax: str


def render(task: TaskRole, specials: Mapping[str, str], problems: Problems) -> Rendered:
    """Return the launch and the properties of ``task`` with the values in ``specials``.

    ``specials`` are the variables that a task has only after placement (SPECIALS of template_catalogue.py);
    faults are added to ``problems``.
    """
    command = task.template.command
    stack = _stack(task, specials, problems)
    if command.shell:
        _refuse_programs(command, stack, task.path, problems)
    return Rendered(
        value=_filled(command.value, stack, task.path, problems),
        arguments=_arguments(command.arguments, stack, task.path, problems),
        env=_environment(command.env, stack, task.path, problems),
        user=_text(command.user, stack, task.path, problems),
        stdout=_output(command.stdout, stack, task.path, problems),
        stderr=_output(command.stderr, stack, task.path, problems),
        properties=_properties(task, stack, problems),
    )


def check_outputs(task: TaskRole, problems: Problems) -> None:
    """Record outputs of ``task`` that lead nowhere, as far as its variables tell before its placement."""
    command = task.template.command
    outputs = [text for text in (command.stdout, command.stderr) if text and text.constant is None]
    if not outputs:
        return
    open_here = Problems()
    stack = _stack(task, dict.fromkeys(SPECIALS, OPEN), open_here)
    for text in outputs:
        value = rendered(text, stack, task.path, open_here)
        if value is not None:
            output_of(text, value, task.path, problems)


def _stack(task: TaskRole, specials: Layer, problems: Problems) -> Stack:
    """Return the role's stack with the specials above it and the template's own variables below."""
    template = task.template
    stack = task.stack.under(specials)
    if not template.defaults and not template.vars:
        return stack
    defaults = _entries(template.defaults, stack, task.path, problems)
    vars_ = _entries(template.vars, stack.over(defaults), task.path, problems)
    return stack.over(vars_, defaults)


def _refuse_programs(command: CommandTemplate, stack: Stack, path: str, problems: Problems) -> None:
    """Add a problem for each text of a shell command in which a shell would run a value of a user."""
    for text in (command.value, *command.arguments):
        for part in text.expressions:
            try:
                name, signs = program_of_user(text_of(part.value(stack)), part, stack)
            except Refused:
                continue  # The fault becomes a problem where the text is rendered.
            if name:
                what = (
                    f"the value of {name} has {signs}, which a shell reads as program. Choose another value,"
                    f' or have the template pass it on: env: ["{name.upper()}={{{{ {name} }}}}"],'
                    f' and "${name.upper()}" in the command'
                )
                problems.add(text.place, path, what)


def _entries(entries: dict[str, Text], stack: Stack, path: str, problems: Problems) -> Layer:
    values = {name: _text(text, stack, path, problems) for name, text in entries.items()}
    return Block(values, "", entries, stack)


def _text(text: Text | None, stack: Stack, path: str, problems: Problems) -> str:
    value = "" if text is None else rendered(text, stack, path, problems) or ""
    if text is not None and "\0" in value:
        problems.add(text.place, path, "a zero byte, which no command or property can have")
    return value


def _filled(text: Text, stack: Stack, path: str, problems: Problems) -> str:
    before = len(problems)
    value = _text(text, stack, path, problems)
    if not value.strip() and len(problems) == before:
        problems.add(text.place, path, "command.value is empty: there is nothing to start")
    return value


def _arguments(texts: tuple[Text, ...], stack: Stack, path: str, problems: Problems) -> tuple[str, ...]:
    """Return the arguments; an argument whose expressions render to nothing is omitted."""
    values = ((text, _text(text, stack, path, problems)) for text in texts)
    return tuple(value for text, value in values if value or text.constant is not None)


def _environment(texts: tuple[Text, ...], stack: Stack, path: str, problems: Problems) -> tuple[str, ...]:
    entries = []
    for text in texts:
        entry = _text(text, stack, path, problems)
        if entry.partition("=")[0].strip() and "=" in entry:
            entries.append(entry)
        elif entry or text.constant is not None:
            problems.add(text.place, path, f"env takes NAME=VALUE, not {shown(entry)}")
    return tuple(entries)


def _output(text: Text | None, stack: Stack, path: str, problems: Problems) -> str:
    value = _text(text, stack, path, problems)
    return output_of(text, value, path, problems) if text is not None else OUTPUTS[0]


def _properties(task: TaskRole, stack: Stack, problems: Problems) -> dict[str, str]:
    template, path = task.template, task.path
    if task.mode in (ControlMode.BASIC, ControlMode.HOOK):
        return {}
    properties: dict[str, str] = {}
    with_ptree = stack.under({"ToPtree": _to_ptree}) if template.properties else stack
    for key, text in template.properties.items():
        value = text.constant
        if value is None:
            value = guarded(text, with_ptree, path, problems, _property)
        if isinstance(value, Ptree):
            properties[f"__ptree__:{value.syntax}:{key}"] = value.payload
        else:
            properties[key] = value or ""
    override = stack.find(_OVERRIDE)
    if isinstance(override, str):
        properties["orbit-reset-time"] = override
    return properties


def _property(value: Any) -> str | Ptree:
    """Return the value of a property: a tree unchanged, any other value as text."""
    return value if isinstance(value, Ptree) else text_of(value)


def _to_ptree(payload: Any, syntax: Any) -> Ptree:
    if syntax not in PTREE_SYNTAXES:
        raise Refused(f"ToPtree reads {', '.join(PTREE_SYNTAXES)}, not {shown(syntax)}")
    return Ptree(text_of(payload), syntax)
