"""How far a host is believed that says which run number has reached it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.core.recovery.run_number_claims import STEP, believed, confirmed, why

NUMBERS = st.integers(0, 2**32 - 1)


def test_a_small_step_of_one_host_is_believed():
    assert believed({"flp1": 141, "flp2": 0}, known=100) == 141


def test_a_wide_step_of_one_host_is_not_believed():
    assert believed({"flp1": 9_000_000, "flp2": 100}, known=100) == 100


def test_a_wide_step_that_two_hosts_agree_on_is_believed():
    assert believed({"flp1": 541_020, "flp2": 541_001, "flp3": 7}, known=100) == 541_020


def test_a_false_claim_of_one_host_hides_no_true_claim():
    claims = {"liar": 9_000_000, "flp1": 5000, "flp2": 5001}
    assert believed(claims, known=0) == 5001
    assert believed({"liar": 9_000_000, "flp1": 140}, known=100) == 140


def test_an_empty_store_believes_the_only_host_that_remembers_a_run():
    assert believed({"flp1": 541_020, "flp2": 0}, known=0) == 541_020


def test_a_refused_claim_is_reported_with_advice():
    assert "o2.rebuild last_run=9000000" in why(9_000_000, 41)


@given(st.dictionaries(st.text(max_size=5), NUMBERS, max_size=8), NUMBERS)
def test_numbers_never_go_back_and_are_never_invented(claims, known):
    assert believed(claims, known) in {known, *(claim for claim in claims.values() if claim > known)}


@given(st.dictionaries(st.text(max_size=5), NUMBERS, max_size=8), st.integers(1, 2**32 - 1), NUMBERS)
def test_one_host_alone_moves_a_known_number_by_one_step_at_most(claims, known, lie):
    without = believed(claims, known)
    others = max(claims.values(), default=0)
    assert believed({**claims, "the liar": lie}, known) <= max(without, known, others) + STEP


@given(st.dictionaries(st.text(max_size=5), NUMBERS, min_size=1, max_size=8), NUMBERS)
def test_a_run_number_that_two_hosts_claim_is_never_reused(claims, known):
    claims["one more"] = max(claims.values())
    assert believed(claims, known) >= max(claims.values())


@pytest.mark.finding("X5")
def test_one_host_moves_the_number_by_one_step_however_often_it_claims():
    known, sure = 100, 100
    for _ in range(50):
        known = believed({"flp1": known + STEP, "flp2": 100}, known, sure)
    assert known <= sure + STEP
    assert not confirmed({"flp1": known, "flp2": 100 - STEP}, known)


def test_a_number_that_two_hosts_claim_is_confirmed():
    assert confirmed({"flp1": 5_000, "flp2": 4_990}, 5_000)
