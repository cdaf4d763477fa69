"""Hooks of real workflows on a real cluster: tasks that run at a moment, calls of the test integration."""

import uuid

import pytest

from salt_o2.core.errors import O2Error
from salt_o2.integration.simulated import RECORDS
from tests.support.clusters.environment_queries import states, task_at
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


class Record:
    """A file that the hooks of one workflow write into, a line each."""

    def __init__(self, workshop):
        RECORDS.mkdir(mode=0o700, exist_ok=True)
        self.path = RECORDS / f"hooks-{uuid.uuid4()}"
        self.path.write_text("")
        workshop.created.append(self.path)

    @property
    def lines(self):
        return self.path.read_text().split()


@pytest.fixture
def record(workshop):
    return Record(workshop)


@pytest.fixture
def hooked(workshop, record):
    """Writes a workflow of one device and the given hooks: of each a name, a moment, and what it does."""
    workshop.task("device", "o2-device", "sampler")
    workshop.task(
        "note",
        "{{ deed }}",
        mode="basic",
        command={"shell": True, "stderr": "all"},
        defaults={"deed": "true"},
    )

    def write(*hooks, name="hooked"):
        roles = [{"name": "device", "task": {"load": "device"}}, *hooks]
        return workshop.write("workflows", name, roles=roles, vars={"test_record": record.path.name})

    return write


def task_hook(name, moment, deed, **more):
    return {"name": name, "vars": {"deed": deed}, "task": {"load": "note", "trigger": moment, **more}}


def call(name, moment, func, **more):
    return {"name": name, "call": {"func": func, "trigger": moment, **more}}


def test_task_hooks_and_calls_run_at_their_moments_in_the_order_of_their_weights(workshop, hooked, record):
    at = [
        "before_DEPLOY",
        "leave_STANDBY",
        "enter_DEPLOYED",
        "after_DEPLOY",
        "before_CONFIGURE-10",
        "before_CONFIGURE",
        "before_CONFIGURE+10",
        "after_CONFIGURE",
        "before_START_ACTIVITY",
        "enter_RUNNING",
        "after_START_ACTIVITY",
        "before_STOP_ACTIVITY",
        "leave_RUNNING",
        "after_STOP_ACTIVITY",
        "before_EXIT",
        "DESTROY",
    ]
    hooks = [
        task_hook(f"h{n}", moment, f"echo {moment} >> {record.path}")
        if n % 2
        else call(f"h{n}", moment, f"test.record('{moment}')")
        for n, moment in enumerate(at)
    ]
    environment = workshop.create(hooked(*reversed(hooks)))
    assert record.lines == at[:8]
    workshop.control(environment, "START_ACTIVITY")
    assert record.lines == at[:11]
    workshop.control(environment, "STOP_ACTIVITY")
    assert record.lines == at[:14]
    workshop.cluster.ask("env_destroy", id=environment["id"])
    assert record.lines == at


def test_a_hook_has_no_process_between_its_moments(workshop, hooked):
    environment = workshop.create(hooked(task_hook("hook", "before_CONFIGURE", "true")))
    assert task_at(environment, "hook")["pid"] is None
    assert task_at(environment, "hook")["id"] not in tasks_of_processes(workshop)


def tasks_of_processes(workshop):
    """The ids of all tasks that have a process."""
    told = workshop.cluster.json("salt", "*", "o2.tasks", "--static")
    return {id for tasks in told.values() for id, task in tasks.items() if task["pid"]}


def test_a_call_knows_the_run_and_its_result_is_a_variable_of_later_calls(workshop, hooked, record):
    first = call("first", "before_START_ACTIVITY", "test.succeed('from-first')", **{"return": "handed"})
    second = call("second", "after_START_ACTIVITY", "test.record(handed + '-' + run_number)")
    environment = workshop.create(hooked(first, second))
    running = workshop.control(environment, "START_ACTIVITY")
    assert record.lines == [f"from-first-{running['run_number']}"]


def test_a_call_may_be_awaited_later_than_it_begins(workshop, hooked, record):
    slow = call("slow", "before_CONFIGURE", "test.record('begun')", **{"await": "after_CONFIGURE"})
    workshop.create(hooked(slow))
    assert record.lines == ["begun"]


@pytest.mark.parametrize(
    ("hook", "facts"),
    [
        (
            task_hook("bad", "after_CONFIGURE", "echo no cable; exit 3"),
            ("hooked.bad", "exit code 3", "no cable"),
        ),
        (call("bad", "after_CONFIGURE", "test.fail('no licence')"), ("no licence",)),
        (call("bad", "after_CONFIGURE", "nobody.Say()"), ("nobody",)),
    ],
    ids=["task", "call", "unknown integration"],
)
def test_a_critical_hook_that_fails_fails_the_transition_with_its_reason(workshop, hooked, hook, facts):
    message = workshop.refused(hooked(hook))
    for fact in ("hooked.bad", *facts):
        assert fact in message


