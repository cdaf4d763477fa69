"""Describe the HTTP interface as an OpenAPI 3.1 document, made from the classes of arguments."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import msgspec

from salt_o2.core.access_roles import AccessRole, required_role

READS = frozenset({"host_audit", "host_info", "host_log", "host_tasks"})
"""Requests of the role viewer that ask hosts; like all others of this role they change nothing."""
_PROBLEM = "#/components/schemas/Problem"


def is_read_only(verb: str) -> bool:
    """Return whether ``verb`` changes nothing, so that it may be sent with GET."""
    return required_role(verb) is AccessRole.VIEWER


def openapi(verbs: Mapping[str, type[Any]]) -> dict[str, Any]:
    """Return the document for ``verbs``, each with the class of its arguments."""
    classes = sorted({*verbs.values()}, key=lambda each: each.__name__)
    schemas, components = msgspec.json.schema_components(classes, ref_template="#/components/schemas/{name}")
    by_class = dict(zip(classes, schemas, strict=True))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Salt O²", "version": version("salt-o2"), "description": _ABOUT},
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": {
            f"/{verb}": _path(verb, by_class[kind], kind, components) for verb, kind in sorted(verbs.items())
        },
        "components": {
            "schemas": {**components, "Problem": _PROBLEM_SCHEMA},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _path(verb: str, schema: dict[str, Any], kind: type[Any], components: dict[str, Any]) -> dict[str, Any]:
    body = {"required": False, "content": {"application/json": {"schema": schema}}}
    post = {**_operation(verb, kind, "post"), "requestBody": body}
    if not is_read_only(verb):
        return {"post": post}
    properties = components.get(kind.__name__, {}).get("properties", {})
    required = set(components.get(kind.__name__, {}).get("required", ()))
    query = [_parameter(name, each, name in required) for name, each in properties.items()]
    return {"post": post, "get": {**_operation(verb, kind, "get"), "parameters": query}}


def _parameter(name: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    simple = schema.get("type") not in ("object", "array")
    shape = {"schema": schema} if simple else {"content": {"application/json": {"schema": schema}}}
    return {"name": name, "in": "query", "required": required, **shape}


def _operation(verb: str, kind: type[Any], method: str) -> dict[str, Any]:
    role = required_role(verb)
    problem = {"content": {"application/problem+json": {"schema": {"$ref": _PROBLEM}}}}
    return {
        "operationId": f"{method}_{verb}",
        "summary": verb.replace("_", " "),
        "description": f"{kind.__doc__ or ''} Needs the role {role}.".strip(),
        "tags": [verb.partition("_")[0]],
        "responses": {
            "200": {"description": "The result.", "content": {"application/json": {"schema": {}}}},
            "202": {"description": "The request is under way; `Location` has its address."},
            "4XX": {"description": "The request was refused; nothing was done.", **problem},
            "5XX": {"description": "The request failed.", **problem},
        },
    }


_ABOUT = (
    "Requests to control. `POST` sends the arguments as a JSON object. With `Accept: application/x-ndjson` "
    "the answer is a line for each step and a last line with the result. With `Prefer: respond-async` the "
    "answer is 202 and the address of the request."
)
_PROBLEM_SCHEMA = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "required": ["type", "title", "status", "detail", "kind"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "kind": {"type": "string"},
        "instance": {"type": "string"},
        "fields": {"type": "object"},
    },
}
