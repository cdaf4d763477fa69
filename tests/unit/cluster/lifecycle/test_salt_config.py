"""The configuration of a private cluster: inside its directory, and wired to the package."""

import json
from pathlib import Path

import pytest
import yaml

from salt_o2.cluster.lifecycle.salt_config import master_config, minion_config, reactions, write_configs
from salt_o2.cluster.paths import Layout
from salt_o2.cluster.port_slots import Slot
from salt_o2.cluster.state_file import Record
from salt_o2.where import packaged

RUN = Path("/run/o2-abc")
RECORD = Record(2, ("flp1", "flp2", "flp3"), 3, RUN)


@pytest.fixture
def place(tmp_path):
    return Layout(tmp_path / "private")


def paths_in(options):
    for name, value in options.items():
        if isinstance(value, str) and value.startswith("/") and name != "root_dir":
            yield name, Path(value)


@pytest.mark.parametrize("daemon", ["master", "flp2"])
def test_nothing_is_written_outside_the_directory_but_sockets(place, daemon):
    options = master_config(place, RECORD) if daemon == "master" else minion_config(place, RECORD, daemon)
    outside = {name for name, path in paths_in(options) if not path.is_relative_to(place.directory)}
    assert outside == {"sock_dir"}
    assert options["sock_dir"] == str(RUN / daemon)


def test_minions_speak_to_their_own_master(place):
    master, minion = master_config(place, RECORD), minion_config(place, RECORD, "flp1")
    assert minion["publish_port"] == master["publish_port"]
    assert minion["master_port"] == master["ret_port"]


def test_each_minion_has_its_own_address_and_the_clusters_ports(place):
    settings = [minion_config(place, RECORD, name)["o2"] for name in RECORD.minions]
    assert [one["address"] for one in settings] == [Slot(2).address(index) for index in range(3)]
    assert {tuple(one["control_ports"]) for one in settings} == {Slot(2).control_ports}


def test_the_engines_run_where_they_belong(place):
    assert master_config(place, RECORD)["engines"] == [{"o2_control": {}}]
    assert minion_config(place, RECORD, "flp1")["engines"] == [{"o2_agent": {}}]


def test_the_master_serves_what_the_package_brings(place):
    options = master_config(place, RECORD)
    assert options["o2"]["repositories"] == [str(place.templates), str(packaged("examples"))]
    assert options["pillar_roots"]["base"] == [str(place.pillar), str(packaged("pillar"))]
    assert all(packaged(folder).is_dir() for folder in ("examples", "pillar", "reactor", "states"))


def test_a_rule_of_the_reactor_answers_its_event():
    rule = packaged("reactor") / "task_died.sls"
    assert {"salt/o2/*/task/*/ERROR": [str(rule)]} in reactions(packaged("reactor"))["reactor"]


def test_rules_that_act_on_the_whole_machine_are_not_for_a_private_cluster():
    tags = [tag for line in reactions(packaged("reactor"))["reactor"] for tag in line]
    assert tags
    assert all(tag.startswith(("salt/o2/", "salt/presence/")) for tag in tags)


def test_the_files_are_what_salt_reads(place):
    write_configs(place, RECORD)
    assert yaml.safe_load((place.conf / "master").read_text()) == master_config(place, RECORD)
    assert json.loads((place.home("flp3") / "minion").read_text())["id"] == "flp3"


def test_salt_call_speaks_for_the_first_minion(place):
    write_configs(place, RECORD)
    assert yaml.safe_load((place.conf / "minion").read_text())["id"] == "flp1"
