"""Declared environments: which steps lead from what is there to what is wanted."""

import pytest

from salt_o2.client.declared_environment import MARK, execute, find, steps_to_reach, steps_to_remove
from salt_o2.core.errors import IllegalTransitionError, InvalidRequestError, O2Error


def there(state="CONFIGURED", workflow="readout", **variables):
    return {"id": "2oDv", "state": state, "workflow": workflow, "vars": {MARK: "cosmics", **variables}}


def verbs(found):
    return [arguments.get("event", verb) for verb, arguments in found.steps]


def test_an_environment_is_found_by_the_name_it_was_declared_with():
    others = {"id": "x", "state": "RUNNING", "workflow": "readout", "vars": {}}
    assert find([others, there()], "cosmics")["id"] == "2oDv"
    assert find([others], "cosmics") is None


def test_two_of_one_name_are_for_a_person_to_sort_out():
    with pytest.raises(InvalidRequestError, match="2oDv, 2oDv"):
        find([there(), there()], "cosmics")


@pytest.mark.parametrize(
    ("state", "steps"),
    [("CONFIGURED", ["env_create"]), ("RUNNING", ["env_create", "START_ACTIVITY"])],
)
def test_what_is_not_there_is_created(state, steps):
    found = steps_to_reach("cosmics", None, state, "readout", {"n": 2})
    assert verbs(found) == steps
    assert found.steps[0][1]["vars"] == {"n": 2, MARK: "cosmics"}
    assert found.changes == {"cosmics": {"old": "absent", "new": state}}


@pytest.mark.parametrize(
    ("now", "wanted", "steps"),
    [
        ("CONFIGURED", "CONFIGURED", []),
        ("RUNNING", "RUNNING", []),
        ("RUNNING", "CONFIGURED", []),
        ("DEPLOYED", "CONFIGURED", ["CONFIGURE"]),
        ("DEPLOYED", "RUNNING", ["CONFIGURE", "START_ACTIVITY"]),
        ("CONFIGURED", "RUNNING", ["START_ACTIVITY"]),
    ],
)
def test_what_is_there_is_led_on_and_never_back(now, wanted, steps):
    assert verbs(steps_to_reach("cosmics", there(now), wanted, "readout", {})) == steps


def test_one_in_error_is_not_touched():
    with pytest.raises(IllegalTransitionError, match="RECOVER"):
        steps_to_reach("cosmics", there("ERROR"), "RUNNING", "readout", {})


def test_one_of_another_workflow_is_not_touched():
    with pytest.raises(InvalidRequestError, match="is of readout, not qc"):
        steps_to_reach("cosmics", there(), "RUNNING", "qc", {})


@pytest.mark.parametrize("asked", [{"n": 3}, {}, {"n": 2, "more": True}], ids=["other", "less", "more"])
def test_one_with_other_variables_is_not_touched(asked):
    with pytest.raises(InvalidRequestError, match="has another"):
        steps_to_reach("cosmics", there(n="2"), "RUNNING", "readout", asked)


def test_variables_are_compared_as_control_keeps_them():
    assert (
        steps_to_reach(
            "cosmics", there(n="2", on="true"), "CONFIGURED", "readout", {"n": 2, "on": True}
        ).steps
        == ()
    )


def test_what_runs_is_destroyed_only_if_that_is_said():
    with pytest.raises(IllegalTransitionError, match="STOP_ACTIVITY"):
        steps_to_remove("cosmics", there("RUNNING"), False)
    assert verbs(steps_to_remove("cosmics", there("RUNNING"), True)) == ["env_destroy"]
    assert steps_to_remove("cosmics", None, False).steps == ()


def test_the_id_of_what_was_created_is_used_for_what_follows():
    asked = []

    def control(verb, arguments):
        asked.append((verb, arguments))
        return {"id": "new", "state": "CONFIGURED"}

    execute(control, steps_to_reach("cosmics", None, "RUNNING", "readout", {}))
    assert asked[1] == ("env_control", {"event": "START_ACTIVITY", "id": "new"})


def test_an_environment_that_falls_into_error_ends_the_way():
    with pytest.raises(O2Error, match="detector asleep"):
        execute(
            lambda *_: {"id": "new", "state": "ERROR", "error": "detector asleep"},
            steps_to_reach("cosmics", None, "RUNNING", "readout", {}),
        )
