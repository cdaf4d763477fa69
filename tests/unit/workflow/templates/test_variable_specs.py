"""Variables described for forms: kept, served and checked (aliecs.md A3.7)."""

import pytest

from tests.support.builders.templates import expand, problems

SOURCE = """
name: !public root
description: a workflow for all users
defaults:
  plain: 1
  mode: !public
    value: fast
    type: string
    label: How fast
    description: "how fast  it goes"
    widget: dropDownBox
    panel: General
    values: [fast, slow]
    index: 3
    visibleif: $$advanced === "true"
  advanced: !public {value: "true", type: bool, widget: checkBox}
  rate: !public {value: 10, type: number, widget: slider}
  detectors: !public {value: '["ITS"]', type: list, widget: listBox, values: [ITS, TPC]}
  settings: !public {value: "{}", type: map, rows: 5}
  free: !public {value: a, type: string, widget: comboBox, values: [a, b]}
vars:
  strong: !public {value: s}
roles:
  - {name: x, task: {load: plain}}
"""


def test_descriptions_are_kept_and_their_values_are_variables():
    workflow = expand(SOURCE)
    mode = workflow.specifications["mode"]
    assert (mode.value, mode.label, mode.panel, mode.index) == ("fast", "How fast", "General", 3)
    assert (mode.values, mode.description) == (("fast", "slow"), "how fast it goes")
    assert workflow.variables["mode"] == "fast"
    assert workflow.specifications["settings"].rows == 5
    assert (mode.block, workflow.specifications["strong"].block) == ("defaults", "vars")
    assert "plain" not in workflow.specifications


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "slow"),
        ("advanced", "FALSE"),
        ("rate", "1e3"),
        ("rate", ""),
        ("detectors", '["ITS", "TPC"]'),
        ("detectors", "[]"),
        ("settings", '{"a": 1}'),
        ("free", "anything"),
        ("plain", "anything"),
        ("other", "anything"),
    ],
)
def test_a_value_that_fits_is_taken(name, value):
    assert expand(SOURCE, variables={name: value}).variables[name] == value


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("advanced", "maybe", "must be true or false, not 'maybe'"),
        ("rate", "much", "must be a number, not 'much'"),
        ("detectors", "ITS", "must be a JSON list, not 'ITS'"),
        ("settings", "[]", "must be a JSON object, not '[]'"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_before_anything_starts(name, value, message):
    (found,) = problems(SOURCE, variables={name: value})
    assert f"variable {name} {message}" in found


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("mode", "medium", "'medium' is none of the values that its form offers: fast, slow"),
        ("detectors", '["MID"]', "'MID' is none of the values that its form offers: ITS, TPC"),
    ],
)
def test_a_value_that_no_form_offers_is_used_with_a_warning_at_create(name, value, message):
    workflow = expand(SOURCE, variables={name: value})
    assert workflow.variables[name] == value
    assert workflow.warnings == (f"variable {name}: {message}",)
    assert any(message in note for note in workflow.notes)


def test_a_value_that_a_form_offers_is_used_without_a_warning():
    assert expand(SOURCE, variables={"mode": "slow", "detectors": '["ITS"]'}).warnings == ()


def test_a_variable_that_no_form_would_show_is_not_checked():
    assert expand(SOURCE, variables={"mode": "medium", "advanced": "false"}).warnings == ()


LEAF = "roles: [{name: x, task: {load: plain}}]"


def test_an_unknown_key_of_a_description_is_an_error():
    (found,) = problems(f"name: r\ndefaults:\n  a: !public {{value: 1, colour: red}}\n{LEAF}")
    assert found.startswith("w.yaml:3: r:")
    assert "colour" in found


@pytest.mark.parametrize(("key", "value"), [("type", "integer"), ("widget", "editbox"), ("widget", "newBox")])
def test_an_unknown_widget_or_type_is_a_note(key, value):
    """A form of AliECS may know it, and the workflow does not depend on it."""
    (note,) = expand(f"name: r\ndefaults:\n  a: !public {{value: 1, {key}: {value}}}\n{LEAF}").notes
    assert f"variable a: {key} {value!r} is none of" in note


def test_variables_described_in_an_included_workflow_are_checked_too():
    other = (
        "name: o\ndefaults: {n: !public {value: 1, type: number}}\nroles: [{name: x, task: {load: plain}}]"
    )
    source = "name: r\nroles: [{name: i, include: other}]"
    (found,) = problems(source, others={"other": other}, variables={"n": "x"})
    assert found == "other.yaml:2: variable n must be a number, not 'x'"
