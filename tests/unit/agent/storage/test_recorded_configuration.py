"""What the next agent takes a device to be configured with, after this one was killed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.agent.storage.command_journal import catch_up
from salt_o2.agent.storage.state_directory import StateDirectory
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.commands import Command, Order
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskEvent, TaskState

TASK, ENVIRONMENT = TaskId("sink"), EnvironmentId("E")
STANDBY, CONFIGURED, RUNNING = TaskState.STANDBY, TaskState.CONFIGURED, TaskState.RUNNING
DEVICE = Launch(mode=ControlMode.FAIRMQ, value="o2-device", control_port=47100)
A, B = {"text": "a"}, {"text": "b"}


class InterruptedAgents:
    """One device and its agent, as far as files and configurations go."""

    def __init__(self, directory):
        self.agent = StateDirectory(directory)
        self.home = self.agent.task_directory(TASK)
        self.known = TaskRecord(
            task=TASK, environment=ENVIRONMENT, launch=DEVICE, launched=DEVICE, state=STANDBY
        )
        self.home.save(self.known)
        self.device, self.kept = None, []

    def order(self, goal, properties=None):
        """Take an order, kept on disk before."""
        order = Order(task=TASK, properties=properties)
        revision = self.known.revision + 1
        command = Command(
            host=HostId("flp1"), environment=ENVIRONMENT, revision=revision, goal=goal, orders=(order,)
        )
        self.kept.append(self.agent.orders.append(command))
        self.known.apply_order(command, order)
        self.home.record_order(self.known)

    def configure(self):
        """Send CONFIGURE, if that is the next step."""
        if self.device is None and self.known.goal is not STANDBY and not self.known.settled:
            self.known.configured = dict(self.known.properties)
            self.home.record_configuration(self.known)
            self.device = self.known.configured

    def reset(self):
        """Send RESET, if that is the next step."""
        outdated = self.device != self.known.properties
        if self.device is not None and not self.known.settled and (self.known.goal is STANDBY or outdated):
            self.device = None
            self.known.record_step(TaskEvent.RESET)

    def settle(self):
        """The order is carried out; the file follows later."""
        at_goal = self.device is None if self.known.goal is STANDBY else self.device == self.known.properties
        self.known.settled = self.known.settled or at_goal

    def save(self):
        """The file follows."""
        self.home.save(self.known)
        for kept in self.kept:
            kept.shown(TASK)
        self.kept.clear()

    def next_agent(self):
        """What the next agent would know if this one were killed now."""
        return catch_up(self.agent.records(), self.agent.orders.remaining(), {})[TASK]


orders = st.tuples(
    st.just("order"), st.sampled_from([STANDBY, CONFIGURED, RUNNING]), st.sampled_from([None, A, B])
)
doings = orders | st.tuples(st.sampled_from(["configure", "reset", "settle", "save"]))


@settings(max_examples=500)
@given(st.lists(doings, max_size=14))
def test_after_any_kill_the_next_agent_knows_the_configuration_or_configures_again(tmp_path_factory, steps):
    runtime = InterruptedAgents(tmp_path_factory.mktemp("agent"))
    for name, *arguments in steps:
        getattr(runtime, name)(*arguments)
        found = runtime.next_agent()
        assert (found.goal, found.properties) == (runtime.known.goal, runtime.known.properties)
        if runtime.device is not None:
            anew = found.configured != found.properties
            assert found.configured == runtime.device or (anew and not runtime.known.settled)


def test_the_file_is_not_written_before_a_configure_that_the_order_has(tmp_path):
    runtime = InterruptedAgents(tmp_path)
    file = runtime.home.folder / "task.json"
    before = file.stat().st_ino
    runtime.order(CONFIGURED, A)
    runtime.configure()
    assert file.stat().st_ino == before
    assert runtime.next_agent().configured == A


def test_the_record_is_written_again_if_it_does_not_say_that_the_device_was_ready(tmp_path):
    runtime = InterruptedAgents(tmp_path)
    runtime.order(RUNNING, A)
    runtime.known.pid = 4711
    runtime.configure()
    assert runtime.next_agent().pid == 4711


def test_the_record_is_written_again_if_the_device_had_another_configuration(tmp_path):
    runtime = InterruptedAgents(tmp_path)
    for properties in (A, B):
        runtime.order(CONFIGURED, properties)
        runtime.reset()
        runtime.configure()
        runtime.settle()
    assert runtime.next_agent().configured == B


def test_an_order_that_was_overtaken_may_have_configured_the_device(tmp_path):
    runtime = InterruptedAgents(tmp_path)
    runtime.order(CONFIGURED, A)
    runtime.order(CONFIGURED, B)
    assert runtime.next_agent().configured == A  # and so it is configured anew
