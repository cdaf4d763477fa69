"""Follow another plan without leaving the state of the environment.

    joining tasks --> tasks that are excluded, or depart and may  --> idle departing tasks are transferred to
    reach the goal    be transferred to the pool, reach STANDBY       the pool, the other departing tasks end

The environment waits for each step before the next. If a user requested the change, a task that cannot join
is excluded, with the reason, and the other tasks continue. If control requested the change, to place tasks
elsewhere, no task is excluded: the recovery policy of a failing task decides, as at any other time.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from salt_o2.core.environment.command_issuer import CommandIssuer, send_commands
from salt_o2.core.environment.model import EnvironmentModel
from salt_o2.core.environment.stages import MoveTasks
from salt_o2.core.environment.transition import ActiveTransition, TransitionSpec
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.effects import AllocateTaskResources, ClaimFromPool, Effect, ReleaseTaskResources
from salt_o2.core.messages.inputs import Modified, Requested
from salt_o2.core.messages.reports import Failure
from salt_o2.core.plan import run_arguments
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.plan.plan_diff import PlanDiff, diff_plans
from salt_o2.core.pool.handover import transfer_to_pool
from salt_o2.core.states import EnvironmentEvent, TaskState
from salt_o2.core.tasks.orders import STABLE_TASK_STATE, OrderBatch
from salt_o2.core.tasks.run_interruptions import RunInterruptions


class Modification:
    """Installs new plans, and decides which tasks join, depart and are transferred to the pool."""

    def __init__(
        self, model: EnvironmentModel, issuer: CommandIssuer, interruptions: RunInterruptions
    ) -> None:
        """Modify ``model``; order with commands of ``issuer``."""
        self._model = model
        self._issuer = issuer
        self._interruptions = interruptions

    def prepare(self, wanted: Modified) -> tuple[list[Effect], TransitionSpec]:
        """Install the plan of ``wanted``; return the transition that brings the tasks in line with it.

        The effects before the transition claim tasks of the pool, and allocate and release resources.
        """
        model, before = self._model, self._model.tasks.tasks
        changes = diff_plans(model.plan, wanted.plan, model.tasks.excluded, wanted.excluded)
        news = self._interruptions.record_changes(wanted, changes, model.data_run, model.revision + 1)
        departing = self._install_plan(wanted, changes)
        # This is above every revision that the pool used for the claimed tasks.
        self._issuer.raise_revision(wanted.revision)
        drain = {"drain_ms": str(int(wanted.drain_s * 1000))} if wanted.drain_s else {}
        stop = run_arguments.stop_arguments(model.plan.variables, wanted.at) | drain
        idle = [model.tasks.tasks[task] for task in changes.excluded]
        idle += self._transferable(departing, unreported=wanted.thorough) if wanted.keep else []
        request = Requested(
            at=wanted.at,
            request=wanted.request,
            events=(EnvironmentEvent.MODIFY,),
            user=wanted.user,
            keep=wanted.keep,
        )
        spec = TransitionSpec(
            request=request,
            target=model.state,
            batches=(
                self._joining_batch(wanted, changes),
                OrderBatch(goal=TaskState.STANDBY, tasks=tuple(idle), arguments=stop),
            ),
            departing=OrderBatch(goal=TaskState.DONE, tasks=departing, arguments=stop),
            may_exclude=frozenset(changes.touched if wanted.may_exclude is None else wanted.may_exclude),
        )
        return news + self._resource_effects(before, wanted.claimed), spec

    def release_departing(self, active: ActiveTransition) -> tuple[list[Effect], OrderBatch | None]:
        """Transfer idle departing tasks to the pool if requested; return the batch that stops the others."""
        model, departing, request = self._model, active.departing, active.request
        idle = set(model.tasks.idle_since(active.idle_revision)) if request.keep else set()
        transferred = [task.id for task in departing.tasks if task.id in idle]
        effects = transfer_to_pool(model.tasks, transferred, model.id, model.revision, request.user)
        model.tasks.remove_tasks(transferred)
        others = tuple(task for task in departing.tasks if task.id not in idle)
        return effects, replace(departing, tasks=others) if others else None

    def finish(self) -> list[Effect]:
        """Remove the departing tasks, and release their resources."""
        tasks = self._model.tasks
        departed = tuple(task.id for task in tasks.departing())
        tasks.remove_departed()
        return [ReleaseTaskResources(environment=self._model.id, tasks=departed)] if departed else []

    def drop_failed(
        self, active: ActiveTransition, failures: Mapping[TaskId, Failure], reason: str, at: float
    ) -> list[Effect]:
        """Exclude tasks that a user's change could not bring in, and stop them."""
        tasks = self._model.tasks
        news = self._interruptions.record_failures(failures, self._model.data_run, at)
        for task, failure in failures.items():
            tasks.exclude_task(task, failure.reason)
        active.add_error(reason)
        # A departing task that has not reached STANDBY ends when the departing tasks are released.
        later = MoveTasks() in active.stages
        stopping = [task for task in failures if not (later and tasks.is_departing(task))]
        if not stopping:
            return news
        batch = OrderBatch(goal=TaskState.DONE, tasks=tuple(tasks.tasks[task] for task in stopping))
        return news + send_commands(self._issuer.issue(batch, EnvironmentEvent.EXIT))

    def _install_plan(self, wanted: Modified, changes: PlanDiff) -> tuple[PlannedTask, ...]:
        """Install the plan; return the departing tasks, which stay registered until they have ended."""
        tasks = self._model.tasks
        leaving = [tasks.tasks[task] for task in changes.leaving]
        present = {task.id for task in wanted.plan.tasks}
        # The departing tasks of an interrupted modification depart with this one.
        leaving += [task for task in tasks.departing() if task.id not in present]
        # Tasks on a lost host end when the host returns and its agent reports them.
        departing = tuple(task for task in leaving if task.host not in tasks.unreachable)
        tasks.install_plan(wanted.plan, wanted.excluded, departing=departing)
        self._model.hooks.install_plan(wanted.plan)
        self._model.restarts.cancel(changes.touched)
        return departing

    def _resource_effects(self, before: Collection[TaskId], claimed: tuple[TaskId, ...]) -> list[Effect]:
        """Return the effects of the new plan on the pool and on resources; ``before`` were registered.

        The resources of departing tasks are released after the tasks have ended, see ``finish``.
        """
        id, registered = self._model.id, self._model.tasks.tasks
        removed = tuple(task for task in before if task not in registered)
        new = tuple(task for task in registered if task not in before)
        effects: list[Effect] = [ClaimFromPool(environment=id, tasks=claimed)] if claimed else []
        effects += [ReleaseTaskResources(environment=id, tasks=removed)] if removed else []
        return effects + ([AllocateTaskResources(environment=id, tasks=new)] if new else [])

    def _joining_batch(self, wanted: Modified, changes: PlanDiff) -> OrderBatch:
        tasks = self._model.tasks
        joining: Collection[TaskId] = changes.joining
        if wanted.thorough:
            joining = [task.id for task in tasks.participating(EnvironmentEvent.MODIFY)]
        return OrderBatch(
            goal=STABLE_TASK_STATE[self._model.state],
            tasks=tuple(tasks.tasks[task] for task in joining),
            launch=True,
            properties=True,
            arguments=self._model.run.arguments,
        )

    def _transferable(self, departing: Collection[PlannedTask], *, unreported: bool) -> list[PlannedTask]:
        """Return the healthy ``departing`` tasks, which the pool may receive once they are idle.

        With ``unreported``, tasks without a report are included: after a restart of control they may be
        healthy.
        """
        tasks = self._model.tasks
        healthy = {task.id for task in tasks.transferable() if unreported or task.id in tasks.reports}
        return [task for task in departing if task.id in healthy]
