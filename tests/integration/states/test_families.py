"""What the states come to on Debian and on RHEL: rendered by Salt itself, with the grains of each.

Nothing is applied here. ``tests/provision`` applies the same states to real Debian systems.
"""

import getpass
import json
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.support.machines.rendered_states import FAMILIES, OWN_ID, of

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = {
    "Debian": ["util-linux", "procps", "iproute2"],
    "RedHat": ["util-linux", "procps-ng", "iproute"],
}
"""What brings prlimit and setpriv, pkill and sysctl, ss: names of each family's own packages."""
FIREWALLD = {"firewall": {"manage": "firewalld", "zone": "public"}}
families = pytest.mark.parametrize("family", FAMILIES)


@families
def test_tools_have_the_names_of_the_familys_packages(render, family):
    (tools,) = of(render(family, "o2.host"), "pkg.installed")
    assert tools["pkgs"] == PACKAGES[FAMILIES[family]["os_family"]]


@families
@pytest.mark.parametrize(("sls", "unit"), [("o2.host", "salt-minion"), ("o2.master", "salt-master")])
def test_units_and_their_files_have_the_names_that_all_families_have(render, family, sls, unit):
    chunks = render(family, sls)
    assert [each["name"] for each in of(chunks, "service.running")] == [unit]
    files = {each.get("name", each["__id__"]) for each in of(chunks, "file.managed")}
    daemon = unit.removeprefix("salt-")
    assert {f"/etc/salt/{daemon}.d/60-o2.conf", f"/etc/systemd/system/{unit}.service.d/60-o2.conf"} <= files
    assert "/etc/security/limits.d/60-o2.conf" in files


@families
def test_roles_of_pillar_become_a_file_of_the_master_that_is_absent_without_roles(render, family):
    path = "/etc/salt/master.d/61-o2-access.conf"
    (gone,) = [each for each in of(render(family, "o2.master"), "file.absent") if each["name"] == path]
    assert gone["__sls__"] == "o2.master"
    access = {"operator": ["%shift"]}
    chunks = render(family, "o2.master", {"access": access, "master": {"eauth": "ldap"}})
    (there,) = [each for each in of(chunks, "file.managed") if each["name"] == path]
    assert there["context"]["granted"] == {"access": access, "eauth": "ldap", "peers": {}}
    (restart,) = [each for each in chunks if each["__id__"] == "o2_master_restart"]
    assert {"file": path} in restart["onchanges"]


@pytest.mark.parametrize(("eauth", "kind"), [("pam", "file.managed"), ("ldap", "file.absent")])
def test_pam_is_asked_by_a_python_that_has_salt(render, eauth, kind):
    chunks = render("rhel", "o2.master", {"access": {"operator": ["%shift"]}, "master": {"eauth": eauth}})
    (asking,) = [each for each in of(chunks, kind) if each["name"].endswith("/python-of-salt")]
    assert eauth != "pam" or asking["contents"].splitlines()[1].startswith("exec /")


@families
def test_the_tasks_user_cannot_log_in(render, family):
    (user,) = of(render(family, "o2.host"), "user.present")
    assert user["shell"] == "/usr/sbin/nologin"


@families
def test_kernel_settings_lie_in_a_file_that_every_family_reads(render, family):
    chunks = render(family, "o2.host")
    settings = {each["name"]: each for each in of(chunks, "sysctl.present")}
    left = {
        each["__id__"].removesuffix("_is_not_ours") for each in of(chunks, "test.succeed_without_changes")
    }
    assert settings.keys() | left >= {"net.core.somaxconn", "net.ipv4.ip_local_reserved_ports"}
    assert {each["config"] for each in settings.values()} <= {"/etc/sysctl.d/60-o2.conf"}


@families
def test_firewalld_gets_services_and_its_zone_lets_them_in(render, family):
    chunks = render(family, "o2.host", FIREWALLD) + render(family, "o2.master", FIREWALLD)
    files = [
        each for each in of(chunks, "file.managed") if each["name"].startswith("/etc/firewalld/services")
    ]
    ports = {each["context"]["name"]: each["context"]["ports"] for each in files}
    assert ports == {"o2-channels": ["9000-19999"], "o2-master": [4505, 4506]}
    assert [each["name"].split("/")[-1] for each in files] == [f"{name}.xml" for name in ports]
    zones = [each for each in of(chunks, "cmd.run") if each["__id__"].endswith("_zone")]
    assert [each["unless"][1] for each in zones] == [
        f"firewall-cmd --zone=public --query-service={name}" for name in ports
    ]
    assert all("--add-service" in each["name"] for each in zones), "what the site has opened stays open"
    assert not of(chunks, "firewalld.present"), "it loads all rules anew even when test=True"


