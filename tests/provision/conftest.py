"""Hosts from nothing: real systems, set up as a site or a laptop does it. Minutes, so only when asked for."""

import os
from pathlib import Path

import nspawn_hosts
import pytest
import wheelhouse

BUILD = wheelhouse.ROOT / "build" / "provision"
HOSTS = ("master", "flp1", "flp2")


@pytest.fixture(scope="session")
def asked():
    """Skip unless somebody wants to wait for it."""
    if not os.environ.get("O2_PROVISION"):
        pytest.skip("takes minutes and root: say `make vagrant-test`")


@pytest.fixture(scope="session")
def wheels(asked) -> Path:
    return wheelhouse.wheelhouse(BUILD)


@pytest.fixture(scope="session")
def hosts(asked, wheels, tmp_path_factory):
    """Three bare systems in one network, without a way out; the project and the wheels lie on each."""
    if missing := nspawn_hosts.missing():
        pytest.skip(missing)
    root = nspawn_hosts.root_file_system(BUILD)
    binds = {wheelhouse.ROOT: "/vagrant", wheels: "/wheels"}
    with nspawn_hosts.Hosts(tmp_path_factory.mktemp("hosts"), root, HOSTS, binds) as hosts:
        yield hosts.hosts
