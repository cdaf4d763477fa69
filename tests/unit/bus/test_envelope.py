"""How commands are put into publications, and what an agent finds in them."""

import tracemalloc
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.bus import envelope
from salt_o2.core.errors import InvalidRequestError

BODY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


LARGE = st.integers(4_000, 9_000).map("x".__mul__)
"""Around the size from which on messages are compressed."""


@given(BODY | LARGE | st.lists(LARGE, max_size=3))
def test_a_packed_message_is_unpacked_unchanged(body):
    assert envelope.unwrap(envelope.wrap(body)) == body


def test_large_bodies_are_compressed_and_small_ones_are_not():
    small, large = {"a": "x"}, {"a": "x" * 100_000}
    assert envelope.wrap(small)[:1] == b"m"
    assert envelope.wrap(large)[:1] == b"z"
    assert len(envelope.wrap(large)) < 5000


def test_each_host_finds_its_own_messages_and_common_ones():
    load = envelope.publication({"flp1": [{"n": 1}], "flp2": [{"n": 2}, {"n": 3}], envelope.ALL: [{"n": 0}]})
    assert envelope.bodies_for(load, "flp2") == [{"n": 0}, {"n": 2}, {"n": 3}]
    assert envelope.bodies_for(load, "flp3") == [{"n": 0}]


def test_no_minion_is_ever_named_as_a_target():
    assert envelope.publication({"flp1": [], envelope.ALL: []})["tgt"] == ["o2/flp1", "o2/*"]


def test_an_ordinary_salt_job_carries_no_message_for_a_host():
    job = {"fun": "test.ping", "tgt_type": "glob", "tgt": "*", "arg": []}
    assert envelope.bodies_for(job, "flp1") == []


def test_a_publication_without_the_bodies_that_it_announces_is_refused():
    load = envelope.publication({"flp1": []}) | {"tgt": ["o2/flp2"]}
    with pytest.raises(InvalidRequestError, match="without the bodies"):
        envelope.bodies_for(load, "flp2")


def test_small_messages_share_a_publication_and_each_large_message_has_its_own():
    assert len(envelope.split_by_size({f"h{n}": [{"sealed": bytes(100)}] for n in range(100)})) == 1
    assert len(envelope.split_by_size({f"h{n}": [{"sealed": bytes(50_000)}] for n in range(3)})) == 3


@pytest.mark.finding("3.3")
def test_a_message_that_grows_beyond_its_bound_is_refused_before_it_is_unpacked():
    bomb = b"z" + zlib.compress(bytes(100_000_000))
    assert len(bomb) < 100_000
    tracemalloc.start()
    with pytest.raises(InvalidRequestError, match="1000 bytes"):
        envelope.unwrap(bomb, most=1000)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@given(st.binary(max_size=60) | BODY | st.sampled_from(["m", "z", "m\x00", ["m"], [b"z"], (b"m",), {0: 1}]))
def test_an_unpacked_message_is_refused(data):
    if not isinstance(data, bytes) or data[:1] not in (b"m", b"z"):
        with pytest.raises(InvalidRequestError):
            envelope.unwrap(data)


@given(BODY, st.integers(0), st.integers(1, 255))
def test_a_damaged_message_is_refused_or_read(body, at, flip):
    damaged = bytearray(envelope.wrap(body))
    damaged[at % len(damaged)] ^= flip
    with suppress(InvalidRequestError):
        envelope.unwrap(bytes(damaged))


def test_a_compressed_message_that_is_cut_short_is_refused():
    with pytest.raises(InvalidRequestError, match="cut short"):
        envelope.unwrap(envelope.wrap(["x" * 100_000])[:-5])


@pytest.mark.parametrize(
    "spoilt",
    [{"arg": []}, {"arg": None}, {"arg": ["text"]}, {"arg": [None]}, {"tgt": None}, {"arg": [b"m\xc0"]}],
    ids=str,
)
def test_a_publication_that_a_user_of_the_master_has_made_is_refused(spoilt):
    """`salt -L o2/flp1 o2.deliver` publishes our function without an argument."""
    load = envelope.publication({"flp1": [{"n": 1}]}) | spoilt
    with pytest.raises(InvalidRequestError):
        envelope.bodies_for(load, "flp1")


@pytest.mark.parametrize("missing", ["arg", "tgt"])
def test_a_publication_without_an_entry_is_refused(missing):
    load = envelope.publication({"flp1": [{"n": 1}]})
    del load[missing]
    with pytest.raises(InvalidRequestError):
        envelope.bodies_for(load, "flp1")


@pytest.mark.parametrize("load", [None, b"", "text", [], {}])
def test_a_value_that_is_no_publication_has_no_messages(load):
    assert envelope.bodies_for(load, "flp1") == []


@pytest.mark.finding("A2")
@pytest.mark.parametrize(
    "body",
    [[[]] * 4_000_000, [[[]] * 1000] * 1000, {"tasks": [{}] * 500_000}, [0] * 1_000_000],
    ids=["empty lists", "lists of lists", "empty maps", "numbers"],
)
def test_a_small_message_with_millions_of_elements_is_refused_before_it_fills_the_memory(body):
    packed = envelope.wrap(body)
    assert len(packed) < 20_000
    tracemalloc.start()
    try:
        with pytest.raises(InvalidRequestError, match=r"not a packed message: .*(elements|exceeds max)"):
            envelope.unwrap(packed)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_a_survey_of_thousands_of_tasks_is_read():
    task = {f"field{number}": "text" for number in range(25)}
    body = {"tasks": [task] * 5_000}
    assert envelope.unwrap(envelope.wrap(body)) == body
