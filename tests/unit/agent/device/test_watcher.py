"""When the agent polls a device because the device announced a transition."""

import asyncio

from salt_o2.agent.device.session import ObservedState
from salt_o2.agent.device.watcher import DeviceWatcher
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.core.states import TaskState


class Scene:
    """A task that is on its way, or not, and its device, which tells of its moves."""

    def __init__(self):
        self.record = TaskRecord(
            task="sampler", environment="E", state=TaskState.RUNNING, device_state="RUNNING"
        )
        self.is_busy = False
        self.last_streamed, self.truth, self.looks, self.moves = (
            "",
            ObservedState(TaskState.RUNNING, "RUNNING", 7),
            0,
            [],
        )
        self.task = DeviceWatcher(self, self, self.note, print)
        self.task.begin()

    def note(self, state, word, reason):
        self.record.state, self.record.device_state = state, word
        self.moves.append((state, word, reason))

    def watch(self, look, announce, running):
        self.stir = look

    async def poll_state(self, timeout_s):
        self.looks += 1
        return self.truth

    def tell(self, word):
        self.last_streamed = word
        self.stir()

    async def settle(self):
        """As a task's runner does: the watch begins anew in its last step, and then it is over."""
        self.task.begin()
        self.is_busy = False
        for _ in range(5):
            await asyncio.sleep(0)


def play(scene):
    async def played():
        await scene(Scene())

    asyncio.run(played())


def test_a_move_of_an_idle_device_is_detected():
    async def scene(stage):
        stage.truth = ObservedState(TaskState.CONFIGURED, "READY", 7)
        stage.tell("READY")
        await stage.settle()
        assert stage.moves == [
            (TaskState.CONFIGURED, "READY", "it left RUNNING without an order and is READY")
        ]

    play(scene)


def test_a_move_at_the_end_of_a_step_is_detected_after_the_step():
    """A run of one message is over before START is."""

    async def scene(stage):
        stage.is_busy = True
        stage.truth = ObservedState(TaskState.CONFIGURED, "READY", 7)
        stage.tell("READY")
        await stage.settle()
        assert [move[:2] for move in stage.moves] == [(TaskState.CONFIGURED, "READY")]

    play(scene)


def test_a_state_that_an_own_step_causes_starts_no_inspection():
    async def scene(stage):
        stage.is_busy = True
        stage.tell("RUNNING")
        await stage.settle()
        assert (stage.looks, stage.moves) == (0, [])

    play(scene)
