"""What control believes about a task when reports of several revisions come."""

from dataclasses import replace

import pytest

from salt_o2.core.environment.environment import Environment
from salt_o2.core.messages.inputs import TasksMoved
from salt_o2.core.messages.reports import Failure
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import TaskState, TaskStatus
from salt_o2.core.tasks.restarts import RestartPolicy
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.agents import FakeAgents

KILLED = Failure(asked="stay RUNNING", state="RUNNING", reason="killed by signal 9")


@pytest.fixture
def running():
    """An environment in a run, whose task has reported when its process started."""
    agents = FakeAgents(Environment("E", plan_of(planned("a", "h1", recovery=RestartPolicy.RESTART))))
    agents.ask(E.DEPLOY, E.CONFIGURE, E.START_ACTIVITY).accept_command()
    report(agents, started=100.0, pid=4711)
    return agents


def report(agents, **changes):
    """Let h1 report the task with ``changes`` of its last report; return what control believes then."""
    known = agents.environment.model.tasks
    about = replace(known.reports["a"], **changes)
    agents.take(TasksMoved(at=agents.at, host="h1", reports=(about,)))
    return known.reports["a"]


def end_of_process(agents, started=100.0):
    """Report the end of the process that started then, with the revision of the order before the last."""
    return report(
        agents, revision=agents.environment.model.tasks.reports["a"].revision - 1, started=started, pid=None,
        state=TaskState.ERROR, status=TaskStatus.INACTIVE, failure=KILLED,
    )  # fmt: skip


def test_an_agent_that_uses_an_older_copy_of_a_task_file_still_reports_the_end_of_the_process(running):
    revision = running.environment.model.tasks.reports["a"].revision
    believed = end_of_process(running)
    assert (believed.state, believed.failure, believed.revision) == (TaskState.ERROR, KILLED, revision)
    assert "a" in running.environment.model.restarts.pending


def test_a_late_report_of_an_earlier_process_is_ignored(running):
    believed = end_of_process(running, started=50.0)
    assert (believed.state, believed.failure) == (TaskState.RUNNING, None)


def test_an_older_report_of_a_running_process_is_ignored(running):
    revision = running.environment.model.tasks.reports["a"].revision
    believed = report(running, revision=revision - 1, state=TaskState.CONFIGURED)
    assert (believed.state, believed.revision) == (TaskState.RUNNING, revision)
