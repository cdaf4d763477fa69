"""Where coconut looks for control."""

from pathlib import Path

import pytest

from salt_o2.cli import where
from salt_o2.cli.where import control_socket, sock_dir
from salt_o2.cluster import record
from salt_o2.cluster.layout import layout


@pytest.fixture(autouse=True)
def no_salt_here(nowhere, monkeypatch):
    monkeypatch.setattr(where, "DEFAULT_CONFIG_DIR", nowhere / "etc")


@pytest.fixture
def salt_config(tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "master").write_text("user: me\nsock_dir: /run/mine\n")
    return tmp_path / "conf"


def a_cluster_in(folder):
    folder.mkdir()
    record.write(layout(folder), record.Record(0, ("flp1",), 3, Path("/run/cluster")))


def test_what_is_given_wins():
    assert control_socket(Path("/x"), {"O2_CONTROL": "/y"}) == Path("/x")


def test_the_variable_comes_next(salt_config):
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


def test_without_anything_it_is_salts_default():
    assert control_socket(None, {}) == Path("/var/run/salt/master/o2_control.ipc")


def test_a_file_in_master_d_overrides_the_master(salt_config):
    (salt_config / "master.d").mkdir()
    (salt_config / "master.d" / "o2.conf").write_text("sock_dir: /run/other\n")
    assert sock_dir(salt_config) == Path("/run/other")


@pytest.mark.parametrize("text", ["", "# sock_dir: /x\n", "- sock_dir\n"], ids=["empty", "comment", "list"])
def test_a_configuration_that_sets_nothing_leaves_the_default(salt_config, text):
    (salt_config / "master").write_text(text)
    assert sock_dir(salt_config) == where.DEFAULT_SOCK_DIR
