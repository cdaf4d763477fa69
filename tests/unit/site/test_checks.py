"""What is found wrong with a site."""

from pathlib import Path

import pytest
import yaml

from salt_o2.core.access import auth_options
from salt_o2.site.check_facts import SiteFacts
from salt_o2.site.checks import check

RIGHT = {
    "config": {"repositories": ["/srv/o2"], "database": "sqlite:////var/lib/o2/o2.sqlite"},
    "pillar": {
        "defaults": {"run_type": "TECHNICAL", "n": 3, "on": True},
        "vars": {"configure_timeout_s": 60},
        "detectors": {"TST": {"hosts": ["flp1"]}},
        "access": {"viewer": ["*"]},
    },
    "hosts": {
        "flp1": {
            "attributes": {"machine_type": "flp", "detector": "TST"},
            "control_ports": [30000, 32767],
            "channel_ports": [9000, 19999],
            "limits": {"memlock": "infinity", "nofile": 4096},
            "install": {"version": "0.2.0", "index": False},
        }
    },
    "known": {"flp1": {"machine_type": "flp"}},
    "engines": ["o2_control"],
    "wired": {"salt/o2/beam/dump": ["/srv/reactor/o2/beam_dump.sls"]},
    "ours": ["salt/o2/beam/dump"],
    "rules": {"/srv/reactor/o2/beam_dump.sls": "stop:\n  runner.o2.run_stop:\n"},
    "functions": ["o2.run_stop", "o2.env_create"],
    "options": auth_options({"viewer": ["*"]}, "pam"),
}


def found(**other):
    """The findings of a site that is right but for ``other``, as one line each."""
    findings = check(SiteFacts(**{**RIGHT, **other}), lambda path: path == "/srv/o2")
    assert all(each.advice for each in findings)
    return [f"{each.where}: {each.what}" for each in findings]


def host(**other):
    return {"flp1": {**RIGHT["hosts"]["flp1"], **other}}


def test_a_correct_site_has_no_problems():
    assert found() == []


