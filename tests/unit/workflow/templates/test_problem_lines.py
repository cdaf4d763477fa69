"""The list of problems: one line each, in the order of the files, each fault once."""

import pytest

from salt_o2.core.errors import TemplateError
from salt_o2.workflow.problems import Place, Problems, nearest


def test_lines_come_in_the_order_of_file_and_line():
    problems = Problems()
    for file, line in (("b", 1), ("a", 10), ("a", 9)):
        problems.add(Place(file, line), "", "wrong")
    assert problems.lines() == ["a:9: wrong", "a:10: wrong", "b:1: wrong"]


def test_a_line_has_file_line_role_what_and_advice():
    problems = Problems()
    problems.add(Place("f", 3), "root.x", "unknown key nme", "nme", ["name", "vars"])
    assert problems.lines() == ["f:3: root.x: unknown key nme (did you mean name?)"]


def test_the_same_fault_of_several_roles_is_one_line():
    problems = Problems()
    for number in range(3):
        problems.add(Place("f", 3), f"root.x{number}", "wrong")
    assert problems.lines() == ["f:3: root.x0: wrong [and in 2 more roles]"]
    assert len(problems) == 1


def test_a_whole_file_has_no_line():
    assert str(Place("f", 0)) == "f"


def test_an_empty_list_of_problems_raises_nothing():
    Problems().raise_any()


def test_all_problems_are_raised_as_one_error():
    problems = Problems()
    problems.add(Place("f", 1), "", "this")
    problems.add(Place("f", 2), "", "that")
    with pytest.raises(TemplateError) as caught:
        problems.raise_any()
    assert caught.value.problems == ("f:1: this", "f:2: that")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("procesors", " (did you mean processors?)"),
        ("PROCESSORS", " (did you mean processors?)"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_advice_is_the_nearest_name_if_any_is_near(name, advice):
    assert nearest(name, ["processors", "rate"]) == advice
