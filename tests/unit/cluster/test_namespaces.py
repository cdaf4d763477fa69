"""Where hosts cannot be network namespaces that is said before anything is made."""

import pytest

from salt_o2.cluster import namespaces, up
from salt_o2.cluster.namespaces import Network, address
from salt_o2.core.errors import InvalidRequestError, O2Error, UnreachableError


@pytest.fixture
def tools(monkeypatch):
    """All programs are there, and we are root."""
    found = dict.fromkeys(namespaces.PACKAGES, "/usr/sbin/it")
    monkeypatch.setattr(namespaces, "where", found.get)
    monkeypatch.setattr(namespaces.os, "geteuid", lambda: 0)
    monkeypatch.setattr(namespaces, "run", lambda *_: "")
    return found


def test_root_with_the_needed_programs_may_make_namespaces(tools):
    assert namespaces.obstacle() == ""


@pytest.mark.parametrize(("tool", "package"), [("ip", "iproute2"), ("nsenter", "util-linux")])
def test_a_missing_program_is_named_with_its_package(tools, tool, package):
    del tools[tool]
    assert namespaces.obstacle() == f"{tool} cannot be found: install {package} (as Debian calls it)"


def test_only_root_may_make_namespaces(tools, monkeypatch):
    monkeypatch.setattr(namespaces.os, "geteuid", lambda: 1000)
    assert namespaces.obstacle() == "only root can create them"


def test_a_kernel_that_refuses_says_why(tools, monkeypatch):
    def refuse(*_):
        raise O2Error("`ip netns add` failed with 1: Operation not permitted")

    monkeypatch.setattr(namespaces, "run", refuse)
    assert "Operation not permitted" in namespaces.obstacle()


def test_a_cluster_that_cannot_have_namespaces_is_refused_and_nothing_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(namespaces, "obstacle", lambda: "only root can create them")
    with pytest.raises(UnreachableError, match=r"no network namespaces here: only root can create them"):
        up(tmp_path / "private", namespaces=True)
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_that_started_without_namespaces_gets_none(tmp_path):
    from pathlib import Path

    from salt_o2.cluster import state_file
    from salt_o2.cluster.paths import layout

    state_file.write(layout(tmp_path), state_file.Record(0, ("flp1",), 1, Path("/nowhere")))
    with pytest.raises(InvalidRequestError, match="has no namespaces: run `coconut cluster down` first"):
        up(tmp_path, namespaces=True)


def test_names_and_addresses_follow_from_directory_and_host(tmp_path):
    one, other = Network(tmp_path / "a"), Network(tmp_path / "b")
    assert one.name != other.name
    assert one.of("flp1") == f"{one.name}-flp1"
    minions = [f"flp{number}" for number in range(1, 400)]
    given = [address(minions, host) for host in ("master", *minions)]
    assert (given[0], given[1], given[-1]) == ("10.79.0.1", "10.79.0.11", "10.79.1.153")
    assert len(set(given)) == len(given)
