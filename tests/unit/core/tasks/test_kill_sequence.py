"""How processes are ended."""

import itertools
import signal

import pytest

from salt_o2.core.states import ControlMode
from salt_o2.core.tasks.kill_sequence import kill_sequence

EVERY = list(itertools.product(ControlMode, (True, False), (True, False)))


@pytest.mark.parametrize(("mode", "asked", "lost"), EVERY)
def test_the_last_signal_is_sigkill_and_is_sent_once(mode, asked, lost):
    signals = [step.signal for step in kill_sequence(mode, asked_to_exit=asked, lost=lost)]
    assert signals[-1] is signal.SIGKILL
    assert signals.count(signal.SIGKILL) == 1


@pytest.mark.parametrize(("mode", "asked", "lost"), EVERY)
def test_the_first_signal_is_sigterm(mode, asked, lost):
    signals = [step.signal for step in kill_sequence(mode, asked_to_exit=asked, lost=lost) if step.signal]
    assert signals[0] is signal.SIGTERM


@pytest.mark.parametrize(("mode", "asked", "lost"), EVERY)
def test_an_end_has_a_bounded_duration(mode, asked, lost):
    steps = kill_sequence(mode, asked_to_exit=asked, lost=lost)
    assert all(step.wait_s > 0 for step in steps)
    assert sum(step.wait_s for step in steps) < 15


@pytest.mark.parametrize("mode", [ControlMode.BASIC, ControlMode.HOOK])
@pytest.mark.parametrize("grace_s", [0.1, 1.0, 60.0])
def test_a_task_without_a_control_channel_has_its_grace_between_sigterm_and_sigkill(mode, grace_s):
    steps = kill_sequence(mode, grace_s=grace_s)
    assert [(step.signal, step.wait_s) for step in steps[:-1]] == [(signal.SIGTERM, grace_s)]


def test_a_process_asked_to_exit_has_time_before_the_first_signal():
    assert kill_sequence(ControlMode.FAIRMQ, asked_to_exit=True)[0].signal is None


def test_a_device_in_error_is_given_a_moment_to_end_and_then_no_signal_that_it_ignores():
    signals = [step.signal for step in kill_sequence(ControlMode.FAIRMQ, in_error=True, lost=True)]
    assert signals == [None, signal.SIGKILL]


def test_the_agent_does_not_wait_for_a_hanging_process():
    hanging = kill_sequence(ControlMode.FAIRMQ, lost=True)
    free = kill_sequence(ControlMode.FAIRMQ)
    assert sum(step.wait_s for step in hanging[:-1]) < sum(step.wait_s for step in free[:-1])


def test_the_agent_waits_for_a_process_asked_to_exit_even_if_its_connection_is_lost():
    assert kill_sequence(ControlMode.FAIRMQ, asked_to_exit=True, lost=True)[0].signal is None
