"""Messages of a session: sealed by one side, opened once by the other, and by no one else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.core.errors import InvalidRequestError
from salt_o2.sealing.channel import HEADER, LAST_NUMBER, WINDOW, Channel, Numbers

SESSION = bytes(16)
A, B = bytes(32), bytes([1]) * 32


@pytest.fixture
def ends():
    return Channel(SESSION, A, B), Channel(SESSION, B, A)


@settings(max_examples=500)
@given(st.binary(max_size=200))
def test_a_sealed_message_opens_unchanged(message):
    agent, control = Channel(SESSION, A, B), Channel(SESSION, B, A)
    sealed = agent.seal(message)
    assert control.open(sealed) == message
    assert message not in sealed or len(message) < 8


@given(message=st.binary(max_size=50), at=st.integers(0), flip=st.integers(1, 255))
def test_a_message_with_one_changed_byte_does_not_open(message, at, flip):
    agent, control = Channel(SESSION, A, B), Channel(SESSION, B, A)
    sealed = bytearray(agent.seal(message))
    sealed[at % len(sealed)] ^= flip
    with pytest.raises(InvalidRequestError):
        control.open(bytes(sealed))


@given(st.binary(max_size=100))
def test_bytes_that_are_not_sealed_do_not_open(data):
    with pytest.raises(InvalidRequestError):
        Channel(SESSION, A, B).open(data)


def test_a_message_opens_once(ends):
    agent, control = ends
    sealed = agent.seal(b"stop")
    control.open(sealed)
    with pytest.raises(InvalidRequestError, match="taken before"):
        control.open(sealed)


def test_a_message_cannot_be_sent_back_to_its_sender(ends):
    agent, _ = ends
    with pytest.raises(InvalidRequestError):
        agent.open(agent.seal(b"stop"))


def test_a_message_of_another_session_does_not_open(ends):
    _, control = ends
    with pytest.raises(InvalidRequestError, match="another session"):
        control.open(Channel(bytes([7]) * 16, A, B).seal(b"stop"))


def test_a_forged_number_shuts_out_no_true_message(ends):
    agent, control = ends
    forged = HEADER.pack(SESSION, 1000) + bytes(20)
    with pytest.raises(InvalidRequestError):
        control.open(forged)
    assert control.open(agent.seal(b"true")) == b"true"


def test_the_last_number_is_never_passed(ends):
    agent, _ = ends
    agent._sent = LAST_NUMBER - 1
    agent.seal(b"the last")
    with pytest.raises(InvalidRequestError, match="new sign-in"):
        agent.seal(b"one more")


@given(st.lists(st.integers(-2, 3 * WINDOW), max_size=300))
def test_numbers_are_taken_once_and_only_near_the_highest(offered):
    numbers, taken = Numbers(), set()
    for number in offered:
        allowed = number > 0 and number not in taken and number > max(taken, default=0) - WINDOW
        assert numbers.is_new(number) == allowed
        if allowed:
            numbers.accept(number)
            taken.add(number)
