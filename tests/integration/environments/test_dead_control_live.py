"""Control is killed while each kind of client waits for it: each gets an error before its time-out."""

import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.clusters.killed_control import kill_control
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration
ENDED = "has ended while it carried out env_create"
NAME = "cosmics"
DECLARE = """
import sys, salt.config, salt.loader
opts = salt.config.minion_config(sys.argv[1])
opts.update(test=False, file_client="local", o2={"control_socket": sys.argv[2]})
states = salt.loader.states(opts, salt.loader.minion_mods(opts), {}, None)
said = states["o2_environment.present"]("cosmics", workflow=sys.argv[3])
print(said["comment"])
sys.exit(3 if said["result"] is False else 0)
"""


def command(cluster, client, workflow):
    scripts = Path(sysconfig.get_path("scripts"))
    return [
        sys.executable,
        *{
            "coconut": [str(scripts / "coconut"), "env", "create", "-w", workflow],
            "runner": [str(scripts / "salt-run"), "o2.env_create", workflow],
            "state": [
                "-c",
                DECLARE,
                str(cluster.config_dir / "minion"),
                str(cluster.control_socket),
                workflow,
            ],
        }[client],
    ]


@pytest.mark.parametrize("client", ["coconut", "runner", "state"])
def test_a_client_gets_the_error_that_control_has_ended(workshop, client):
    never_ready = workshop.workflow("never-ready", workshop.task("sleeper", "sleep", "1000"))
    environ = os.environ | {"SALT_CONFIG_DIR": str(workshop.cluster.config_dir)}
    waiting = subprocess.Popen(
        command(workshop.cluster, client, never_ready),
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until(lambda: workshop.cluster.ask("env_list"), "the environment is being created")
        kill_control(workshop)
        said, _ = waiting.communicate(timeout=60)
    finally:
        waiting.send_signal(signal.SIGKILL)
        waiting.wait()
    assert ENDED in " ".join(said.split()), said
    assert waiting.returncode == 3
