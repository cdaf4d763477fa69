"""A task template: one class of tasks, read from ``tasks/<name>.yaml`` (AliECS ``taskclass/class.go``)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from salt_o2.core.placement.constraints import ResourceDemand, parse_ports
from salt_o2.core.plan.launch import GRACE_S, LONGEST_GRACE_S, SHORTEST_GRACE_S, Limits
from salt_o2.core.states import ControlMode
from salt_o2.workflow.expressions.values import shown
from salt_o2.workflow.problems import Place, Problems
from salt_o2.workflow.templates.channel_template import ChannelTemplate, read_channels
from salt_o2.workflow.templates.fields import Fields
from salt_o2.workflow.templates.keys import COMMAND, CONSTRAINT, CONTROL, LIMITS, TASK_TEMPLATE, WANTS
from salt_o2.workflow.templates.text import Text
from salt_o2.workflow.templates.yaml_document import Mapping, Node, Scalar

OUTPUTS = ("none", "stdout", "all")
"""Where an output of a task may go; the first unless given."""
MODES = (ControlMode.DIRECT, ControlMode.FAIRMQ, ControlMode.BASIC)


@dataclass(frozen=True, slots=True)
class ConstraintTemplate:
    """An entry of ``constraints``."""

    attribute: str
    value: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandTemplate:
    """How the process of a task is started."""

    value: Text
    arguments: tuple[Text, ...] = ()
    shell: bool = False
    env: tuple[Text, ...] = ()
    user: Text | None = None
    stdout: Text | None = None
    stderr: Text | None = None
    grace_s: float = GRACE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTemplate:
    """One class of tasks."""

    name: str
    place: Place
    description: str = ""
    mode: ControlMode = ControlMode.DIRECT
    command: CommandTemplate
    wants: ResourceDemand = field(default_factory=ResourceDemand)
    limits: Limits = field(default_factory=Limits)
    bind: tuple[ChannelTemplate, ...] = ()
    connect: tuple[ChannelTemplate, ...] = ()
    properties: dict[str, Text] = field(default_factory=dict)
    constraints: tuple[ConstraintTemplate, ...] = ()
    defaults: dict[str, Text] = field(default_factory=dict)
    vars: dict[str, Text] = field(default_factory=dict)

    def texts(self) -> Iterator[Text]:
        """Return every text that is rendered after the placement of the task."""
        command = self.command
        yield from (command.value, *command.arguments, *command.env)
        yield from (text for text in (command.user, command.stdout, command.stderr) if text)
        yield from self.properties.values()


def read_task_template(node: Node, name: str, problems: Problems) -> TaskTemplate:
    """Return the template that ``node`` describes, as far as it is valid; faults become ``problems``."""
    fields = Fields(node, TASK_TEMPLATE, "a task template", "", problems)
    written = fields.plain("name", name)
    if written != name:
        problems.add(fields.place_of("name"), "", f"the name is {written}, but the file's is {name}")
    mode = _read_mode(fields, problems)
    if mode is ControlMode.BASIC and ("bind" in fields or "connect" in fields):
        problems.add(fields.place, "", "a basic task has no channels, so bind and connect mean nothing")
    return TaskTemplate(
        name=name,
        place=node.place,
        description=fields.note("description"),
        mode=mode,
        command=_read_command(fields, mode, problems),
        wants=_read_wants(fields, problems),
        limits=_read_limits(fields, problems),
        bind=read_channels(fields, "bind", problems),
        connect=read_channels(fields, "connect", problems),
        properties=fields.mapping("properties"),
        constraints=read_constraints(fields, problems),
        defaults=fields.mapping("defaults"),
        vars=fields.mapping("vars"),
    )


def read_constraints(fields: Fields, problems: Problems) -> tuple[ConstraintTemplate, ...]:
    """Return the entries of ``constraints``."""
    found = []
    for node in fields.items("constraints"):
        entry = Fields(node, CONSTRAINT, "a constraint", fields.path, problems)
        value = entry.text("value")
        if value:
            found.append(ConstraintTemplate(entry.plain("attribute"), value))
    return tuple(found)


def _below(fields: Fields, key: str) -> Node:
    return fields.node(key) or Mapping(fields.place, "")


def _read_mode(fields: Fields, problems: Problems) -> ControlMode:
    control = Fields(_below(fields, "control"), CONTROL, "control", "", problems)
    mode = control.plain("mode", ControlMode.DIRECT, MODES)
    return ControlMode(mode) if mode in MODES else ControlMode.DIRECT


def _read_command(fields: Fields, mode: ControlMode, problems: Problems) -> CommandTemplate:
    node = fields.node("command")
    if node is None:
        return CommandTemplate(value=Text(fields.place, ""))
    command = Fields(node, COMMAND, "command", "", problems)
    return CommandTemplate(
        value=command.text("value") or Text(node.place, ""),
        arguments=command.texts("arguments"),
        shell=command.flag("shell", default=False),
        env=command.texts("env"),
        user=command.text("user"),
        stdout=_read_output(command, "stdout" if "stdout" in command else "log", problems),
        stderr=_read_output(command, "stderr", problems),
        grace_s=_read_grace(command, mode, problems),
    )


def _read_output(command: Fields, key: str, problems: Problems) -> Text | None:
    """Return the text of ``stdout``, ``stderr`` or ``log``; a value without expressions must be known."""
    text = command.text(key)
    if text is not None and text.constant is not None:
        output_of(text, text.constant, "", problems)
    return text


def output_of(text: Text, value: str, path: str, problems: Problems) -> str:
    """Return where an output goes, given the rendered ``value`` of ``text``; record an unknown one."""
    found = value.strip().lower()
    if found and found not in OUTPUTS:
        what = f"output goes to {', '.join(OUTPUTS)}, not {shown(found)}"
        problems.add(text.place, path, what, found, OUTPUTS)
    return found or OUTPUTS[0]


def _read_grace(command: Fields, mode: ControlMode, problems: Problems) -> float:
    found = command.number("grace")
    if found is None:
        return GRACE_S
    if mode is not ControlMode.BASIC:
        problems.note(
            command.place_of("grace"), "", f"command.grace is of basic tasks: mode {mode} ignores it"
        )
    if not SHORTEST_GRACE_S <= found <= LONGEST_GRACE_S:
        limits = f"{SHORTEST_GRACE_S:g} to {LONGEST_GRACE_S:g} seconds"
        problems.add(command.place_of("grace"), "", f"command.grace must be {limits}, not {found:g}")
        return GRACE_S
    return found


def _read_wants(fields: Fields, problems: Problems) -> ResourceDemand:
    wants = Fields(_below(fields, "wants"), WANTS, "wants", "", problems)
    ports: tuple[int, ...] = ()
    try:
        ports = parse_ports(wants.plain("ports"))
    except ValueError as error:
        problems.add(wants.place_of("ports"), "", f"wants.ports: {error}")
    return ResourceDemand(
        cpu=wants.number("cpu") or 0.0, memory_mb=wants.number("memory") or 0.0, ports=ports
    )


def _limit(limits: Fields, key: str) -> float:
    """Return a limit, 0 for none; -1 is none too, as in AliECS."""
    node = limits.node(key)
    return 0.0 if isinstance(node, Scalar) and node.value == "-1" else limits.number(key) or 0.0


def _read_limits(fields: Fields, problems: Problems) -> Limits:
    limits = Fields(_below(fields, "limits"), LIMITS, "limits", "", problems)
    return Limits(
        cpu=_limit(limits, "cpu"),
        memory_mb=_limit(limits, "memory"),
        pids=int(_limit(limits, "pids")),
    )
