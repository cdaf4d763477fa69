"""Faults drawn from seeds, on a cluster of their own, while two environments take data.

On one cluster all hosts share the machine's network; on the other, for root, each has a network namespace,
so that links fail too. `make test` runs fixed seeds for some rounds each. `make soak SEEDS="4 5" MINUTES=10`
runs others for long: it sets O2_SEEDS and O2_MINUTES.
"""

import os

import pytest
from private_cluster import PrivateCluster
from seeds import seeds

from salt_o2.cluster import down, up
from salt_o2.cluster.drilling import drill
from salt_o2.cluster.network import Network, obstacle
from salt_o2.cluster.process import marked

SEEDS = seeds("0")
SHORT = {"shared": 1, "namespaces": 10}
"""What seed 0 stands for; the second one deafens, cuts and isolates a host, and cuts the master."""
MINUTES = float(os.environ.get("O2_MINUTES", "0"))
ROUNDS = 5
PLENTY = 1_000
"""Restarts that the drilled environment may have: here the faults count, not the budget."""

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300 + 120 * MINUTES)]


needs_namespaces = [
    pytest.mark.root("make network namespaces"),
    pytest.mark.needs("nft", "tc"),
    pytest.mark.skipif(bool(obstacle()), reason=f"no link can fail here: {obstacle()}"),
]


once_is_enough = [] if obstacle() else [pytest.mark.patient]
"""In a hurry one cluster is drilled: the one whose links fail, too, where that is possible."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("shared", marks=once_is_enough),
        pytest.param("namespaces", marks=needs_namespaces),
    ],
)
def network(request):
    """Whose network hosts have."""
    return request.param


@pytest.fixture(scope="module")
def cluster(network, tmp_path_factory):
    """A cluster of two minions that is maltreated."""
    directory = tmp_path_factory.mktemp("faults") / "private"
    status = up(directory, minions=2, namespaces=network == "namespaces")
    yield PrivateCluster.of(status)
    ended = down(directory)
    assert ended["leftovers"] == []
    assert marked(directory) == []
    assert Network(directory).names() == []


@pytest.fixture
def victim(cluster):
    """An environment that is to be hit, in a run; beside it one that nobody touches."""
    made = [running(cluster, processors=2, recovery_restarts=PLENTY), running(cluster, processors=1)]
    yield made[0]["id"]
    for each in made:
        cluster.ask("env_destroy", id=each["id"], force=True, allow_in_running_state=True)


def running(cluster, **variables):
    made = cluster.ask("env_create", workflow="fairmq-ex-1-n-1", vars={"rate": 50, **variables})
    return cluster.ask("env_control", id=made["id"], event="START_ACTIVITY")


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_stops_the_run(network, cluster, victim, seed):
    done = drill(
        cluster.directory,
        victim,
        seed or SHORT[network],
        minutes=MINUTES,
        most_rounds=None if MINUTES else ROUNDS,
        most_kills=PLENTY,
        say=print,
    )
    laws = "\n".join(done.broken)
    assert not done.broken, f"{laws}\nthe same again, on an environment of the same workflow: {done.replay}"
    assert len(done.rounds) >= ROUNDS
