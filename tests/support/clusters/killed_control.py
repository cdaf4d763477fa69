"""Kills control on a private cluster and waits for the next one."""

import os

from salt_o2.core.errors import UnreachableError
from tests.support.waiting import wait_until


def kill_control(workshop):
    """End control's process and return when Salt has started another one that knows the hosts."""
    before = workshop.cluster.ask("info")["pid"]
    os.kill(before, 9)
    wait_until(lambda: _pid(workshop) not in (None, before), "Salt has started control again", timeout_s=60)
    wait_until(lambda: _all_known(workshop), "all hosts are known again", timeout_s=60)


def _pid(workshop):
    try:
        return workshop.cluster.ask("info")["pid"]
    except UnreachableError:
        return None


def _all_known(workshop):
    hosts = workshop.cluster.ask("host_list")
    return {host["id"] for host in hosts if host["status"] == "ACTIVE"} == set(workshop.cluster.minions)
