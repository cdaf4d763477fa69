"""Properties of a device: its command line, overridden by values that a controller pushed.

As in the OCC plugins, a pushed value is a text, except for some settings of channels. A number that a
device declares as an option must therefore come from the command line. A pushed number is an error, as in a
C++ device. Properties are never removed: channels of an earlier configuration remain.
"""

from collections.abc import Mapping
from typing import Any

from salt_o2.core.errors import InvalidRequestError
from salt_o2.occ.wire import arguments as pushed

PTREE = "__ptree__:"


class Properties(dict[str, Any]):
    """Name to value: text, number, truth value or tree."""

    def push(self, arguments: Mapping[str, str]) -> None:
        """Store the values that a controller sent.

        Raises:
            InvalidRequestError: if a value does not have the type that its key requires.
        """
        for key, value in arguments.items():
            if key.startswith(PTREE):
                kind, _, name = key.removeprefix(PTREE).partition(":")
                self[name] = tree(kind, value)
            else:
                self[key] = _converted(key, value)

    def number(self, key: str, default: float) -> Any:
        """Return a number.

        Raises:
            InvalidRequestError: if the value was pushed and is therefore a text.
        """
        value = self.get(key, default)
        if isinstance(value, str):
            raise InvalidRequestError(
                f"{key}={value!r} is a number and was pushed as a text: give it on the command line"
            )
        return value

    def below(self, prefix: str) -> dict[str, Any]:
        """Return the properties whose names begin with ``prefix``, with the prefix removed."""
        return {key.removeprefix(prefix): value for key, value in self.items() if key.startswith(prefix)}


def tree(kind: str, text: str) -> Any:
    """Parse a ``json``, ``ini`` or ``xml`` document as nested dicts (`__ptree__:<kind>:<key>`)."""
    readers = {"json": _json, "ini": _ini, "xml": _xml}
    try:
        return readers[kind](text)
    except KeyError:
        raise InvalidRequestError(f"no tree is written as {kind!r}: there are json, ini and xml") from None
    except Exception as error:
        raise InvalidRequestError(f"a tree is not {kind}: {error}") from error


def _converted(key: str, value: str) -> Any:
    if fault := pushed.fault_of(key, value) if pushed.last_part(key) not in pushed.NEVER_PUSHED else "":
        raise InvalidRequestError(fault)
    part = pushed.last_part(key)
    if part in pushed.INTEGERS:
        return int(value)
    return value == "1" if part in pushed.BOOLEANS else value


def _json(text: str) -> Any:
    import json

    return json.loads(text)


def _ini(text: str) -> Any:
    from configparser import ConfigParser

    parser = ConfigParser(interpolation=None)
    parser.read_string(text)
    return {section: dict(parser[section]) for section in parser.sections()}


def _xml(text: str) -> Any:
    from xml.etree import ElementTree

    root = ElementTree.fromstring(text)
    return {root.tag: _element(root)}


def _element(node: Any) -> Any:
    return {child.tag: _element(child) for child in node} if len(node) else (node.text or "")
