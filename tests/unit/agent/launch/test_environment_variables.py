"""The environment of a task's process."""

import pwd
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.agent.launch.environment_variables import can_be_set, exports, of_agent, shim_env, task_env
from salt_o2.agent.storage.task_directory import MARK
from salt_o2.core.ids import EnvironmentId, HostId
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode


def env_of(own=None, account=None, **launch):
    wanted = Launch(mode=ControlMode.FAIRMQ, value="readout", **launch)
    return task_env(wanted, HostId("flp1"), EnvironmentId("2oDvieFrVTi"), of_agent(own or {}), account)


def test_a_task_gets_its_host_system_and_environment():
    env = env_of()
    assert (env["O2_ROLE"], env["O2_SYSTEM"], env["O2_PARTITION"]) == ("flp1", "FLP", "2oDvieFrVTi")


def test_variables_of_the_template_override_defaults_and_agent():
    env = env_of({"LANG": "C"}, env=("O2_SYSTEM=EPN", "LANG=de", "EMPTY=", "EQUATION=a=b"))
    assert (env["O2_SYSTEM"], env["LANG"], env["EMPTY"], env["EQUATION"]) == ("EPN", "de", "", "a=b")


def test_no_variable_of_a_template_overrides_the_control_port():
    assert env_of(env=("OCC_CONTROL_PORT=1",), control_port=30001)["OCC_CONTROL_PORT"] == "30001"
    assert "OCC_CONTROL_PORT" not in env_of()


def test_the_programs_of_this_python_are_found_first():
    ours = str(Path(sys.executable).parent)
    assert env_of({"PATH": "/usr/bin"})["PATH"] == f"{ours}:/usr/bin"
    assert env_of()["PATH"] == f"{ours}:/usr/bin:/bin"


def test_variables_of_systemd_and_salt_are_not_passed_to_tasks():
    own = {"NOTIFY_SOCKET": "/run/x", "SALT_LOG": "x", "LD_LIBRARY_PATH": "/opt/o2/lib"}
    env = env_of(own)
    assert "NOTIFY_SOCKET" not in env
    assert "SALT_LOG" not in env
    assert env["LD_LIBRARY_PATH"] == "/opt/o2/lib"


@pytest.mark.finding("X21")
def test_no_task_gets_the_secrets_of_the_service_of_the_minion():
    own = {
        "SECRET_TOKEN": "s3cret",
        "HTTPS_PROXY": "http://user:s3cret@proxy",
        "O2_GIT_PASSWORD": "s3cret",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "LC_ALL": "C",
        "ROOTSYS": "/opt/root",
        "TZ": "UTC",
    }
    env = env_of(own)
    assert "s3cret" not in str(env)
    assert (env["LC_ALL"], env["TZ"]) == ("C", "UTC")
    assert "ROOTSYS" not in env
    assert of_agent(own, ("ROOT*",))["ROOTSYS"] == "/opt/root"


def test_another_user_has_his_own_home_and_name():
    daemon = pwd.getpwnam("daemon")
    env = env_of({"HOME": "/root", "USER": "root"}, daemon, user="daemon")
    assert (env["HOME"], env["USER"], env["LOGNAME"]) == (daemon.pw_dir, "daemon", "daemon")


CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXTS = st.lists(CHARACTERS | st.sampled_from("\udcff'\"$\n"), max_size=10).map("".join)
"""What messages carry and what the agent's own environment may have: UTF-8, and bytes that are none."""


@given(st.dictionaries(st.text("aZ_09.-é", max_size=6), TEXTS))
@settings(max_examples=50, deadline=None)
def test_a_shell_that_reads_the_exports_has_each_variable_that_it_can_have(variables):
    script = exports(variables) + b"\nexec env -0"
    told = subprocess.run(["/bin/sh", "-c", script], env={}, capture_output=True, check=True).stdout
    found = dict(each.split("=", 1) for each in told.decode("utf-8", "surrogateescape").split("\0") if each)
    can_be = {name: value for name, value in variables.items() if can_be_set(name)}
    assert {name: found[name] for name in can_be} == can_be
    assert set(found) <= {*can_be, "PWD", "OLDPWD", "SHLVL", "_"}


@pytest.mark.finding("1.5")
def test_a_shim_has_nothing_of_a_template_in_its_environment():
    assert set(shim_env("/agent/tasks/one")) == {"PATH", MARK}


ARGUMENTS = {"run_number": "17", "runNumber": "17", "run_type": "PHYSICS", "cleanup": "0"}


def env_with_arguments(mode, **launch):
    wanted = Launch(mode=mode, value="report", **launch)
    host, environment = HostId("flp1"), EnvironmentId("2oDvieFrVTi")
    return task_env(wanted, host, environment, of_agent({}), arguments=ARGUMENTS)


@pytest.mark.parametrize("mode", [ControlMode.BASIC, ControlMode.HOOK])
def test_a_program_without_a_control_channel_gets_the_arguments_of_its_order(mode):
    env = env_with_arguments(mode)
    assert (env["O2_RUN_NUMBER"], env["O2_RUN_TYPE"]) == ("17", "PHYSICS")
    assert [name for name in env if name.upper() != name] == []


def test_a_device_gets_the_arguments_of_start_over_its_control_channel_only():
    assert "O2_RUN_NUMBER" not in env_with_arguments(ControlMode.FAIRMQ, control_port=30000)


def test_the_template_of_a_program_overrides_the_arguments_of_the_order():
    assert env_with_arguments(ControlMode.HOOK, env=("O2_RUN_NUMBER=0",))["O2_RUN_NUMBER"] == "0"
