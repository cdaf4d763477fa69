"""The states on hosts of RHEL's kind: its dnf, rpm and firewalld, its names of packages; see rhel_like.py."""

import json

import pytest

from tests.support.machines.provisioning import FROM_WHEELS, NAMED, apply, as_owner, changed, make_site, pids

pytestmark = [pytest.mark.integration, pytest.mark.timeout(4000)]
SURROUNDINGS = """
rpm -qa | sort; getent passwd; ls /etc/systemd/system /srv /var/lib/o2 2>&1; nft list ruleset
firewall-cmd --list-all; firewall-cmd --permanent --get-services
find /etc -xdev -type f ! -path '/etc/salt/*' -exec sha256sum {} + | sort
"""
LISTEN = 'import socket; socket.create_server(("", %d)).accept()'
CONNECT = 'import socket; socket.create_connection(("%s", %d), 5)'


@pytest.fixture(scope="module")
def bare(rhel_hosts):
    """The hosts with Salt and nothing else; a rule that is not for ever is in the firewall of flp1."""
    for host in rhel_hosts.values():
        host.run("sh /vagrant/vagrant/install-salt.sh /wheels", timeout_s=600)
    rhel_hosts["flp1"].run("firewall-cmd --add-port=7777/tcp")
    return rhel_hosts


@pytest.fixture(scope="module")
def trial(bare):
    """What a trial of o2.host on a bare host said, and what the host was before and after."""
    before = bare["flp1"].run(SURROUNDINGS).stdout
    results = apply(bare["flp1"], "o2.host", f"test=True {FROM_WHEELS}")
    return results, before, bare["flp1"].run(SURROUNDINGS).stdout


@pytest.fixture(scope="module")
def site(bare, trial):
    """The hosts as a master and two hosts of Salt O²."""
    make_site(bare)
    return bare


@pytest.fixture
def environment(site):
    """An environment RUNNING over both hosts."""
    made = as_owner(site["master"], "salt-run o2.env_create workflow=fairmq-ex-1-n-1")
    yield as_owner(site["master"], f"salt-run o2.env_control {made['id']} START_ACTIVITY")
    as_owner(site["master"], f"salt-run o2.env_destroy {made['id']} allow_in_running_state=True")


def test_salt_finds_the_family_its_packages_and_its_firewall(bare):
    command = "salt-call --local --log-level=error --out=json"
    found = json.loads(bare["flp2"].run(f"{command} grains.item os_family osmajorrelease").stdout)["local"]
    assert found == {"os_family": "RedHat", "osmajorrelease": 9}
    packages = json.loads(bare["flp2"].run(f"{command} pkg.list_pkgs").stdout)["local"]
    assert {"almalinux-release", "util-linux", "python3.11"} <= packages.keys()
    assert bare["flp2"].run(f"{command} firewalld.default_zone").stdout.split()[-2] == '"public"'


def test_a_host_with_an_old_python_gets_a_newer_python_of_its_distribution(bare):
    assert "install -y -q python3.11" in bare["flp1"].run("dnf -q history").stdout
    assert (
        bare["flp1"].run("rpm -qf /usr/lib/python3.11/ensurepip/__init__.py").stdout.startswith("python3.11-")
    )


def test_a_trial_on_a_bare_host_reports_the_changes_and_makes_none(trial):
    results, before, after = trial
    would = {state["__id__"] for state in results.values() if state["result"] is None}
    assert {
        "o2_tools",
        "o2_package",
        "o2_user",
        "o2-channels_known",
        "o2-channels_zone",
        "o2_minion",
    } <= would
    (tools,) = [state for state in results.values() if state["__id__"] == "o2_tools"]
    assert "iproute" in tools["comment"]
    assert "procps-ng" in tools["comment"]
    assert "7777/tcp" in before
    assert after == before


def test_kernel_settings_that_a_container_cannot_change_are_named(trial):
    left = [state for state in trial[0].values() if state["__id__"].endswith("_is_not_ours")]
    assert all("on the machine that it runs on" in state["comment"] for state in left)


