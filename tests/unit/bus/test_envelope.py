"""How commands are put into publications, and what an agent finds in them."""

from hypothesis import given
from hypothesis import strategies as st

from salt_o2.bus import envelope

BODY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(BODY)
def test_what_is_packed_is_unpacked(body):
    assert envelope.unpack(envelope.pack(body)) == body


def test_large_bodies_are_compressed_and_small_ones_are_not():
    small, large = {"a": "x"}, {"a": "x" * 100_000}
    assert envelope.pack(small)[:1] == b"m"
    assert envelope.pack(large)[:1] == b"z"
    assert len(envelope.pack(large)) < 5000


def test_each_host_finds_its_own_messages_and_nobody_else_s():
    load = envelope.seal({"flp1": [{"n": 1}], "flp2": [{"n": 2}, {"n": 3}]})
    assert envelope.unseal(load, "flp2") == [{"n": 2}, {"n": 3}]
    assert envelope.unseal(load, "flp3") == []


def test_no_minion_is_ever_named_as_a_target():
    assert envelope.seal({"flp1": []})["tgt"] == ["o2/flp1"]


def test_an_ordinary_salt_job_is_none_of_ours():
    assert envelope.unseal({"fun": "test.ping", "tgt_type": "glob", "tgt": "*", "arg": []}, "flp1") == []


def test_small_messages_share_a_publication_and_large_ones_go_one_by_one():
    assert len(envelope.bundles({f"h{n}": ["x" * 100] for n in range(100)})) == 1
    assert len(envelope.bundles({f"h{n}": ["x" * 50_000] for n in range(3)})) == 3
