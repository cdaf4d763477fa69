"""Variables described for forms: those tagged ``!public`` in ``defaults`` and ``vars`` (AliECS VarSpec)."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from salt_o2.workflow.expressions.evaluation.expression import MISSING, expression
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.problems import Place, Problems, nearest
from salt_o2.workflow.templates.fields import PUBLIC_TAG, Fields
from salt_o2.workflow.templates.keys import PUBLIC
from salt_o2.workflow.templates.yaml_document import Mapping as MappingNode
from salt_o2.workflow.templates.yaml_document import Scalar

TYPES = ("string", "number", "bool", "list", "map")
WIDGETS = (
    "editBox",
    "slider",
    "listBox",
    "dropDownBox",
    "comboBox",
    "radioButtonBox",
    "checkBox",
    "detectorSelector",
)
_CHOOSING = ("listBox", "dropDownBox", "radioButtonBox", "slider")
"""Widgets that offer only the values in the list."""
_BOOLEANS = ("true", "false", "1", "0", "yes", "no", "on", "off")
_DOLLARS = re.compile(r"\$\$(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """The description of one variable for a form."""

    name: str
    block: str
    """``defaults`` or ``vars``."""
    place: Place
    value: str = ""
    type: str = "string"
    label: str = ""
    description: str = ""
    widget: str = "editBox"
    panel: str = ""
    values: tuple[str, ...] = ()
    index: int = 0
    rows: int = 0
    visibleif: str = ""
    enabledif: str = ""

    def fault_of(self, value: str) -> str:
        """Return what is wrong with ``value`` for this variable, or nothing."""
        return _type_fault(self.type, value)

    def doubt_of(self, value: str) -> str:
        """Return that a form does not offer ``value``, or nothing. AliECS accepts such a value."""
        if not self.values or self.widget not in _CHOOSING or self.fault_of(value):
            return ""
        chosen = json.loads(value) if self.type == "list" else [value]
        strange = [str(each) for each in chosen if str(each) not in self.values]
        if not strange or not any(map(str, chosen)):
            return ""
        return f"{strange[0]!r} is none of the values that its form offers: {', '.join(self.values)}"

    def is_visible(self, variables: Mapping[str, str]) -> bool:
        """Return whether a form shows it, given the ``values`` of all variables; true if not known."""
        if not self.visibleif.strip():
            return True
        try:
            return expression(_translated(self.visibleif)).value(_Names(variables)) not in (
                False,
                "false",
                "",
            )
        except Refused:
            return True


class _Names:
    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def find(self, name: str) -> Any:
        return self._variables.get(name, MISSING)

    def names(self) -> Iterator[str]:
        return iter(self._variables)


def read_specifications(fields: Fields, block: str, problems: Problems) -> Iterator[Specification]:
    """Return the variables of ``defaults`` or ``vars`` that are described."""
    node = fields.node(block)
    for name, entry in node.entries.items() if isinstance(node, MappingNode) else ():
        if isinstance(entry, MappingNode) and entry.tag == PUBLIC_TAG:
            described = Fields(entry, PUBLIC, f"variable {name}", fields.path, Problems())
            yield _read(name, block, described, fields.path, problems)


def _read(name: str, block: str, fields: Fields, path: str, problems: Problems) -> Specification:
    found = Specification(
        name=name,
        block=block,
        place=fields.place,
        value=_written(fields, "value"),
        type=fields.plain("type", "string"),
        label=fields.note("label"),
        description=fields.note("description"),
        widget=fields.plain("widget", "editBox"),
        panel=fields.note("panel"),
        values=tuple(node.value for node in fields.items("values") if isinstance(node, Scalar)),
        index=int(fields.number("index") or 0),
        rows=int(fields.number("rows") or 0),
        visibleif=fields.note("visibleif"),
        enabledif=fields.note("enabledif"),
    )
    for key, value, known in (("type", found.type, TYPES), ("widget", found.widget, WIDGETS)):
        if value not in known:
            advice = nearest(value, known)
            what = f"variable {name}: {key} {value!r} is none of {', '.join(known)}{advice}"
            problems.note(fields.place_of(key), path, what)
    doubt = "" if "{{" in found.value else found.doubt_of(found.value)
    if doubt:
        problems.note(fields.place_of("value"), path, f"variable {name}: {doubt}")
    return found


def _written(fields: Fields, key: str) -> str:
    node = fields.node(key)
    return node.value if isinstance(node, Scalar) else ""


class Finding(NamedTuple):
    """A value of a user that does not fit the description of its variable."""

    name: str
    what: str
    is_fault: bool
    """Whether the value cannot be used; else only no form offers it."""


def check(specifications: Mapping[str, Specification], variables: Mapping[str, str]) -> Iterator[Finding]:
    """Return the findings for a user's ``variables``.

    A variable that its form would not show is not checked: it has no meaning beside the others.
    """
    defaults = {name: each.value for name, each in specifications.items()}
    for name, value in variables.items():
        found = specifications.get(name)
        if found is None or not found.is_visible({**defaults, **variables}):
            continue
        if fault := found.fault_of(value):
            yield Finding(name, f"variable {name} {fault}", True)
        elif doubt := found.doubt_of(value):
            yield Finding(name, f"variable {name}: {doubt}", False)


def _type_fault(kind: str, value: str) -> str:
    if kind == "number" and value.strip():
        try:
            float(value)
        except ValueError:
            return f"must be a number, not {value!r}"
    if kind == "bool" and value.strip().lower() not in ("", *_BOOLEANS):
        return f"must be true or false, not {value!r}"
    if kind in ("list", "map") and not isinstance(_parsed(value), list if kind == "list" else dict):
        return f"must be a JSON {'list' if kind == 'list' else 'object'}, not {value[:60]!r}"
    return ""


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _translated(condition: str) -> str:
    """Return a condition of a form, which is written like JavaScript, as an expression."""
    return _DOLLARS.sub(r"\1", condition).replace("!==", "!=").replace("===", "==")
