"""Errors as problem documents (RFC 9457), with all fields of the error and the status of HTTP."""

from typing import Any

from salt_o2.api.access.callers import ForbiddenError
from salt_o2.core.errors import (
    IllegalTransitionError,
    InvalidRequestError,
    O2Error,
    PlanError,
    StorageError,
    TaskError,
    TemplateError,
    UnknownNameError,
    UnreachableError,
    as_document,
)

STATUS: dict[type[O2Error], int] = {
    InvalidRequestError: 400,
    ForbiddenError: 403,
    UnknownNameError: 404,
    IllegalTransitionError: 409,
    PlanError: 409,
    TemplateError: 422,
    TaskError: 502,
    StorageError: 503,
    UnreachableError: 503,
}
"""The status of each class of errors; 500 for all others."""
CONTENT_TYPE = "application/problem+json"


def problem(error: O2Error, instance: str = "") -> dict[str, Any]:
    """Return the problem document of ``error``; ``instance`` is the path of the request."""
    document = as_document(error)
    kind = type(error).__name__ if isinstance(error, ForbiddenError) else document["kind"]
    return {
        "type": f"urn:salt-o2:error:{kind}",
        "title": _title(kind),
        "status": status_of(error),
        "detail": document["message"],
        "kind": kind,
        **({"instance": instance} if instance else {}),
        **({"fields": document["fields"]} if "fields" in document else {}),
    }


def status_of(error: O2Error) -> int:
    """Return the status of HTTP for ``error``."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def _title(kind: str) -> str:
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind).strip()
    return words.removesuffix(" error").capitalize()
