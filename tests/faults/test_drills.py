"""Faults drawn from seeds, on a cluster of their own, while two environments take data.

On one cluster all hosts share the machine's network; on the other, for root, each has a network namespace,
so that hosts are rebooted and links fail, too. `make test` runs one seed for some rounds, in which all kinds
of faults come that take more than a signal. `make soak` runs at least 500 faults: O2_FAULTS is shared by all
clusters and all O2_SEEDS. With O2_MINUTES each drill goes on for that long instead. The summary of all drills
is printed at the end (conftest.py).
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from salt_o2.cluster import down, up
from salt_o2.cluster.faults.drill import drill
from salt_o2.cluster.namespaces import Network, obstacle
from salt_o2.cluster.processes import marked
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.random_tests.seeds import seeds

NAMESPACES = not obstacle()
SEEDS = seeds("0")
SHORT = {"shared": 148, "namespaces": 13}
"""What seed 0 stands for; tests/unit/cluster/faults/test_drill.py says what comes in them."""
MINUTES = float(os.environ.get("O2_MINUTES", "0"))
FAULTS = int(os.environ.get("O2_FAULTS", "0"))
ROUNDS = 12
SECONDS_EACH = 20
"""How long one fault may take with all that belongs to it, generously."""
PLENTY = 100_000
"""Restarts that the drilled environment may have: here the faults count, not the budget."""
SETTINGS = {
    "rate": 50,
    "recovery_restarts": PLENTY,
    "recovery_backoff_s": 0.25,
    "recovery_window_s": 5.0,
}
"""Tasks are started again without the pauses that a task which fails again and again would get."""
HEARTBEAT_S = 2.0
"""Shorter than usual, as after each round every host must have been heard."""

KEPT = Path(__file__).parents[2] / "build" / "broken-drills"
"""Where the files of a cluster stay after a broken drill, for its explanation."""

SHARE = -(-FAULTS // (len(SEEDS) * (2 if NAMESPACES else 1)))
"""How many faults each drill has of those that are wanted."""

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300 + 120 * MINUTES + SECONDS_EACH * max(SHARE, 3 * ROUNDS)),
]


needs_namespaces = [
    pytest.mark.root("make network namespaces"),
    pytest.mark.skipif(not NAMESPACES, reason=f"no link can fail here: {obstacle()}"),
]


once_is_enough = [pytest.mark.patient] if NAMESPACES and not FAULTS else []
"""In a hurry one cluster is drilled: the one whose links fail, too, where that is possible."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("shared", marks=[*once_is_enough, pytest.mark.xdist_group("shared")]),
        pytest.param("namespaces", marks=[*needs_namespaces, pytest.mark.xdist_group("namespaces")]),
    ],
)
def network(request):
    """Whose network hosts have."""
    return request.param


@pytest.fixture(scope="module")
def cluster(request, network, tmp_path_factory):
    """A cluster of two minions that is maltreated; after a failure, what it has written stays in build/."""
    directory = tmp_path_factory.mktemp("faults") / "private"
    failed_before = request.session.testsfailed
    status = up(directory, minions=2, namespaces=network == "namespaces", heartbeat_s=HEARTBEAT_S)
    yield PrivateCluster.of(status)
    if request.session.testsfailed > failed_before:
        keep_files(directory, KEPT / network)
    groups = groups_of(directory)
    ended = down(directory)
    assert ended["leftovers"] == []
    assert marked(directory) == []
    assert Network(directory).names() == []
    assert not directory.exists()
    assert [group for group in groups if group.exists()] == []
    assert str(directory) not in Path("/proc/self/mountinfo").read_text()


def keep_files(directory, target):
    """Copy the store, the journals and the logs of a broken drill, without sockets."""
    shutil.rmtree(target, ignore_errors=True)
    with suppress(shutil.Error):
        shutil.copytree(directory, target, symlinks=True, ignore=without_sockets)


def without_sockets(folder, names):
    return [name for name in names if (Path(folder) / name).is_socket() or (Path(folder) / name).is_fifo()]


def groups_of(directory):
    """Return the control groups of the cluster's processes that are their own."""
    found = set()
    for process in marked(directory):
        with suppress(OSError):
            lines = Path(f"/proc/{process.pid}/cgroup").read_text().splitlines()
            found |= {line.removeprefix("0::/") for line in lines if line.startswith("0::/o2-")}
    return [Path("/sys/fs/cgroup/unified") / each for each in found]


@pytest.fixture
def victim(cluster):
    """An environment that is to be hit, in a run; beside it one that no fault hits."""
    made = [running(cluster, "fairmq-ex-with-programs", 2), running(cluster, "fairmq-ex-1-n-1", 1)]
    yield made[0]["id"]
    for each in made:
        cluster.ask("env_destroy", id=each["id"], force=True, allow_in_running_state=True)


def running(cluster, workflow, processors):
    made = cluster.ask("env_create", workflow=workflow, vars={**SETTINGS, "processors": processors})
    return cluster.ask("env_control", id=made["id"], event="START_ACTIVITY")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_continues_under_random_faults(network, cluster, victim, seed, record_property):
    done = drill(
        cluster.directory,
        victim,
        seed or SHORT[network],
        minutes=MINUTES,
        most_rounds=None if MINUTES or SHARE else ROUNDS,
        most_kills=PLENTY,
        most_faults=SHARE or None,
        say=print,
    )
    record_property("drill", done.as_dict())
    violations = "\n".join(done.broken)
    assert not done.broken, (
        f"{violations}\nthe same again, on an environment of the same workflow: {done.replay}"
    )
    assert done.faults >= (SHARE or ROUNDS)
