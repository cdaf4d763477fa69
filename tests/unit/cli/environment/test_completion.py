"""Words of a command line are completed from what control knows."""

from types import SimpleNamespace

import pytest

from salt_o2.cli.environment import completion
from tests.support.builders.control_records import host, task

TREE = {
    "name": "readout",
    "path": "readout",
    "roles": [
        {"name": "tpc", "path": "readout.tpc", "detector": "TPC", "task": "id-1"},
        {"name": "epn0", "path": "readout.epn0", "task": "id-2"},
        {"name": "epn1", "path": "readout.epn1", "task": "id-3"},
    ],
}
BARE = {
    "name": "readout",
    "roles": [{"name": "tpc", "task": "id-1"}, {"name": "epn0", "task": "id-2"}],
}
VARIABLES = [{"name": "rate", "values": ["10", "20"]}, {"name": "run_type", "values": []}]


def words(**params):
    """The command line so far."""
    return SimpleNamespace(params=params)


@pytest.fixture
def site(control):
    """Control with an environment, workflows, hosts, tasks and runs."""
    control.answer("env_list", [{"id": "2oDvieFrVTi"}, {"id": "3abc"}])
    control.answer("workflow_list", [{"name": "readout"}, {"name": "qc"}, {"name": "", "problem": "x"}])
    control.answer("host_list", [host("flp1"), host("flp2"), host("epn1")])
    control.answer("task_list", [task("sink", "RUNNING"), task("source", "RUNNING")])
    control.answer("run_list", [{"run_number": 41}, {"run_number": 42}, {"run_number": 7}])
    control.answer("workflow_expand", {"root": TREE})
    control.answer("workflow_show", {"variables": VARIABLES})
    control.answer("env_show", {"id": "2oDvieFrVTi", "workflow": "readout", "roles": BARE})
    return control


@pytest.mark.parametrize(
    ("complete", "begun", "found"),
    [
        (completion.environment_ids, "2", ["2oDvieFrVTi"]),
        (completion.workflow_names, "", ["readout", "qc"]),
        (completion.workflow_names, "re", ["readout"]),
        (completion.host_names, "flp", ["flp1", "flp2"]),
        (completion.task_ids, "id-so", ["id-source"]),
        (completion.run_numbers, "4", ["41", "42"]),
    ],
)
def test_names_of_the_site_are_completed(site, complete, begun, found):
    assert complete(begun) == found


def test_events_are_completed_in_any_case_with_their_short_names():
    assert completion.event_names("star") == ["START", "START_ACTIVITY"]
    assert "MODIFY" not in completion.event_names("")


def test_roles_and_detectors_of_a_workflow_are_completed(site):
    ctx = words(workflow="readout", identity="")
    assert completion.roles_and_detectors(ctx, "readout.e") == ["readout.epn0", "readout.epn1"]
    assert completion.roles_and_detectors(ctx, "T") == ["TPC"]


def test_roles_of_an_environment_are_completed_by_their_paths(site):
    ctx = words(identity="2oD")
    assert completion.roles_and_detectors(ctx, "readout.") == ["readout.tpc", "readout.epn0"]
    assert completion.roles_and_detectors(ctx, "TP") == ["TPC"]


def test_the_last_word_of_a_list_is_completed(site):
    assert completion.roles_and_detectors(words(workflow="readout"), "TPC,readout.epn0") == [
        "TPC,readout.epn0"
    ]
    assert completion.roles_and_detectors(words(workflow="readout"), "TPC,readout.t") == ["TPC,readout.tpc"]


def test_the_iterators_of_a_workflow_are_completed_with_an_equals_sign(site):
    assert completion.role_counts(words(workflow="readout"), "") == ["epn="]


def test_a_move_is_completed_by_role_and_then_by_host(site):
    ctx = words(workflow="readout")
    assert completion.role_hosts(ctx, "readout.t") == ["readout.tpc="]
    assert completion.role_hosts(ctx, "readout.tpc=fl") == ["readout.tpc=flp1", "readout.tpc=flp2"]
    assert completion.role_hosts(ctx, "readout.tpc=flp1,readout.epn0=e") == [
        "readout.tpc=flp1,readout.epn0=epn1"
    ]


@pytest.mark.parametrize("ctx", [words(workflow="readout"), words(identity="2oD")], ids=["new", "existing"])
def test_a_variable_is_completed_by_name_and_then_by_allowed_value(site, ctx):
    assert completion.variable_values(ctx, "r") == ["rate=", "run_type="]
    assert completion.variable_values(ctx, "rate=1") == ["rate=10"]
    assert completion.variable_values(ctx, "run_type=x,rate=") == ["run_type=x,rate=10", "run_type=x,rate=20"]
    assert completion.variable_values(ctx, "unknown=") == []


def test_without_a_workflow_or_an_environment_nothing_is_completed(site):
    assert completion.variable_values(words(), "") == []
    assert completion.roles_and_detectors(words(), "") == []


def test_without_control_nothing_is_completed(nowhere):
    for complete in (completion.host_names, completion.workflow_names, completion.environment_ids):
        assert complete("") == []
    assert completion.roles_and_detectors(words(workflow="readout"), "") == []