@families
def test_a_host_without_a_firewall_gets_none(render, family):
    pillar = {"firewall": {"confine": False}}
    chunks = [each for each in render(family, "o2.host", pillar) if each["__sls__"] == "o2.firewall"]
    assert [(each["state"], each["fun"]) for each in chunks] == [("test", "succeed_without_changes")]
    assert "must reach TCP ports 9000-19999" in chunks[0]["comment"]


@pytest.mark.parametrize("sls", ["o2.host", "o2.master"])
def test_families_differ_in_the_names_of_packages_and_in_nothing_else(render, sls):
    debian, *others = [
        [each for each in render(family, sls) if each["state"] != "pkg"] for family in FAMILIES
    ]
    for other in others:
        assert other == debian


def test_names_in_pillar_override_names_of_the_family(render):
    (tools,) = of(render("rhel", "o2.install", {"packages": ["busybox"]}), "pkg.installed")
    assert tools["pkgs"] == ["busybox"]


STATES = sorted(path.stem for path in (ROOT / "states/o2").glob("*.sls") if path.stem != "show")
OF_HOSTS = {"host", "kernel", "firewall"}
OF_MASTERS = {"master", "master_firewall"}
"""All other states are content with either."""
STRANGERS = {
    "nothing": {"hosts": [], "master": {"minions": []}},
    "others": {"hosts": ["flp1", "here2", "her"], "master": {"minions": ["master"]}},
    "a pattern": {"hosts": ["*", "her?"], "master": {"minions": ["*"]}},
}
ALL = ",".join(f"o2.{sls}" for sls in STATES)


def refused(chunks):
    """The states that fail at once, each of which must then come to nothing else."""
    by_state = {sls: [each for each in chunks if each["__sls__"] == f"o2.{sls}"] for sls in STATES}
    found = {sls for sls, all_of_it in by_state.items() if of(all_of_it, "test.fail_without_changes")}
    assert all(len(by_state[sls]) == 1 for sls in found)
    return found


@pytest.mark.parametrize("pillar", STRANGERS)
def test_each_state_does_nothing_but_fail_on_a_minion_that_the_site_has_not_named(render, pillar):
    chunks = render("debian", ALL, STRANGERS[pillar])
    assert refused(chunks) == set(STATES)
    assert all(each["name"].startswith("the site has not named here in o2:") for each in chunks)


def test_a_master_that_is_no_host_gets_nothing_of_a_host(render):
    assert refused(render("debian", ALL, {"hosts": []})) == OF_HOSTS


def test_a_host_that_is_no_master_gets_nothing_of_a_master(render):
    assert refused(render("debian", ALL, {"master": {"minions": []}})) == OF_MASTERS


def test_a_trial_of_a_refused_state_fails_and_says_why(tmp_path):
    options = {"root_dir": str(tmp_path), "user": getpass.getuser(), "id": OWN_ID, "file_client": "local"}
    (tmp_path / "minion").write_text(json.dumps({**options, "file_roots": {"base": [str(ROOT / "states")]}}))
    words = ["--local", "-c", str(tmp_path), "--out=json", "--retcode-passthrough"]
    call = Path(sysconfig.get_path("scripts")) / "salt-call"
    trial = [call, *words, "state.apply", "o2.host", "test=True"]
    done = subprocess.run(trial, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    (result,) = json.loads(done.stdout)["local"].values()
    assert (result["result"], result["changes"]) == (False, {})
    assert result["name"] == "the site has not named here in o2:hosts of this minion's pillar"


@pytest.mark.finding("X23")
@pytest.mark.parametrize(
    "url", ["https://o2:hunter2@git/x", "https://hunter2@git/x", "https://git/x?private_token=hunter2"]
)
def test_no_secret_of_a_repository_goes_into_a_file_that_each_account_can_read(render, url):
    (chunk,) = render("debian", "o2.master", {"master": {"repositories": ["/srv/o2", url]}})
    assert chunk["fun"] == "fail_without_changes"
    assert "hunter2" not in str(chunk)


def test_a_repository_without_a_secret_is_written(render):
    chunks = render("debian", "o2.master", {"master": {"repositories": ["ssh://git@git/x", "https://git/x"]}})
    assert "/etc/salt/master.d/60-o2.conf" in {each["name"] for each in of(chunks, "file.managed")}
