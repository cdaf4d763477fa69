"""Parse paths of configuration, ``component/RUNTYPE/role/entry``, and list their fallbacks (A4.2)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from salt_o2.core.errors import InvalidRequestError
from salt_o2.workflow.problems import nearest

ANY_RUN_TYPE, ANY_ROLE = "ANY", "any"
RUN_TYPES = (
    "NULL",
    "PHYSICS",
    "TECHNICAL",
    "PEDESTAL",
    "PULSER",
    "LASER",
    "CALIBRATION_ITHR_TUNING",
    "CALIBRATION_VCASN_TUNING",
    "CALIBRATION_THR_SCAN",
    "CALIBRATION_DIGITAL_SCAN",
    "CALIBRATION_ANALOG_SCAN",
    "CALIBRATION_FHR",
    "CALIBRATION_ALPIDE_SCAN",
    "CALIBRATION",
    "COSMICS",
    "SYNTHETIC",
    "NOISE",
    "CALIBRATION_PULSE_LENGTH",
    "CALIBRATION_VRESETD",
    ANY_RUN_TYPE,
)
"""As AliECS's ``apricot.proto`` has them."""


@dataclass(frozen=True, slots=True)
class Query:
    """The parts of a requested path."""

    component: str
    run_type: str
    role: str
    entry: str

    def __str__(self) -> str:
        """Return the query as a path."""
        return f"{self.component}/{self.run_type}/{self.role}/{self.entry}"

    def fallbacks(self) -> Iterator[str]:
        """Return the paths that answer the query, the best first."""
        pairs = [
            (self.run_type, self.role),
            (ANY_RUN_TYPE, self.role),
            (self.run_type, ANY_ROLE),
            (ANY_RUN_TYPE, ANY_ROLE),
        ]
        for run_type, role in dict.fromkeys(pairs):
            yield str(replace(self, run_type=run_type, role=role))

    def beside(self, entry: str) -> "Query":
        """Return the query for another entry of the same component, run type and role."""
        return replace(self, entry=entry)


def parse_query(text: str) -> Query:
    """Return the query of ``component/RUNTYPE/role/entry``; ``component/entry`` is for any run type and role.

    Raises:
        InvalidRequestError: if it is neither.
    """
    parts = text.strip().strip("/").split("/")
    if len(parts) == 2:
        parts = [parts[0], ANY_RUN_TYPE, ANY_ROLE, parts[1]]
    if len(parts) < 4 or any(part in ("", ".", "..") for part in parts):
        raise InvalidRequestError(
            f"{text!r} is not a path of configuration: expected component/RUNTYPE/role/entry"
        )
    component, run_type, role, *entry = parts
    if run_type not in RUN_TYPES:
        raise InvalidRequestError(f"{text!r}: unknown run type {run_type}{nearest(run_type, RUN_TYPES)}")
    return Query(component, run_type, role, "/".join(entry))
