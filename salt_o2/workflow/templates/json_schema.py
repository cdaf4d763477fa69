"""Make JSON schemas of workflow and task templates, for editors, from the tables that the reader uses."""

from typing import Any

from salt_o2.workflow.templates import keys
from salt_o2.workflow.templates.fields import NO, YES
from salt_o2.workflow.templates.keys import Table

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALAR: dict[str, Any] = {"type": ["string", "number", "boolean", "null"]}
_KINDS: dict[str, dict[str, Any]] = {
    "text": _SCALAR,
    "flag": {"type": ["boolean", "string"], "enum": [True, False, *YES, *NO]},
    "number": {"type": ["number", "string"]},
    "list": {"type": ["array", "null"]},
    "mapping": {"type": ["object", "null"]},
}
_BLOCK: dict[str, Any] = {
    "type": ["object", "null"],
    "additionalProperties": {"anyOf": [_SCALAR, {"$ref": "#/$defs/variable"}]},
}
_TEXTS: dict[str, Any] = {"type": ["array", "null"], "items": _SCALAR}
_SHAPES: dict[str, dict[str, Any]] = {
    "defaults": _BLOCK,
    "vars": _BLOCK,
    "properties": _BLOCK,
    "arguments": _TEXTS,
    "env": _TEXTS,
    "values": _TEXTS,
    "roles": {"type": ["array", "null"], "items": {"$ref": "#/$defs/role"}},
    "for": {"$ref": "#/$defs/loop"},
    "task": {"$ref": "#/$defs/task"},
    "call": {"$ref": "#/$defs/call"},
    "control": {"$ref": "#/$defs/control"},
    "command": {"$ref": "#/$defs/command"},
    "wants": {"$ref": "#/$defs/wants"},
    "limits": {"$ref": "#/$defs/limits"},
    "constraints": {"type": ["array", "null"], "items": {"$ref": "#/$defs/constraint"}},
    "bind": {"type": ["array", "null"], "items": {"$ref": "#/$defs/bind"}},
    "connect": {"type": ["array", "null"], "items": {"$ref": "#/$defs/connect"}},
}
TABLES: dict[str, Table] = {
    "role": keys.ROLE,
    "loop": keys.LOOP,
    "task": keys.TASK,
    "call": keys.CALL,
    "constraint": keys.CONSTRAINT,
    "bind": keys.BIND,
    "connect": keys.CONNECT,
    "variable": keys.PUBLIC,
    "task-template": keys.TASK_TEMPLATE,
    "control": keys.CONTROL,
    "command": keys.COMMAND,
    "wants": keys.WANTS,
    "limits": keys.LIMITS,
}
"""Every table of keys, by the name of the object that has the keys."""
_KIND_OF_ROLE = ("roles", "task", "call", "include")


def schema(kind: str) -> dict[str, Any]:
    """Return the schema of ``workflow`` or ``task`` templates."""
    root = "role" if kind == "workflow" else "task-template"
    definitions = {name: _object(table) for name, table in TABLES.items()}
    definitions["role"]["oneOf"] = [{"required": [key]} for key in _KIND_OF_ROLE]
    return {
        "$schema": DIALECT,
        "title": f"Salt O² {kind} template",
        "$ref": f"#/$defs/{root}",
        "$defs": definitions,
    }


def _object(table: Table) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: {**_SHAPES.get(name, _KINDS[key.kind]), "description": key.meaning}
            for name, key in table.items()
        },
        "required": [name for name, key in table.items() if key.required],
        "additionalProperties": False,
    }
