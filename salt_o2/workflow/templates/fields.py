"""Read nodes of a document as the values in a table of keys; record faults in the list of problems."""

from collections.abc import Iterator
from typing import TypeGuard

from salt_o2.workflow.problems import Place, Problems
from salt_o2.workflow.templates.keys import PUBLIC, Kind, Table
from salt_o2.workflow.templates.text import Text, read_text
from salt_o2.workflow.templates.yaml_document import Mapping, Node, Scalar, Sequence

_NODE = {"text": Scalar, "flag": Scalar, "number": Scalar, "list": Sequence, "mapping": Mapping}
_WORDS: dict[Kind, str] = {
    "text": "a text",
    "flag": "true or false",
    "number": "a number",
    "list": "a list",
    "mapping": "a mapping",
}
PUBLIC_TAG = "!public"


def is_description(node: Node) -> TypeGuard[Mapping]:
    """Return whether ``node`` describes a variable: it is tagged, or has only keys of a description.

    AliECS drops a variable whose description has lost its tag (``core/workflow/rolebase.go``) without a
    message.
    """
    if not isinstance(node, Mapping):
        return False
    return node.tag == PUBLIC_TAG or ("value" in node.entries and set(node.entries) <= set(PUBLIC))


YES, NO = ("true", "yes", "on"), ("false", "no", "off")
"""Booleans as YAML 1.1 spells them, which AliECS reads."""


class Fields:
    """The entries of one mapping that its table contains, with values of the right kind."""

    def __init__(self, node: Node, table: Table, what: str, path: str, problems: Problems) -> None:
        self.place = node.place
        self.path = path
        self._problems = problems
        self._what = what
        self._entries: dict[str, Node] = {}
        if isinstance(node, Mapping):
            self._check_keys(node, table)
        else:
            problems.add(node.place, path, f"{what} must be a mapping, not {node.word}")

    def __contains__(self, key: str) -> bool:
        """Return whether the key is present, with a value of its kind."""
        return key in self._entries

    def place_of(self, key: str) -> Place:
        """Return the place of the key's value."""
        return self._entries[key].place if key in self._entries else self.place

    def text(self, key: str) -> Text | None:
        """Return the templated text at ``key``."""
        node = self._entries.get(key)
        return read_text(node, self.path, self._problems) if isinstance(node, Scalar) else None

    def plain(self, key: str, default: str = "", choice: tuple[str, ...] = ()) -> str:
        """Return the text at ``key``, which is not templated; one of ``choice`` if that is given."""
        node = self._entries.get(key)
        if not isinstance(node, Scalar):
            return default
        if choice and node.value not in choice:
            what = f"{key} {node.value!r} is none of {', '.join(choice)}"
            self._problems.add(node.place, self.path, what, node.value, choice)
        elif "{{" in node.value:
            self._problems.add(node.place, self.path, f"{key} is not templated: it takes no {{{{ }}}}")
        return node.value

    def note(self, key: str) -> str:
        """Return the text at ``key``, which is for users: braces in it have no meaning."""
        node = self._entries.get(key)
        return " ".join(node.value.split()) if isinstance(node, Scalar) else ""

    def flag(self, key: str, default: bool) -> bool:
        """Return the boolean at ``key``, written with or without quotes."""
        node = self._entries.get(key)
        if not isinstance(node, Scalar):
            return default
        value = node.value.lower()
        if value not in (*YES, *NO):
            self._problems.add(node.place, self.path, f"{key} must be true or false, not {node.value!r}")
        return value in YES

    def number(self, key: str) -> float | None:
        """Return the number at ``key``, not negative."""
        node = self._entries.get(key)
        if not isinstance(node, Scalar):
            return None
        try:
            number = float(node.value)
        except ValueError:
            number = -1.0
        if not 0 <= number < float("inf"):
            self._problems.add(
                node.place, self.path, f"{key} must be a number of 0 or more, not {node.value!r}"
            )
            return None
        return number

    def items(self, key: str) -> Iterator[Node]:
        """Return the nodes of the list at ``key``."""
        node = self._entries.get(key)
        return iter(node.items if isinstance(node, Sequence) else ())

    def texts(self, key: str) -> tuple[Text, ...]:
        """Return the templated texts of the list at ``key``."""
        found = []
        for item in self.items(key):
            if isinstance(item, Scalar):
                found.append(read_text(item, self.path, self._problems))
            else:
                self._problems.add(item.place, self.path, f"{key} takes single values, not {item.word}")
        return tuple(found)

    def mapping(self, key: str) -> dict[str, Text]:
        """Return the templated values of the mapping at ``key``; of a ``!public`` one its ``value``."""
        node = self._entries.get(key)
        entries = node.entries if isinstance(node, Mapping) else {}
        found = {name: self._variable(name, value) for name, value in entries.items()}
        return {name: text for name, text in found.items() if text is not None}

    def node(self, key: str) -> Node | None:
        """Return the node at ``key`` itself."""
        return self._entries.get(key)

    def _variable(self, name: str, node: Node) -> Text | None:
        if isinstance(node, Scalar):
            return read_text(node, self.path, self._problems)
        if is_description(node):
            if node.tag != PUBLIC_TAG:
                what = f"{name} is described, not tagged {PUBLIC_TAG}: it has its value, but no form shows it"
                self._problems.note(node.place, self.path, what)
            fields = Fields(node, PUBLIC, f"variable {name}", self.path, self._problems)
            return fields.text("value") or Text(node.place, "")
        advice = f"; tag it {PUBLIC_TAG} to describe the variable" if isinstance(node, Mapping) else ""
        self._problems.add(node.place, self.path, f"{name} must be a single value, not {node.word}{advice}")
        return None

    def _check_keys(self, node: Mapping, table: Table) -> None:
        for name, value in node.entries.items():
            place = node.places.get(name, value.place)
            key = table.get(name)
            if key is None:
                self._problems.add(place, self.path, f"unknown key {name} in {self._what}", name, table)
            elif isinstance(value, Scalar) and value.null and key.kind != "text":
                continue  # An empty list, mapping or number counts as a missing key.
            elif not isinstance(value, _NODE[key.kind]):
                self._problems.add(place, self.path, f"{name} must be {_WORDS[key.kind]}, not {value.word}")
            else:
                self._entries[name] = value
        for name, key in table.items():
            if key.required and name not in node.entries:
                self._problems.add(node.place, self.path, f"{self._what} has no {name}")
