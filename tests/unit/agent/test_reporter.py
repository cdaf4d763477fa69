"""Reports as control gets them, from a reporter whose tasks are a dict."""

import asyncio

import pytest

from salt_o2.agent.reporter import Reporter
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.report_schedule import PROGRESS_S
from salt_o2.core.messages.reports import HostFacts, TaskReport
from salt_o2.core.states import TaskState, TaskStatus

ENVIRONMENT = EnvironmentId("E")
FACTS = HostFacts(address="127.0.0.1", network="n", cpus=2.0, memory_mb=1000.0)


class Control:
    """Takes reports, or does not."""

    def __init__(self):
        self.refusal = ConnectionError("no process listens")
        self.reports, self.refused, self.tasks, self.delivered = [], 0, {}, []
        self.news = asyncio.Event()
        self.reporter = Reporter(
            HostId("flp1"),
            FACTS,
            self.hear,
            60.0,
            lambda: tuple(self.tasks),
            self.tasks.get,
            self.delivered.extend,
        )

    async def hear(self, report):
        if self.refused:
            self.refused -= 1
            raise self.refusal
        self.reports.append(report)
        self.news.set()

    def move(self, name, state, settled=True, revision=1, failed=False):
        self.tasks[TaskId(name)] = TaskReport(
            task=TaskId(name),
            environment=ENVIRONMENT,
            revision=revision,
            settled=settled,
            status=TaskStatus.ACTIVE,
            state=state,
        )
        self.reporter.changed(ENVIRONMENT, TaskId(name), settled, failed)

    async def until(self, condition):
        async with asyncio.timeout(10):
            while not condition():
                self.news.clear()
                await self.news.wait()


@pytest.fixture
def perform():
    """Play a scene with a control whose reporter runs."""

    async def play(scene):
        control = Control()
        running = asyncio.create_task(control.reporter.run())
        try:
            await scene(control)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    return lambda scene: asyncio.run(play(scene))


def states(report):
    return {about.task: about.state for about in report.tasks}


def test_all_tasks_that_settle_together_are_in_one_report(perform):
    async def scene(control):
        control.reporter.command(ENVIRONMENT, 1)
        for name in ("a", "b", "c"):
            control.move(name, TaskState.CONFIGURED)
        await control.until(lambda: control.reports)
        assert states(control.reports[0]) == dict.fromkeys("abc", TaskState.CONFIGURED)
        assert control.reports[0].accepted == {"E": 1}

    perform(scene)


def test_a_failed_task_is_reported_although_others_are_still_in_transition(perform):
    async def scene(control):
        order = []
        for name in ("slow", "broken"):
            control.reporter.began(ENVIRONMENT, TaskId(name))
        control.reporter.command(ENVIRONMENT, 1)
        await control.until(lambda: control.reports)
        asyncio.get_running_loop().call_later(PROGRESS_S, order.append, "the pace of those that are well")
        control.move("broken", TaskState.ERROR, failed=True)
        await control.until(lambda: len(control.reports) == 2)
        assert states(control.reports[1]) == {"broken": TaskState.ERROR}
        assert order == []

    perform(scene)


def test_a_command_without_effect_yet_is_acknowledged_by_its_revision_alone(perform):
    async def scene(control):
        control.move("a", TaskState.UNKNOWN, settled=False)
        control.reporter.command(ENVIRONMENT, 7)
        await control.until(lambda: control.reports)
        assert control.reports[0].accepted == {"E": 7}

    perform(scene)


def test_a_report_after_a_bare_acknowledgement_requests_no_survey(perform):
    async def scene(control):
        hosts = HostTable(heartbeat_s=5.0)
        control.reporter.survey()
        await control.until(lambda: control.reports)
        control.reporter.began(ENVIRONMENT, TaskId("a"))
        control.reporter.command(ENVIRONMENT, 7)
        await control.until(lambda: len(control.reports) == 2)
        control.move("a", TaskState.STANDBY)
        await control.until(lambda: len(control.reports) == 3)
        assert [len(report.tasks) for report in control.reports] == [0, 0, 1]
        first, *later = control.reports
        hosts.record_report(first, 0.0)
        assert [hosts.record_report(report, 1.0) for report in later] == [False, False], (
            "no survey is requested"
        )

    perform(scene)


def test_a_report_has_the_state_of_the_moment_it_is_sent(perform):
    async def scene(control):
        control.refused = 1
        control.move("a", TaskState.RUNNING)
        await asyncio.sleep(0)
        control.move("a", TaskState.ERROR)
        await control.until(lambda: control.reports)
        assert states(control.reports[0]) == {"a": TaskState.ERROR}

    perform(scene)


def test_a_refused_report_is_sent_with_the_next_one_and_a_higher_number(perform):
    async def scene(control):
        control.reporter.survey()
        await control.until(lambda: control.reports)
        control.refused = 1
        control.reporter.command(ENVIRONMENT, 2)
        control.move("a", TaskState.RUNNING)
        await control.until(lambda: len(control.reports) == 2)
        assert states(control.reports[1]) == {"a": TaskState.RUNNING}
        assert control.reports[1].accepted == {"E": 2}
        assert control.reports[1].sequence > control.reports[0].sequence

    perform(scene)


def test_a_survey_that_was_refused_is_a_survey_again(perform):
    async def scene(control):
        control.refused = 2
        control.tasks[TaskId("a")] = None
        control.reporter.survey()
        await control.until(lambda: control.reports)
        assert control.reports[0].facts == FACTS

    perform(scene)


def test_only_accepted_reports_count_as_delivered(perform):
    async def scene(control):
        control.refused = 1
        control.move("a", TaskState.DONE)
        await control.until(lambda: control.reports)
        await asyncio.sleep(0)
        assert [about.task for about in control.delivered] == ["a"]

    perform(scene)


def test_one_environment_does_not_wait_for_another(perform):
    async def scene(control):
        other = EnvironmentId("F")
        control.reporter.command(other, 1)
        control.reporter.changed(other, TaskId("slow"), False)
        control.reporter.command(ENVIRONMENT, 1)
        control.move("a", TaskState.CONFIGURED)
        await control.until(lambda: control.reports)
        assert states(control.reports[0]) == {"a": TaskState.CONFIGURED}
        assert control.reports[0].accepted == {"E": 1, "F": 1}
        control.move("b", TaskState.CONFIGURED)
        await control.until(lambda: len(control.reports) == 2)
        assert control.reports[1].accepted == {"F": 1}

    perform(scene)


@pytest.mark.parametrize("refusal", [ConnectionError("away"), asyncio.CancelledError()])
def test_a_send_that_fails_or_is_cancelled_without_request_is_tried_again(perform, refusal):
    async def scene(control):
        control.refused, control.refusal = 2, refusal
        control.move("a", TaskState.RUNNING)
        await control.until(lambda: control.reports)
        assert states(control.reports[0]) == {"a": TaskState.RUNNING}

    perform(scene)


def test_an_agent_logs_refused_reports_and_their_end_once(perform):
    async def scene(control):
        control.move("a", TaskState.RUNNING)
        await control.until(lambda: control.reports)
        assert control.reporter.trouble == ""
        control.reporter._taken_at -= 1000  # as if all reports had failed since
        assert "no report was accepted for 1000 s" in control.reporter.trouble
        control.move("a", TaskState.CONFIGURED)
        await control.until(lambda: not control.reporter.trouble)

    perform(scene)
