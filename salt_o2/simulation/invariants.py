"""What must hold in every simulated cluster, checked all the time and once more when faults have stopped."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from salt_o2.control.requests.history_requests import entries
from salt_o2.control.views.staleness import StalenessView
from salt_o2.core.ids import HostId
from salt_o2.core.messages.reports import TaskReport
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.recovery import snapshot
from salt_o2.core.recovery.replay import replay
from salt_o2.core.states import ControlMode, EnvironmentState, TaskState
from salt_o2.core.tasks.orders import STABLE_TASK_STATE
from salt_o2.occ.driver import TABLES
from salt_o2.simulation.injection import Injection, devices_of
from salt_o2.simulation.machine.device import Device
from salt_o2.simulation.machine.kernel import Process, Shim
from salt_o2.simulation.programs.cluster import Cluster
from salt_o2.simulation.users import Answers

CHECK_S = 2.0
"""Interval of the checks."""
WHOLE_EVERY = 10
"""Each of so many checks compares what users see; the others compare states alone."""
WRONG_FOR_S = 25.0
"""How long control may show a wrong state that it does not mark as unknown."""
UNKNOWN_TASK = "its agent does not know it any more"
TRANSITION_S = 200.0
"""How long a transition may be under way, in seconds in which control runs."""
TWO_FOR_S = 90.0
"""How long a task may have processes of two starts, after faults have stopped."""


@dataclass(slots=True)
class Invariants:
    """The checks of one simulation."""

    cluster: Cluster
    injection: Injection
    answers: Answers
    may_fail: bool = True
    """Whether a fault of the scenario may let a transition fail."""
    broken: list[str] = field(default_factory=list)
    """What was violated, in plain words."""
    checks: int = 0
    pairs: set[tuple[str, str]] = field(default_factory=set)
    """Kinds of faults with the transitions during which they happened."""
    _wrong_since: dict[str, float] = field(default_factory=dict)
    _moving: dict[tuple[str, str], float] = field(default_factory=dict)
    _stable: dict[str, dict[str, tuple[str, tuple[int, int]]]] = field(default_factory=dict)
    """By environment: the host and the process of each task, when it last ran untouched."""
    _begun: dict[str, int] = field(default_factory=dict)
    _runs: dict[str, int] = field(default_factory=dict)
    """The environments in a run without a request under way, with the number of requests before."""
    _last: float = 0.0

    # --- during the simulation ------------------------------------------------------------------

    def check(self) -> None:
        """Check all that must hold at any time."""
        self.checks += 1
        self.broken += self.cluster.broken
        self.cluster.broken.clear()
        self.broken += self.answers.wrong
        self.answers.wrong.clear()
        self.broken += [] if self.may_fail else self.answers.failed
        self.answers.failed.clear()
        for machine in self.cluster.machines:
            self.broken += machine.kernel.wrong_signals
            machine.kernel.wrong_signals.clear()
        self.broken += self._processes_twice()
        self.broken += self._wrong_failures()
        for id in self.answers.destroyed & self.cluster.control.environments.keys():
            self.broken.append(f"environment {id} was destroyed, and is back")
        there = {name: devices_of(host) for name, host in self.cluster.hosts.items()}
        self._check_shown_states(there)
        self._check_transitions()
        self._check_runs()
        self._check_untouched(there)
        self._last = self.cluster.loop.time()

    def _processes_twice(self) -> Iterator[str]:
        """Yield the tasks that have two living shims on one host, or on a host and its copy."""
        for host in self.cluster.hosts.values():
            seen: set[str] = set()
            for machine in host.machines:
                for process in machine.kernel.task_processes():
                    if isinstance(process.program, Shim):
                        if task_of(process) in seen:
                            yield f"task {task_of(process)} was started twice on {host.name}"
                        seen.add(task_of(process))

    def _wrong_failures(self) -> Iterator[str]:
        """Yield announced failures that no fault can cause."""
        announced = self.cluster.control.announced
        for _, data in announced:
            failure, host = data.get("failure") or {}, data.get("host")
            if "defect" in failure.get("advice", ""):
                yield f"task {data.get('task')} failed by a defect: {failure.get('reason')}"
            if UNKNOWN_TASK in failure.get("reason", "") and host not in self.injection.damaged:
                yield f"the agent on {host} has lost task {data.get('task')}"
        announced.clear()

    def _check_shown_states(self, there: Mapping[str, Mapping[str, Device]]) -> None:
        control = self.cluster.control
        if control.control is None or control.program is None or control.program.frozen:
            self._wrong_since.clear()
            return
        now, wrong = self.cluster.loop.time(), {}
        view = StalenessView(control.control.hosts, control.control.clock())
        # The whole row of a task takes ten times as long as its state.
        whole = self.checks % WHOLE_EVERY == 0
        for target in control.environments.values():
            members = target.environment.model.tasks
            for planned in members.plan.tasks:
                if planned.id in members.lost or planned.launch.control_port is None:
                    continue
                report = members.reports.get(planned.id)
                shown = view.task(planned, report)["state"] if whole else state_of(planned, report, view)
                device = there.get(planned.host, {}).get(planned.id)
                real = real_state(device)
                # A device between two states has none.
                true = (TaskState.UNKNOWN, real)
                if real is not TaskState.UNKNOWN and shown not in true and not is_failed(shown, device):
                    wrong[f"task {planned.id} on {planned.host} is shown as {shown} and is {real}"] = now
        self._wrong_since = {text: self._wrong_since.get(text, now) for text in wrong}
        for text, since in self._wrong_since.items():
            if now - since > WRONG_FOR_S:
                self.broken.append(f"{text}, for {now - since:.0f} s")

    def _check_transitions(self) -> None:
        control, now = self.cluster.control, self.cluster.loop.time()
        passed = now - self._last
        moving: dict[tuple[str, str], float] = {}
        for id, target in control.environments.items():
            model = target.environment.model
            if model.active is not None:
                at = (id, f"{model.active.event} {model.active.since}")
                moving[at] = self._moving.get(at, 0.0) + passed
                if moving[at] > TRANSITION_S:
                    self.broken.append(f"{model.active.event} of environment {id} does not end")
            if model.state is EnvironmentState.ERROR and not model.error and model.active is None:
                self.broken.append(f"environment {id} is in ERROR without a reason")
        if control.control is not None:
            self._moving = moving

    def _check_runs(self) -> None:
        """Check that no run ends in good order without a request: no simulated task signals its end."""
        runs: dict[str, int] = {}
        for id, target in self.cluster.control.environments.items():
            state, begun = target.environment.model.state, self.answers.begun.get(id, 0)
            if state is EnvironmentState.RUNNING and id not in self.answers.unanswered:
                runs[id] = begun
            elif state is EnvironmentState.CONFIGURED and self._runs.get(id) == begun:
                self.broken.append(f"the run of environment {id} has ended without a request")
        self._runs = runs

    def _check_untouched(self, there: Mapping[str, Mapping[str, Device]]) -> None:
        """Check that no program ends a task of a run that neither a fault nor a user has touched.

        While an environment moves without a request of a user, what was seen before stays in mind.
        """
        for id, target in self.cluster.control.environments.items():
            model, seen = target.environment.model, self._stable.setdefault(id, {})
            out = model.tasks.excluded
            places = {str(task.id): str(task.host) for task in model.tasks.plan.tasks if task.id not in out}
            hosts = {*places.values(), *(host for host, _ in seen.values())}
            begun = self.answers.begun.get(id, 0)
            asked = self.answers.in_progress.get(id, 0) > 0 or self._begun.setdefault(id, begun) != begun
            self._begun[id] = begun
            if asked or any(host in self.injection.touched for host in hosts):
                seen.clear()
            elif model.state is EnvironmentState.RUNNING and model.active is None:
                for task, (host, identity) in seen.items():
                    if task not in places or identity_of(there[host].get(task)) != identity:
                        self.broken.append(f"task {task} of a run on {host} was ended or moved, untouched")
                seen.clear()
                for task, host in places.items():
                    if (now := identity_of(there[host].get(task))) is not None:
                        seen[task] = (host, now)

    def note_pair(self, fault: str) -> None:
        """Record during which transitions ``fault`` happens."""
        for target in self.cluster.control.environments.values():
            active = target.environment.model.active
            state = str(active.event) if active else str(target.environment.model.state)
            self.pairs.add((fault, state))

    # --- when faults have stopped ---------------------------------------------------------------

    def check_quiet(self) -> None:
        """Check that all is well again, some time after the last fault."""
        self.checks += 1
        control = self.cluster.control
        if control.control is None or control.store is None:
            self.broken.append("control does not run though no fault lasts")
            return
        for name, host in self.cluster.hosts.items():
            if host.program is None:
                self.broken.append(f"no agent runs on {name} though no fault lasts")
            known = control.control.hosts.known.get(name)  # type: ignore[call-overload]
            if known is None or str(known.presence) != "ACTIVE":
                presence = "unknown" if known is None else known.presence
                self.broken.append(f"host {name} is {presence} though no fault lasts")
        for id, target in control.environments.items():
            if target.environment.model.active is not None:
                self.broken.append(f"environment {id} is still in transition though no fault lasts")
        self.broken += self._states_now()
        self.broken += self._left_behind()
        self.broken += self._owners()
        self.broken += self._lost_environments()
        self.broken += self._journals()

    def _left_behind(self) -> Iterator[str]:
        """Yield tasks that are in another state than their environment, without a reason that is shown.

        A control that was started again does not know which commands were not acknowledged.
        """
        control = self.cluster.control
        for id, target in control.environments.items() if control.starts == 1 else ():
            members, state = target.environment.model.tasks, target.environment.model.state
            for planned in members.plan.tasks:
                report, wanted = members.reports.get(planned.id), STABLE_TASK_STATE.get(state)
                out = planned.id in members.lost or planned.id in members.excluded
                failed = report is None or report.failure is not None
                if wanted is None or out or failed or report is None:
                    continue
                if report.state is not wanted:
                    yield f"task {planned.id} of environment {id} is {report.state}, not {wanted}"

    def _states_now(self) -> Iterator[str]:
        for target in self.cluster.control.environments.values():
            members = target.environment.model.tasks
            for planned in members.plan.tasks:
                report = members.reports.get(planned.id)
                out = planned.id in members.lost or planned.id in members.excluded
                if out or planned.launch.control_port is None:
                    continue
                device = devices_of(self.cluster.hosts[planned.host]).get(planned.id)
                shown, real = report.state if report else TaskState.UNKNOWN, real_state(device)
                if shown is not real and not is_failed(shown, device):
                    yield f"at the end task {planned.id} is shown as {shown} and is {real}"

    def _owners(self) -> Iterator[str]:
        """Yield processes that belong to no environment and not to the pool, or to two of them."""
        control = self.cluster.control
        assert control.control is not None
        owners: dict[str, list[str]] = {}
        for id, target in control.environments.items():
            for planned in target.environment.model.tasks.tasks.values():
                owners.setdefault(planned.id, []).append(id)
        for pooled in control.control.pool.pool.entries:
            owners.setdefault(pooled, []).append("the pool")
        for task, of in owners.items():
            if len(of) > 1:
                yield f"task {task} is owned by {' and '.join(of)}"
        for name, host in self.cluster.hosts.items():
            for process in host.kernel.task_processes():
                if process.mark and task_of(process) not in owners:
                    command = name_of(process)
                    yield f"process {process.pid} ({command}) of task {task_of(process)} is left on {name}"

    def _lost_environments(self) -> Iterator[str]:
        control = self.cluster.control
        assert control.store is not None
        for id in self.answers.accepted:
            if id not in control.environments and id not in self.answers.ended:
                yield f"environment {id} was accepted, and is gone"
        if control.control is not None:
            yield from (f"the store cannot be read: {fault}" for fault in control.store.unread)

    def _journals(self) -> Iterator[str]:
        control = self.cluster.control
        assert control.store is not None
        control.store.flush()
        for id, target in control.environments.items():
            again = replay(id, entries(control.store.journal(id)))
            if again is None:
                yield f"the journal of environment {id} does not begin with its creation"
            elif (
                difference := _difference(snapshot.capture(target.environment), snapshot.capture(again))
            ) != "":
                yield f"the journal of environment {id} replays to another state: {difference}"

    def check_empty(self) -> None:
        """Check that nothing is left when all environments were destroyed."""
        self.checks += 1
        for id in self.cluster.control.environments:
            self.broken.append(f"environment {id} is still there after its destruction")
        if (components := self.cluster.control.control) is not None:
            for name in self.cluster.hosts:
                used = components.inventory.use_of(HostId(name))
                if used.tasks:
                    self.broken.append(f"control counts {used.tasks} tasks on {name} at the end")
        for name, host in self.cluster.hosts.items():
            for process in host.kernel.task_processes():
                self.broken.append(f"process {name_of(process)} is left on {name} at the end")
            leftovers = sorted(path.name for path in (host.directory / "orders").glob("*.json"))
            if leftovers:
                self.broken.append(f"{len(leftovers)} commands are left on the disk of {name}")


def task_of(process: Process) -> str:
    """Return the task whose mark a process carries."""
    return process.mark.rpartition("/")[2]


def name_of(process: Process) -> str:
    """Return the name of the program of a process, without its folder."""
    return process.command[0].decode().rpartition("/")[2]


def real_state(device: Device | None) -> TaskState:
    """Return the state of a device; DONE if it does not run."""
    return TaskState.DONE if device is None else TABLES[ControlMode.FAIRMQ].task_state(device.state)


def state_of(planned: PlannedTask, report: TaskReport | None, view: StalenessView) -> TaskState:
    """Return the state that control shows, without the rest of the row."""
    if report is None or view.host_age(planned.host).stale_reason:
        return TaskState.UNKNOWN
    return report.state


def identity_of(device: Device | None) -> tuple[int, int] | None:
    """Return pid and start time of a device; ``None`` if there is none."""
    if device is None or device.process is None:
        return None
    return device.pid, device.process.started


def is_failed(shown: TaskState, device: Device | None) -> bool:
    """Return whether a task without a device is shown as failed, which is true."""
    return shown is TaskState.ERROR and device is None


def _difference(leftovers: snapshot.Snapshot, right: snapshot.Snapshot) -> str:
    names = [name for name in leftovers.__slots__ if getattr(leftovers, name) != getattr(right, name)]
    return "; ".join(f"{name} {getattr(leftovers, name)!r} / {getattr(right, name)!r}" for name in names)[
        :300
    ]
