"""What all tests may use."""

from pathlib import Path

import pytest
from private_cluster import PrivateCluster

from salt_o2.cluster import down, up
from salt_o2.cluster.layout import layout
from salt_o2.cluster.process import marked


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A private master and three minions; at the end nothing of it may be left."""
    directory = tmp_path_factory.mktemp("cluster") / "private"
    status = up(directory)
    yield PrivateCluster.of(status)
    ended = down(directory)
    assert marked(layout(directory).directory) == []
    assert not directory.exists()
    assert not Path(status["control_socket"]).parent.exists()
    assert ended["leftovers"] == [], "these outlived their daemons and their environment"
