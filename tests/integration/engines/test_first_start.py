"""Minions and agents that start for the first time, without keys: none is shut out by the other."""

import json

import pytest

from salt_o2.cluster import down, up
from salt_o2.cluster.lifecycle import keys, salt_config, start
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration
MINIONS = 4
KEY_BITS = 4096
"""A pair takes a second or more to make, so that a process that looks meanwhile finds none."""


def write_configs(place, record):
    """Write the files of a cluster whose minions make large keys, and whose master accepts all keys."""
    salt_config.write_configs(place, record)
    add(place.conf / "master", auto_accept=True)
    for minion in record.minions:
        add(place.home(minion) / "minion", keysize=KEY_BITS)


def add(path, **options):
    path.write_text(json.dumps(json.loads(path.read_text()) | options))


@pytest.fixture(params=[1, 2])
def fresh(tmp_path, monkeypatch):
    """A cluster whose minions start without any key of their own."""
    directory = tmp_path / "private"
    monkeypatch.setattr(start, "prepare_keys", lambda place, _minions: keys.prepare_keys(place, ()))
    monkeypatch.setattr(start, "write_configs", write_configs)
    try:
        yield PrivateCluster.of(up(directory, minions=MINIONS, timeout_s=120))
    finally:
        down(directory)


def test_first_starts_without_keys_end_with_all_minions_and_agents_accepted(fresh):
    def active():
        return {host["id"] for host in fresh.ask("host_list") if host["status"] == "ACTIVE"}

    wait_until(lambda: active() == set(fresh.minions), "all agents report")
    pinged = fresh.json("salt", "*", "test.ping", "--static")
    assert pinged == dict.fromkeys(fresh.minions, True)
    known = json.loads(fresh.run("salt-key", "--out=json", "-L").stdout)
    assert known["minions_denied"] == []
    assert sorted(known["minions"]) == sorted(fresh.minions)
