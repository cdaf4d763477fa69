"""Reports: batched, numbered, and never lost."""

import os
import signal

import pytest

from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.commands import Order, SurveyRequest
from salt_o2.core.states import TaskState
from tests.support.harness.agent import HOST, basic

pytestmark = pytest.mark.integration
STANDBY, RUNNING, ERROR, DONE = TaskState.STANDBY, TaskState.RUNNING, TaskState.ERROR, TaskState.DONE


def test_fifty_tasks_settle_in_a_few_reports_and_not_in_fifty(perform):
    async def scene(stage):
        names = [f"task-{number}" for number in range(50)]
        await stage.launch(STANDBY, **{name: basic("exec sleep 1000") for name in names})
        known = len(stage.reports)
        await stage.drive(RUNNING, *names)
        told = [report for report in stage.reports[known:] if report.tasks]
        assert len(told) < 25
        await stage.drive(DONE, *names)

    perform(scene)


def test_a_report_names_the_revision_of_a_command_in_progress(perform):
    async def scene(stage):
        slow = basic("trap '' TERM; while :; do sleep 1000; done")
        await stage.launch(RUNNING, slow=slow)
        await stage.command(STANDBY, "slow")
        await stage.until(lambda: stage.reports[-1].accepted == {"2oDvieFrVTi": 2})
        await stage.until(lambda: stage.is_settled("slow", 2))
        await stage.until(lambda: stage.reports[-1].accepted == {})

    perform(scene)


def test_reports_are_numbered_one_by_one_and_heartbeats_repeat_the_last_number(perform):
    async def scene(stage):
        await stage.launch(STANDBY, clock=basic("true"))
        known = len(stage.reports)
        await stage.until(lambda: len(stage.reports) > known + 1)
        numbers = [report.sequence for report in stage.reports if report.tasks or report.facts]
        assert numbers == list(range(1, len(numbers) + 1))
        beats = [report for report in stage.reports[known:] if not report.tasks]
        assert beats != []
        assert {report.sequence for report in beats} == {numbers[-1]}

    perform(scene)


def test_a_report_that_could_not_be_sent_is_sent_later(perform):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, victim=basic("exec sleep 1000"))
        stage.refusing = True
        os.kill(about.pid, signal.SIGKILL)
        await stage.until(lambda: stage.agent.tasks()[0].state is ERROR)
        assert stage.latest["victim"].state is RUNNING
        stage.refusing = False
        await stage.until(lambda: stage.latest["victim"].state is ERROR)

    perform(scene)


def test_a_finished_task_stays_known_until_its_report_is_sent(perform):
    async def scene(stage):
        await stage.launch(STANDBY, clock=basic("true"))
        stage.refusing = True
        await stage.command(DONE, "clock")
        await stage.until(lambda: stage.agent.tasks()[0].state is DONE)
        stage.refusing = False
        await stage.until(lambda: stage.agent.tasks() == [])
        assert stage.latest["clock"].state is DONE

    perform(scene)


def test_a_survey_has_the_facts_and_all_tasks(perform):
    async def scene(stage):
        await stage.launch(STANDBY, one=basic("true"), two=basic("true"))
        known = len(stage.reports)
        await stage.agent.handle_survey_request(SurveyRequest(host=HostId("another-host")))
        await stage.agent.handle_survey_request(SurveyRequest(host=HOST))
        await stage.until(lambda: any(report.facts for report in stage.reports[known:]))
        survey = next(report for report in stage.reports[known:] if report.facts)
        assert survey.facts.address == "127.0.0.1"
        assert [about.task for about in survey.tasks] == ["one", "two"]

    perform(scene)


def test_the_output_of_a_finished_task_is_stored_for_a_while(perform):
    async def scene(stage):
        await stage.launch(RUNNING, talker=basic("echo hello; exec sleep 1000"))
        await stage.until(lambda: stage.agent.output_of("talker").output_tail() == ("hello",))
        await stage.drive(DONE, "talker")
        await stage.until(lambda: stage.agent.tasks() == [])
        assert not (stage.directory / "tasks/talker").exists()
        assert (stage.directory / "old/talker/stdout").read_text() == "hello\n"
        assert stage.agent.output_of("talker").folder == stage.directory / "old/talker"

    perform(scene)


def test_the_output_of_a_task_is_bounded_and_its_end_is_stored(perform):
    async def scene(stage):
        script = "yes 'much to say' | head -c 30000000; echo the last line; exec sleep 1000"
        await stage.launch(RUNNING, talker=basic(script))
        folder = stage.directory / "tasks/talker"
        await stage.until(lambda: stage.agent.output_of("talker").output_tail(1) == ("the last line",))
        await stage.until(lambda: _size(folder) <= 10 * 1024 * 1024)
        assert stage.agent.output_of("talker").output_tail(2) == ("much to say", "the last line")

    perform(scene)


def _size(folder):
    return sum(path.stat().st_size for path in folder.glob("stdout*"))


@pytest.mark.parametrize("number", range(2))
def test_a_new_launch_under_the_same_name_appends_to_no_old_status(perform, number):
    async def scene(stage):
        order = Order(task=TaskId("flaky"), launch=basic(f"exit {number}"))
        for _ in range(2):
            await stage.command(RUNNING, order)
            revision = stage.revision
            await stage.until(
                lambda revision=revision: (
                    (stage.latest["flaky"].revision == revision and stage.latest["flaky"].exit is not None)
                    if "flaky" in stage.latest
                    else False
                )
            )
            assert stage.latest["flaky"].exit.code == number

    perform(scene)
