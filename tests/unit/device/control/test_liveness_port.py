"""The port of a device at which control sees that the device runs."""

import socket

import pytest

from salt_o2.device.control import liveness_port
from salt_o2.device.control.liveness_port import LivenessPort
from tests.support.free_ports import free_port


def answer(port, question=b""):
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(question)
        return client.recv(100)


def test_each_client_gets_a_line_and_the_end_of_the_connection():
    alive = LivenessPort(port := free_port(), ["127.0.0.1", "127.0.0.1"])
    try:
        assert [answer(port) for _ in range(3)] == [liveness_port.TEXT] * 3
    finally:
        alive.stop()
    with pytest.raises(ConnectionRefusedError):
        answer(port)


def test_a_port_that_another_process_has_is_named_and_ends_nothing():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        alive = LivenessPort(port, ["127.0.0.1"])
        assert alive.refused == [f"127.0.0.1:{port} (Address already in use)"]
        alive.stop()


def test_an_address_that_the_machine_does_not_have_is_ignored():
    alive = LivenessPort(free_port(), ["192.0.2.1"])
    assert alive.refused == []
    alive.stop()


def test_a_device_answers_again_after_it_had_no_free_file_descriptor(monkeypatch):
    real, failures = socket.socket.accept, [OSError(24, "Too many open files")]

    def accept(self):
        if failures:
            raise failures.pop()
        return real(self)

    monkeypatch.setattr(liveness_port, "PAUSE_S", 0.0)
    monkeypatch.setattr(socket.socket, "accept", accept)
    alive = LivenessPort(port := free_port(), ["127.0.0.1"])
    try:
        assert answer(port) == liveness_port.TEXT
        assert failures == []
    finally:
        alive.stop()
