"""salt-run o2.site_check on a real master: the example site is right, faults of another are named."""

import json

import pytest
import yaml

from salt_o2.cluster.paths import layout

pytestmark = pytest.mark.integration


def findings(cluster):
    done = cluster.run("salt-run", "o2.site_check", "--out=json")
    report = json.loads(done.stdout)
    return report["hosts"], [f"{each['where']}: {each['what']}" for each in report["problems"]]


def test_the_example_site_has_no_problem_except_the_roles_that_a_private_cluster_leaves_out(cluster):
    hosts, problems = findings(cluster)
    assert hosts == len(cluster.minions)
    (access,) = problems
    assert access.startswith("master's pillar: o2:access: ")


def test_faults_of_pillar_are_found_on_the_live_master(cluster):
    pillar = layout(cluster.directory).pillar
    top = {"base": {"*": ["wrong"], "*_master": ["wrong"]}}
    wrong = {"o2": {"chanel_ports": [9000, 19999], "detectors": {"TST": {"hosts": ["flp77"]}}}}
    try:
        (pillar / "top.sls").write_text(yaml.safe_dump(top))
        (pillar / "wrong.sls").write_text(yaml.safe_dump(wrong))
        _, problems = findings(cluster)
    finally:
        for file in ("top.sls", "wrong.sls"):
            (pillar / file).unlink(missing_ok=True)
    said = "\n".join(problems)
    assert "o2:chanel_ports: unknown key (did you mean channel_ports?)" in said
    assert "flp77 is no host" in said


def test_site_check_prints_its_problems_and_fails_with_exit_code_1(cluster):
    done = cluster.run("salt-run", "o2.site_check")
    assert done.returncode == 1
    assert "lack the permissions of their role" in done.stdout


@pytest.mark.finding("2.6")
@pytest.mark.parametrize("minion", ["foreign", "x2_master", "o2_master2", "flp1.elsewhere", "flp", "master2"])
def test_a_minion_that_the_site_has_not_named_gets_no_pillar(cluster, minion):
    assert cluster.json("salt-run", "pillar.show_pillar", minion) == {}


def test_a_named_host_gets_its_own_pillar_and_the_master_that_of_the_site(cluster):
    assert cluster.json("salt-run", "pillar.show_pillar", "flp1")["o2"]["hosts"] == ["flp1"]
    site = cluster.json("salt-run", "pillar.show_pillar", "o2_master")["o2"]
    assert set(cluster.minions) <= set(site["hosts"])
    assert "components" in site
