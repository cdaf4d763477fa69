"""Scenes with a real agent."""

import asyncio

import pytest

from tests.support.harness.agent import AgentHarness


@pytest.fixture
def perform(tmp_path):
    """Play a scene, which is a coroutine function of the stage, and clean up behind it."""

    async def play(scene):
        stage = AgentHarness(tmp_path / "agent")
        await stage.up()
        try:
            await scene(stage)
        finally:
            await stage.clean()

    return lambda scene: asyncio.run(play(scene))
