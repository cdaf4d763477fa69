"""Write a value of an expression with the kinds of all its parts, as the table of facts has it."""

import json

from salt_o2.workflow.expressions.rendering import duration_text, float_text
from salt_o2.workflow.expressions.times import LOCATION, Named, Time
from salt_o2.workflow.expressions.values import Duration, Namespace


def canonical(value):
    """Return the text for ``value``: ``1`` is a whole number, ``float 1`` is not."""
    match value:
        case None:
            return "nil"
        case bool():
            return "true" if value else "false"
        case str():
            text = json.dumps(value, ensure_ascii=False)
            for sign in "<>&\u2028\u2029":
                text = text.replace(sign, f"\\u{ord(sign):04x}")
            return text
        case int():
            return str(value)
        case float():
            return f"float {_number(value)}"
        case list():
            return f"[{', '.join(map(canonical, value))}]"
        case dict():
            return "{" + ", ".join(sorted(f"{canonical(k)}: {canonical(v)}" for k, v in value.items())) + "}"
        case Duration():
            return f"duration {duration_text(value)}"
        case Time():
            return f"time {value.format('2006-01-02T15:04:05.999999999Z07:00')}"
        case LOCATION():
            return f"location {value}"
        case Named():
            return f"{value.type_name.removeprefix('time.').lower()} {value}"
        case Namespace():
            return "{" + ", ".join(f'"{name}": func' for name in sorted(value.fields)) + "}"
    return "func"


def _number(value):
    return float_text(value)
