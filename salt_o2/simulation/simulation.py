"""Run one simulation from its scenario, and return what came of it."""

import asyncio
import gc
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from salt_o2.simulation.injection import Injection
from salt_o2.simulation.invariants import CHECK_S, Invariants
from salt_o2.simulation.machine.event_loop import VirtualLoop
from salt_o2.simulation.machine.operating_system import exchanged
from salt_o2.simulation.machine.process import Died, Program
from salt_o2.simulation.programs.cluster import Cluster, key
from salt_o2.simulation.scenario import BEGIN_S, KILLS, Scenario
from salt_o2.simulation.users import Answers, User

MEMORY = Path("/dev/shm")
END_S = 60.0
"""How long the destruction of all environments may take at the end."""
MOST_TURNS = 5_000_000
"""Callbacks after which a simulation is stopped: a program runs without end."""


@dataclass(slots=True)
class Outcome:
    """What came of one simulation."""

    scenario: Scenario
    broken: list[str] = field(default_factory=list)
    """The invariants that were violated, in plain words; empty if all held."""
    trace: list[str] = field(default_factory=list)
    checks: int = 0
    turns: int = 0
    simulated_s: float = 0.0
    requests: int = 0
    created: int = 0
    """Environments that were created; a simulation without any shows nothing."""
    pairs: set[tuple[str, str]] = field(default_factory=set)

    @property
    def text(self) -> str:
        """Return the whole log: the same for the same scenario, byte by byte."""
        return "\n".join([*self.trace, *(f"VIOLATED: {violation}" for violation in self.broken), ""])


def simulate(scenario: Scenario) -> Outcome:
    """Run ``scenario``."""
    for number in range(1, scenario.hosts + 1):
        key(f"flp{number}")
    key("master")
    with quiet():
        return _simulated(scenario)


def _simulated(scenario: Scenario) -> Outcome:
    rng, outcome = Random(f"{scenario.seed}/cluster"), Outcome(scenario)
    loop = VirtualLoop(Random(f"{scenario.seed}/order"))
    with (
        _folder() as folder,
        exchanged(loop.time, Random(f"{scenario.seed}/entropy"), lambda program: run.died(program)),
    ):
        run = _Run(scenario, loop, rng, folder, outcome)
        try:
            loop.run_until_complete(run.run())
        finally:
            run.release_memory()
            loop.close()
    return outcome


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="o2-sim-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@contextmanager
def quiet() -> Iterator[None]:
    """Log nothing, and hide what programs that were killed do when their memory is released."""
    before, hook, collects = logging.root.manager.disable, sys.unraisablehook, gc.isenabled()
    logging.disable(logging.CRITICAL)
    sys.unraisablehook = lambda _: None
    # Without a running loop, a ``finally`` block would make one that nothing closes.
    asyncio.set_event_loop(None)
    gc.disable()
    # What the process has imported needs no search for cycles.
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()
        logging.disable(before)
        sys.unraisablehook = hook
        if collects:
            gc.enable()


class _Run:
    """The course of one simulation."""

    def __init__(
        self, scenario: Scenario, loop: VirtualLoop, rng: Random, folder: Path, outcome: Outcome
    ) -> None:
        self._scenario, self._loop, self._folder, self._outcome = scenario, loop, folder, outcome
        self._cluster = Cluster(loop, rng, folder, scenario.hosts)
        self._injection = Injection(self._cluster)
        self._answers = Answers()
        may_fail = any(fault.kind not in KILLS for fault in scenario.faults)
        self._invariants = Invariants(self._cluster, self._injection, self._answers, may_fail)
        loop.set_exception_handler(self._unhandled)

    def _unhandled(self, _loop: Any, context: dict[str, Any]) -> None:
        violation = context.get("exception") or context.get("message")
        if isinstance(violation, Died):
            return
        self._invariants.broken.append(f"an exception that no program handled: {violation!r}")

    def died(self, program: Program) -> None:
        """Kill ``program`` in the middle of a function."""
        self._cluster.program_died(program)

    def release_memory(self) -> None:
        """Release the memory of all programs."""
        self._cluster.release_memory()

    async def run(self) -> None:
        """Run from the start to the end."""
        cluster, outcome, scenario = self._cluster, self._outcome, self._scenario
        cluster.start()
        working = [asyncio.ensure_future(self._inject()), asyncio.ensure_future(self._check())]
        working += [asyncio.ensure_future(self._user(number)) for number in range(scenario.users)]
        try:
            await self._until(scenario.quiet_from)
            self._injection.heal_all()
            await self._until(60.0 * scenario.minutes - END_S)
            if not self._invariants.broken:
                self._invariants.check_quiet()
            if not self._invariants.broken:
                await self._destroy_all()
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            invariants = self._invariants
            outcome.broken = list(dict.fromkeys(invariants.broken))
            outcome.trace, outcome.checks = cluster.trace.lines, invariants.checks
            outcome.turns, outcome.simulated_s = self._loop.turns, self._loop.time()
            outcome.requests, outcome.pairs = self._answers.requests, invariants.pairs
            outcome.created = len(self._answers.accepted)
            cluster.close()

    async def _until(self, when: float) -> None:
        while self._loop.time() < when and not self._invariants.broken:
            await asyncio.sleep(min(CHECK_S, when - self._loop.time()))

    async def _user(self, number: int) -> None:
        await asyncio.sleep(BEGIN_S)
        rng = Random(f"{self._scenario.seed}/user {number}")
        await User(f"user{number}", self._cluster, rng, self._answers).work(self._scenario.quiet_from)

    async def _inject(self) -> None:
        for fault in self._scenario.faults:
            await asyncio.sleep(max(0.0, fault.at - self._loop.time()))
            self._invariants.note_pair(fault.kind)
            self._injection.inject(fault)

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            self._invariants.check()
            if self._loop.turns > MOST_TURNS:
                self._invariants.broken.append(f"more than {MOST_TURNS} callbacks ran")

    async def _destroy_all(self) -> None:
        """Let a user destroy everything, and check that nothing is left."""
        control = self._cluster.control
        user = User("user0", self._cluster, Random(0), self._answers)
        for id in list(control.environments):
            await user.destroy(id)
        if control.control is not None:
            await user.empty_pool()
        await asyncio.sleep(5.0)
        self._invariants.check()
        self._invariants.check_empty()


def without(scenario: Scenario, faults: set[int]) -> Scenario:
    """Return ``scenario`` without the faults of these numbers."""
    remaining = tuple(fault for number, fault in enumerate(scenario.faults) if number not in faults)
    return replace(scenario, faults=remaining)
