"""Define the constraints and resource demands that a role has for the host of its task."""

from dataclasses import dataclass

from salt_o2.core.messages.reports import HostFacts

MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Constraint:
    """The host must have ``value`` for ``attribute``: as the whole value, or in its comma-separated list."""

    attribute: str
    value: str

    def __str__(self) -> str:
        """Return the constraint in the form ``attribute=value`` of messages."""
        return f"{self.attribute}={self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDemand:
    """Resources of one task: processor cores, megabytes, and static TCP ports."""

    cpu: float = 0.0
    memory_mb: float = 0.0
    ports: tuple[int, ...] = ()


def merged_constraints(*layers: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
    """Return the constraints of ``layers``, weakest first: a later one replaces the same attribute."""
    by_attribute = {constraint.attribute: constraint for layer in layers for constraint in layer}
    return tuple(by_attribute.values())


def attributes_of(host: str, facts: HostFacts) -> dict[str, str]:
    """Return what constraints match: the host's attributes, and its name unless an attribute replaces it."""
    return {"machine_id": host, "hostname": host, **facts.attributes}


def values_of(attribute: str) -> frozenset[str]:
    """Return the values that an attribute satisfies: its whole text, and each member of its list."""
    return frozenset({attribute, *(member.strip() for member in attribute.split(","))})


def parse_ports(text: str) -> tuple[int, ...]:
    """Return the ports of ``8080-8083,9091``, each once, in order.

    Raises:
        ValueError: if a part is neither a port nor a range of ports; the message names it.
    """
    ports: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, _, last = part.partition("-")
        try:
            begin, end = int(first), int(last or first)
        except ValueError:
            raise ValueError(f"{part!r} is neither a port nor a range of ports like 8080-8083") from None
        if not 1 <= begin <= end <= MAX_PORT:
            raise ValueError(f"{part!r} is not a range of ports from 1 to {MAX_PORT}, the lower one first")
        ports.update(range(begin, end + 1))
    return tuple(sorted(ports))


def matches(host: str, facts: HostFacts, constraint: Constraint) -> bool:
    """Return whether ``host`` meets ``constraint``."""
    attribute = attributes_of(host, facts).get(constraint.attribute)
    return attribute is not None and constraint.value in values_of(attribute)
