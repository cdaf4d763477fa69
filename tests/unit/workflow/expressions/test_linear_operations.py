"""Single operations of expressions: none holds up other threads, and none ends with an error of Python.

Each of these took minutes, hours or years before, with other threads stopped; a test run would not end.
"""

import pytest

from salt_o2.workflow.expressions.rendering import text_of
from salt_o2.workflow.expressions.values import Refused
from tests.support.builders.expressions import Names, value_in

value = value_in(Names(digits="1" * 60 + "x", long="a" * 1_000_000))


@pytest.mark.finding("A5")
@pytest.mark.parametrize("layout", ["1" * 40, "2" * 40, "345" * 13, "_2" * 20])
def test_no_layout_makes_the_time_of_date_grow_with_the_number_of_its_readings(layout):
    with pytest.raises(Refused, match="is no time written as"):
        value(f"date(digits, '{layout}')")


@pytest.mark.finding("A5")
@pytest.mark.parametrize("source", ["date(digits, l)", "now().Format(l)"])
def test_a_layout_has_a_bounded_length(source):
    with pytest.raises(Refused, match="a layout of more than 1,000 characters"):
        value(source, Names(digits="1", l="2006" * 251))


@pytest.mark.parametrize(
    ("text", "layout", "shown"),
    [
        ("2023-08-14", "2006-01-02", "2023-08-14 00:00:00 +0000 UTC"),
        ("14/8/2023 7:05PM", "2/1/2006 3:04PM", "2023-08-14 19:05:00 +0000 UTC"),
        ("118", "12", "0001-11-08 00:00:00 +0000 UTC"),
        ("Mon, 14 Aug 2023", "Mon, _2 Jan 2006", "2023-08-14 00:00:00 +0000 UTC"),
        ("08:09:10.25", "15:04:05", "0001-01-01 08:09:10 +0000 UTC"),
        ("08:09:10", "15:04:05", "0001-01-01 08:09:10 +0000 UTC"),
        ("2023-08-14T08:09:10Z", "2006-01-02T15:04:05Z07:00", "2023-08-14 08:09:10 +0000 UTC"),
    ],
)
def test_a_text_is_read_by_each_element_of_its_layout(text, layout, shown):
    assert text_of(value("string(date(text, layout))", Names(text=text, layout=layout))) == shown


@pytest.mark.parametrize(("text", "layout"), [("2023-08-14x", "2006-01-02"), ("x2023", "2006"), ("1", "12")])
def test_a_text_that_does_not_fit_its_layout_is_refused(text, layout):
    with pytest.raises(Refused, match="is no time written as"):
        value("date(text, layout)", Names(text=text, layout=layout))


@pytest.mark.finding("A6")
def test_a_text_is_searched_from_its_end_in_a_time_linear_in_its_length():
    assert value("lastIndexOf(long, 'ab' + repeat('a', 500000))") == -1


@pytest.mark.parametrize("part", ["", "b", "ab", "abc", "aba", "cabab"])
def test_the_last_place_of_a_part_is_that_of_python(part):
    assert value("lastIndexOf('ababc', part)", Names(part=part)) == "ababc".rfind(part)


@pytest.mark.finding("A6")
def test_many_characters_are_trimmed_in_a_time_linear_in_both_texts():
    assert value("trim(long, repeat('b', 999999) + 'a')") == ""
    assert value("trim('ab_c_ba', repeat('b', 99) + 'a')") == "_c_"


@pytest.mark.finding("A6")
def test_the_indentation_of_json_is_bounded_before_it_is_made():
    brackets = "repeat('[', 98) + '1' + repeat(',1', 100000) + repeat(']', 98)"
    with pytest.raises(Refused, match="JSON of more than 10,000,000 characters"):
        value(f"len(toJSON(fromJSON({brackets})))")


@pytest.mark.finding("A15")
@pytest.mark.parametrize(
    "source",
    [
        "-1 .. 9223372036854775807",
        "[1][1/0]",
        "get([1], 0/0)",
        "[] in strings",
        "duration('" + "9" * 5000 + "s')",
    ],
)
def test_a_value_that_cannot_be_computed_is_a_fault_of_the_template(source):
    with pytest.raises(Refused):
        text_of(value(source))


@pytest.mark.finding("A15")
@pytest.mark.parametrize("function", ["fromJSON", "FromJson"])
def test_half_a_character_of_json_is_read_as_go_reads_it(function):
    found = value(f"{function}(conf)", Names(conf='["\\ud800", "\\ud83d\\ude00", {"\\udfff": "\\\\ud800"}]'))
    assert found == ["\ufffd", "\U0001f600", {"\ufffd": "\\ud800"}]
