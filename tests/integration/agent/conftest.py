"""Scenes with a real agent."""

import asyncio

import pytest
from agent_stage import Stage


@pytest.fixture
def perform(tmp_path):
    """Play a scene, which is a coroutine function of the stage, and clean up behind it."""

    async def play(scene):
        stage = Stage(tmp_path / "agent")
        await stage.up()
        try:
            await scene(stage)
        finally:
            await stage.clean()

    return lambda scene: asyncio.run(play(scene))
