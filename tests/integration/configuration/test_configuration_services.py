"""Configuration in the real servers of etcd and Consul; without a server's program its tests are skipped."""

import contextlib
import shutil
import subprocess
import time

import pytest

from salt_o2.core.errors import O2Error, UnknownNameError, UnreachableError
from salt_o2.site.configuration import Configuration, open_backend
from tests.support.free_ports import free_port

pytestmark = pytest.mark.integration
UP_S = 30.0


@contextlib.contextmanager
def served(command, directory, line):
    """A server that answers, until the end of the block."""
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory)
    backend = open_backend(line, dict)
    try:
        until = time.monotonic() + UP_S
        while True:
            try:
                backend.put("o2/started", "1")
                break
            except O2Error:
                assert process.poll() is None, (directory / "log").read_text()[-2000:]
                assert time.monotonic() < until, "it did not answer"
                time.sleep(0.05)
        yield backend
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module", params=["etcd", "consul"])
def backend(request, tmp_path_factory):
    """An empty server."""
    program = shutil.which(request.param)
    if program is None:
        pytest.skip(f"{request.param} is not installed: configuration in {request.param} IS NOT TESTED")
    directory = tmp_path_factory.mktemp(request.param)
    ports = [free_port() for _ in range(6)]
    if request.param == "etcd":
        client, peer = (f"http://127.0.0.1:{port}" for port in ports[:2])
        command = [program, "--data-dir", "data", "--listen-client-urls", client]
        command += ["--advertise-client-urls", client, "--listen-peer-urls", peer]
        command += ["--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]
    else:
        names = ("http-port", "dns-port", "server-port", "serf-lan-port", "serf-wan-port")
        command = [program, "agent", "-dev", "-bind", "127.0.0.1", "-client", "127.0.0.1"]
        command += [f"-{name}={port}" for name, port in zip(names, ports, strict=False)]
        command += ["-hcl", f"ports {{ grpc = {ports[5]} }}"]
    with served(command, directory, f"{request.param}://127.0.0.1:{ports[0]}") as found:
        yield found


def test_a_stored_value_is_found(backend):
    backend.put("o2/a b/ü", "täxt\nlines")
    assert backend.get("o2/a b/ü") == "täxt\nlines"
    assert backend.get("o2/nothing") is None


def test_an_empty_text_is_a_text(backend):
    backend.put("o2/empty", "")
    assert backend.get("o2/empty") == ""


def test_the_keys_of_a_path_are_all_keys_below_the_path(backend):
    for key in ("o2/k/a", "o2/k/b/c", "o2/kx", "o2/k"):
        backend.put(key, "1")
    assert backend.keys("o2/k") == ["o2/k/a", "o2/k/b/c"]
    assert backend.keys("o2/nothing") == []


def test_components_are_found_by_fallback(backend):
    site = Configuration(backend)
    site.set("qc/ANY/any/task", "for {{ who }}", new_component=True)
    site.set("qc/PHYSICS/any/task", "physics")
    assert site.get("qc/COSMICS/flp1/task", {"who": "all"}) == "for all"
    assert site.get("qc/PHYSICS/flp1/task") == "physics"
    assert site.components() == ["qc"]
    with pytest.raises(UnknownNameError):
        site.get("qc/PHYSICS/flp1/none")


def test_a_run_time_value_and_the_detector_of_a_host_are_read(backend):
    site = Configuration(backend)
    site.runtime_set("aliecs", "x", "1")
    backend.put("o2/hardware/detectors/ITS/flps/flp1/aliases", "{}")
    assert (site.runtime_get("aliecs", "x"), site.detector_of("flp1")) == ("1", "ITS")


@pytest.mark.parametrize("kind", ["etcd", "consul"])
def test_a_missing_configuration_server_is_unreachable(kind):
    with pytest.raises(UnreachableError, match="does not answer"):
        open_backend(f"{kind}://127.0.0.1:{free_port()}", dict).get("o2/x")