@pytest.mark.parametrize(
    ("other", "where", "what"),
    [
        ({"pillar": {"defualts": {}}}, "o2:defualts", "did you mean defaults"),
        ({"hosts": host(atributes={})}, "o2:atributes", "did you mean attributes"),
        ({"hosts": host(install={"verion": "1"})}, "o2:install:verion", "did you mean version"),
        (
            {"pillar": {"detectors": {"TST": {"host": ["flp1"]}}}},
            "o2:detectors:TST:host",
            "did you mean hosts",
        ),
        ({"pillar": {"pool": {"per_hots": 5}}}, "o2:pool:per_hots", "did you mean per_host"),
        ({"pillar": {"pool": {"total": "few"}}}, "o2:pool", "Expected `int`"),
        ({"hosts": host(attributes=["flp"])}, "o2:attributes", "Expected `object`"),
        ({"hosts": host(channel_ports=["low", 5])}, "o2:channel_ports", "Expected `int`"),
        ({"config": {"heartbeat_s": "often"}}, "o2:heartbeat_s", "Expected `float`"),
        ({"hosts": host(channel_ports=[20000, 9000])}, "flp1", "9000 is not a range"),
        ({"hosts": host(channel_ports=[9000, 70000])}, "flp1", "70000 is not a range"),
        ({"hosts": host(channel_ports=[9000, 31000])}, "flp1", "overlap"),
        ({"hosts": host(channel_ports=[4000, 5000])}, "flp1", "Salt's own 4505"),
        (
            {"pillar": {"detectors": {"TST": {"hosts": ["flp11"]}}}},
            "TST",
            "flp11 is no host (did you mean flp1?)",
        ),
        (
            {"pillar": {"detectors": {"ITS": {"hosts": ["flp1"]}}}},
            "ITS",
            "flp1 has the attribute detector=TST",
        ),
        ({"known": {"flp1": {}}}, "flp1", "no attributes"),
        ({"known": None}, "control", "does not answer"),
        ({"pillar": {"integrations": ["tests"]}}, "o2:integrations", "unknown integration 'tests'"),
        ({"faults": {"flp1": ["o2:cpus: no"]}}, "host flp1", "o2:cpus: no"),
        ({"faults": {"control": ["o2:pool: no"]}}, "control", "o2:pool: no"),
        ({"pillar": {"vars": {"configure_timeout_s": "soon"}}}, "configure_timeout_s", "no time"),
        (
            {"pillar": {"vars": {"configur_timeout_s": 3}}},
            "configur_timeout_s",
            "did you mean configure_timeout_s",
        ),
        ({"pillar": {"access": {"operators": []}}}, "operators", "did you mean operator"),
        ({"options": {}}, "o2:access", "* lack the permissions of their role in external_auth:pam"),
        ({"pillar": {"access": {"operator": ["%shift"]}}}, "o2:access", "shift% lack the permissions"),
        (
            {"pillar": {"access": {"viewer": ["*"]}, "master": {"eauth": "ldap"}}},
            "o2:access",
            "external_auth:ldap",
        ),
        (
            {"pillar": {"master": {"local_accounts": True}}},
            "o2:master:local_accounts",
            "unknown key",
        ),
        (
            {"options": {"publisher_acl": {"anna": ["o2.tasks"]}}, "pillar": {}},
            "publisher_acl",
            "every function",
        ),
        (
            {
                "options": {"external_auth": {"pam": {"ben": ["@runner", {"flp*": ["test.ping"]}]}}},
                "pillar": {},
            },
            "external_auth:pam",
            "ben may call a function of hosts",
        ),
        ({"config": {"repositories": ["/srv/nowhere"]}}, "repositories", "/srv/nowhere has no directory"),
        ({"engines": []}, "engines", "o2_control is not among them"),
        ({"wired": {}}, "reactor", "no rule answers salt/o2/beam/dump"),
        ({"rules": {}}, "reactor: salt/o2/beam/dump", "there is no /srv/reactor/o2/beam_dump.sls"),
        ({"functions": ["o2.runs_stop"]}, "beam/dump", "o2.run_stop, which does not exist (did you mean"),
        ({"pillar_errors": {"flp1": ["Rendering SLS hosts failed"]}}, "pillar of flp1", "Rendering SLS"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else str(value)[:40],
)
def test_each_fault_is_found_once_with_its_place(other, where, what):
    (line,) = found(**other)
    assert where in line
    assert what in line


def test_a_fault_of_many_hosts_is_reported_once():
    hosts = {f"flp{number}": {"channel_port": [1, 2]} for number in range(1, 9)}
    (line,) = found(hosts=hosts)
    assert "pillar of flp1, flp2, flp3 and 5 more: o2:channel_port" in line


def test_a_host_of_two_detectors_is_found():
    detectors = {"TST": {"hosts": ["flp1"]}, "ITS": {"hosts": ["flp1"]}}
    lines = found(pillar={"detectors": detectors}, hosts={"flp1": {}})
    assert lines == ["master's pillar: o2:detectors:ITS: flp1 belongs to TST already"]


@pytest.mark.parametrize(
    "nonsense", [None, 3, "text", [1], {"a": None}], ids=["none", "int", "text", "list", "map"]
)
@pytest.mark.parametrize(
    "key",
    ["defaults", "vars", "detectors", "access", "repositories", "control_ports", "attributes", "install"],
)
def test_no_invalid_value_of_pillar_breaks_the_check(key, nonsense):
    found(pillar={key: nonsense}, hosts={"flp1": {key: nonsense}}, config={key: nonsense})


def test_the_states_defaults_are_keys_that_a_host_may_have():
    defaults = Path(__file__).parents[3] / "states" / "o2" / "defaults.yaml"
    assert found(hosts=host(**yaml.safe_load(defaults.read_text()))) == []
