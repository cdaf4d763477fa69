"""Each pitfall of driving a FairMQ device, by name, against a device that has all of them."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.states import ControlMode, TaskEvent, TaskState
from salt_o2.occ.driver import Remedy, send_event, wait_ready
from salt_o2.occ.wire.replies import Reply, ReplyTimeout, RpcRefused, Trigger
from tests.support.fakes.devices import FakeDevice

CHANNEL = {"chans.data.0.type": "push", "chans.data.0.method": "bind", "chans.data.0.address": "tcp://*:9000"}
CONFIGURE_STEPS = ["INIT DEVICE", "COMPLETE INIT", "BIND", "CONNECT", "INIT TASK"]


def fired(device, event, arguments=None, timeout_s=5.0, mode=ControlMode.FAIRMQ):
    return asyncio.run(send_event(device, mode, TaskEvent(event), arguments or {}, timeout_s))


def test_configure_takes_five_steps_and_pushes_properties_with_the_first(device):
    outcome = fired(device, "CONFIGURE", CHANNEL)
    assert (outcome.state, outcome.device_state, outcome.failure) == (TaskState.CONFIGURED, "READY", None)
    assert device.sent == CONFIGURE_STEPS
    assert [device.arguments[step] for step in CONFIGURE_STEPS] == [CHANNEL, {}, {}, {}, {}]


@pytest.mark.parametrize(
    ("event", "state", "steps", "reached"),
    [
        ("START", "READY", ["RUN"], TaskState.RUNNING),
        ("STOP", "RUNNING", ["STOP"], TaskState.CONFIGURED),
        ("RESET", "READY", ["RESET TASK", "RESET DEVICE"], TaskState.STANDBY),
        ("EXIT", "IDLE", ["END"], TaskState.DONE),
    ],
)
def test_other_events_take_their_steps_and_push_their_arguments_with_the_last(
    device, event, state, steps, reached
):
    device.state = state
    outcome = fired(device, event, {"runNumber": "7"})
    assert (outcome.state, outcome.failure, device.sent) == (reached, None, steps)
    assert device.arguments[steps[-1]] == ({} if event == "EXIT" else {"runNumber": "7"})


def test_exit_from_configured_resets_first(device):
    device.state = "READY"
    assert fired(device, "EXIT").state is TaskState.DONE
    assert device.sent == ["RESET TASK", "RESET DEVICE", "END"]


@pytest.mark.parametrize(
    ("event", "state"),
    [
        ("START", "IDLE"),
        ("STOP", "IDLE"),
        ("CONFIGURE", "RUNNING"),
        ("RESET", "RUNNING"),
        ("EXIT", "RUNNING"),
        ("RECOVER", "READY"),
        ("START", "BOUND"),
        ("CONFIGURE", "INITIALIZED"),
    ],
)
def test_an_event_that_would_hang_the_device_is_refused_and_nothing_is_sent(device, event, state):
    device.state = state
    outcome = fired(device, event)
    assert device.sent == []
    assert outcome.device_state == state
    assert f"{event} is not possible in {state}" in outcome.failure.reason


@pytest.mark.parametrize("event", list(TaskEvent))
def test_no_event_is_sent_to_a_device_in_error_because_it_would_keep_the_process_alive(device, event):
    device.state = "ERROR"
    outcome = fired(device, event)
    assert device.sent == []
    assert (outcome.state, outcome.remedy) == (TaskState.ERROR, Remedy.KILL)
    assert "kill it" in outcome.failure.advice


@given(
    start=st.sampled_from(["IDLE", "INITIALIZING DEVICE", "INITIALIZED", "BOUND", "DEVICE READY", "READY"]),
    events=st.lists(st.sampled_from(list(TaskEvent)), max_size=12),
    upsets=st.dictionaries(
        st.sampled_from([*CONFIGURE_STEPS, "RUN", "STOP", "RESET TASK"]),
        st.sampled_from(["ERROR", "INITIALIZED", "BOUND", "DEVICE READY", "IDLE"]),
        max_size=3,
    ),
)
def test_no_sequence_of_events_and_failures_ever_sends_an_illegal_event(start, events, upsets):
    device = FakeDevice(start)
    device.upset = upsets
    for event in events:
        outcome = fired(device, event, CHANNEL)
        assert device.illegal == []
        assert outcome.device_state == device.state
        assert outcome.state is TaskState.ERROR or device.state != "ERROR"


STATES = ["IDLE", "INITIALIZED", "BOUND", "DEVICE READY", "READY", "RUNNING"]


@given(
    really=st.sampled_from(STATES),
    remembered=st.sampled_from(["", *STATES]),
    event=st.sampled_from(TaskEvent),
)
def test_the_outcome_does_not_depend_on_the_remembered_state(really, remembered, event):
    device, asked = FakeDevice(really), FakeDevice(really)
    device.history.state = remembered
    assert fired(device, event, CHANNEL) == fired(asked, event, CHANNEL)
    assert (device.illegal, device.state) == ([], asked.state)


def test_a_device_that_is_known_to_be_ready_is_not_asked_for_its_state(device):
    device.state = device.history.state = "READY"
    assert fired(device, "START").device_state == "RUNNING"
    assert (device.looked, device.sent) == (0, ["RUN"])


def test_a_remembered_state_is_used_for_one_step_only(device):
    device.state = device.history.state = "READY"
    fired(device, "START")
    fired(device, "STOP")
    assert device.looked == 1


@pytest.mark.parametrize(("event", "state"), [("STOP", "READY"), ("RESET", "IDLE"), ("START", "RUNNING")])
def test_a_device_that_is_believed_at_its_goal_is_asked_for_its_state(device, event, state):
    device.state = device.history.state = state
    fired(device, event)
    assert device.looked == 1


@pytest.mark.parametrize(("event", "state"), [("STOP", "READY"), ("RESET", "IDLE"), ("EXIT", "EXITING")])
def test_an_event_of_a_device_at_its_goal_sends_nothing_and_succeeds(device, event, state):
    device.state = state
    outcome = fired(device, event)
    assert (device.sent, outcome.failure) == ([], None)


@pytest.mark.parametrize(("event", "state"), [("CONFIGURE", "READY"), ("START", "RUNNING")])
def test_arguments_that_no_step_carries_fail_the_event(device, event, state):
    device.state = state
    outcome = fired(device, event, {"runNumber": "8"})
    assert (device.sent, outcome.failure.state) == ([], state)


def test_a_step_that_is_not_answered_means_that_the_process_must_be_killed(device):
    device.upset["CONNECT"] = ReplyTimeout("Transition was not answered within 5 s")
    outcome = fired(device, "CONFIGURE", CHANNEL)
    assert (outcome.state, outcome.remedy) == (TaskState.UNKNOWN, Remedy.KILL)
    assert outcome.failure.asked == "CONNECT"
    assert "not answered" in outcome.failure.reason
    assert "kill" in outcome.failure.advice
    assert device.sent[-1] == "CONNECT", "nothing more is sent to a process that hangs"


def test_a_process_that_does_not_report_its_state_gets_no_event(device):
    device.state = ReplyTimeout("GetState was not answered within 5 s")
    outcome = fired(device, "CONFIGURE", CHANNEL)
    assert (device.sent, outcome.remedy, outcome.device_state) == ([], Remedy.KILL, "-")


def test_a_process_that_went_away_in_a_step_is_reported_and_not_raised(device, gone):
    device.upset["BIND"] = gone
    outcome = fired(device, "CONFIGURE", CHANNEL)
    assert (outcome.state, outcome.failure.asked) == (TaskState.UNKNOWN, "BIND")


def test_a_process_that_ends_before_its_reply_to_end_is_done(device, gone):
    device.upset["END"] = gone
    outcome = fired(device, "EXIT")
    assert (outcome.state, outcome.failure) == (TaskState.DONE, None)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(False, Trigger.EXECUTOR, "READY", "INIT TASK"), id="not ok"),
        pytest.param(Reply(True, Trigger.DEVICE_INTENTIONAL, "READY", "INIT TASK"), id="by itself"),
        pytest.param(Reply(True, Trigger.EXECUTOR, "READY", "CONNECT"), id="answer to another event"),
        pytest.param(Reply(True, Trigger.EXECUTOR, "RUNNING", "INIT TASK"), id="another state"),
    ],
)
def test_a_step_counts_only_if_everything_in_its_reply_is_as_expected(device, reply):
    device.upset["INIT TASK"] = reply
    assert "INIT TASK" in fired(device, "CONFIGURE", CHANNEL).failure.reason


@pytest.mark.parametrize("stuck", ["BOUND", "DEVICE READY"])
def test_a_hanging_configure_is_rolled_back_and_can_be_repeated(device, stuck):
    failing = "CONNECT" if stuck == "BOUND" else "INIT TASK"
    device.upset[failing] = stuck
    outcome = fired(device, "CONFIGURE", CHANNEL)
    assert device.sent[-1] == "RESET DEVICE"
    assert (outcome.state, outcome.device_state, outcome.remedy) == (TaskState.STANDBY, "IDLE", Remedy.NONE)
    assert outcome.failure.asked == failing
    assert f"taken back from {stuck}" in outcome.failure.reason
    device.upset.clear()
    assert fired(device, "CONFIGURE", CHANNEL).state is TaskState.CONFIGURED


def test_after_a_rollback_from_initialized_the_device_is_only_good_for_its_end(device):
    device.upset["BIND"] = "INITIALIZED"
    outcome = fired(device, "CONFIGURE", CHANNEL)
    assert (outcome.device_state, outcome.remedy) == ("IDLE", Remedy.RESTART)
    assert "must be restarted" in outcome.failure.advice
    device.upset.clear()
    device.sent.clear()
    again = fired(device, "CONFIGURE", CHANNEL)
    assert (device.sent, again.remedy) == ([], Remedy.RESTART)
    assert fired(device, "EXIT").state is TaskState.DONE


def test_a_reset_from_initialized_succeeds_and_says_that_the_device_must_be_restarted(device):
    device.state = "INITIALIZED"
    outcome = fired(device, "RESET")
    assert (outcome.failure, outcome.remedy) == (None, Remedy.RESTART)


def test_a_rollback_that_hangs_is_a_process_to_kill(device):
    device.upset |= {"CONNECT": "BOUND", "RESET DEVICE": ReplyTimeout("not answered")}
    assert fired(device, "CONFIGURE", CHANNEL).remedy is Remedy.KILL


def test_a_failed_step_ends_in_error_with_advice_and_without_another_request(device):
    device.upset["BIND"] = "ERROR"
    outcome = fired(device, "CONFIGURE", CHANNEL)
    assert (outcome.state, outcome.remedy, device.sent[-1]) == (TaskState.ERROR, Remedy.KILL, "BIND")
    assert "port in use" in outcome.failure.advice


def test_a_device_that_leaves_running_before_run_is_answered_is_reported_so(device):
    device.state = "READY"
    device.upset["RUN"] = Reply(False, Trigger.DEVICE_INTENTIONAL, "READY", "RUN")
    outcome = fired(device, "START")
    assert (outcome.state, outcome.remedy) == (TaskState.CONFIGURED, Remedy.NONE)
    assert "left RUNNING without an order" in outcome.failure.reason


@pytest.mark.parametrize("status", ["INVALID_ARGUMENT", "CANCELLED"])
def test_stop_of_a_device_that_left_running_meanwhile_succeeds(device, status):
    device.states_to_come = ["RUNNING", "READY"]
    device.upset["STOP"] = RpcRefused("state mismatch", status)
    outcome = fired(device, "STOP")
    assert (outcome.state, outcome.failure) == (TaskState.CONFIGURED, None)


def test_a_refused_step_is_reported_with_the_present_state_of_the_device(device):
    device.state = "READY"
    device.upset["RUN"] = RpcRefused("Transition was refused: UNKNOWN", "UNKNOWN")
    outcome = fired(device, "START")
    assert (outcome.state, outcome.failure.state) == (TaskState.CONFIGURED, "READY")
    assert "UNKNOWN" in outcome.failure.reason


def test_a_state_that_passes_by_itself_is_waited_out_before_anything_is_sent(device):
    device.states_to_come = ["CONNECTING", "CONNECTING", "DEVICE READY"]
    assert fired(device, "RESET").failure is None
    assert device.sent == ["RESET DEVICE"]


def test_a_state_that_should_pass_and_does_not_ends_at_the_deadline(device):
    device.state = "CONNECTING"
    outcome = fired(device, "RESET", timeout_s=0.05)
    assert (device.sent, outcome.remedy) == ([], Remedy.KILL)
    assert "stays CONNECTING" in outcome.failure.reason


@pytest.mark.parametrize("halfway", ["INITIALIZING DEVICE", "INITIALIZED", "BOUND", "DEVICE READY", "READY"])
def test_a_device_whose_controller_died_in_configure_can_be_ended_from_every_state(device, halfway):
    device.state = halfway
    assert fired(device, "EXIT").state is TaskState.DONE


@pytest.mark.parametrize("halfway", ["BOUND", "DEVICE READY"])
def test_configure_from_an_intermediate_state_resets_first_so_that_all_properties_arrive(device, halfway):
    device.state = halfway
    assert fired(device, "CONFIGURE", CHANNEL).state is TaskState.CONFIGURED
    assert device.sent == ["RESET DEVICE", *CONFIGURE_STEPS]
    assert device.arguments["RESET DEVICE"] == {}


@pytest.mark.parametrize("halfway", ["INITIALIZING DEVICE", "INITIALIZED"])
def test_configure_from_a_state_whose_reset_breaks_the_device_requires_a_restart(device, halfway):
    device.state = halfway
    outcome = fired(device, "CONFIGURE", CHANNEL)
    assert (device.sent, outcome.remedy) == ([], Remedy.RESTART)


def test_two_transitions_at_once_are_made_one_after_the_other(device):
    async def both():
        return await asyncio.gather(
            send_event(device, ControlMode.FAIRMQ, TaskEvent.CONFIGURE, CHANNEL, 5),
            send_event(device, ControlMode.FAIRMQ, TaskEvent.START, {}, 5),
        )

    first, second = asyncio.run(both())
    assert (first.failure, second.failure, device.most_at_once) == (None, None, 1)
    assert device.sent == [*CONFIGURE_STEPS, "RUN"]


def test_a_transition_that_finds_another_one_stuck_gives_up_at_its_own_deadline(device):
    async def late():
        async with device.history.lock:
            return await send_event(device, ControlMode.FAIRMQ, TaskEvent.START, {}, 0.02)

    outcome = asyncio.run(late())
    assert "still under way" in outcome.failure.reason
    assert device.sent == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("chans.data.0.rateLogging", ""),
        ("chans.data.0.rateLogging", "often"),
        ("chans.data.0.sndBufSize", "1e3"),
        ("chans.data.0.autoBind", "yes"),
        ("chans.data.0.sndTimeoutMs", "100"),
        ("chans.data.0.portRangeMin", "22000"),
    ],
)
def test_a_property_that_would_break_the_device_is_refused_before_it_is_sent(device, key, value):
    outcome = fired(device, "CONFIGURE", CHANNEL | {key: value})
    assert (device.sent, outcome.state, outcome.remedy) == ([], TaskState.STANDBY, Remedy.NONE)
    assert key in outcome.failure.reason


def test_channels_that_the_next_configure_does_not_have_would_come_back_so_the_device_is_to_be_restarted(
    device,
):
    fired(device, "CONFIGURE", CHANNEL)
    fired(device, "RESET")
    device.sent.clear()
    other = {key.replace("data", "results"): value for key, value in CHANNEL.items()}
    outcome = fired(device, "CONFIGURE", other)
    assert (device.sent, outcome.remedy) == ([], Remedy.RESTART)
    assert "data" in outcome.failure.reason
    assert fired(device, "CONFIGURE", CHANNEL | other).failure is None, "more channels than before are fine"


def test_only_modes_with_a_control_channel_can_be_driven(device):
    with pytest.raises(InvalidRequestError, match="basic"):
        fired(device, "START", mode=ControlMode.BASIC)


class TestDirectMode:
    """libOCC: events go as they are, and are answered even where they do nothing."""

    @pytest.mark.parametrize(
        ("event", "state", "reached"),
        [
            ("CONFIGURE", "STANDBY", "CONFIGURED"),
            ("START", "CONFIGURED", "RUNNING"),
            ("STOP", "RUNNING", "CONFIGURED"),
            ("RESET", "CONFIGURED", "STANDBY"),
            ("RECOVER", "ERROR", "STANDBY"),
            ("EXIT", "CONFIGURED", "DONE"),
            ("EXIT", "ERROR", "DONE"),
        ],
    )
    def test_every_event_of_the_direct_table_leads_to_its_target(self, process, event, state, reached):
        process.state = state
        outcome = fired(process, event, mode=ControlMode.DIRECT)
        assert (outcome.state, outcome.failure, process.sent) == (TaskState(reached), None, [event])

    @pytest.mark.parametrize(("event", "state"), [("CONFIGURE", "CONFIGURED"), ("RECOVER", "STANDBY")])
    def test_an_ok_that_would_mean_nothing_was_done_is_never_asked_for(self, process, event, state):
        process.state = state
        outcome = fired(process, event, mode=ControlMode.DIRECT)
        assert process.sent == []
        assert outcome.failure.state == state

    def test_properties_are_not_checked_because_they_become_a_tree(self, process):
        arguments = {"chans.data.0.rateLogging": "often"}
        assert fired(process, "CONFIGURE", arguments, mode=ControlMode.DIRECT).failure is None

    def test_an_unexpected_answer_is_no_success(self, process, monkeypatch):
        monkeypatch.setitem(process.MOVES, ("STANDBY", "CONFIGURE"), "PAUSED")
        outcome = fired(process, "CONFIGURE", mode=ControlMode.DIRECT)
        assert (outcome.state, outcome.device_state) == (TaskState.UNKNOWN, "PAUSED")
        assert "should have led from STANDBY to CONFIGURED" in outcome.failure.reason


class TestReadiness:
    """A process that was just started."""

    def ready(self, device, ours=lambda _: True, timeout_s=0.2, mode=ControlMode.FAIRMQ):
        return asyncio.run(wait_ready(device, mode, ours, timeout_s))

    def test_a_fairmq_device_is_ready_when_it_is_idle(self, device, gone):
        device.states_to_come = ["INITIALIZING DEVICE", "IDLE"]
        assert self.ready(device, timeout_s=5).state is TaskState.STANDBY

    def test_a_direct_task_is_ready_when_it_is_in_standby(self, process):
        process.states_to_come = ["UNDEFINED", "STANDBY"]
        outcome = self.ready(process, timeout_s=5, mode=ControlMode.DIRECT)
        assert outcome.state is TaskState.STANDBY

    def test_a_stranger_on_the_shared_port_is_refused_by_its_process_id(self, device):
        outcome = self.ready(device, ours=lambda pid: pid != 4242)
        assert "process 4242" in outcome.failure.reason
        assert outcome.remedy is Remedy.KILL

    def test_the_process_id_is_remembered_for_every_later_answer(self, device):
        self.ready(device)
        assert device.history.pid == 4242

    def test_a_port_without_a_listener_fails_at_the_deadline_with_advice(self, device):
        device.listens = False
        outcome = self.ready(device, timeout_s=0.05)
        assert "no process listens" in outcome.failure.reason
        assert outcome.failure.advice

    def test_a_process_that_never_becomes_idle_is_reported_with_its_state(self, device):
        device.state = "READY"
        assert "it is READY" in self.ready(device, timeout_s=0.05).failure.reason

    def test_a_process_in_error_from_the_start_is_not_waited_for(self, device):
        device.state = "ERROR"
        assert self.ready(device, timeout_s=60).state is TaskState.ERROR

    def test_the_wrong_codec_is_reported_at_once(self, device):
        device.state = RpcRefused("no such method there", "UNIMPLEMENTED")
        assert "-P" in self.ready(device, timeout_s=60).failure.advice
