"""Names that a template uses and that an including workflow, the user, control or a hook defines.

An author checks one file at a time. A value from elsewhere is missing there, which is no fault; a name that
no source could define is a fault. This module lists what control and its hooks define. What an including
workflow defines is taken from the other workflows of the same repository.
"""

import time
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from salt_o2.core.errors import O2Error
from salt_o2.workflow.expressions.values import NotHere, Open
from salt_o2.workflow.limits import INDEX_BYTES, INDEX_NODES, INDEX_S
from salt_o2.workflow.problems import Problems
from salt_o2.workflow.sources.directory import Directory
from salt_o2.workflow.templates.role_template import RoleTemplate, read_workflow
from salt_o2.workflow.templates.yaml_document import read

GIVEN: Mapping[str, str] = {
    "environment_id": "the id of the environment",
    "hosts": "JSON list of the hosts that the user has chosen",
    "detectors": "JSON list of the detectors that take part",
    "detector": "the detector of a host",
    "run_type": "the type of run that the user has chosen",
    "run_number": "the number of the run",
    "runNumber": "the same, under its older name",
    "last_run_number": "the number of the run before",
    "last_request_user": "the user who requested the transition",
    "enter_state_time_ms": "time when the environment entered its state",
    "run_start_time_ms": "time when START was requested",
    "run_start_completion_time_ms": "when START was done",
    "run_end_time_ms": "time when STOP was requested",
    "run_end_completion_time_ms": "when STOP was done",
    "consul_base_uri": "the site's Consul, as a URI",
    "consul_endpoint": "the site's Consul: host:port",
    "consul_hostname": "the host of the site's Consul",
    "consul_port": "the port of the site's Consul",
    "core_hostname": "the host of control",
    "framework_id": "the instance of control",
}
"""Variables that a template may count on without defining them (AliECS ``core/environment``)."""
_GIVEN_AT_RUN_TIME = ("fill_info_", "taskResult", "__call_", "__fmq_", "trg_")
"""The prefixes of variables that hooks and calls set while the environment exists."""


class _Needed(Open):
    """A value from elsewhere; it records where it was needed."""

    def __init__(self, asked: set[str]) -> None:
        self._asked = asked

    def refuse(self, name: str) -> NotHere:
        self._asked.add(name)
        return super().refuse(name)


class OpenVariables(Mapping[str, Any]):
    """The weakest layer of an author's variables: the names that other sources may define, without values."""

    origin = "elsewhere"

    def __init__(self, source: Directory | None, itself: str) -> None:
        """Search the workflows of ``source`` for names, if there is one, except the one called itself."""
        self._source = source
        self._itself = itself
        self.asked: set[str] = set()
        """The names that were used."""
        self._value = _Needed(self.asked)

    def __getitem__(self, name: str) -> Any:
        """Return that the value of the name is open."""
        if name not in self:
            raise KeyError(name)
        return self._value

    def __contains__(self, name: object) -> bool:
        """Return whether another source may define the name."""
        return isinstance(name, str) and (
            name in GIVEN or name.startswith(_GIVEN_AT_RUN_TIME) or name in self._others
        )

    def __iter__(self) -> Iterator[str]:
        """Yield nothing: a name without a value is no variable of a role."""
        return iter(())

    def __len__(self) -> int:
        """Return a length above 0, so that this counts as a layer."""
        return 1

    @property
    def known(self) -> Iterator[str]:
        """The defined names, for advice."""
        yield from GIVEN
        yield from self._others

    def notes(self) -> Iterator[str]:
        """Return a line for the names of the user or control, and one for each workflow that defines more."""
        left = sorted(self.asked)
        given = [name for name in left if name not in self._others]
        if given:
            yield f"left open: {', '.join(given)}: known when an environment is created; or give them with -e"
        by_file: dict[str, list[str]] = {}
        for name in left:
            if name in self._others:
                by_file.setdefault(self._others[name], []).append(name)
        for file, names in by_file.items():
            source = f"set by another workflow, as in {file}; or give them with -e"
            yield f"left open: {', '.join(names)}: {source}"

    @cached_property
    def _others(self) -> dict[str, str]:
        """Return the names that other workflows define, each with one such workflow."""
        found: dict[str, str] = {}
        if self._source is None:
            return found
        until = time.monotonic() + INDEX_S
        for file in self._source.names():
            # Other workflows are read for advice only: they may take no longer than in a list of workflows.
            if time.monotonic() > until:
                break
            if file != self._itself:
                for name in _names_in(self._source.path, file, self._source.stamp(file)):
                    found.setdefault(name, f"workflows/{file}.yaml")
        return found


@lru_cache(maxsize=5_000)
def _names_in(repository: Path, file: str, _stamp: int) -> frozenset[str]:
    """Return the names that a workflow defines; cached, because many files of a folder may be checked."""
    try:
        written = Directory(repository).workflow(file)
        if len(written.text) > INDEX_BYTES:
            return frozenset()
        node = read(written.text, written.file, INDEX_NODES)
        return frozenset(_defined(read_workflow(node, file, Problems())))
    except O2Error:
        return frozenset()


def _defined(role: RoleTemplate) -> Iterator[str]:
    yield from role.defaults
    yield from role.vars
    if role.loop:
        yield role.loop.var
    if role.call and role.call.result and role.call.result.constant:
        yield role.call.result.constant
    for child in role.roles:
        yield from _defined(child)
