"""Regular expressions of templates: RE2's syntax and meaning, in a bounded time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.workflow.expressions.linear_regex import STEPS, matches
from salt_o2.workflow.expressions.values import Refused


@pytest.mark.finding("3.4")
@pytest.mark.parametrize(
    "pattern",
    [
        "(?:(?:(?:){60000}){60000}){60000}",
        "(?:(?:(?:){1000}){1000}){1000}",
        "((((){999}){999}){999}){999}",
        "(?:a?){60000}{60000}",
        "a{1001}",
        r"\pL{1000}",
    ],
)
def test_a_pattern_that_repeats_without_end_is_refused(pattern):
    with pytest.raises(Refused, match="is no regular expression"):
        matches(pattern, "abc")


@pytest.mark.finding("3.4")
@pytest.mark.parametrize(
    "pattern", ["(?=a)a", "(?<=a)b", r"(a)\1", "(?>a)", "(?(1)a|b)", "[", "(", "a**", "\ud800"]
)
def test_a_pattern_that_re2_does_not_know_is_refused(pattern):
    with pytest.raises(Refused, match="is no regular expression"):
        matches(pattern, "a")


@pytest.mark.finding("3.4")
@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b$", "(a|aa)+$", "(.*)*x", "(?:a?){100}a{100}$"])
def test_patterns_that_backtrack_elsewhere_are_answered(pattern):
    assert not matches(pattern, "a" * 100_000 + "!")


@pytest.mark.finding("3.4")
def test_a_large_pattern_over_a_long_text_is_refused():
    assert not matches("(?:(?:a?){10}){100}b", "a" * (STEPS // 10_000))
    with pytest.raises(Refused, match="1,000,000 characters is too long for the pattern"):
        matches("(?:(?:a?){10}){100}b", "a" * 1_000_000)


def test_text_that_utf_8_cannot_hold_is_refused():
    with pytest.raises(Refused, match="UTF-8"):
        matches("a", "\ud800")


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^flp\d+$", "flp12", True),
        (r"^\d$", "٣", False),  # as in Go, \d is an ASCII digit
        (r"^\w$", "é", False),
        (r"^\pL$", "é", True),
        (r"^(?i)its$", "ITS", True),
        (r"a.b", "a\nb", False),
        (r"(?s)a.b", "a\nb", True),
        (r"^b$", "a\nb", False),
        (r"(?m)^b$", "a\nb", True),
        (r"a$", "a\n", False),
        (r"(?P<name>x)", "x", True),
        (r"[[:alpha:]]+", "1a", True),
        (r"\bflp\b", "an flp.", True),
        (r"", "", True),
    ],
)
def test_a_pattern_matches_as_in_go(pattern, text, found):
    assert matches(pattern, text) is found


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_pattern_is_answered_or_refused(pattern, text):
    try:
        found = matches(pattern, text)
    except Refused:
        return
    assert found in (True, False)
