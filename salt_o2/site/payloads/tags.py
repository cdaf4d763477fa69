"""The tags of payloads: each reads its part of the document and returns what renders it."""

import math
import re
import time
from collections.abc import Callable
from typing import Any

from salt_o2.site.payloads.context import Context, Output
from salt_o2.site.payloads.document import Document, Node, rendered
from salt_o2.site.payloads.expressions import Reader, Value
from salt_o2.site.payloads.filters import escape
from salt_o2.site.payloads.inheritance_tags import read_block, read_extends
from salt_o2.site.payloads.lexer import KEYWORD, NAME, STRING, SYMBOL
from salt_o2.site.payloads.repetition_tags import read_cycle, read_if_changed
from salt_o2.site.payloads.values import Safe, equal, number, text, truth
from salt_o2.workflow.expressions.evaluation_budget import spend
from salt_o2.workflow.expressions.times import Time
from salt_o2.workflow.expressions.values import Attributes, Refused, is_integer

_BLANKS = re.compile(r"(<[^<>]*>)[\t\n\v\f\r ]+(?=<[^<>]*>)")
_SIGNS = {
    "openblock": "{%",
    "closeblock": "%}",
    "openvariable": "{{",
    "closevariable": "}}",
    "openbrace": "{",
    "closebrace": "}",
    "opencomment": "{#",
    "closecomment": "#}",
}

_FAKE_NOW = Time(1_391_625_105_000_000_000)
"""The time of ``now`` with ``fake``: 2014-02-05 18:31:45."""


class Loop(Attributes):
    """``forloop``: the place in a loop."""

    __slots__ = ("Counter", "Counter0", "First", "Last", "Parentloop", "Revcounter", "Revcounter0")
    fields = frozenset(__slots__)

    def __init__(self, place: int, count: int, outer: Any) -> None:
        self.Counter, self.Counter0 = place + 1, place
        self.Revcounter, self.Revcounter0 = count - place, count - place - 1
        self.First, self.Last = place == 0, place == count - 1
        self.Parentloop = outer


def _if(document: Document, arguments: Reader) -> Node:
    branches: list[tuple[Value, Node]] = []
    otherwise: Node | None = None
    condition: Value | None = arguments.expression().value
    arguments.finish()
    while True:
        body, tag, rest = document.until("elif", "else", "endif")
        if condition is not None:
            branches.append((condition, body))
        else:
            otherwise = body
        condition = rest.expression().value if tag == "elif" else None
        rest.finish()
        if tag == "endif":
            break

    def render(at: Context) -> None:
        for test, body in branches:
            if truth(test(at)):
                return body(at)
        return otherwise(at) if otherwise else None

    return render


def _for(document: Document, arguments: Reader) -> Node:
    names = [arguments.take(NAME, "a name")]
    if arguments.skip(SYMBOL, ","):
        names.append(arguments.take(NAME, "a name"))
    if not arguments.skip(KEYWORD, "in"):
        raise arguments.fault("in expected")
    over = arguments.expression().value
    backwards = bool(arguments.skip(NAME, "reversed"))
    in_order = bool(arguments.skip(NAME, "sorted"))
    arguments.finish()
    body, tag, rest = document.until("empty", "endfor")
    rest.finish()
    empty = document.until("endfor")[0] if tag == "empty" else None

    def render(at: Context) -> None:
        inner = at.child()
        outer = inner.private.get("forloop")
        items = _items(over(inner), backwards, in_order)
        for place, values in enumerate(items):
            spend(1)
            inner.private["forloop"] = Loop(place, len(items), outer)
            inner.private.update(zip(names, values, strict=False))
            body(inner)
        if not items and empty:
            empty(inner)

    return render


def _items(value: Any, backwards: bool, in_order: bool) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        keys = sorted(value, key=text, reverse=backwards and in_order)
        return [(key, value[key]) for key in keys]
    if not isinstance(value, str | list):
        return []
    items = list(value)
    if in_order:
        whole = all(map(is_integer, items))
        items.sort(key=None if whole else text, reverse=backwards)
    elif backwards:
        items.reverse()
    return [(item,) for item in items]


