"""What all tests may use."""

import signal
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from salt_o2.cluster import down, up
from salt_o2.cluster.paths import layout
from salt_o2.cluster.processes import marked
from salt_o2.integration.simulated import RECORDS
from tests.support import needs
from tests.support.clusters.private_cluster import PrivateCluster, configure

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""How long an example takes says nothing on a machine that does something else, too."""
if settings().deadline is not None:  # CI has a profile of its own
    settings.load_profile("unhurried")


def pytest_addoption(parser):
    """Add the option that rewrites golden scenarios; read the difference before you commit it."""
    parser.addoption(
        "--rewrite-scenarios", action="store_true", help="rewrite tests/unit/core/environment/scenarios"
    )


def pytest_configure():
    """Heed Ctrl-C and SIGHUP even where a shell has started us in the background: tests send them."""
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


def pytest_collection_modifyitems(items):
    """Skip what this machine or this user cannot do; the reason stands at the end of what pytest prints."""
    for item in items:
        if reason := needs.missing(item):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A private master and three minions; at the end nothing of it may be left."""
    directory = tmp_path_factory.mktemp("cluster") / "private"
    # A site has no integration unless it names it; tests of templates call this one.
    configure(directory, {"integrations": ["test"]})
    status = up(directory)
    yield PrivateCluster.of(status)
    ended = down(directory)
    with suppress(OSError):  # not there, or another process of the tests writes into it
        RECORDS.rmdir()
    assert marked(layout(directory).directory) == []
    assert not directory.exists()
    assert not Path(status["control_socket"]).parent.exists()
    assert ended["leftovers"] == [], "these outlived their daemons and their environment"
