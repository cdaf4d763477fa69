"""Read a workflow template, without expansion: its roles, with their texts parsed."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from salt_o2.workflow.expressions.evaluation.expression import Expression
from salt_o2.workflow.problems import Place, Problems
from salt_o2.workflow.templates.channel_template import ChannelTemplate, read_channels
from salt_o2.workflow.templates.fields import PUBLIC_TAG, Fields
from salt_o2.workflow.templates.keys import CALL, LOOP, ROLE, TASK
from salt_o2.workflow.templates.task_template import ConstraintTemplate, read_constraints
from salt_o2.workflow.templates.text import Text
from salt_o2.workflow.templates.variable_specs import Specification, read_specifications
from salt_o2.workflow.templates.yaml_document import Mapping, Node, Scalar

_KINDS = ("roles", "task", "call", "include")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """``for`` of an iterator: numbers from ``begin`` to ``end``, or the values of ``range``."""

    place: Place
    var: str
    begin: Text | None = None
    end: Text | None = None
    range: Text | None = None

    @property
    def expressions(self) -> Iterator[Expression]:
        """The expressions that give the values."""
        for text in (self.begin, self.end, self.range):
            if text is not None:
                yield from text.expressions


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLoad:
    """``task`` of a role; with a ``trigger`` it is a hook."""

    load: Text
    critical: bool = True
    trigger: Text | None = None
    timeout: Text | None = None
    ends_data: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTemplate:
    """``call`` of a role; ``until`` is its key ``await``, ``result`` its key ``return``."""

    func: Text
    trigger: Text
    until: Text | None = None
    result: Text | None = None
    timeout: Text | None = None
    critical: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoleTemplate:
    """A role as its template defines it."""

    place: Place
    name: Text
    description: str = ""
    enabled: Text | None = None
    defaults: dict[str, Text] = field(default_factory=dict)
    vars: dict[str, Text] = field(default_factory=dict)
    constraints: tuple[ConstraintTemplate, ...] = ()
    bind: tuple[ChannelTemplate, ...] = ()
    connect: tuple[ChannelTemplate, ...] = ()
    loop: Loop | None = None
    roles: tuple["RoleTemplate", ...] = ()
    task: TaskLoad | None = None
    call: CallTemplate | None = None
    include: Text | None = None
    tolerate: Text | None = None
    specifications: tuple[Specification, ...] = ()
    """The variables of the role that are described for forms."""
    public: bool = False
    """Whether lists of workflows show this root role: its name or description is tagged ``!public``."""

    def described(self) -> Iterator[Specification]:
        """Return the described variables of the role and of all roles below."""
        yield from self.specifications
        for role in self.roles:
            yield from role.described()


def read_workflow(node: Node, name: str, problems: Problems) -> RoleTemplate:
    """Return the root role of a workflow template.

    The document is the root role itself, or, as templates of 2018 have it, a mapping whose one key is the
    template's name and whose value is the root role.
    """
    root = root_of(node)
    if root is not node and isinstance(node, Mapping) and name not in node.entries:
        written = next(iter(node.entries))
        problems.add(node.place, "", f"the template is {written}, but the file's name is {name}")
    return _read_role(root, "", problems)


def root_of(node: Node) -> Node:
    """Return the node of the root role of a workflow's document."""
    if isinstance(node, Mapping) and len(node.entries) == 1:
        (key, only), *_ = node.entries.items()
        if key not in ROLE and isinstance(only, Mapping):
            return only
    return node


def _read_role(node: Node, parent: str, problems: Problems) -> RoleTemplate:
    path = _written_path(node, parent)
    fields = Fields(node, ROLE, "a role", path, problems)
    _check_kind(node, path, problems)
    return RoleTemplate(
        place=node.place,
        name=fields.text("name") or Text(node.place, "?"),
        description=fields.note("description"),
        enabled=_read_enabled(fields, problems),
        defaults=fields.mapping("defaults"),
        vars=fields.mapping("vars"),
        constraints=read_constraints(fields, problems),
        bind=read_channels(fields, "bind", problems),
        connect=read_channels(fields, "connect", problems),
        loop=_read_loop(fields, problems),
        roles=tuple(_read_role(child, path, problems) for child in fields.items("roles")),
        task=_read_task(fields, problems),
        call=_read_call(fields, problems),
        include=fields.text("include"),
        tolerate=fields.text("tolerate"),
        specifications=(
            *read_specifications(fields, "defaults", problems),
            *read_specifications(fields, "vars", problems),
        ),
        public=any(_is_public(fields.node(key)) for key in ("name", "description")),
    )


def _read_enabled(fields: Fields, problems: Problems) -> Text | None:
    """Return the text of ``enabled``; without a value it counts as missing, as in AliECS."""
    node = fields.node("enabled")
    if isinstance(node, Scalar) and node.null:
        problems.note(node.place, fields.path, "enabled has no value: the role exists; write true or false")
        return None
    return fields.text("enabled")


def _is_public(node: Node | None) -> bool:
    return node is not None and node.tag == PUBLIC_TAG


def _written_path(node: Node, parent: str) -> str:
    """Return the role's path as the template writes it, for messages: expressions are not rendered."""
    name = node.entries.get("name") if isinstance(node, Mapping) else None
    written = getattr(name, "text", "?")
    return f"{parent}.{written}" if parent else written


def _check_kind(node: Node, path: str, problems: Problems) -> None:
    given = [kind for kind in _KINDS if kind in node.entries] if isinstance(node, Mapping) else ["roles"]
    if not given:
        problems.add(node.place, path, f"a role needs one of {', '.join(_KINDS)}")
    elif len(given) > 1:
        problems.add(node.place, path, f"a role has {' and '.join(given)}, but can be only one of these")


def _read_loop(fields: Fields, problems: Problems) -> Loop | None:
    node = fields.node("for")
    if node is None:
        return None
    loop = Fields(node, LOOP, "for", fields.path, problems)
    by_number, by_list = "begin" in loop or "end" in loop, "range" in loop
    if by_number == by_list or by_number != ("begin" in loop and "end" in loop):
        problems.add(node.place, fields.path, "for takes begin and end, or range, beside var")
    return Loop(
        place=node.place,
        var=loop.plain("var"),
        begin=loop.text("begin"),
        end=loop.text("end"),
        range=loop.text("range"),
    )


def _read_task(fields: Fields, problems: Problems) -> TaskLoad | None:
    node = fields.node("task")
    if node is None:
        return None
    task = Fields(node, TASK, "task", fields.path, problems)
    return TaskLoad(
        load=task.text("load") or Text(node.place, ""),
        critical=task.flag("critical", default=True),
        trigger=task.text("trigger"),
        timeout=task.text("timeout"),
        ends_data=task.flag("ends_data", default=False),
    )


def _read_call(fields: Fields, problems: Problems) -> CallTemplate | None:
    node = fields.node("call")
    if node is None:
        return None
    call = Fields(node, CALL, "call", fields.path, problems)
    return CallTemplate(
        func=call.text("func") or Text(node.place, ""),
        trigger=call.text("trigger") or Text(node.place, ""),
        until=call.text("await"),
        result=call.text("return"),
        timeout=call.text("timeout"),
        critical=call.flag("critical", default=True),
    )
