"""The rules about whole machines, by a real reactor, on one minion that the site has named and a foreign one.

In the place of o2.host stands a state that leaves a file: no machine is set up here.
"""

import json

import msgpack
import pytest
import yaml

from salt_o2.cluster import down, up
from salt_o2.cluster.paths import layout
from salt_o2.cluster.processes import marked
from salt_o2.where import packaged
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
NAMED, FOREIGN = "flp1", "flp2"
START = "salt/minion/{}/start"
SERVED, OURS = "/srv/reactor/o2", str(packaged("reactor"))
FULL = "salt/beacon/{}/diskusage/"


class Site:
    """A cluster with the rules about whole machines, and where the state leaves its files."""

    def __init__(self, directory):
        self.place = layout(directory)
        self.marks = directory.parent / "marks"
        self.marks.mkdir()
        (self.place.states / "o2").mkdir(parents=True)
        state = {f"{self.marks}/{{{{ grains['id'] }}}}": {"file.managed": [{"contents": "made"}]}}
        (self.place.states / "o2" / "host.sls").write_text(yaml.safe_dump(state))
        wired = yaml.safe_load((packaged("reactor") / "host_rules.conf").read_text().replace(SERVED, OURS))
        more = self.place.conf / "none.d" / "rules.conf"  # what the private cluster's master includes
        more.parent.mkdir(parents=True)
        more.write_text(json.dumps(wired))
        self.write_pillar(**{NAMED: {}})
        self.cluster = PrivateCluster.of(up(directory, minions=2))

    def write_pillar(self, **of_each):
        """Have pillar name exactly these hosts, each with keys of its own."""
        self.place.pillar.mkdir(parents=True, exist_ok=True)
        top = {"base": {host: [host] for host in of_each}}
        (self.place.pillar / "top.sls").write_text(yaml.safe_dump(top))
        for host, more in of_each.items():
            text = yaml.safe_dump({"o2": {"hosts": [host], **more}})
            (self.place.pillar / f"{host}.sls").write_text(text)

    def name_hosts(self, **of_each):
        """Have pillar name exactly these hosts, and the minions know it."""
        self.write_pillar(**of_each)
        self.cluster.run("salt", "-L", f"{NAMED},{FOREIGN}", "saltutil.refresh_pillar", "wait=True")

    def send(self, tag, host):
        """Put an event on the master's bus as a minion may: with any id."""
        done = self.cluster.run("salt-run", "event.send", tag.format(host), json.dumps({"id": host}))
        assert done.returncode == 0, done.stdout + done.stderr

    def returns(self, function):
        """Which minions have returned jobs of ``function``, and whether each was a trial.

        From the files that `salt-run jobs` reads, too: tests look again and again.
        """
        jobs = {
            file.parent: msgpack.unpackb(file.read_bytes(), strict_map_key=False)
            for file in (self.place.home("master") / "cache" / "jobs").glob("*/*/.load.p")
        }
        return [
            (returned.parent.name, any(isinstance(arg, dict) and arg.get("test") for arg in job["arg"]))
            for folder, job in jobs.items()
            if job["fun"] == function
            for returned in folder.glob("*/return.p")
        ]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    directory = tmp_path_factory.mktemp("rules") / "private"
    yield Site(directory)
    down(directory)
    assert marked(directory) == []


def test_a_started_minion_gets_a_trial_only_and_a_foreign_minion_none(site):
    site.name_hosts(**{NAMED: {}})
    site.send(START, FOREIGN)
    site.send(START, NAMED)
    wait_until(lambda: site.returns("state.apply"), "the named host is looked at")
    assert set(site.returns("state.apply")) == {(NAMED, True)}
    assert list(site.marks.iterdir()) == []


def test_a_host_with_at_start_apply_gets_its_states_and_a_foreign_host_does_not(site):
    site.name_hosts(**{NAMED: {"at_start": "apply"}})
    site.send(START, FOREIGN)
    site.send(START, NAMED)
    wait_until(lambda: (site.marks / NAMED).exists(), "the state is applied")
    assert [path.name for path in site.marks.iterdir()] == [NAMED]
    assert FOREIGN not in {host for host, _ in site.returns("state.apply")}


def test_no_file_is_deleted_on_a_full_disk_unless_the_pillar_of_the_host_requests_deletion(site):
    site.name_hosts(**{NAMED: {}, FOREIGN: {}})
    site.send(FULL, NAMED)
    site.name_hosts(**{NAMED: {}, FOREIGN: {"on_full_disk": "tell"}})
    site.send(FULL, FOREIGN)
    site.send(FULL, "*")
    site.send(START, FOREIGN)  # rules are run in the order of their events
    wait_until(lambda: (FOREIGN, True) in site.returns("state.apply"), "the rules before have been run")
    assert site.returns("cmd.run") == []
