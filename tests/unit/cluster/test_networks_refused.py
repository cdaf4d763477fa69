"""Where hosts cannot be network namespaces that is said before anything is made."""

import pytest

from salt_o2.cluster import network, up
from salt_o2.cluster.network import Network, address
from salt_o2.core.errors import InvalidRequest, O2Error, Unreachable


@pytest.fixture
def tools(monkeypatch):
    """All programs are there, and we are root."""
    found = dict.fromkeys(network.PACKAGES, "/usr/sbin/it")
    monkeypatch.setattr(network, "where", found.get)
    monkeypatch.setattr(network.os, "geteuid", lambda: 0)
    monkeypatch.setattr(network, "run", lambda *_: "")
    return found


def test_root_with_its_tools_may(tools):
    assert network.obstacle() == ""


@pytest.mark.parametrize(("tool", "package"), [("ip", "iproute2"), ("nsenter", "util-linux")])
def test_a_missing_program_is_named_with_its_package(tools, tool, package):
    del tools[tool]
    assert network.obstacle() == f"{tool} cannot be found: install {package} (as Debian calls it)"


def test_others_than_root_may_not(tools, monkeypatch):
    monkeypatch.setattr(network.os, "geteuid", lambda: 1000)
    assert network.obstacle() == "only root may make them"


def test_a_kernel_that_refuses_says_why(tools, monkeypatch):
    def refuse(*_):
        raise O2Error("`ip netns add` failed with 1: Operation not permitted")

    monkeypatch.setattr(network, "run", refuse)
    assert "Operation not permitted" in network.obstacle()


def test_a_cluster_that_cannot_have_them_is_refused_and_nothing_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(network, "obstacle", lambda: "only root may make them")
    with pytest.raises(Unreachable, match=r"no network namespaces here: only root may make them"):
        up(tmp_path / "private", namespaces=True)
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_without_them_does_not_get_them(tmp_path):
    from pathlib import Path

    from salt_o2.cluster import record
    from salt_o2.cluster.layout import layout

    record.write(layout(tmp_path), record.Record(0, ("flp1",), 1, Path("/nowhere")))
    with pytest.raises(InvalidRequest, match="without namespaces: take it down first"):
        up(tmp_path, namespaces=True)


def test_names_and_addresses_follow_from_directory_and_host(tmp_path):
    one, other = Network(tmp_path / "a"), Network(tmp_path / "b")
    assert one.name != other.name
    assert one.of("flp1") == f"{one.name}-flp1"
    minions = [f"flp{number}" for number in range(1, 400)]
    given = [address(minions, host) for host in ("master", *minions)]
    assert (given[0], given[1], given[-1]) == ("10.79.0.1", "10.79.0.11", "10.79.1.153")
    assert len(set(given)) == len(given)
