"""Parse references to templates: repository, name and revision."""

import re
from typing import NamedTuple

from salt_o2.core.errors import UnknownNameError

_REFERENCE = re.compile(
    r"(?:(?P<repository>.+)/(?P<kind>workflows|tasks)/)?(?P<name>[^@/]+?)(?:\.yaml)?(?:@(?P<revision>.+))?"
)
LONGEST = 1_000
"""Characters of a reference."""


class Reference(NamedTuple):
    """A template by name, in another repository or at another revision if these are given."""

    repository: str
    name: str
    revision: str

    @property
    def foreign(self) -> bool:
        """Whether the reference leads out of the source that contains it."""
        return bool(self.repository or self.revision)


def parse_reference(text: str, kind: str) -> Reference:
    """Return the parts of ``name``, ``name@revision`` or ``repository/workflows/name@revision``.

    Raises:
        UnknownNameError: if it is none of these, or of the other ``kind`` (workflows, tasks).
    """
    if len(text) > LONGEST:
        raise UnknownNameError(f"a name of {len(text):,} characters is no name of {kind}")
    found = _REFERENCE.fullmatch(text.strip())
    if not found or found["kind"] not in (None, kind):
        raise UnknownNameError(
            f"{text!r} names none of {kind}: name, name@revision or repository/{kind}/name@revision"
        )
    return Reference(found["repository"] or "", found["name"], found["revision"] or "")
