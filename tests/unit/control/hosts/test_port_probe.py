"""Who speaks first is alive: asked without a message, on real sockets."""

import asyncio
import contextlib
import errno
import socket
import time
from concurrent import futures

import grpc
import pytest
import zmq

from salt_o2.control.hosts import port_probe
from salt_o2.control.hosts.port_probe import PortProbe

HERE = "127.0.0.1"
SOON_S, PATIENT_S = 0.2, 20.0


def speaks(*ports, deadline_s=PATIENT_S, at_once=256):
    async def ask():
        return await PortProbe(at_once).speaks(HERE, ports, deadline_s)

    return asyncio.run(ask())


def is_up(*ports, deadline_s=PATIENT_S):
    async def ask():
        return await PortProbe().is_up(HERE, ports, deadline_s)

    return asyncio.run(ask())


@contextlib.contextmanager
def a_control_channel():
    server = grpc.server(futures.ThreadPoolExecutor(1))
    port = server.add_insecure_port(f"{HERE}:0")
    server.start()
    yield port
    server.stop(None).wait()


@contextlib.contextmanager
def a_data_channel():
    with zmq.Context() as context, context.socket(zmq.PUSH) as channel:
        channel.linger = 0
        yield channel.bind_to_random_port(f"tcp://{HERE}")


@contextlib.contextmanager
def a_stopped_process():
    """A listening socket without a server: the kernel accepts connections all the same."""
    with socket.create_server((HERE, 0)) as listening:
        yield listening.getsockname()[1]


@contextlib.contextmanager
def a_free_port():
    """A port that refuses."""
    with socket.socket() as bound:
        bound.bind((HERE, 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize("listener", [a_control_channel, a_data_channel])
def test_the_server_of_a_channel_sends_first(listener):
    with listener() as port:
        assert speaks(port) is True


@pytest.mark.parametrize("no_one", [a_stopped_process, a_free_port])
def test_a_stopped_or_dead_process_says_nothing(no_one):
    with no_one() as port:
        assert speaks(port, deadline_s=SOON_S) is False


def test_one_answer_of_many_is_enough_and_the_others_are_not_awaited():
    with a_stopped_process() as stopped, a_free_port() as dead, a_data_channel() as alive:
        assert speaks(stopped, dead, alive) is True


def test_a_probe_of_no_port_has_no_answer():
    assert speaks() is False


def test_the_last_port_is_probed_even_if_few_ports_are_probed_at_a_time():
    with a_stopped_process() as stopped, a_data_channel() as alive:
        assert speaks(stopped, stopped, alive, deadline_s=SOON_S, at_once=1) is True


def test_a_probed_data_channel_continues_to_serve_its_peers():
    with a_data_channel() as port, zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.linger, pull.rcvtimeo = 0, 100
        for _ in range(3):
            assert speaks(port) is True
        pull.connect(f"tcp://{HERE}:{port}")
        with pytest.raises(zmq.Again):
            pull.recv()  # the probe was no peer: nothing is there, nothing is broken


@pytest.mark.parametrize("port_of", [a_stopped_process, a_free_port], ids=["taken", "refused"])
def test_a_kernel_that_accepts_or_refuses_a_connection_is_up(port_of):
    with port_of() as port:
        assert is_up(port) is True


@pytest.mark.parametrize(
    ("number", "answer"),
    [(errno.EHOSTUNREACH, False), (errno.ENETUNREACH, False), (errno.EMFILE, None), (errno.ENOBUFS, None)],
    ids=["no such host", "no way there", "no file left here", "no memory left here"],
)
@pytest.mark.parametrize("asked", [speaks, is_up])
def test_an_error_of_the_own_machine_proves_nothing_about_the_probed_host(monkeypatch, number, answer, asked):
    async def fail(*_):
        raise OSError(number, "as the kernel says it")

    monkeypatch.setattr(port_probe.asyncio, "open_connection", fail)
    assert asked(1) is answer


def test_a_host_that_could_not_be_probed_may_be_alive_although_others_are_not(monkeypatch):
    numbers = iter([errno.ECONNREFUSED, errno.EMFILE])

    async def fail(*_):
        raise OSError(next(numbers), "as the kernel says it")

    monkeypatch.setattr(port_probe.asyncio, "open_connection", fail)
    assert speaks(1, 2) is None


@pytest.mark.parametrize("question", ["speaks", "is_up"])
def test_a_probe_that_stood_still_cannot_tell(question):
    """Control was stopped for longer than the deadline while it asked; the answer was there, unread."""

    async def ask(port):
        asked = asyncio.ensure_future(getattr(PortProbe(), question)(HERE, [port], SOON_S))
        await asyncio.sleep(0)  # the question is a task of its own
        await asyncio.sleep(0)  # which connects
        time.sleep(3 * SOON_S)
        return await asked

    with a_data_channel() as port:
        assert asyncio.run(ask(port)) is not False
