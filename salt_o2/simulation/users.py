"""Simulated users: they create, start, stop, modify and destroy environments, and remember the answers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from salt_o2.core.errors import O2Error, TaskError
from salt_o2.simulation.programs.cluster import Cluster

LOOK_S = 1.0
PATIENCE_S = 240.0
"""How long a request may take, in seconds in which control runs."""


CANCELLED = ("was cancelled by EXIT", "was cancelled by GO_ERROR")
"""Any user may destroy an environment at any time, also by force."""


class ConnectionLost(Exception):
    """Control has ended before it has answered."""


@dataclass(slots=True)
class Answers:
    """What control has answered to all users."""

    accepted: dict[str, str] = field(default_factory=dict)
    """The environments that control has said to have created, each with the user."""
    ended: set[str] = field(default_factory=set)
    """The environments whose end a user has requested."""
    destroyed: set[str] = field(default_factory=set)
    """The environments that control has said to have destroyed."""
    in_progress: dict[str, int] = field(default_factory=dict)
    """Requests in progress, by environment."""
    begun: dict[str, int] = field(default_factory=dict)
    """Requests ever begun, by environment."""
    unanswered: set[str] = field(default_factory=set)
    """Environments with a request without an answer: the next control may resume it."""
    runs: dict[int, str] = field(default_factory=dict)
    """Run numbers that were given, each with its environment."""
    failed: list[str] = field(default_factory=list)
    """Transitions that began and failed."""
    wrong: list[str] = field(default_factory=list)
    """Answers that must not be."""
    requests: int = 0
    refused: int = 0


class User:
    """One user."""

    def __init__(self, name: str, cluster: Cluster, rng: Random, answers: Answers) -> None:
        """Work on ``cluster`` and note the answers."""
        self.name, self._cluster, self._rng, self.answers = name, cluster, rng, answers
        self._own: list[str] = []
        self._alone = rng.choice((0.2, 0.8, 0.95))
        """How often the user steers an environment of its own, and none of another user."""

    async def work(self, until: float) -> None:
        """Send requests until the virtual time ``until``."""
        loop = self._cluster.loop
        while loop.time() < until:
            try:
                # Some users send the next request before the answer to the last one.
                requests = 2 if self._rng.random() < 0.1 else 1
                await asyncio.gather(*(self._act() for _ in range(requests)))
            except ConnectionLost:
                self._cluster.trace.add(f"{self.name} loses the connection to control")
            await asyncio.sleep(self._rng.expovariate(1 / 12.0))

    async def _act(self) -> None:
        listed = await self._try("env_list", {})
        environments = {each["id"]: each["state"] for each in (listed or [])}
        self._own = [id for id in self._own if id in environments]
        if not environments or (len(environments) < 4 and self._rng.random() < 0.3):
            await self._create()
            return
        mine = self._own if self._own and self._rng.random() < self._alone else list(environments)
        await self._steer(self._rng.choice(mine), environments)

    async def _create(self) -> None:
        variables = {
            "copies": str(self._rng.randint(1, 8)),
            "programs": str(self._rng.randint(1, 2)),
            "fmq_plugin": self._rng.choice(("OCC", "OCC", "OCClite")),
        }
        made = await self._try("env_create", {"workflow": "farm", "vars": variables})
        if made is not None:
            self.answers.accepted[made["id"]] = self.name
            self._own.append(made["id"])

    async def _steer(self, id: str, environments: Mapping[str, str]) -> None:
        draw = self._rng.random()
        state = str(environments.get(id, ""))
        if draw < 0.12:
            self.answers.ended.add(id)
            keep = self._rng.random() < 0.3
            how = {"allow_in_running_state": True, "keep_tasks": keep}
            await self._about(id, "env_destroy", {"id": id, **(how if draw < 0.1 else {"force": True})})
        elif draw < 0.3:
            copies = str(self._rng.randint(1, 8))
            await self._about(id, "env_modify", {"id": id, "vars": {"copies": copies}})
        else:
            event = {
                "CONFIGURED": "START_ACTIVITY",
                "RUNNING": "STOP_ACTIVITY",
                "ERROR": "RECOVER",
                "DEPLOYED": "CONFIGURE",
            }.get(state, "RESET")
            done = await self._about(id, "env_control", {"id": id, "event": event})
            if done is not None and event == "START_ACTIVITY" and done.get("run_number"):
                self._note_run(int(done["run_number"]), id)

    async def destroy(self, id: str) -> None:
        """Destroy an environment in whatever state it is."""
        self.answers.ended.add(id)
        await self._about(id, "env_destroy", {"id": id, "force": True})

    async def empty_pool(self) -> None:
        """End all tasks that wait in the pool."""
        await self._try("pool_clean", {"all": True})

    def _note_run(self, number: int, id: str) -> None:
        if number in self.answers.runs:
            self.answers.wrong.append(f"run number {number} was given twice")
        self.answers.runs[number] = id

    async def _about(self, id: str, verb: str, arguments: Mapping[str, Any]) -> Any:
        progress = self.answers.in_progress
        progress[id] = progress.get(id, 0) + 1
        self.answers.begun[id] = self.answers.begun.get(id, 0) + 1
        self.answers.unanswered.add(id)
        try:
            answer = await self._try(verb, arguments)
        finally:
            progress[id] -= 1
        # A refusal may come from a transition that the next control has resumed.
        if answer is not None and not progress[id]:
            self.answers.unanswered.discard(id)
        return answer

    async def _try(self, verb: str, arguments: Mapping[str, Any]) -> Any:
        """Return the answer of control; ``None`` if it refuses or fails.

        Raises:
            ConnectionLost: control has ended before.
        """
        control, trace = self._cluster.control, self._cluster.trace
        while not control.is_up:
            await asyncio.sleep(LOOK_S)
        program = control.program
        assert program is not None
        self.answers.requests += 1
        task, waited_s = control.request(verb, arguments, self.name), 0.0
        while not task.done():
            await asyncio.wait({task}, timeout=LOOK_S)
            if not program.alive:
                raise ConnectionLost
            waited_s += 0.0 if program.frozen else LOOK_S
            if waited_s > PATIENCE_S:
                self.answers.wrong.append(f"{verb} {dict(arguments)} has no answer after {PATIENCE_S:.0f} s")
                task.cancel()
                return None
        try:
            answer = task.result()
        except O2Error as error:
            self.answers.refused += 1
            if isinstance(error, TaskError) and not any(text in str(error) for text in CANCELLED):
                self.answers.failed.append(f"{verb} {dict(arguments)} fails: {error}")
            trace.add(f"{self.name}: {verb} {dict(arguments)} fails: {first_line(error)}")
            return None
        except Exception as error:
            self.answers.wrong.append(f"{verb} {dict(arguments)} raises {error!r}")
            return None
        if verb == "env_destroy" and str(answer["state"]) == "DONE":
            self.answers.destroyed.add(answer["id"])
        if "id" in arguments or "workflow" in arguments:
            trace.add(f"{self.name}: {verb} {dict(arguments)} -> {answer['id']} {answer['state']}")
        return answer


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text."""
    return (str(error).splitlines() or [""])[0][:200]