@pytest.mark.parametrize("name", ["iproute", "procps-ng", "util-linux"])
@pytest.mark.parametrize("host", ["master", "flp1", "flp2"])
def test_tools_come_from_the_distributions_packages(site, host, name):
    assert site[host].run(f"rpm -V {name} && rpm -q {name}").stdout.startswith(f"{name}-")


@pytest.mark.parametrize(
    ("host", "sls"), [("master", "o2.master"), ("flp1", "o2.host")], ids=["master", "host"]
)
def test_a_second_application_of_the_states_changes_nothing(site, host, sls):
    assert changed(site[host], sls, f"test=True {FROM_WHEELS}") == []
    assert changed(site[host], sls, FROM_WHEELS) == []


def test_control_knows_every_host_by_its_own_address(site):
    known = {each["id"]: each["address"] for each in as_owner(site["master"], "salt-run o2.host_list")}
    assert known == {name: host.address for name, host in site.items() if name != "master"}


def test_an_environment_runs_over_all_hosts_and_continues_when_a_minion_restarts(site, environment):
    assert environment["state"] == "RUNNING"
    assert {task["host"] for task in environment["tasks"]} == {"flp1", "flp2"}
    before = pids(site)
    site["flp1"].run("systemctl restart salt-minion")
    site["flp1"].run(
        "for i in $(seq 90); do salt-call o2.info >/dev/null 2>&1 && exit 0; sleep 1; done; exit 1"
    )
    assert pids(site) == before


def reaches(site, port):
    """Return whether flp2 reaches a program that listens at a port of flp1."""
    site["flp1"].run(f"systemd-run --collect --unit=listen-{port} python3 -c '{LISTEN % port}'")
    listening = f"ss -Hltn sport = :{port} | grep -q ."
    site["flp1"].run(f"for i in $(seq 100); do {listening} && exit 0; sleep 0.1; done; exit 1")
    try:
        command = f"python3 -c '{CONNECT % (site['flp1'].address, port)}'"
        return site["flp2"].run(command, check=False).returncode == 0
    finally:
        site["flp1"].run(f"systemctl stop listen-{port}", check=False)


@pytest.mark.parametrize(
    ("port", "open_to_others"),
    [(8999, False), (9001, True), (19998, True), (20000, False), (30123, False)],
    ids=["below", "first", "last", "above", "control"],
)
def test_other_machines_reach_the_ports_of_channels_only(site, port, open_to_others):
    assert reaches(site, port) is open_to_others


def test_openings_exist_after_a_restart_of_the_firewall(site):
    assert changed(site["flp1"], "o2.firewall") == []
    site["flp1"].run("systemctl restart firewalld && firewall-cmd --state")
    assert changed(site["flp1"], "o2.firewall") == []
    assert reaches(site, 9002)


def test_a_removed_half_of_an_opening_is_made_again(site):
    site["flp1"].run("firewall-cmd --zone=public --remove-service=o2-channels")
    assert [name.split("_|-")[1] for name in changed(site["flp1"], "o2.firewall")] == ["o2-channels_zone"]
    site["flp1"].run("firewall-cmd --permanent --zone=public --remove-service=o2-channels")
    assert [name.split("_|-")[1] for name in changed(site["flp1"], "o2.firewall")] == ["o2-channels_zone"]
    assert changed(site["flp1"], "o2.firewall") == []


def test_other_ports_take_the_place_of_the_old_ones_and_what_the_site_opened_stays(site):
    site["flp1"].run("firewall-cmd --permanent --add-port=8080/tcp && firewall-cmd --reload")
    other = f"pillar='{{o2: {{{NAMED}, channel_ports: [21000, 21999]}}}}'"
    assert len(changed(site["flp1"], "o2.firewall", f"test=True {other}")) == 2
    assert reaches(site, 21001) is False
    assert len(changed(site["flp1"], "o2.firewall", other)) == 2
    assert (reaches(site, 21001), reaches(site, 9003), reaches(site, 8080)) == (True, False, True)
    changed(site["flp1"], "o2.firewall")
    assert reaches(site, 9003)
