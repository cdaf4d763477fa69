"""A site writes what no daemon can use: control and agents start all the same, and say so everywhere."""

import json
import os

import pytest
import yaml

from salt_o2.cluster.faults.components import agent_pid
from salt_o2.cluster.paths import layout
from tests.support.clusters.killed_control import kill_control
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

WRONG = {
    "pool": {"per_host": "many", "total": 7},
    "integrations": ["test", "nothing"],
    "configuration": "zookeeper://here",
    "heartbeat_s": "often",
    "vars": {"deploy_timeout_s": "soon", "mine": 12},
}
"""For control."""
RIGHT = {"attributes": {"rack": 12, "hot": True}, "cpus": 3}
HALF_WRONG = {"attributes": {"rack": 12, "cold": None}, "cpus": "many", "memory_mb": float("nan")}


@pytest.fixture
def site(workshop):
    """Writes the pillar of this site and has all daemons of ours read it; all is as before afterwards."""
    folder, minions = layout(workshop.cluster.directory).pillar, workshop.cluster.minions

    def write(**blocks):
        top = {"base": {_target(name): [f"wrong.{name}"] for name in blocks}}
        (folder / "wrong").mkdir(exist_ok=True)
        for name, block in blocks.items():
            (folder / "wrong" / f"{name}.sls").write_text(yaml.safe_dump({"o2": block}))
        (folder / "top.sls").write_text(yaml.safe_dump(top))
        start_again()

    def start_again():
        kill_control(workshop)
        for minion in minions:
            before = agent_pid(workshop.cluster.directory, minion)
            os.kill(before, 9)
            wait_until(
                lambda m=minion, b=before: agent_pid(workshop.cluster.directory, m) not in (None, b),
                f"another agent of {minion} is there",
            )

    yield write
    (folder / "top.sls").unlink()
    for path in (folder / "wrong").iterdir():
        path.unlink()
    (folder / "wrong").rmdir()
    start_again()


def _target(name):
    return "*_master" if name == "control" else name


def host(workshop, name):
    return next(row for row in workshop.cluster.ask("host_list") if row["id"] == name)


def test_control_works_with_defaults_and_every_fault_is_shown(workshop, site):
    first, second, _ = workshop.cluster.minions
    site(**{"control": WRONG, first: RIGHT, second: HALF_WRONG})

    def is_right():
        row = host(workshop, first)
        wanted = ({"rack": "12", "hot": "true"}, [], 3.0)
        return (row["attributes"], row["faults"], row["cpus"]) == wanted

    wait_until(is_right, "the pillar of one host is in use, by its agent too")
    wait_until(lambda: host(workshop, second)["faults"], "the faults of the other are on its row")

    def is_half_right():
        row = host(workshop, second)
        return row["attributes"] == {"rack": "12"} and not any(
            "only pillar" in each for each in row["faults"]
        )

    wait_until(is_half_right, "the pillar of the other is in use, by its agent too")
    row = host(workshop, second)
    assert row["cpus"] > 0
    places = sorted(fault.partition(": ")[0] for fault in row["faults"])
    assert places == ["o2:attributes.cold", "o2:cpus", "o2:memory_mb"]
    listed = workshop.cluster.run("coconut", "host", "list")
    assert f"{second}: o2:attributes.cold: " in listed.stdout

    info = workshop.cluster.ask("info")
    assert (info["settings"]["pool"]["per_host"], info["settings"]["pool"]["total"]) == (50, 7)
    assert info["settings"]["vars"] == {"mine": "12"}
    said = "\n".join(info["unused"])
    for place in ("o2:pool", "per_host", "nothing", "zookeeper", "o2:heartbeat_s", "deploy_timeout_s"):
        assert place in said
    environment = workshop.create("fairmq-ex-1-n-1", processors=1)
    assert environment["state"] == "CONFIGURED"

    done = workshop.cluster.run("salt-run", "o2.site_check", "--out=json")
    found = "\n".join(f"{each['where']}: {each['what']}" for each in json.loads(done.stdout)["problems"])
    for place in (
        "per_host",
        "unknown integration 'nothing'",
        "zookeeper",
        f"host {second}: not used: o2:cpus",
    ):
        assert place in found
    told = workshop.cluster.run("coconut", "doctor", "--json")
    found = [
        each["found"] for each in json.loads(told.stdout)["verdicts"] if each["check"] == "master's settings"
    ]
    assert any("per_host" in each for each in found)
