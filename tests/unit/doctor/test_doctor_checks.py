"""What the doctor makes of a machine's facts."""

from dataclasses import replace

import pytest

from salt_o2.doctor.checks import examine, worst
from salt_o2.doctor.report import Daemon, Level, Limit, MachineFacts

AGENT = Daemon(
    role="minion",
    engine="o2_agent",
    config="/etc/salt",
    engines=("o2_agent",),
    socket="/run/salt/minion/o2_agent.ipc",
    socket_mode=0o600,
    socket_owner="root",
    pid=77,
    version="0.2.0",
)
CONTROL = replace(AGENT, role="master", engine="o2_control", engines=("o2_control",))
HEALTHY = MachineFacts(
    python=(3, 11),
    executable="/opt/saltstack/salt/bin/python3",
    salt="3008.3",
    o2="0.2.0",
    bytecode=True,
    daemons=(CONTROL, AGENT),
    ports={"control_ports": (30000, 32767), "channel_ports": (9000, 19999)},
    listening=(22, 4505, 4506),
    cgroup="/sys/fs/cgroup/system.slice/salt-minion.service",
    cgroup_writable=True,
    controllers=("cpu", "memory", "pids"),
    limits={"memlock": Limit(soft=None, hard=None), "nofile": Limit(soft=1048576, hard=1048576)},
    clock_synchronised=True,
)


CROWDED = {"ephemeral": (15000, 60999), "ports": {"channel_ports": (9000, 19999)}}


def ill(**other):
    """The verdicts on a healthy machine but for ``other`` that are not in order."""
    return [verdict for verdict in examine(replace(HEALTHY, **other)) if verdict.level is not Level.OK]


def agent(**other):
    return {"daemons": (replace(AGENT, **other),)}


def test_cordoned_hosts_are_a_warning_with_the_way_back():
    cordoned = replace(CONTROL, cordoned=("flp1 is cordoned by ana (fan)", "flp2 is drained by ben"))
    (verdict,) = ill(daemons=(cordoned,))
    assert (verdict.check, verdict.level) == ("cordoned hosts", Level.WARN)
    assert verdict.found == "flp1 is cordoned by ana (fan); flp2 is drained by ben"
    assert "host uncordon" in verdict.advice


def test_a_healthy_machine_has_no_problems():
    assert ill() == []
    assert worst(examine(HEALTHY)) is Level.OK


