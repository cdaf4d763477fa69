"""Parse and bound what control receives from a host: reports from the bus, facts from the store.

A wrong part is dropped and named in ``Report.faults``, which control shows on the host's row; control uses
the rest. The types in commands.py and reports.py say what a part may be. After parsing, no part of a report
may raise an error.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.ids import HostId
from salt_o2.core.messages.reports import HostFacts, Report, TaskReport
from salt_o2.core.terminal_text import terminal_line
from salt_o2.core.tolerant_decoding import Fault, salvage

MOST_FAULTS = 20
"""Number of faults of one message that control shows; further faults have the same cause."""
LONGEST_FAULT = 300
"""Characters of one fault."""
MOST_TASKS = 5_000
"""Tasks of one report. A host runs hundreds; more is an attack or a defect, and costs control's time."""
MOST_TEXT = 2_000
"""Characters of each text about a task: what failed and what to do."""
MOST_WORD = 100
"""Characters of a state for which a device has its own name."""
MOST_LINES = 100
"""Lines of output that come with a failure."""
MOST_ATTRIBUTES, MOST_VALUES, LONGEST_ATTRIBUTE = 64, 100, 1_000
"""Attributes of one host, values in one list of them, characters of a name or of a list."""
MOST_MASTERS = 32
_FACTS = {"address": "", "network": "", "cpus": 0.0, "memory_mb": 0.0}
"""A host of which this cannot be read gets no new tasks, and keeps its present tasks."""
_DEFAULTS = HostFacts(**_FACTS)  # type: ignore[arg-type]
_TEXTS = ("address", "network", "version", "directory_key", "master", "bindable")
_RANGES = ("control_ports", "channel_ports")


def report_of(data: Any, host: HostId, incarnation: str = "") -> Report:
    """Return the report in ``data``, which the agent on ``host`` has sent, as far as it can be read.

    ``incarnation`` is that of the agent, as far as it is known otherwise. A report of another host is
    returned unchanged: the caller compares.
    """
    if not isinstance(data, Mapping):
        return unreadable(host, f"a report is a mapping, not a {type(data).__name__}")
    fallbacks = {HostFacts: _FACTS, Report: {"host": host, "incarnation": incarnation, "sequence": 0}}
    sent = {name: value for name, value in data.items() if name != "faults"}
    tasks = sent.get("tasks")
    cut: tuple[Fault, ...] = ()
    if isinstance(tasks, list | tuple) and len(tasks) > MOST_TASKS:
        cut = (Fault("tasks", f"{len(tasks):,} are reported; only the first {MOST_TASKS:,} are read"),)
        sent["tasks"] = tasks[:MOST_TASKS]
    try:
        report, faults = salvage(sent, Report, fallbacks=fallbacks)
    except InvalidRequestError as error:
        return unreadable(host, str(error))
    facts, more = _bounded(report.facts, host, "facts.") if report.facts else (None, ())
    tasks = tuple(map(_clipped, report.tasks))
    return replace(report, tasks=tasks, facts=facts, faults=_lines((*cut, *faults, *more)))


def unreadable(host: HostId, why: str) -> Report:
    """Return the report that replaces an unreadable message: a heartbeat with the fault."""
    return Report(host=host, incarnation="", sequence=0, faults=_lines([Fault("", why)]))


def facts_of(data: Any, host: HostId) -> tuple[HostFacts, tuple[str, ...]]:
    """Return the facts of ``host`` in the store, as far as they can be read, and the faults of the rest."""
    try:
        facts, faults = salvage(data, HostFacts, fallbacks={HostFacts: _FACTS})
    except InvalidRequestError as error:
        facts, faults = _DEFAULTS, (Fault("", str(error)),)
    facts, more = _bounded(facts, host, "")
    return facts, _lines((*faults, *more))


def _bounded(facts: HostFacts, host: HostId, place: str) -> tuple[HostFacts, tuple[Fault, ...]]:
    """Return ``facts`` with a valid address and valid ranges of ports."""
    faults = []
    for name in _RANGES:
        low, high = getattr(facts, name)
        if low > high:
            faults.append(Fault(f"{place}{name}", f"{low}-{high} is not a range"))
            facts = replace(facts, **{name: getattr(_DEFAULTS, name)})
    attributes, wrong = _bounded_attributes(facts.attributes)
    faults += [Fault(f"{place}attributes", why) for why in wrong]
    short: dict[str, Any] = {name: terminal_line(getattr(facts, name)[:LONGEST_ATTRIBUTE]) for name in _TEXTS}
    masters = tuple(terminal_line(name[:LONGEST_ATTRIBUTE]) for name in facts.masters[:MOST_MASTERS])
    shown_faults = tuple(terminal_line(line[:LONGEST_FAULT]) for line in facts.faults[:MOST_FAULTS])
    cleaned = replace(facts, attributes=attributes, masters=masters, faults=shown_faults, **short)
    if cleaned != facts and not wrong:
        faults.append(Fault(place.rstrip("."), "long texts are cut, and control characters are escaped"))
    facts = cleaned
    return replace(facts, address=facts.address or host), tuple(faults)


def _bounded_attributes(given: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the attributes that are small enough, and names of the others: control indexes each value."""
    small = {
        terminal_line(name): terminal_line(value)
        for name, value in given.items()
        if max(len(name), len(value)) <= LONGEST_ATTRIBUTE and value.count(",") < MOST_VALUES
    }
    wrong = [
        f"{name[:50]!r} is omitted: a host may say {LONGEST_ATTRIBUTE} characters and {MOST_VALUES} values"
        for name in given
        if terminal_line(name) not in small
    ]
    if len(small) > MOST_ATTRIBUTES:
        wrong.append(f"only the first {MOST_ATTRIBUTES} of {len(small)} are used")
        small = dict(list(small.items())[:MOST_ATTRIBUTES])
    return small, wrong


def _clipped(about: TaskReport) -> TaskReport:
    """Return ``about`` with texts of bounded length; a device and its output decide their content."""
    if len(about.device_state) > MOST_WORD:
        about = replace(about, device_state=about.device_state[:MOST_WORD])
    failure = about.failure
    if failure is None:
        return about
    short = replace(
        failure,
        asked=failure.asked[:MOST_TEXT],
        state=failure.state[:MOST_TEXT],
        reason=failure.reason[:MOST_TEXT],
        advice=failure.advice[:MOST_TEXT],
        output=tuple(line[:MOST_TEXT] for line in failure.output[-MOST_LINES:]),
    )
    return about if short == failure else replace(about, failure=short)


def _lines(faults: "tuple[Fault, ...] | list[Fault]") -> tuple[str, ...]:
    shown_faults = [str(fault)[:LONGEST_FAULT] for fault in faults[:MOST_FAULTS]]
    more = len(faults) - len(shown_faults)
    return (*shown_faults, f"and {more} more") if more > 0 else tuple(shown_faults)
