"""State module o2_environment, by Salt's own loader, on a real cluster."""

import pytest
import salt.config
import salt.loader

pytestmark = pytest.mark.integration
NAME = "cosmics"


@pytest.fixture
def declare(cluster):
    """Apply one function of the state module; afterwards nothing of it is left."""

    def apply(function, test=False, **arguments):
        opts = salt.config.minion_config(str(cluster.config_dir / "minion"))
        opts.update(test=test, file_client="local", o2={"control_socket": str(cluster.control_socket)})
        modules = salt.loader.minion_mods(opts)
        states = salt.loader.states(opts, modules, {}, None)
        return states[f"o2_environment.{function}"](NAME, **arguments)

    yield apply
    apply("absent", allow_in_running_state=True)


WORKFLOW = {"workflow": "fairmq-ex-1-n-1", "vars": {"processors": 1}}


def test_a_declared_environment_is_created_run_and_removed(declare, cluster):
    said = declare("running", test=True, **WORKFLOW)
    assert (said["result"], said["changes"]) == (None, {NAME: {"old": "absent", "new": "RUNNING"}})
    assert cluster.ask("env_list") == []

    assert declare("present", **WORKFLOW)["changes"] == {NAME: {"old": "absent", "new": "CONFIGURED"}}
    assert declare("present", **WORKFLOW)["changes"] == {}

    done = declare("running", **WORKFLOW)
    assert (done["result"], done["changes"]) == (True, {NAME: {"old": "CONFIGURED", "new": "RUNNING"}})
    assert declare("running", **WORKFLOW)["changes"] == {}
    assert [each["state"] for each in cluster.ask("env_list")] == ["RUNNING"]

    refused = declare("absent")
    assert refused["result"] is False
    assert "STOP_ACTIVITY" in refused["comment"]
    assert declare("absent", allow_in_running_state=True)["changes"] == {
        NAME: {"old": "RUNNING", "new": "absent"}
    }
    assert declare("absent")["comment"] == f"{NAME} does not exist."


def test_other_variables_fail_the_state_and_touch_nothing(declare, cluster):
    declare("present", **WORKFLOW)
    before = cluster.ask("env_list")
    refused = declare("present", workflow="fairmq-ex-1-n-1", vars={"processors": 2})
    assert refused["result"] is False
    assert "has another processors" in refused["comment"]
    assert cluster.ask("env_list") == before


def test_a_state_does_not_raise_without_an_answer(cluster):
    opts = salt.config.minion_config(str(cluster.config_dir / "minion"))
    opts.update(test=False, file_client="local", o2={"control_socket": "/nowhere/o2_control.ipc"})
    states = salt.loader.states(opts, salt.loader.minion_mods(opts), {}, None)
    said = states["o2_environment.present"](NAME, **WORKFLOW)
    assert said["result"] is False
    assert "/nowhere/o2_control.ipc" in said["comment"]
