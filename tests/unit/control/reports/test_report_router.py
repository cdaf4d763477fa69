"""The report router alone: which environments and parts of control learn what of a report."""

from types import SimpleNamespace

import pytest

from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.reports.report_router import ReportRouter
from salt_o2.core.environment.environment import Environment
from salt_o2.core.messages.commands import SurveyRequest
from salt_o2.core.messages.reports import Failure, HostFacts, Report, TaskReport
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.recovery.host_liveness import HostStatus
from salt_o2.core.states import TaskState, TaskStatus
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.outbound import RecordedOutbound

FACTS = HostFacts(address="10.0.0.1", network="n1", cpus=8, memory_mb=8000, last_run=17)


class RecordedCalls:
    """Records the calls of all its methods, in order, in one list that several objects share."""

    def __init__(self, name, calls, answers=()):
        self._name, self._calls, self._answers = name, calls, dict(answers)

    def __getattr__(self, method):
        def call(*arguments):
            self._calls.append((f"{self._name}.{method}", *arguments))
            answer = self._answers.get(method)
            return answer(*arguments) if callable(answer) else answer

        return call


@pytest.fixture
def scene():
    """A router with two environments that have a task on flp1 each, beside a record of all calls."""
    calls, active = [], ActiveEnvironments()
    for id in ("E1", "E2"):
        environment = Environment(id, plan_of(planned(f"task-of-{id}", "flp1")))
        environment.model.revision = 1
        active[id] = ActiveEnvironment(None, environment)
    hosts, clock, outbound = HostTable(5.0), FakeClock(), RecordedOutbound()
    hosts.expect("flp1", None, clock(), 0.0)
    parts = {
        "executor": RecordedCalls("executor", calls),
        "pool": RecordedCalls("pool", calls),
        "declarations": RecordedCalls("declarations", calls, {"facts_to_use": lambda _, facts: facts}),
        "monitor": RecordedCalls("monitor", calls),
        "duplicates": RecordedCalls("duplicates", calls, {"is_believed": True}),
        "renamed": RecordedCalls("renamed", calls),
        "orphans": RecordedCalls("orphans", calls),
        "run_numbers": RecordedCalls("run_numbers", calls),
    }
    inventory = Inventory()
    inventory.add_host("flp1", FACTS)
    router = ReportRouter(
        active=active, hosts=hosts, inventory=inventory, outbound=outbound, clock=clock, **parts
    )
    return SimpleNamespace(
        router=router,
        calls=calls,
        active=active,
        hosts=hosts,
        outbound=outbound,
        inventory=inventory,
        **parts,
    )


def about(environment, **details):
    return TaskReport(
        task=f"task-of-{environment}",
        environment=environment,
        revision=1,
        settled=True,
        **{"status": TaskStatus.ACTIVE, "state": TaskState.STANDBY} | details,
    )


def report(*tasks, sequence=0, facts=None, host="flp1"):
    return Report(host=host, incarnation="1", sequence=sequence, tasks=tasks, facts=facts)


def stepped(scene):
    return [
        (target.environment.model.id, [each.task for each in moved.reports])
        for name, *arguments in scene.calls
        if name == "executor.step"
        for target, moved in [arguments]
    ]


def test_each_environment_is_stepped_with_its_own_part_of_a_report(scene):
    scene.router.receive(report(about("E1"), about("E2"), facts=FACTS))
    assert stepped(scene) == [("E1", ["task-of-E1"]), ("E2", ["task-of-E2"])]


def test_an_environment_without_a_task_in_a_report_is_not_stepped(scene):
    scene.router.receive(report(facts=FACTS))
    scene.calls.clear()
    scene.router.receive(report(about("E2"), sequence=1))
    assert [id for id, _ in stepped(scene)] == ["E2"]


def test_a_report_of_a_refused_agent_changes_nothing(scene):
    scene.duplicates._answers["is_believed"] = False
    scene.router.receive(report(about("E1"), facts=FACTS))
    assert [name for name, *_ in scene.calls] == ["duplicates.is_believed"]
    assert scene.hosts.known["flp1"].facts is None


def test_a_survey_updates_facts_and_run_numbers_before_orphaned_tasks_are_judged(scene):
    scene.router.receive(report(facts=FACTS))
    order = [name for name, *_ in scene.calls]
    assert order == [
        "duplicates.is_believed",
        "declarations.facts_to_use",
        "pool.apply_report",
        "declarations.offer",
        "run_numbers.apply_claim",
        "renamed.check_survey",
        "orphans.process_survey",
        "executor.step",
        "executor.step",
    ]
    assert ("run_numbers.apply_claim", "flp1", 17) in scene.calls


def test_a_gap_in_the_numbers_of_reports_requests_a_survey(scene):
    scene.router.receive(report(facts=FACTS))
    scene.router.receive(report(sequence=3))
    assert scene.outbound.sent == [SurveyRequest(host="flp1")]


@pytest.mark.parametrize("presence", [HostStatus.SILENT, HostStatus.LOST])
def test_a_report_of_a_host_that_was_away_informs_the_monitor(scene, presence):
    scene.hosts.known["flp1"].liveness.presence = presence
    scene.router.receive(report(facts=FACTS))
    assert ("monitor.host_returned", "flp1") in scene.calls


def test_a_report_over_the_quota_of_its_host_counts_as_a_heartbeat(scene):
    scene.hosts.bytes_per_hour = 1.0
    scene.router.receive(report(facts=FACTS))  # one survey may exceed the quota
    scene.calls.clear()
    scene.router.receive(report(about("E1"), sequence=1))
    assert stepped(scene) == []
    assert scene.hosts.presence("flp1") is HostStatus.ACTIVE


def test_plans_of_the_same_step_avoid_ports_that_an_agent_found_in_use(scene):
    scene.router.receive(report(facts=FACTS))
    refused = []
    scene.executor._answers["step"] = lambda *_: refused.extend(scene.inventory.refused_ports("n1"))
    failure = Failure(asked="launch", state="-", reason="port in use", taken_ports=(31234,))
    gone = {"status": TaskStatus.INACTIVE, "state": TaskState.ERROR, "failure": failure}
    scene.router.receive(report(about("E1", **gone), sequence=1))
    assert refused == [31234]
    assert scene.active["E1"].ports_refused
    assert not scene.active["E2"].ports_refused


def test_every_environment_is_stepped_although_the_step_of_one_fails(scene):
    def fail_for_the_first(target, _moved):
        if target.environment.model.id == "E1":
            raise ValueError("a defect")

    scene.router.receive(report(facts=FACTS))
    scene.calls.clear()
    scene.executor._answers["step"] = fail_for_the_first
    with pytest.raises(ValueError, match="a defect"):
        scene.router.receive(report(about("E1"), about("E2"), sequence=1))
    assert [id for id, _ in stepped(scene)] == ["E1", "E2"]