@pytest.mark.parametrize(
    ("other", "check", "level", "found", "advice"),
    [
        ({"python": (3, 10)}, "python", "fail", "3.10", "3.11 or newer"),
        ({"salt": "3007.1"}, "salt", "fail", "3007.1", "3008"),
        ({"salt": ""}, "salt", "fail", "none in /opt", "install"),
        ({"bytecode": False}, "bytecode", "warn", "five times slower", "compileall"),
        ({"daemons": ()}, "role", "fail", "neither", "o2.host"),
        (agent(engines=()), "minion's engine", "fail", "not configured in /etc/salt", "o2.host"),
        (
            agent(silence="none", socket_mode=None),
            "minion's engine",
            "fail",
            "none",
            "is salt-minion running",
        ),
        (agent(silence="no answer"), "minion's engine", "fail", "no answer", "as root"),
        (
            agent(version="0.1.0"),
            "minion's engine",
            "warn",
            "0.1.0, installed is 0.2.0",
            "restart salt-minion",
        ),
        (agent(unused=("o2:cpus: no",)), "minion's settings", "warn", "o2:cpus: no", "restart salt-minion"),
        (agent(socket_mode=0o666), "minion's socket", "fail", "0666", "chmod 0600"),
        ({"listening": (9090,)}, "channel_ports", "warn", "9090 taken by other programs", "pillar"),
        ({"ports": {"channel_ports": (9, 3)}}, "channel_ports", "fail", "9-3 is not a range", "site_check"),
        (CROWDED, "channel_ports", "warn", "kernel gives", "reserved"),
        ({"cgroup": ""}, "cgroup", "warn", "no version 2", "unified_cgroup_hierarchy"),
        ({"cgroup_writable": False}, "cgroup", "warn", "not delegated", "Delegate=yes"),
        ({"controllers": ("cpu",)}, "cgroup", "warn", "no memory, pids", "not enforced"),
        (
            {"limits": {"memlock": Limit(soft=65536, hard=65536)}},
            "memlock",
            "warn",
            "65536",
            "o2:limits:memlock",
        ),
        ({"clock_synchronised": False}, "clock", "warn", "not synchronised", "chrony"),
        ({"clock_synchronised": None}, "clock", "warn", "gives no answer", "chrony"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_each_problem_of_a_machine_is_named_with_advice(other, check, level, found, advice):
    (verdict,) = ill(**other)
    assert (verdict.check, verdict.level) == (check, level)
    assert found in verdict.found
    assert advice in verdict.advice


def test_ports_of_the_own_tasks_are_no_problem():
    assert ill(listening=(9090, 30001), **agent(tasks=2)) == []


RULES = "tcp dport 30000-32767 meta skuid != 0 reject\ntcp dport 9000-19999 ip saddr 10.0.0.0/8 accept"


@pytest.mark.finding("1.6")
@pytest.mark.finding("2.3")
def test_open_ports_of_devices_are_reported_with_the_state_that_closes_them():
    devices = {"listening": (9090, 30001), "exposed": (9090, 30001), **agent(tasks=2)}
    (verdict,) = ill(**devices)
    assert (verdict.check, verdict.level) == ("open control_ports", "warn")
    assert "1 of 30000-32767 listen at all addresses (30001, ...), to all accounts" in verdict.found
    assert "apply state o2.firewall" in verdict.advice
    told = [each.found for each in examine(replace(HEALTHY, **devices)) if each.check == "open channel_ports"]
    assert told == [
        "1 of 9000-19999 listen at all addresses (9090, ...), to all machines: o2:firewall:sources is empty"
    ]
    checks = {each.check for each in examine(replace(HEALTHY, **devices, confinement=RULES))}
    assert not {check for check in checks if check.startswith("open")}


@pytest.mark.finding("1.6")
def test_doctor_without_root_says_that_it_cannot_see_which_hosts_reach_open_ports():
    told = ill(listening=(30001,), exposed=(30001,), confinement=None, **agent(tasks=1))
    assert [(each.check, each.found.split("; ")[1]) for each in told] == [
        ("open control_ports", "root alone can see which hosts reach them")
    ]


@pytest.mark.finding("1.6")
def test_rules_for_other_ports_confine_nothing():
    other = RULES.replace("30000", "31000")
    (verdict,) = ill(listening=(30001,), exposed=(30001,), confinement=other, **agent(tasks=1))
    assert verdict.check == "open control_ports"


def test_ports_at_the_loopback_are_open_to_no_other_machine():
    assert ill(listening=(30001,), **agent(tasks=1)) == []


@pytest.mark.finding("1.6")
def test_a_device_with_a_socket_of_its_own_is_open_to_no_other_account():
    devices = {"listening": (30001,), "exposed": (30001,), "private": {30001: 0o600}, **agent(tasks=1)}
    assert ill(**devices) == []
    (told,) = (each for each in examine(replace(HEALTHY, **devices)) if each.check == "control sockets")
    assert told.found == "1 devices, each for its own account only"


@pytest.mark.finding("1.6")
def test_a_socket_that_a_task_has_opened_to_others_is_reported():
    (verdict,) = ill(private={30001: 0o600, 30002: 0o666}, **agent(tasks=2))
    assert (verdict.check, verdict.level) == ("control sockets", "warn")
    assert verdict.found == "1 of 2 are open to others (30002: 0666, ...)"


@pytest.mark.finding("1.6")
def test_the_open_port_of_a_fairmq_device_is_reported_beside_a_python_device():
    devices = {"listening": (30001, 30002), "exposed": (30001, 30002), "private": {30001: 0o600}}
    (verdict,) = ill(**devices, **agent(tasks=2))
    assert "1 of 30000-32767 listen at all addresses (30002, ...)" in verdict.found


def test_reserved_ports_within_the_ephemeral_range_are_no_problem():
    assert ill(ephemeral=(9000, 60999), reserved=((9000, 19999), (30000, 32767))) == []


def test_a_master_alone_needs_no_ports_limits_or_cgroups():
    assert ill(daemons=(CONTROL,), cgroup="", limits={}, listening=(9090,)) == []


def test_the_worst_verdict_counts():
    assert worst(examine(replace(HEALTHY, bytecode=False))) is Level.WARN
    assert worst(examine(replace(HEALTHY, bytecode=False, salt=""))) is Level.FAIL


@pytest.mark.parametrize(
    ("daemon", "kept", "level"),
    [
        (AGENT, "/var/cache/salt/minion/o2", Level.FAIL),
        (AGENT, "/var/lib/o2/agent", Level.OK),
        (CONTROL, "/var/cache/salt/master/o2.sqlite", Level.FAIL),
        (CONTROL, "/var/lib/o2/control/o2.sqlite", Level.OK),
    ],
)
def test_files_that_must_not_be_lost_do_not_lie_in_salts_cache(daemon, kept, level):
    known = replace(daemon, stored_at=kept, cache=f"/var/cache/salt/{daemon.role}")
    (verdict,) = [
        each for each in examine(replace(HEALTHY, daemons=(known,))) if each.check == f"{daemon.role}'s files"
    ]
    assert verdict.level is level
    assert bool(verdict.advice) is (level is Level.FAIL)


@pytest.mark.parametrize(
    ("command", "is_secret"),
    [
        ("/opt/readout --password=hunter2", True),
        ("/opt/readout --db-passwd hunter2", True),
        ("/opt/readout --api-key=x", True),
        ("TOKEN=abc exec readout", True),
        ("curl -H 'X-Secret: abc'", True),
        ("/opt/readout --config file:/etc/readout.cfg --rate=5", False),
        ("/opt/readout --password-file", False),
        ("/usr/bin/compass direction", False),
    ],
)
def test_secrets_in_arguments_of_tasks_are_reported_without_their_values(command, is_secret):
    known = replace(AGENT, commands=(("readout-1", command), ("plain", "exec sleep 1")))
    found = [each for each in examine(replace(HEALTHY, daemons=(known,))) if each.check == "secrets"]
    assert len(found) == is_secret
    for verdict in found:
        assert (verdict.level, "readout-1" in verdict.found) == (Level.WARN, True)
        assert "hunter2" not in verdict.found + verdict.advice
