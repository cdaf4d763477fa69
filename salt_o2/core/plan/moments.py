"""Define the moments of a transition that trigger hooks and await calls (AliECS handbook, A1.2-A1.3).

    before_EVENT   leave_STATE   (the tasks move)   enter_STATE   after_EVENT

Within a moment, hooks run in the order of their weights; control's own actions are between the negative
weights and zero. At the end of an environment there are also before_DESTROY, DESTROY (when all tasks but the
hooks have ended) and after_DESTROY.
"""

import re
from dataclasses import dataclass

from salt_o2.core.errors import TemplateError
from salt_o2.core.similar_names import did_you_mean
from salt_o2.core.states import EnvironmentEvent, EnvironmentState

_WEIGHTED = re.compile(r"(?P<name>[A-Za-z_]+)(?P<weight>[+-]\d+)?")

NAMES: tuple[str, ...] = (
    *(f"before_{event}" for event in EnvironmentEvent),
    *(f"leave_{state}" for state in EnvironmentState),
    *(f"enter_{state}" for state in EnvironmentState),
    *(f"after_{event}" for event in EnvironmentEvent),
    "before_DESTROY",
    "DESTROY",
    "after_DESTROY",
)
"""All names of moments."""


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A moment and the weight within it."""

    name: str
    weight: int = 0

    def __str__(self) -> str:
        """Return the moment as templates write it."""
        return f"{self.name}{self.weight:+d}" if self.weight else self.name


def parse(text: str) -> Moment:
    """Return the moment that ``text`` names, for example ``before_START_ACTIVITY-50``.

    Raises:
        TemplateError: if there is no such moment, or the weight is no whole number.
    """
    found = _WEIGHTED.fullmatch(text.strip())
    if not found:
        raise TemplateError(
            f"{text!r} is not a moment: expected a name and a whole number, as in after_CONFIGURE+10"
        )
    if found["name"] not in NAMES:
        raise TemplateError(f"unknown moment {found['name']!r}{did_you_mean(found['name'], NAMES)}")
    return Moment(found["name"], int(found["weight"] or 0))
