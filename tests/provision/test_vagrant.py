"""The Vagrantfile: valid anywhere, and with lxc a whole cluster that comes, works and goes."""

import json
import shutil

import pytest

from tests.support.machines import lxc_box, wheelhouse
from tests.support.machines.lxc_box import vagrant

pytestmark = [pytest.mark.integration, pytest.mark.timeout(4000)]


@pytest.mark.parametrize("hosts", ["1", "12"])
def test_the_vagrantfile_is_valid_for_any_number_of_hosts(tmp_path, hosts):
    if shutil.which("vagrant") is None:
        pytest.skip("install Debian's vagrant")
    environ = {
        "O2_HOSTS": hosts,
        "VAGRANT_HOME": str(tmp_path / "home"),
        "VAGRANT_DOTFILE_PATH": str(tmp_path / "dot"),
    }
    said = vagrant(wheelhouse.ROOT, environ, "validate", "--ignore-provider", timeout_s=100).stdout
    assert "validated successfully" in said
    assert said.count("flp") == int(hosts)


@pytest.fixture(scope="module")
def laptop(asked, wheels, tmp_path_factory):
    """A clone of the project, `vagrant up` in it, and at the end nothing left."""
    if missing := lxc_box.missing():
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("laptop")
    project = wheelhouse.copy_source(folder / "project")
    shutil.copytree(wheels, project / "wheels")
    environ = {
        "VAGRANT_HOME": str(folder / "home"),
        "O2_BOX": "o2",
        "O2_NETWORK": lxc_box.NETWORK,
        "O2_BRIDGE": lxc_box.BRIDGE,
        "O2_WHEELS": "/vagrant/wheels",
    }
    vagrant(project, environ, "box", "add", "--name", "o2", str(lxc_box.make_box(wheels.parent)))
    with lxc_box.bridge():
        try:
            vagrant(project, environ, "up")
            yield lambda *words: vagrant(project, environ, *words).stdout
        finally:
            vagrant(project, environ, "destroy", "-f", check=False)
    assert not list((folder / "project/.vagrant").glob("machines/*/lxc/id"))


def on_master(laptop, command):
    return json.loads(laptop("ssh", "master", "-c", f"{command} --out=json 2>/dev/null"))


def test_from_nothing_to_an_environment_over_all_hosts_and_back(laptop):
    known = {each["id"]: each["address"] for each in on_master(laptop, "salt-run o2.host_list")}
    assert known == {"flp1": f"{lxc_box.NETWORK}.11", "flp2": f"{lxc_box.NETWORK}.12"}
    made = on_master(laptop, "salt-run o2.env_create workflow=fairmq-ex-1-n-1")
    assert {task["host"] for task in made["tasks"]} == {"flp1", "flp2"}
    running = on_master(laptop, f"salt-run o2.env_control {made['id']} START_ACTIVITY")
    assert running["state"] == "RUNNING"
    ended = on_master(laptop, f"salt-run o2.env_destroy {made['id']} allow_in_running_state=True")
    assert ended["state"] == "DONE"


def test_setting_up_again_changes_nothing(laptop):
    said = laptop("provision")
    assert said.count("ready") == 3
    assert "changed=" not in said
