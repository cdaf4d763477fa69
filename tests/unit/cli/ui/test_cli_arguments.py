"""What people type."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.cli.ui.parsing import hoist, variables
from salt_o2.core.errors import InvalidRequestError


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--json env list", "--json env list"),
        ("env --json list", "--json env list"),
        ("env list --json", "--json env list"),
        ("env list --control /x --nocolor", "--control /x --nocolor env list"),
        ("env list --control=/x", "--control=/x env list"),
        ("device check -- prog --json", "device check -- prog --json"),
        ("device check --json -- prog --control", "--json device check -- prog --control"),
        ("env list --control", "env list --control"),
    ],
    ids=["before", "between", "behind", "with value", "with equals", "foreign", "both", "value missing"],
)
def test_global_options_may_stand_anywhere_before_a_foreign_command(typed, meant):
    assert hoist(typed.split()) == meant.split()


@given(st.lists(st.sampled_from(["--json", "--nocolor", "--control", "--", "env", "-e", "x=y"])))
def test_hoisting_loses_no_word_and_is_stable(words):
    assert sorted(hoist(words)) == sorted(words)
    assert hoist(hoist(words)) == hoist(words)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["processors=4"], {"processors": "4"}),
        (["a=1,b=2"], {"a": "1", "b": "2"}),
        (["a=1", "b=2", "a=3"], {"a": "3", "b": "2"}),
        (["hosts=flp1,flp2,n=3"], {"hosts": "flp1,flp2", "n": "3"}),
        (["url=tcp://a?x=1"], {"url": "tcp://a?x=1"}),
        (["empty="], {"empty": ""}),
        (
            ['{"a": "x", "n": 4, "on": true, "list": [1, 2]}'],
            {"a": "x", "n": "4", "on": "true", "list": "[1, 2]"},
        ),
        (["a=1", '{"a": 2}'], {"a": "2"}),
        ([], {}),
    ],
    ids=[
        "one",
        "two with comma",
        "repeated",
        "value with comma",
        "value with equals",
        "empty value",
        "JSON",
        "JSON over pair",
        "none",
    ],
)
def test_variables_are_pairs_or_json(given, meant):
    assert variables(given) == meant


@pytest.mark.parametrize("wrong", ["nothing", ",a=1", "{not json}", "=x"])
def test_an_invalid_variable_is_refused_with_the_typed_text(wrong):
    with pytest.raises(InvalidRequestError, match="-e "):
        variables([wrong])


names = st.from_regex(r"[a-z_][a-z0-9_]*", fullmatch=True)


@given(st.dictionaries(names, st.text()))
def test_json_carries_any_text(values):
    assert variables([json.dumps(values)]) == values


@given(st.dictionaries(names, st.text().filter(lambda text: "=" not in text), min_size=1))
def test_pairs_carry_any_text_without_equals(values):
    assert variables([",".join(f"{name}={value}" for name, value in values.items())]) == values
