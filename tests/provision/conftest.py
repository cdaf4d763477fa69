"""Hosts from nothing: real systems, set up as a site or a laptop does it. Minutes, so only when asked for."""

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.machines import nspawn as nspawn_hosts
from tests.support.machines import rhel_like, wheelhouse

BUILD = wheelhouse.ROOT / "build" / "provision"
HOSTS = ("master", "flp1", "flp2")


@pytest.fixture(scope="session")
def asked():
    """Skip unless the caller asks for long tests."""
    if not os.environ.get("O2_PROVISION"):
        pytest.skip("takes minutes and root: say `make vagrant-test`")


@pytest.fixture(scope="session")
def wheels(asked) -> Path:
    return wheelhouse.wheelhouse(BUILD)


@pytest.fixture(scope="module")
def hosts(asked, wheels, tmp_path_factory):
    """Three bare systems in one network, without a way out; the project and the wheels lie on each."""
    with _booted(nspawn_hosts.root_file_system, wheels, tmp_path_factory.mktemp("hosts")) as hosts:
        yield hosts


@pytest.fixture(scope="module")
def rhel_hosts(asked, wheels, tmp_path_factory):
    """Three bare systems of RHEL's kind, otherwise as those of `hosts`."""
    with _booted(rhel_like.root_file_system, wheels, tmp_path_factory.mktemp("rhel")) as hosts:
        yield hosts


@contextmanager
def _booted(make_root, wheels, directory):
    if missing := nspawn_hosts.missing():
        pytest.skip(missing)
    binds = {wheelhouse.ROOT: "/vagrant", wheels: "/wheels"}
    with nspawn_hosts.Hosts(directory, make_root(BUILD), HOSTS, binds) as hosts:
        yield hosts.hosts
