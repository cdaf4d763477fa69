"""From three bare systems to an environment that runs, by the states that a site uses."""

import json

import pytest
import yaml

from tests.support.machines import wheelhouse
from tests.support.machines.provisioning import NAMED, as_owner, changed, make_site, pids
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(4000)]


@pytest.fixture(scope="module")
def site(hosts):
    """The hosts as a master and two hosts of Salt O²."""
    make_site(hosts)
    return hosts


@pytest.fixture
def environment(site):
    """An environment RUNNING over both hosts."""
    made = as_owner(site["master"], "salt-run o2.env_create workflow=fairmq-ex-1-n-1")
    yield as_owner(site["master"], f"salt-run o2.env_control {made['id']} START_ACTIVITY")
    as_owner(site["master"], f"salt-run o2.env_destroy {made['id']} allow_in_running_state=True")


def test_control_knows_every_host_by_its_own_address(site):
    known = {each["id"]: each["address"] for each in as_owner(site["master"], "salt-run o2.host_list")}
    assert known == {name: host.address for name, host in site.items() if name != "master"}


def test_an_environment_runs_over_all_hosts(site, environment):
    assert environment["state"] == "RUNNING"
    assert {task["host"] for task in environment["tasks"]} == {"flp1", "flp2"}


@pytest.mark.parametrize(
    ("host", "sls"), [("master", "o2.master"), ("flp1", "o2.host")], ids=["master", "host"]
)
def test_a_second_application_of_the_states_changes_nothing(site, host, sls):
    master = "master: {minions: [master], examples: true, user: vagrant}"
    pillar = f"pillar='{{o2: {{{NAMED}, install: {{index: false}}, {master}}}}}'"
    assert changed(site[host], sls, f"test=True {pillar}") == []
    assert changed(site[host], sls, pillar) == []


def test_a_trial_changes_nothing(site):
    before = site["flp1"].run("cat /etc/salt/minion.d/60-o2.conf").stdout
    trial = changed(
        site["flp1"], "o2.host", f"test=True pillar='{{o2: {{{NAMED}, limits: {{nofile: 4096}}}}}}'"
    )
    assert any("salt-minion.service.d" in name for name in trial)
    assert site["flp1"].run("cat /etc/salt/minion.d/60-o2.conf").stdout == before
    assert "1048576" in site["flp1"].run("cat /etc/systemd/system/salt-minion.service.d/60-o2.conf").stdout


def agents(host):
    """The pids of the engines that are agents: each looks after a process that does the work."""
    listed = host.run("ps -eo pid=,ppid=,args= | grep 'engines[.]o2_agent'").stdout.splitlines()
    parents = {pid: parent for pid, parent, _ in (line.split(maxsplit=2) for line in listed)}
    return [pid for pid, parent in parents.items() if parent not in parents]


def test_a_restart_of_the_minion_leaves_its_tasks_alone_and_no_second_agent(site, environment):
    before = pids(site)
    for name in ("flp1", "flp2"):
        site[name].run("systemctl restart salt-minion; systemctl kill --kill-whom=main -s KILL salt-minion")
        site[name].run(
            "for i in $(seq 60); do salt-call o2.info >/dev/null 2>&1 && exit 0; sleep 1; done; exit 1"
        )
        assert len(agents(site[name])) == 1
    assert pids(site) == before
    alive = as_owner(site["master"], f"salt-run o2.env_show {environment['id']}")
    assert (alive["state"], alive["run_number"]) == ("RUNNING", environment["run_number"])


def test_a_starting_host_gets_its_states_by_the_rule_of_its_pillar(site):
    host, file = site["flp2"], "/etc/security/limits.d/60-o2.conf"
    host.run(f"echo '# tampered with' > {file}; systemctl restart salt-minion")
    host.run(f"for i in $(seq 90); do grep -q memlock {file} && exit 0; sleep 1; done; exit 1")


def restart_master(site):
    site["master"].run("systemctl restart salt-master")
    wait = "for i in $(seq 60); do salt-run o2.info >/dev/null 2>&1 && exit 0; sleep 1; done; exit 1"
    site["master"].run(f"su vagrant -c '{wait}'")


def test_a_restart_of_the_master_leaves_everything_alone(site, environment):
    before = pids(site)
    restart_master(site)
    # Control knows the plan at once, and the processes when their agents have reported.
    wait_until(lambda: None not in pids(site).values(), "control knows all processes", timeout_s=240)
    assert pids(site) == before


def test_roles_of_pillar_are_what_the_master_enforces(site):
    """Those of the example site; test_roles_live.py tries what a master makes of such options."""
    written = site["master"].run("cat /etc/salt/master.d/61-o2-access.conf").stdout
    assert set(yaml.safe_load(written)["external_auth"]["pam"]) == {"*", "shift%", "experts%", "root"}
    command = "su vagrant -c 'cd; salt-run o2.site_check --out=json 2>/dev/null'"
    found = json.loads(site["master"].run(command, check=False).stdout)  # the example's flp3 is not there
    assert [each for each in found["problems"] if "o2:access" in each["where"]] == []


