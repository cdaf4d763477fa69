"""Declared environments: which steps lead from what is there to what is wanted."""

import pytest

from salt_o2.client.declared_environment import MARK, execute, find, steps_to_reach, steps_to_remove
from salt_o2.core.errors import IllegalTransitionError, InvalidRequestError, O2Error


def there(state="CONFIGURED", workflow="readout", **variables):
    return {"id": "2oDv", "state": state, "workflow": workflow, "vars": {MARK: "cosmics", **variables}}


def verbs(found):
    return [arguments.get("event", verb) for verb, arguments in found.steps]


def test_an_environment_is_found_by_its_declared_name():
    others = {"id": "x", "state": "RUNNING", "workflow": "readout", "vars": {}}
    assert find([others, there()], "cosmics")["id"] == "2oDv"
    assert find([others], "cosmics") is None


def test_two_environments_of_one_declared_name_are_refused_with_their_ids():
    with pytest.raises(InvalidRequestError, match="2oDv, 2oDv"):
        find([there(), there()], "cosmics")


@pytest.mark.parametrize(
    ("state", "steps"),
    [("CONFIGURED", ["env_create"]), ("RUNNING", ["env_create", "START_ACTIVITY"])],
)
def test_a_declared_environment_that_is_absent_is_created(state, steps):
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
def test_an_existing_environment_is_moved_forward_and_never_back(now, wanted, steps):
    assert verbs(steps_to_reach("cosmics", there(now), wanted, "readout", {})) == steps


def test_a_declared_environment_in_error_is_refused_with_the_advice_to_recover():
    with pytest.raises(IllegalTransitionError, match="RECOVER"):
        steps_to_reach("cosmics", there("ERROR"), "RUNNING", "readout", {})


def test_a_declared_environment_of_another_workflow_is_refused():
    with pytest.raises(InvalidRequestError, match="is of readout, not qc"):
        steps_to_reach("cosmics", there(), "RUNNING", "qc", {})


@pytest.mark.parametrize("asked", [{"n": 3}, {}, {"n": 2, "more": True}], ids=["other", "less", "more"])
def test_a_declared_environment_with_other_variables_is_refused(asked):
    with pytest.raises(InvalidRequestError, match="has another"):
        steps_to_reach("cosmics", there(n="2"), "RUNNING", "readout", asked)


def test_declared_variables_are_compared_as_text():
    assert (
        steps_to_reach(
            "cosmics", there(n="2", on="true"), "CONFIGURED", "readout", {"n": 2, "on": True}
        ).steps
        == ()
    )


def test_a_running_environment_is_destroyed_only_with_force():
    with pytest.raises(IllegalTransitionError, match="STOP_ACTIVITY"):
        steps_to_remove("cosmics", there("RUNNING"), False)
    assert verbs(steps_to_remove("cosmics", there("RUNNING"), True)) == ["env_destroy"]
    assert steps_to_remove("cosmics", None, False).steps == ()


def test_the_id_of_a_created_environment_is_used_in_later_steps():
    asked = []

    def control(verb, arguments):
        asked.append((verb, arguments))
        return {"id": "new", "state": "CONFIGURED"}

    execute(control, steps_to_reach("cosmics", None, "RUNNING", "readout", {}))
    assert asked[1] == ("env_control", {"event": "START_ACTIVITY", "id": "new"})


def test_steps_stop_when_the_environment_is_in_error():
    with pytest.raises(O2Error, match="detector asleep"):
        execute(
            lambda *_: {"id": "new", "state": "ERROR", "error": "detector asleep"},
            steps_to_reach("cosmics", None, "RUNNING", "readout", {}),
        )
