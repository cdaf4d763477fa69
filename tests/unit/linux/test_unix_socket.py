"""Who listens at a unix socket."""

import os
import socket
import subprocess
import sys

from salt_o2.linux.unix_socket import peer_pid

LISTEN = (
    "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); "
    "print('here', flush=True); sys.stdin.read()"
)


def test_a_listener_is_known_by_its_pid_until_it_ends(tmp_path):
    path = tmp_path / "s.ipc"
    command = [sys.executable, "-c", LISTEN, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        assert peer_pid(path) == other.pid
    assert path.exists()
    assert peer_pid(path) is None


def test_a_listener_that_accepts_no_connection_is_known_by_its_pid(tmp_path):
    with socket.socket(socket.AF_UNIX) as mine:
        mine.bind(str(tmp_path / "s.ipc"))
        mine.listen()
        assert [peer_pid(tmp_path / "s.ipc") for _ in range(3)] == [os.getpid()] * 3


def test_a_plain_file_or_a_missing_one_has_no_listener(tmp_path):
    (tmp_path / "file").touch()
    assert peer_pid(tmp_path / "file") is None
    assert peer_pid(tmp_path / "nothing") is None
