"""Find tasks of the pool that a new plan can claim instead of starting processes.

A task fits if its process is the one that control would start in its place: same class, same revision of the
templates, same host, same launch. The arguments of CONFIGURE may differ. It keeps its id and all its ports.
"""

from collections.abc import Collection, Iterable, Sequence

from salt_o2.control.planning.task_command import make_launch, placement_variables
from salt_o2.core.errors import PlanError
from salt_o2.core.ids import EnvironmentId, HostId
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.constraints import Constraint, matches
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.placement.requests import PlacementRequest
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.pool.launch_fingerprint import LaunchFingerprint, is_equivalent, launch_fingerprint
from salt_o2.workflow import TaskRole
from salt_o2.workflow.expansion.task_rendering import render
from salt_o2.workflow.problems import Problems

ByHost = dict[HostId, list[PlannedTask]]


class PoolMatcher:
    """The claimable tasks of the pool, for one plan; each is matched once."""

    def __init__(
        self, free: Iterable[PlannedTask], inventory: Inventory, environment: EnvironmentId, revision: str
    ) -> None:
        """Use the tasks of ``free`` that templates of ``revision`` have started."""
        self._inventory, self._environment, self._revision = inventory, environment, revision
        self._samples: dict[str, PlannedTask] = {}
        self._by_fingerprint: dict[LaunchFingerprint, ByHost] = {}
        for task in free:
            if task.launch.revision == revision:
                self._samples.setdefault(task.class_name, task)
                by_host = self._by_fingerprint.setdefault(
                    launch_fingerprint(task.launch, task.id, task.host), {}
                )
                by_host.setdefault(task.host, []).append(task)

    def match(self, task: TaskRole, request: PlacementRequest) -> PlannedTask | None:
        """Return a task that fits ``task``, and match it only once; ``None`` if there is none.

        The cost does not depend on the size of the pool: one launch is made with the place of any candidate,
        to find the tasks with the same launch fingerprint, and one more to compare.
        """
        sample = self._samples.get(task.class_name)
        launch = self._launch_in_place_of(sample, task, request) if sample and not task.trigger else None
        if sample is None or launch is None:
            return None
        by_host = self._by_fingerprint.get(launch_fingerprint(launch, sample.id, sample.host), {})
        for host in self._hosts(request.constraints, by_host):
            if self._does(by_host[host][0], task, request):
                found = by_host[host].pop(0)
                if not by_host[host]:
                    del by_host[host]
                return found
        return None

    def requires_restart(self, old: PlannedTask, task: TaskRole, request: PlacementRequest) -> bool:
        """Return whether ``old`` needs a restart for ``task`` while the pool has tasks of its class.

        A task of the pool may not need one.
        """
        if task.trigger or task.class_name not in self._samples:
            return False
        launch = self._launch_in_place_of(old, task, request)
        return launch is not None and launch != old.launch

    def _does(self, old: PlannedTask, task: TaskRole, request: PlacementRequest) -> bool:
        facts = self._inventory.hosts.get(old.host)
        if facts is None or not placement_still_valid(old, request, facts):
            return False
        launch = self._launch_in_place_of(old, task, request)
        return launch is not None and is_equivalent(old.launch, launch)

    def _hosts(self, constraints: Sequence[Constraint], by_host: ByHost) -> list[HostId]:
        """Return the hosts in ``by_host`` that meet ``constraints``; examines as few hosts as possible."""
        sets: list[Collection[HostId]] = [
            self._inventory.with_attribute(each.attribute, each.value) for each in constraints
        ]
        fewest = min((by_host, *sets), key=len)
        return [host for host in fewest if host in by_host and all(host in each for each in sets)]

    def _launch_in_place_of(
        self, old: PlannedTask, task: TaskRole, request: PlacementRequest
    ) -> Launch | None:
        """Return the launch of ``task`` with the place of ``old``; ``None`` if it is invalid there."""
        problems, port = Problems(), old.launch.control_port
        own = placement_variables(task, old.id, old.host, port, self._environment)
        rendered = render(task, own, problems)
        if len(problems):
            return None  # reported when it is planned
        ports = (*old.launch.ports[: request.channels], *request.wants.ports)
        try:
            return make_launch(task, old.id, rendered, port, ports, self._revision)
        except PlanError:
            return None


def placement_still_valid(old: PlannedTask, request: PlacementRequest, facts: HostFacts) -> bool:
    """Return whether the placement of ``old``, on a host with these ``facts``, is valid for ``request``."""
    fits = all(matches(old.host, facts, constraint) for constraint in request.constraints)
    ports = len(old.launch.ports) == request.channels + len(request.wants.ports)
    controlled = (old.launch.control_port is not None) == request.control_port
    enough = old.cpu >= request.wants.cpu and old.memory_mb >= request.wants.memory_mb
    return fits and ports and controlled and enough
