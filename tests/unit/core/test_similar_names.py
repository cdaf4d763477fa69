"""The name that a user probably meant."""

from salt_o2.core.similar_names import NAMES_SEARCHED, did_you_mean, nearest


def test_the_most_similar_name_is_suggested():
    assert nearest("proccessors", ["processors", "processor", "rate"]) == "processors"
    assert did_you_mean("proccessors", ["processors", "rate"]) == " (did you mean processors?)"


def test_a_name_in_another_case_is_suggested_as_it_is_written():
    assert nearest("TPC_ENABLED", ["tpc_enabled", "x"]) == "tpc_enabled"


def test_without_a_similar_name_nothing_is_suggested():
    assert nearest("abc", ["xyz"]) == ""
    assert did_you_mean("abc", []) == ""


def test_only_a_bounded_number_of_names_is_compared():
    names = (f"q{number}" for number in range(10**9))
    assert nearest("wholly-different", names) == ""
    assert next(names) == f"q{NAMES_SEARCHED}"
