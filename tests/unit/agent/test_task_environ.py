"""The environment of a task's process."""

import sys
from pathlib import Path

from salt_o2.agent.environ import of_agent, task_env
from salt_o2.core.ids import EnvironmentId, HostId
from salt_o2.core.launch import Launch
from salt_o2.core.states import ControlMode


def env_of(own=None, home="", **launch):
    wanted = Launch(mode=ControlMode.FAIRMQ, value="readout", **launch)
    return task_env(wanted, HostId("flp1"), EnvironmentId("2oDvieFrVTi"), of_agent(own or {}), home)


def test_a_task_is_told_its_host_system_and_environment():
    env = env_of()
    assert (env["O2_ROLE"], env["O2_SYSTEM"], env["O2_PARTITION"]) == ("flp1", "FLP", "2oDvieFrVTi")


def test_the_template_wins_over_the_defaults_and_the_agent():
    env = env_of({"LANG": "C"}, env=("O2_SYSTEM=EPN", "LANG=de", "EMPTY=", "EQUATION=a=b"))
    assert (env["O2_SYSTEM"], env["LANG"], env["EMPTY"], env["EQUATION"]) == ("EPN", "de", "", "a=b")


def test_nothing_wins_over_the_control_port():
    assert env_of(env=("OCC_CONTROL_PORT=1",), control_port=30001)["OCC_CONTROL_PORT"] == "30001"
    assert "OCC_CONTROL_PORT" not in env_of()


def test_the_programs_of_this_python_are_found_first():
    ours = str(Path(sys.executable).parent)
    assert env_of({"PATH": "/usr/bin"})["PATH"] == f"{ours}:/usr/bin"
    assert env_of()["PATH"] == f"{ours}:/usr/bin:/bin"


def test_what_systemd_and_salt_say_to_the_minion_is_not_passed_on():
    own = {"NOTIFY_SOCKET": "/run/x", "SALT_LOG": "x", "LD_LIBRARY_PATH": "/opt/o2/lib"}
    env = env_of(own)
    assert "NOTIFY_SOCKET" not in env
    assert "SALT_LOG" not in env
    assert env["LD_LIBRARY_PATH"] == "/opt/o2/lib"


def test_another_user_has_his_own_home_and_name():
    env = env_of({"HOME": "/root", "USER": "root"}, home="/home/flp", user="flp")
    assert (env["HOME"], env["USER"], env["LOGNAME"]) == ("/home/flp", "flp", "flp")
