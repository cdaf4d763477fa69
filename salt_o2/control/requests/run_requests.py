"""Request handlers for runs: list, show, stop."""

import asyncio
from typing import Any

import msgspec

from salt_o2.concurrency.request_threads import RequestThreads
from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.requests.arguments import Progress, Run, Runs, StopRuns, Verbs
from salt_o2.control.requests.transition_requests import TransitionRequests, outcome
from salt_o2.control.storage.run_store import RunFilter, RunStore
from salt_o2.control.storage.store import Origin, Store
from salt_o2.control.storage.stored import StoredRun
from salt_o2.control.views import run_view
from salt_o2.control.views.moments import moment
from salt_o2.control.views.run_arguments import Arguments, pushed
from salt_o2.control.views.staleness import ViewNow
from salt_o2.core.errors import InvalidRequestError, O2Error, UnknownNameError
from salt_o2.core.messages.announcements import AnnounceState
from salt_o2.core.messages.effects import SendCommand
from salt_o2.core.states import EnvironmentEvent, EnvironmentState

STOPPED = "its run is stopped"


class RunRequests:
    """Serves requests for runs."""

    def __init__(
        self,
        *,
        active: ActiveEnvironments,
        store: Store,
        runs: RunStore,
        transitions: TransitionRequests,
        threads: RequestThreads,
        view_now: ViewNow,
    ) -> None:
        """Stop runs of ``active``; read the records of runs in ``runs`` and ``store`` in ``threads``."""
        self._active = active
        self._store = store
        self._runs = runs
        self._transitions = transitions
        self._threads = threads
        self._view_now = view_now
        self.verbs: Verbs = {
            "run_list": (Runs, self._list),
            "run_show": (Run, self._show),
            "run_stop": (StopRuns, self._stop),
        }

    async def _list(self, wanted: Runs, user: str, _progress: Progress) -> list[dict[str, Any]]:
        self._store.flush()
        return await self._threads.read.run(user, self._records, _filter(wanted))

    def _records(self, wanted: RunFilter) -> list[dict[str, Any]]:
        runs = self._runs.runs(wanted)
        origins = self._store.origins({run.environment for run in runs})
        counts = self._runs.count_interruptions([run.number for run in runs])
        return [
            run_view.run_record(run, origins.get(run.environment, Origin()), counts.get(run.number))
            for run in runs
        ]

    async def _show(self, wanted: Run, user: str, _progress: Progress) -> dict[str, Any]:
        self._store.flush()
        return await self._threads.past.run(user, self._shown, wanted.number)

    def _shown(self, number: int) -> dict[str, Any]:
        run = self._runs.run(number)
        if run is None:
            raise UnknownNameError(f"there is no run {number}")
        start, stop = self._pushed(run)
        origin = self._store.origins([run.environment]).get(run.environment, Origin())
        counts = self._runs.count_interruptions([number]).get(number)
        record = run_view.run_record(run, origin, counts)
        if run.cause is None:
            record |= self._announced_end(run)
        return record | {
            "start_arguments": start,
            "stop_arguments": stop,
            "interruptions": [run_view.interruption(each) for each in self._runs.interruptions(number)],
        }

    def _announced_end(self, run: StoredRun) -> dict[str, Any]:
        """Return which state ended a run that an older version recorded, and why, from the journal."""
        lines = self._store.journal(run.environment, kind=AnnounceState.__name__, since=run.started)
        has_started = False
        for line in lines:
            announced = msgspec.json.decode(line.body)
            has_started = has_started or announced["run_number"] == run.number
            if has_started and announced["state"] != EnvironmentState.RUNNING:
                return {"end_state": announced["state"], "end_reason": announced["reason"] or None}
        return {"end_state": None, "end_reason": None}

    def _pushed(self, run: StoredRun) -> tuple[Arguments, Arguments]:
        orders = self._store.journal(run.environment, kind=SendCommand.__name__)  # clock may go back
        return pushed(orders, run.number)

    async def _stop(self, wanted: StopRuns, user: str, progress: Progress) -> list[dict[str, Any]]:
        """Stop runs; return their environments, each with its outcome, if at least one was stopped.

        Raises:
            O2Error: if none could be stopped, with the reasons.
        """
        running = self._chosen(wanted)
        stop = (EnvironmentEvent.STOP_ACTIVITY,)
        asked = [
            self._transitions.run(target, stop, user, progress, reason=wanted.reason) for target in running
        ]
        results = await asyncio.gather(*asked, return_exceptions=True)
        failed = [error for error in results if isinstance(error, BaseException)]
        if len(failed) == 1 and len(running) == 1:
            raise failed[0]
        outcomes = [outcome(each) if isinstance(each, BaseException) else STOPPED for each in results]
        if failed and len(failed) == len(running):
            raise O2Error("\n".join(outcomes)) from failed[0]
        view = self._view_now()
        return [
            view.environment_summary(target) | {"stopped": why is STOPPED, "outcome": why}
            for target, why in zip(running, outcomes, strict=True)
        ]

    def _chosen(self, wanted: StopRuns) -> list[ActiveEnvironment]:
        """Return the environments whose runs are to be stopped.

        Raises:
            InvalidRequestError: if the request names neither runs nor ``all``, or both.
            UnknownNameError: if a named run is not active.
        """
        if bool(wanted.numbers) == wanted.all:
            raise InvalidRequestError(
                "give the numbers of the runs to stop, or all, but not both; nothing was stopped"
            )
        running = [
            target
            for target in self._active.values()
            if target.environment.model.state is EnvironmentState.RUNNING
        ]
        if wanted.all:
            return running
        by_number = {target.environment.model.run.number: target for target in running}
        unknown = [str(number) for number in wanted.numbers if number not in by_number]
        if unknown:
            raise UnknownNameError(f"run {', '.join(unknown)} is not active; nothing was stopped")
        return [by_number[number] for number in dict.fromkeys(wanted.numbers)]


def _filter(wanted: Runs) -> RunFilter:
    """Return the filter that the arguments of a request mean.

    Raises:
        InvalidRequestError: if one of its times is none.
    """
    return RunFilter(
        limit=wanted.limit,
        workflow=wanted.workflow,
        state=wanted.state.upper(),
        cause=wanted.end or "",
        since=moment(wanted.since),
        until=moment(wanted.until),
    )
