"""Where coconut looks for control."""

from pathlib import Path

import pytest

from salt_o2.cli.ui import socket_lookup
from salt_o2.cli.ui.socket_lookup import control_socket, sock_dir
from salt_o2.cluster import state_file
from salt_o2.cluster.paths import layout
from salt_o2.core.errors import InvalidRequestError


@pytest.fixture(autouse=True)
def no_salt_here(nowhere, monkeypatch):
    monkeypatch.setattr(socket_lookup, "DEFAULT_CONFIG_DIR", nowhere / "etc")


@pytest.fixture
def salt_config(tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "master").write_text("user: me\nsock_dir: /run/mine\n")
    return tmp_path / "conf"


def a_cluster_in(folder):
    folder.mkdir()
    state_file.write(layout(folder), state_file.Record(0, ("flp1",), 3, Path("/run/cluster")))


def test_a_given_option_overrides_the_variable():
    assert control_socket(Path("/x"), {"O2_CONTROL": "/y"}) == Path("/x")


def test_the_variable_overrides_the_configuration_of_salt(salt_config):
    environ = {"O2_CONTROL": "/y", "SALT_CONFIG_DIR": str(salt_config)}
    assert control_socket(None, environ) == Path("/y")


def test_salts_own_configuration_comes_before_a_cluster_here(salt_config, nowhere):
    a_cluster_in(nowhere / ".cluster")
    found = control_socket(None, {"SALT_CONFIG_DIR": str(salt_config)})
    assert found == Path("/run/mine/o2_control.ipc")


def test_a_cluster_here_comes_before_the_machines_salt(nowhere):
    a_cluster_in(nowhere / ".cluster")
    assert control_socket(None, {}) == Path("/run/cluster/master/o2_control.ipc")


def test_a_folder_without_a_record_is_no_cluster(nowhere):
    (nowhere / ".cluster").mkdir()
    assert control_socket(None, {}) == Path("/var/run/salt/master/o2_control.ipc")


def test_the_machines_salt_is_asked_for_its_sock_dir(nowhere):
    (nowhere / "etc").mkdir()
    (nowhere / "etc" / "master").write_text("sock_dir: /srv/sockets\n")
    assert control_socket(None, {}) == Path("/srv/sockets/o2_control.ipc")


def test_without_options_and_configuration_the_socket_is_salts_default():
    assert control_socket(None, {}) == Path("/var/run/salt/master/o2_control.ipc")


def test_a_file_in_master_d_overrides_the_master(salt_config):
    (salt_config / "master.d").mkdir()
    (salt_config / "master.d" / "o2.conf").write_text("sock_dir: /run/other\n")
    assert sock_dir(salt_config) == Path("/run/other")


@pytest.mark.parametrize("text", ["", "# sock_dir: /x\n", "- sock_dir\n"], ids=["empty", "comment", "list"])
def test_a_configuration_that_sets_nothing_leaves_the_default(salt_config, text):
    (salt_config / "master").write_text(text)
    assert sock_dir(salt_config) == socket_lookup.DEFAULT_SOCK_DIR


@pytest.mark.parametrize(
    ("master", "beside", "found"),
    [
        ("root_dir: /srv/x\n", "", "/srv/x/var/run/salt/master"),
        ("root_dir: /srv/x\nsock_dir: /run/mine\n", "", "/srv/x/run/mine"),
        ("root_dir: /srv/x\nsock_dir: /srv/x/run\n", "", "/srv/x/run"),
        ("sock_dir: /run/mine\n", "root_dir: /srv/y\n", "/srv/y/run/mine"),
        ("root_dir: /\nsock_dir: /run/mine\n", "", "/run/mine"),
        ("root_dir: []\nsock_dir: {}\n", "", "/var/run/salt/master"),
    ],
)
def test_root_dir_comes_before_the_socket_as_in_salt(tmp_path, master, beside, found):
    (tmp_path / "master.d").mkdir()
    (tmp_path / "master").write_text(master)
    (tmp_path / "master.d" / "a.conf").write_text(beside)
    assert sock_dir(tmp_path) == Path(found)
    if "[]" not in master:
        (tmp_path / "master").write_text(f"user: daemon\n{master}")
        assert found == salt_config_of(tmp_path)["sock_dir"]


def salt_config_of(folder):
    import salt.config

    return salt.config.master_config(str(folder / "master"))


def test_configuration_that_is_no_yaml_is_refused(tmp_path):
    (tmp_path / "master").write_text("sock_dir: [\n")
    with pytest.raises(InvalidRequestError, match="master is not YAML"):
        sock_dir(tmp_path)


@pytest.mark.finding("A14")
def test_a_cluster_here_that_another_account_may_have_written_is_left_out(nowhere):
    a_cluster_in(nowhere / ".cluster")
    layout(nowhere / ".cluster").record.chmod(0o666)
    assert control_socket(None, {}) == Path("/var/run/salt/master/o2_control.ipc")