def _include(_document: Document, arguments: Reader) -> Node:
    name = arguments.operand() if arguments.current.kind == STRING else arguments.expression().value
    if_exists = bool(arguments.skip(NAME, "if_exists"))
    pairs: list[tuple[str, Value]] = []
    only = False
    if arguments.skip(NAME, "with"):
        while not arguments.is_done and not only:
            pairs.append(_pair(arguments))
            only = bool(arguments.skip(NAME, "only"))
    arguments.finish()

    def render(at: Context) -> None:
        names = {} if only else {**at.public, **at.private}
        names |= {key: value(at) for key, value in pairs}
        entry = text(name(at))
        if not entry:
            raise Refused("include names no payload")
        try:
            found = at.load(entry)
        except Refused:
            raise
        except Exception:
            if if_exists:
                return
            raise
        found.render(at.included(names))

    return render


def _pair(arguments: Reader) -> tuple[str, Value]:
    key = arguments.take(NAME, "a name")
    arguments.expect("=")
    return key, arguments.expression().value


def _set(_document: Document, arguments: Reader) -> Node:
    key, value = _pair(arguments)
    arguments.finish()

    def render(at: Context) -> None:
        at.private[key] = value(at)

    return render


def _with(document: Document, arguments: Reader) -> Node:
    body, _, rest = document.until("endwith")
    rest.finish()
    pairs: list[tuple[str, Value]] = []
    older = arguments.has(KEYWORD, "as")
    while not (pairs and arguments.is_done):
        if not older:
            pairs.append(_pair(arguments))
            continue
        value = arguments.expression().value
        if not arguments.skip(KEYWORD, "as"):
            raise arguments.fault("as expected")
        pairs.append((arguments.take(NAME, "a name"), value))

    def render(at: Context) -> None:
        inner = at.child()
        inner.private.update({key: value(at) for key, value in pairs})
        body(inner)

    return render


def _if_equal(end: str, wanted: bool) -> Callable[[Document, Reader], Node]:
    def read(document: Document, arguments: Reader) -> Node:
        one, other = arguments.expression().value, arguments.expression().value
        arguments.finish()
        body, tag, rest = document.until("else", end)
        rest.finish()
        otherwise = document.until(end)[0] if tag == "else" else None

        def render(at: Context) -> None:
            if equal(one(at), other(at)) is wanted:
                body(at)
            elif otherwise:
                otherwise(at)

        return render

    return read


def _spaceless(document: Document, arguments: Reader) -> Node:
    body, _, _ = document.until("endspaceless")
    arguments.finish()

    def render(at: Context) -> None:
        at.output.write(_BLANKS.sub(r"\1", rendered(body, at)))

    return render


def _comment(document: Document, arguments: Reader) -> Node:
    document.skip_until("endcomment")
    arguments.finish()
    return lambda _at: None


def _autoescape(document: Document, arguments: Reader) -> Node:
    body, _, _ = document.until("endautoescape")
    mode = arguments.take(NAME, "on or off")
    if mode not in ("on", "off"):
        raise arguments.fault("autoescape takes on or off")
    arguments.finish()

    def render(at: Context) -> None:
        before, at.escapes = at.escapes, mode == "on"
        body(at)
        at.escapes = before

    return render


def _filter(document: Document, arguments: Reader) -> Node:
    body, _, _ = document.until("endfilter")
    value: Value = lambda at: rendered(body, at)  # noqa: E731
    while True:
        _, value = arguments.filtered(value)
        if not arguments.skip(SYMBOL, "|"):
            break
    arguments.finish()
    return lambda at: at.output.write(text(value(at)))


def _first_of(_document: Document, arguments: Reader) -> Node:
    values = []
    while not arguments.is_done:
        values.append(arguments.expression())

    def render(at: Context) -> None:
        for each in values:
            found = each.value(at)
            if truth(found):
                at.output.write(escape(found) if at.escapes and not each.is_safe else text(found))
                return

    return render


