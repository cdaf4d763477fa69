"""The properties of a device: its command line, and what a controller pushed on top of it.

As with the OCC plugins a pushed value is a text, except for a few settings of channels. A number that a
device declared as one of its options must therefore come from the command line; one that was pushed is an
error, here as in a C++ device. Properties are never forgotten: channels of an earlier configuration stay.
"""

from collections.abc import Mapping
from typing import Any

from salt_o2.core.errors import InvalidRequestError
from salt_o2.occ.wire import arguments as pushed

PTREE = "__ptree__:"


class Properties(dict[str, Any]):
    """Name to value: text, number, truth value or tree."""

    def push(self, arguments: Mapping[str, str]) -> None:
        """Take in what a controller sent.

        Raises:
            InvalidRequestError: for a value that cannot be what its key demands.
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
            InvalidRequestError: if it was pushed, and so is a text.
        """
        value = self.get(key, default)
        if isinstance(value, str):
            raise InvalidRequestError(
                f"{key}={value!r} is a number and was pushed as a text: give it on the command line"
            )
        return value

    def below(self, prefix: str) -> dict[str, Any]:
        """Return the properties whose names begin with ``prefix``, without it."""
        return {key.removeprefix(prefix): value for key, value in self.items() if key.startswith(prefix)}


def tree(kind: str, text: str) -> Any:
    """Read a ``json``, ``ini`` or ``xml`` document as nested dicts (`__ptree__:<kind>:<key>`)."""
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
