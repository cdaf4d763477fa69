"""The sockets of control and agent are made again when their files are removed, as private as before."""

import asyncio
import shutil
import stat
from contextlib import suppress

import pytest

from salt_o2.agent import server as agent_server
from salt_o2.agent.agent import Agent
from salt_o2.agent.host_facts import host_facts
from salt_o2.client import agent_client
from salt_o2.client.control_client import ControlClient
from salt_o2.control.request_server import RequestServer
from salt_o2.core.socket_paths import socket_path
from tests.support.harness.agent import HOST
from tests.support.waiting import wait_until


class Echo:
    async def serve(self, verb, arguments, user, progress):
        return {"verb": verb}


async def discard(report):
    raise ConnectionError


def control_at(folder):
    path = folder / "run" / "o2_control.ipc"

    def ask():
        with ControlClient(path) as control:
            return control.request("hello", timeout_s=5)

    return path, RequestServer(Echo(), path).run(), ask


def agent_at(folder):
    agent = Agent(HOST, folder / "tasks", host_facts(address="127.0.0.1"), discard)
    path = socket_path(folder / "run")

    def ask():
        with agent_client.connect(path.parent, 5.0) as asked:
            return asked.tasks()

    return path, agent_server.serve(agent, path.parent), ask


@pytest.mark.parametrize("daemon", [control_at, agent_at], ids=["control", "agent"])
@pytest.mark.parametrize("removed", ["file", "directory", "twice"])
def test_a_socket_whose_file_is_removed_is_made_again(tmp_path, daemon, removed):
    (tmp_path / "run").mkdir()
    path, serving, ask = daemon(tmp_path)

    def remove():
        shutil.rmtree(path.parent) if removed == "directory" else path.unlink()

    def whole():
        wait_until(path.is_socket, "it is there")
        ask()
        for _ in range(2 if removed == "twice" else 1):
            remove()
            wait_until(path.is_socket, "it is there again")
            wait_until(lambda: path.is_socket() and answers(ask), "it answers")
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0

    async def scene():
        task = asyncio.create_task(serving)
        try:
            await asyncio.to_thread(whole)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(scene())
    assert not path.exists()


def answers(ask):
    from salt_o2.core.errors import UnreachableError

    try:
        return ask() is not None
    except UnreachableError:
        return False