def _macro(document: Document, arguments: Reader) -> Node:
    name = arguments.take(NAME, "a name")
    arguments.expect("(")
    parameters: list[tuple[str, Value | None]] = []
    while not arguments.skip(SYMBOL, ")"):
        parameter = arguments.take(NAME, "a name")
        default = arguments.expression().value if arguments.skip(SYMBOL, "=") else None
        parameters.append((parameter, default))
        if not arguments.skip(SYMBOL, ","):
            arguments.expect(")")
            break
    exported = bool(arguments.skip(KEYWORD, "export"))
    arguments.finish()
    body, _, rest = document.until("endmacro")
    rest.finish()

    def bound(at: Context) -> Callable[..., Safe]:
        def call(*given: Any) -> Safe:
            if len(given) > len(parameters):
                raise Refused(f"{name} takes {len(parameters)} arguments, not {len(given)}")
            inner = at.child(Output())
            for number_, (parameter, default) in enumerate(parameters):
                if number_ < len(given):
                    inner.private[parameter] = given[number_]
                else:
                    inner.private[parameter] = default(at) if default else None
            body(inner)
            return Safe(inner.output)

        return call

    if exported:
        document.macros[name] = bound

    def render(at: Context) -> None:
        at.private[name] = bound(at)

    return render


def _import(_document: Document, arguments: Reader) -> Node:
    entry = arguments.take(STRING, "the name of a payload")
    wanted: list[tuple[str, str]] = []
    while True:
        macro = arguments.take(NAME, "the name of a macro")
        alias = arguments.take(NAME, "a name") if arguments.skip(KEYWORD, "as") else macro
        wanted.append((macro, alias))
        if not arguments.skip(SYMBOL, ","):
            break
    arguments.finish()

    def render(at: Context) -> None:
        found = at.load(entry).macros
        for macro, alias in wanted:
            if macro not in found:
                raise Refused(f"{entry} exports no macro {macro}")
            at.private[alias] = found[macro](at)

    return render


def _template_tag(_document: Document, arguments: Reader) -> Node:
    name = arguments.take(NAME, "a name")
    arguments.finish()
    if name not in _SIGNS:
        raise arguments.fault(f"templatetag takes one of {', '.join(_SIGNS)}")
    return lambda at: at.output.write(_SIGNS[name])


def _width_ratio(_document: Document, arguments: Reader) -> Node:
    current, most, width = (arguments.expression().value for _ in range(3))
    name = arguments.take(NAME, "a name") if arguments.skip(KEYWORD, "as") else ""
    arguments.finish()

    def render(at: Context) -> None:
        whole = number(most(at))
        if whole == 0:
            raise Refused("widthratio of 0")
        found = math.ceil(number(current(at)) / whole * number(width(at)) + 0.5)
        if name:
            at.private[name] = found
        else:
            at.output.write(str(found))

    return render


def _now(_document: Document, arguments: Reader) -> Node:
    """Read ``{% now "2006-01-02" %}``: the time in a form of Go; with ``fake`` a time that stays the same."""
    layout = arguments.take(STRING, "a form of Go's time")
    fake = bool(arguments.skip(NAME, "fake"))
    arguments.finish()

    def render(at: Context) -> None:
        found = _FAKE_NOW if fake else Time(time.time_ns())
        at.output.write(found.format(layout))

    return render


def _refused(why: str) -> Callable[[Document, Reader], Node]:
    def read(_document: Document, arguments: Reader) -> Node:
        raise arguments.fault(why)

    return read


TAGS: dict[str, Callable[[Document, Reader], Node]] = {
    "autoescape": _autoescape,
    "block": read_block,
    "comment": _comment,
    "cycle": read_cycle,
    "extends": read_extends,
    "filter": _filter,
    "firstof": _first_of,
    "for": _for,
    "if": _if,
    "ifchanged": read_if_changed,
    "ifequal": _if_equal("endifequal", True),
    "ifnotequal": _if_equal("endifnotequal", False),
    "import": _import,
    "include": _include,
    "lorem": _refused("lorem fills a page with sample text, which no component reads"),
    "macro": _macro,
    "now": _now,
    "set": _set,
    "spaceless": _spaceless,
    "ssi": _refused(
        "ssi reads any file of the machine that control runs on; store the text as a payload and include that"
    ),
    "templatetag": _template_tag,
    "widthratio": _width_ratio,
    "with": _with,
}
"""The tags by their names."""
