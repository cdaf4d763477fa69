"""A device's main loop without sockets: requests in; states, replies and an exit code out."""

import os
import threading
from queue import SimpleQueue

import pytest

from salt_o2.device.base import Device
from salt_o2.device.console import Output
from salt_o2.device.control.occ_adapter import Controlled
from salt_o2.device.control.requests import Request, Shutdown
from salt_o2.device.control.state_board import Board
from salt_o2.device.control.wakeable_queue import Inbox
from salt_o2.device.main_loop import MainLoop
from salt_o2.device.properties import Properties
from salt_o2.device.state_actions import Work
from salt_o2.occ.wire.replies import DeviceState, Reply, RpcRefused, Trigger
from salt_o2.occ.wire.server_codec import Asked

UP = ["INIT DEVICE", "COMPLETE INIT", "BIND", "CONNECT", "INIT TASK"]
STATES = ["IDLE", "INITIALIZING DEVICE", "INITIALIZED", "BOUND", "DEVICE READY", "READY"]


class Recorder(Device):
    """Records its calls; waits in RUNNING unless the test lets it return or fail."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.called = []
        self.fails_in = self.leaves = None

    def note(self, name):
        self.called.append(name)
        if name == self.fails_in:
            raise RuntimeError(f"no luck in {name}")

    def init(self):
        self.note("init")

    def bind(self):
        self.note("bind")

    def connect(self):
        self.note("connect")

    def init_task(self):
        self.note("init_task")

    def pre_run(self):
        self.note("pre_run")

    def conditional_run(self):
        self.note("conditional_run")
        return not self.leaves and self.sleep(10) is not None

    def post_run(self):
        self.note("post_run")

    def reset_task(self):
        self.note("reset_task")

    def reset(self):
        self.note("reset")


class Stage:
    """A device living on a thread of its own, and its controller."""

    def __init__(self):
        self.inbox, self.board, self.properties = Inbox(), Board(), Properties()
        output = Output("nolog")
        self.device = Recorder(self.properties, self.inbox, output)
        self.work = Work(self.device, self.properties, self.inbox)
        self.main_loop = MainLoop(self.work, self.inbox, self.board, output)
        self.controlled = Controlled(self.inbox, self.board)
        self.changes = SimpleQueue()
        self.board.subscribe(self.changes)
        self.code = None
        self.thread = threading.Thread(target=self.live)

    def live(self):
        self.code = self.main_loop.run()

    def ask(self, source, event, arguments=None):
        return self.controlled.transition(Asked(source, event, arguments or {}))

    def up_to(self, state):
        for source, event in zip(STATES, UP, strict=False):
            if source == state:
                break
            assert self.ask(source, event).ok

    def run(self):
        self.up_to("READY")
        return self.ask("READY", "RUN")

    def ends(self):
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self.code

    def seen(self):
        states = []
        while not self.changes.empty():
            states.append(self.changes.get())
        return states


@pytest.fixture
def stage():
    """A device in IDLE; it is taken down at the end."""
    stage = Stage()
    stage.thread.start()
    yield stage
    stage.inbox.put(Shutdown())
    stage.thread.join(20)
    stage.work.close()
    stage.inbox.close()


def test_every_step_calls_its_part_of_the_users_code(stage):
    stage.run()
    stage.ask("RUNNING", "STOP")
    stage.ask("READY", "RESET TASK")
    stage.ask("DEVICE READY", "RESET DEVICE")
    stage.ask("IDLE", "END")
    assert stage.ends() == 0
    called = [name for name in stage.device.called if name != "conditional_run"]
    assert called == ["init", "bind", "connect", "init_task", "pre_run", "post_run", "reset_task", "reset"]


def test_states_are_written_up_with_those_between(stage):
    stage.up_to("DEVICE READY")
    assert stage.seen() == [
        "INITIALIZING DEVICE",
        "INITIALIZED",
        "BINDING",
        "BOUND",
        "CONNECTING",
        "DEVICE READY",
    ]


def test_the_reply_to_run_is_sent_while_the_device_runs(stage):
    assert stage.run() == Reply(True, Trigger.EXECUTOR, "RUNNING", "RUN")
    assert stage.controlled.state() == DeviceState("RUNNING", os.getpid())


@pytest.mark.parametrize(
    ("place", "event", "source"),
    [
        ("init", "COMPLETE INIT", "INITIALIZING DEVICE"),
        ("bind", "BIND", "INITIALIZED"),
        ("connect", "CONNECT", "BOUND"),
        ("init_task", "INIT TASK", "DEVICE READY"),
    ],
)
def test_a_failure_in_the_users_code_is_a_reply_with_error_and_exit_code_1(stage, place, event, source):
    stage.device.fails_in = place
    stage.up_to(source)
    assert stage.ask(source, event) == Reply(False, Trigger.DEVICE_ERROR, "ERROR", event)
    assert stage.ends() == 1


def test_a_failure_while_running_ends_in_error_too(stage):
    stage.device.fails_in = "conditional_run"
    stage.run()
    assert stage.ends() == 1
    assert stage.seen()[-1] == "ERROR"


def test_arguments_are_there_when_the_work_begins(stage):
    stage.ask("IDLE", "INIT DEVICE", {"id": "named", "detectors": "TPC"})
    stage.ask("INITIALIZING DEVICE", "COMPLETE INIT")
    assert (stage.device.id, stage.device.properties["detectors"]) == ("named", "TPC")


def test_arguments_that_cannot_be_converted_end_in_error(stage):
    reply = stage.ask("IDLE", "INIT DEVICE", {"chans.d.0.rateLogging": ""})
    assert (reply.ok, reply.trigger, reply.state) == (False, Trigger.DEVICE_ERROR, "ERROR")


def test_leaving_running_by_itself_leads_to_ready(stage):
    stage.device.leaves = True
    reply = stage.run()
    while stage.board.state != "READY":
        pass
    assert (reply.ok, reply.trigger) in [(True, Trigger.EXECUTOR), (False, Trigger.DEVICE_INTENTIONAL)]
    stage.device.leaves = False
    assert stage.ask("READY", "RUN").ok


def test_a_late_stop_is_answered_with_the_state(stage):
    stage.up_to("READY")
    with pytest.raises(RpcRefused, match="source: RUNNING current: READY") as refused:
        stage.ask("RUNNING", "STOP")
    assert refused.value.status == "INVALID_ARGUMENT"


@pytest.mark.parametrize("event", ["AUTO", "INIT_DEVICE", "init device", "", "FOO"])
def test_a_name_that_is_no_event_is_unknown(stage, event):
    with pytest.raises(RpcRefused) as refused:
        stage.ask("IDLE", event)
    assert refused.value.status == "UNKNOWN"


def test_an_event_that_is_not_possible_is_refused_instead_of_never_answered(stage):
    with pytest.raises(RpcRefused) as refused:
        stage.ask("IDLE", "RUN")
    assert refused.value.status == "FAILED_PRECONDITION"
    assert stage.ask("IDLE", "INIT DEVICE").ok


def test_error_found_is_answered_as_the_plugins_do(stage):
    reply = stage.ask("IDLE", "ERROR FOUND")
    assert reply == Reply(True, Trigger.DEVICE_ERROR, "ERROR", "ERROR FOUND")
    assert stage.ends() == 1


@pytest.mark.parametrize("state", STATES)
def test_a_shutdown_leads_to_exiting_from_any_state(stage, state):
    stage.up_to(state)
    stage.inbox.put(Shutdown())
    assert stage.ends() == 0
    assert stage.seen()[-1] == "EXITING"


def test_a_shutdown_while_running_stops_first(stage):
    stage.run()
    stage.inbox.put(Shutdown())
    assert stage.ends() == 0
    assert stage.device.called[-3:] == ["post_run", "reset_task", "reset"]


def test_two_controllers_at_once_are_served_one_after_the_other(stage):
    answers = []

    def ask():
        try:
            answers.append(stage.ask("IDLE", "INIT DEVICE").ok)
        except RpcRefused as error:
            answers.append(error.status)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(map(str, answers)) == ["INVALID_ARGUMENT"] * 3 + ["True"]


def test_a_request_after_the_end_of_the_device_is_refused(stage):
    stage.ask("IDLE", "END")
    stage.ends()
    with pytest.raises(RpcRefused):
        stage.ask("IDLE", "INIT DEVICE")


def test_pending_requests_are_answered_at_the_end_of_the_device():
    stage = Stage()
    late = Request("INIT DEVICE")
    stage.inbox.put(Request("END"))
    stage.inbox.put(late)
    stage.live()
    assert (stage.code, late.refused, late.done.is_set()) == (0, True, True)
    stage.inbox.close()


def test_the_inbox_is_readable_exactly_as_long_as_something_is_in_it():
    inbox = Inbox()

    def readable():
        import select

        return bool(select.select([inbox.fileno()], [], [], 0)[0])

    assert not readable()
    inbox.put("a")
    inbox.put("b")
    assert readable()
    assert [inbox.get(), readable(), inbox.get(), readable()] == ["a", True, "b", False]
    inbox.close()
