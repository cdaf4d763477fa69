"""Parse YAML text as nodes with their line numbers.

Built from PyYAML's events rather than by its own composer. With libyaml that composer recurses in C and ends
the process on deep nesting, and it drops duplicate keys silently.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from salt_o2.core.errors import TemplateError
from salt_o2.workflow.limits import FILE_BYTES, NESTING, NODES
from salt_o2.workflow.problems import Place

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BOOLEANS = {
    "true": "true",
    "True": "true",
    "TRUE": "true",
    "false": "false",
    "False": "false",
    "FALSE": "false",
}
_NULLS = {"", "~", "null", "Null", "NULL"}
MERGE = "<<"


@dataclass(slots=True)
class Scalar:
    """A single value. ``text`` is always a string, as on the stack of AliECS."""

    place: Place
    tag: str
    text: str
    plain: bool
    """Whether it was written without quotes."""
    size: int = 1
    word = "a single value"

    @property
    def null(self) -> bool:
        """Whether the value is empty."""
        return self.plain and self.text in _NULLS

    @property
    def value(self) -> str:
        """The text for the stack: booleans are ``true`` or ``false``, a missing value is the empty string."""
        if not self.plain:
            return self.text
        return "" if self.text in _NULLS else _BOOLEANS.get(self.text, self.text)


@dataclass(slots=True)
class Sequence:
    """A list of nodes."""

    place: Place
    tag: str
    items: "list[Node]" = field(default_factory=list)
    size: int = 1
    word = "a list"


@dataclass(slots=True)
class Mapping:
    """Keys and values, in the order of the file."""

    place: Place
    tag: str
    entries: "dict[str, Node]" = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    """The place of each key."""
    size: int = 1
    word = "a mapping"


Node = Scalar | Sequence | Mapping


def read(text: str, file: str, most: int = NODES) -> Node:
    """Return the one YAML document in ``text``, of at most ``most`` scalars, lists and mappings.

    Raises:
        TemplateError: if it is not YAML, too large, nested too deeply, or has a key twice.
    """
    if len(text.encode("utf-8", "surrogatepass")) > FILE_BYTES:
        raise TemplateError(f"{file}: larger than {FILE_BYTES:,} bytes")
    try:
        return _Builder(file, most).build(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1 if mark else 0)
        raise TemplateError(f"{place}: not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise TemplateError(f"{file}: not YAML: {str(error).splitlines()[0]}") from error


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been read yet."""

    node: "Sequence | Mapping"
    anchor: str | None
    key: str | None = None
    key_place: Place | None = None


class _Builder:
    """Turns a stream of YAML events into nodes, without recursion."""

    def __init__(self, file: str, most: int) -> None:
        self._file = file
        self._most = most
        self._events = 0
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._root: Node | None = None
        self._documents = 0

    def build(self, events: Iterator[Any]) -> Node:
        for event in events:
            self._add_event(event)
        if self._root is None:
            raise TemplateError(f"{self._file}: empty")
        return self._root

    def _add_event(self, event: Any) -> None:
        place = Place(self._file, event.start_mark.line + 1)
        # A list or mapping is counted in its parent when it ends, which many unfinished ones would delay.
        self._events += 1
        if self._events > 2 * self._most + 4:
            raise TemplateError(f"{place}: more than {self._most:,} values")
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise TemplateError(f"{place}: a second document: one file holds one")
            case yaml.ScalarEvent():
                scalar = Scalar(place, event.tag or "", event.value, event.implicit[0])
                self._attach(scalar, event.anchor)
            case yaml.AliasEvent():
                self._attach(self._aliased(event.anchor or "", place), None)
            case yaml.SequenceStartEvent():
                self._start(Sequence(place, event.tag or ""), event.anchor)
            case yaml.MappingStartEvent():
                self._start(Mapping(place, event.tag or ""), event.anchor)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                closed = self._open.pop()
                self._attach(closed.node, closed.anchor)

    def _start(self, node: "Sequence | Mapping", anchor: str | None) -> None:
        if len(self._open) >= NESTING:
            raise TemplateError(f"{node.place}: nested more than {NESTING} levels deep")
        if anchor:
            self._anchors[anchor] = None
        self._open.append(_Open(node, anchor))

    def _aliased(self, anchor: str, place: Place) -> Node:
        found = self._anchors.get(anchor)
        if found is None:
            why = "stands inside what it names" if anchor in self._anchors else "names nothing above it"
            raise TemplateError(f"{place}: the alias *{anchor} {why}")
        return found

    def _attach(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        if isinstance(parent.node, Sequence):
            parent.node.items.append(node)
            self._grow(parent.node, node)
        elif parent.key is None:
            self._key(parent, node)
        else:
            self._entry(parent, parent.node, node)

    def _key(self, parent: _Open, node: Node) -> None:
        if not isinstance(node, Scalar):
            raise TemplateError(f"{node.place}: {node.word} cannot be a key")
        parent.key, parent.key_place = node.text, node.place

    def _entry(self, parent: _Open, mapping: Mapping, node: Node) -> None:
        key, place = parent.key or "", parent.key_place or node.place
        parent.key = None
        self._grow(mapping, node)
        if key == MERGE:
            self._merge(mapping, node)
            return
        if key in mapping.places:
            raise TemplateError(
                f"{place}: the key {key} is given twice, first in line {mapping.places[key].line}"
            )
        mapping.entries[key] = node
        mapping.places[key] = place

    def _merge(self, mapping: Mapping, node: Node) -> None:
        """Add the entries of YAML's merge key; the mapping's own keys, in ``places``, take precedence."""
        for source in node.items if isinstance(node, Sequence) else [node]:
            if not isinstance(source, Mapping):
                raise TemplateError(f"{node.place}: {MERGE} takes a mapping, not {source.word}")
            for key, value in source.entries.items():
                mapping.entries.setdefault(key, value)

    def _grow(self, parent: "Sequence | Mapping", node: Node) -> None:
        parent.size += node.size
        if parent.size > self._most:
            raise TemplateError(
                f"{parent.place}: more than {self._most:,} values, aliases counted where they are used"
            )
