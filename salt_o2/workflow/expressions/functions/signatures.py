"""Signatures of functions: the kinds of their arguments, checked before and when they are called."""

from collections.abc import Callable
from typing import Any

from salt_o2.workflow.expressions.evaluation_budget import charged
from salt_o2.workflow.expressions.static_types import Check, Type, is_assignable
from salt_o2.workflow.expressions.values import Refused, is_integer, kind_of

_ZEROS: dict[str, Any] = {"string": "", "int": 0}


class Overload:
    """One way to call a function: the types of its arguments, and that of its result."""

    __slots__ = ("arguments", "result")

    def __init__(self, arguments: tuple[Type, ...], result: Type) -> None:
        self.arguments = arguments
        self.result = result

    def fault(self, name: str, given: list[Type]) -> str:
        """Return why arguments of these types do not fit; nothing if they do."""
        if len(given) != len(self.arguments):
            return f"{name} takes {len(self.arguments)} arguments, not {len(given)}"
        for number, (type_, wanted) in enumerate(zip(given, self.arguments, strict=True), 1):
            if type_.is_unknown or wanted.is_unknown or is_assignable(type_, wanted):
                continue
            return f"{name} takes {wanted} as argument {number}, not {type_}{_hint(type_, wanted)}"
        return ""


class Function:
    """A function of expressions, with its signatures or a check of its own."""

    __slots__ = ("call", "check", "empty_arguments", "name", "overloads")

    def __init__(
        self,
        name: str,
        call: Callable[..., Any],
        overloads: tuple[Overload, ...] = (),
        check: Check | None = None,
        empty_arguments: bool = False,
    ) -> None:
        self.name = name
        self.call = call
        self.overloads = overloads
        self.check = check
        self.empty_arguments = empty_arguments
        """Whether nil as an argument is an empty text or 0, as where Go calls by reflection."""

    def with_empty_arguments(self) -> "Function":
        """Return the function as a member of a namespace, where nil is an empty argument."""
        return Function(self.name, self.call, self.overloads, self.check, True)

    @property
    def signature(self) -> "Function":
        """The function itself, for the check of a call."""
        return self

    def result(self, given: list[Type]) -> Type:
        """Return the type of the result for arguments of these types.

        Raises:
            Refused: if it cannot be called with them.
        """
        if self.check is not None:
            return self.check(given)
        fault = ""
        for overload in self.overloads:
            wrong = overload.fault(self.name, given)
            if not wrong:
                return overload.result
            if not fault or len(given) == len(overload.arguments):
                fault = wrong
        raise Refused(fault)

    def __call__(self, *arguments: Any) -> Any:
        """Call it, after a check of the arguments.

        Raises:
            Refused: if it cannot be called with these arguments.
        """
        if not self.overloads:
            return charged(self.call(*arguments))
        fault = ""
        for overload in self.overloads:
            if len(overload.arguments) != len(arguments):
                fault = (
                    fault or f"{self.name} takes {len(overload.arguments)} arguments, not {len(arguments)}"
                )
                continue
            pairs = zip(arguments, overload.arguments, strict=True)
            return charged(self.call(*[self._argument(value, wanted) for value, wanted in pairs]))
        raise Refused(fault)

    def _argument(self, value: Any, wanted: Type) -> Any:
        kind = wanted.kind
        if kind == "string" and isinstance(value, str):
            return value
        if kind not in ("string", "int", "array", "map"):
            return value
        if value is None and kind in _ZEROS and self.empty_arguments:
            return _ZEROS[kind]
        fits = {
            "string": isinstance(value, str),
            "int": is_integer(value),
            "array": isinstance(value, list),
            "map": isinstance(value, dict),
        }
        if not fits[kind]:
            raise Refused(f"{self.name} takes {wanted}, not {kind_of(value)}")
        return value


def function(name: str, call: Callable[..., Any], arguments: tuple[Type, ...], result: Type) -> Function:
    """Return a function with one signature."""
    return Function(name, call, (Overload(arguments, result),))


def _hint(given: Type, wanted: Type) -> str:
    if given.kind == "string" and wanted.kind == "int":
        return ": Atoi() makes a number of a text"
    if given.is_number and wanted.kind == "string":
        return ": string() makes a text of a number"
    return ""