def as_anna(site, password):
    """What becomes of a request that bears the name of anna of the shift."""
    words = f"salt-run -a pam --username=anna --password={password} o2.env_list"
    return site["master"].run(f"su vagrant -c 'cd; {words} --out=json' 2>&1", check=False).stdout


def test_people_are_asked_for_their_password_by_a_master_that_may_read_passwords(site):
    """As docs/howto/grant-roles.md says of a master that does not run as root."""
    site["master"].run("groupadd shift; useradd -G shift anna; echo anna:its-me | chpasswd")
    assert "Authentication failure" in as_anna(site, "its-me")
    site["master"].run("usermod -aG shadow vagrant")
    restart_master(site)
    assert as_anna(site, "its-me").rstrip().endswith("]"), "a list, whatever is in it"
    assert "Authentication failure" in as_anna(site, "guessed")


NEXT = "9.9.9"
PILLAR = f"""o2:
  install: {{version: '{NEXT}', find_links: salt://wheels, index: false}}
  master: {{user: vagrant}}
"""


@pytest.fixture
def next_version(site, wheels):
    """The next version as the master's pillar asks for it and its fileserver has it."""
    wheelhouse.project_wheel(wheels / "next", NEXT)
    master = site["master"]
    master.run("mkdir -p /srv/salt/wheels; cp /wheels/next/*.whl /srv/salt/wheels/; chmod -R a+rX /srv/salt")
    master.run(f"cat > /srv/pillar/version.sls <<'SLS'\n{PILLAR}SLS\n")
    master.run(r"sed -i 's/^    - hosts$/    - hosts\n    - version/' /srv/pillar/top.sls")
    return NEXT


def versions(site):
    said = as_owner(site["master"], r"salt -I o2:hosts:\* o2.info --static")
    return {host: info["facts"]["version"] for host, info in said.items() if isinstance(info, dict)}


def test_an_upgrade_in_the_middle_of_a_run_leaves_every_process_alone(site, environment, next_version):
    """What docs/howto/upgrade-without-stopping.md tells a site to do."""
    before, control = pids(site), control_pid(site)
    as_owner(site["master"], r"salt -I o2:hosts:\* saltutil.refresh_pillar --static")
    trial = as_owner(site["master"], "salt flp1 state.apply o2.host test=True queue=100 -t 120", 600)
    assert any(state["result"] is None for state in trial["flp1"].values())
    assert next_version not in versions(site).values()
    as_owner(site["master"], "salt -t 120 flp1 state.apply o2.host queue=100", 600)
    wait_until(lambda: versions(site).get("flp1") == next_version, "flp1 is upgraded", timeout_s=240)
    others = r"salt -t 120 --static --batch-size 10% -I o2:hosts:\* state.apply o2.host queue=100"
    as_owner(site["master"], others, 600)
    hosts = {"flp1": next_version, "flp2": next_version}
    wait_until(lambda: versions(site) == hosts, "all hosts are upgraded", timeout_s=240)
    site["master"].run("salt-call --local --retcode-passthrough state.apply o2.master queue=100")
    wait_until(lambda: control_pid(site) not in (None, control), "control is another", timeout_s=240)
    wait_until(lambda: None not in pids(site).values(), "control knows all processes", timeout_s=240)
    assert pids(site) == before
    after = as_owner(site["master"], f"salt-run o2.env_show {environment['id']}")
    assert (after["state"], after["run_number"]) == ("RUNNING", environment["run_number"])


def control_pid(site):
    """The pid of control; None while it does not answer."""
    done = site["master"].run("su vagrant -c 'salt-run o2.info --out=json 2>/dev/null'", check=False)
    try:
        return json.loads(done.stdout)["pid"]
    except (ValueError, KeyError):
        return None


def test_the_service_has_the_limits_that_pillar_says(site):
    shown = (
        site["flp1"]
        .run("systemctl show salt-minion -p LimitMEMLOCK -p LimitNOFILE -p KillMode -p Delegate")
        .stdout
    )
    assert set(shown.split()) == {
        "LimitMEMLOCK=infinity",
        "LimitNOFILE=1048576",
        "KillMode=process",
        "Delegate=yes",
    }


def test_openings_are_made_once_in_an_existing_firewall(site):
    host = site["flp2"]
    host.run(
        "nft add table inet filter; nft 'add chain inet filter input { type filter hook input priority 0; }'"
    )
    holes = [each for each in changed(host, "o2.firewall") if "o2-channels" in each]
    assert holes == ["cmd_|-o2-channels_9000-19999_|-" + _nft("9000-19999") + "_|-run"]
    assert "reject" in host.run("nft list table inet o2_ports").stdout
    assert changed(host, "o2.firewall") == []
    assert host.run("nft list chain inet filter input").stdout.count("o2-channels") == 1


def _nft(ports):
    return f"""nft insert rule inet filter input 'tcp dport {ports} accept comment "o2-channels"'"""