@pytest.mark.parametrize(
    "hook",
    [
        task_hook("bad", "after_CONFIGURE", "exit 3", critical=False),
        call("bad", "after_CONFIGURE", "test.fail('no licence')", critical=False),
    ],
    ids=["task", "call"],
)
def test_an_uncritical_hook_that_fails_changes_nothing_and_is_in_the_history(workshop, hooked, hook):
    environment = workshop.create(hooked(hook))
    assert environment["state"] == "CONFIGURED"
    told = " ".join(line["text"] for line in workshop.cluster.ask("env_history", id=environment["id"]))
    assert "FAILED" in told
    assert workshop.control(environment, "START_ACTIVITY")["state"] == "RUNNING"


@pytest.mark.parametrize(
    ("deed", "code", "words"),
    [
        ("echo cable is fine; echo really >&2", 0, ["cable is fine", "really"]),
        ("echo no cable >&2; exit 3", 3, ["no cable"]),
    ],
    ids=["well", "badly"],
)
def test_the_output_and_the_exit_status_of_a_hook_are_in_the_journal(workshop, hooked, deed, code, words):
    environment = workshop.create(hooked(task_hook("check", "after_CONFIGURE", deed, critical=False)))
    lines = workshop.cluster.ask("env_history", id=environment["id"], limit=100_000)
    reports = [each for line in lines if line["kind"] == "TasksMoved" for each in line["what"]["reports"]]
    ended = next(each for each in reports if each["exit"])
    written = ended["failure"]["output"] if code else ended["output"]
    assert (ended["exit"]["code"], written[-len(words) :]) == (code, words)
    history = " ".join(line["text"] for line in lines)
    assert f"hooked.check: exit code {code}, its last output: {' | '.join(words)}" in history


@pytest.mark.parametrize(
    "hook",
    [
        task_hook("slow", "before_START_ACTIVITY", "sleep 1000", timeout="500ms"),
        call("slow", "before_START_ACTIVITY", "test.hang()", timeout="500ms"),
    ],
    ids=["task", "call"],
)
def test_a_hook_that_overruns_its_time_is_ended_by_us_and_fails_the_transition(workshop, hooked, hook):
    environment = workshop.create(hooked(hook))
    before = workshop.processes()
    with pytest.raises(O2Error, match=r"hooked\.slow"):
        workshop.control(environment, "START_ACTIVITY")
    assert workshop.show(environment)["state"] == "ERROR"
    wait_until(lambda: workshop.processes() == before, "nothing is left of the hook")


def test_a_transition_that_failed_at_a_hook_can_be_recovered(workshop, hooked, record):
    once = f"test -s {record.path} || {{ echo failed >> {record.path}; exit 1; }}"
    environment = workshop.create(hooked(task_hook("once", "before_START_ACTIVITY", once)))
    with pytest.raises(O2Error):
        workshop.control(environment, "START_ACTIVITY")
    recovered = workshop.control(environment, "RECOVER")
    assert (recovered["state"], states(recovered)["device"]) == ("CONFIGURED", "CONFIGURED")
    assert workshop.control(environment, "START_ACTIVITY")["state"] == "RUNNING"


def test_a_mistyped_moment_is_refused_with_the_nearest_moment(workshop, hooked):
    assert "after_CONFIGURE" in workshop.refused(hooked(call("bad", "after_CONFIGUER", "test.succeed('')")))


def test_a_plan_lists_hooks_and_calls(workshop, hooked):
    name = hooked(task_hook("hook", "before_CONFIGURE", "true"), call("call", "DESTROY", "test.succeed('')"))
    plan = workshop.cluster.ask("env_plan", workflow=name)
    assert plan["summary"] == {"start": 1, "hook": 1}
    assert [(each["path"], each["trigger"]) for each in plan["calls"]] == [("hooked.call", "DESTROY")]
    text = workshop.cluster.run("coconut", "env", "plan", "-w", name).stdout
    assert "runs at before_CONFIGURE" in text
    assert "test.succeed" in text


def test_a_failed_hook_that_is_not_critical_is_shown_and_knows_its_run(workshop, hooked, record):
    deed = f'echo "$O2_RUN_NUMBER" >> {record.path}; exit 3'
    environment = workshop.create(hooked(task_hook("report", "after_START_ACTIVITY", deed, critical=False)))
    done = workshop.cluster.run("coconut", "env", "control", environment["id"], "-e", "START")
    assert done.returncode == 0, done.stderr
    running = workshop.show(environment)
    assert record.lines == [str(running["run_number"])]
    (warning,) = running["warnings"]
    assert "during START_ACTIVITY" in warning
    assert "hooked.report" in warning
    assert "exit code 3" in warning
    shown = workshop.cluster.run("coconut", "env", "show", environment["id"]).stdout
    for text in (done.stdout, shown):
        assert "warning:" in text
        assert "exit code 3" in text
    assert workshop.control(environment, "STOP_ACTIVITY")["warnings"] == []


def test_a_program_that_does_not_exist_is_refused_when_the_environment_is_deployed(workshop):
    workshop.task("absent", "/no/such/program", mode="basic")
    workshop.workflow("with-absent", "absent")
    reason = workshop.refused("with-absent")
    assert "DEPLOY" in reason
    assert "no executable program '/no/such/program'" in reason
