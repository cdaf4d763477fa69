"""A host that sends wrong messages stops neither control nor agents, and changes nothing of other hosts.

O2_MUTATED says how many messages are made, O2_MUTATED_SEED of which seed; `make soak` makes 100,000.
Run it then with `-p no:logging`: pytest keeps all log lines, a kilobyte for each message.
"""

import asyncio
import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

import msgspec
import pytest

from salt_o2.bus import envelope
from salt_o2.bus.control_link import ControlLink
from salt_o2.bus.host_link import HostLink
from salt_o2.core.codec import plain
from salt_o2.core.errors import InvalidRequestError, UnreachableError
from salt_o2.core.messages.commands import Command, Notice, Order, SurveyRequest
from salt_o2.core.messages.reports import HostFacts, Report
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskState
from salt_o2.core.states import EnvironmentEvent as _E
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHosts
from tests.support.harness.control import control_harness, until
from tests.support.harness.sign_in import Site as Keys
from tests.support.random_tests.mutated_messages import HOSTILE, mutated, mutated_bytes

COUNT = int(os.environ.get("O2_MUTATED", "1500"))
SEED = int(os.environ.get("O2_MUTATED_SEED", "1"))
WARM = 500
"""Messages after which the memory is measured first: what is loaded and cached by then is no growth."""
MOST_GROWTH_MB = 50
CHECK_EVERY = 50
VICTIM, LIAR = "flp1", "flp2"


class Bus(FakeHosts):
    """FakeHosts that obey, on a bus that remembers nothing."""

    async def send(self, messages):
        await super().send(messages)
        self.commands.clear()
        self.inquiries.clear()

    async def announce(self, news):
        pass


class Scene:
    """Control with an environment on each of two hosts; the one host sends wrong messages."""

    def __init__(self, room, environments, random):
        self.room, self.environments, self.random = room, environments, random
        self.keys = Keys()
        self.link = HostLink(self.keys.control(), room.control.hosts.kept_incarnation)
        self.agents = 0
        self.sign_in()
        self.bases = [plain(report) for report in self._reports()]
        self.stolen = self._known_of_the_victim()
        self.before = self.state_of_the_victim()

    def sign_in(self):
        """Let another agent of the liar sign in; its incarnation is new after the first."""
        self.agents += 1
        self.agent = ControlLink(self.keys.agent(LIAR, str(self.agents)))
        self._greet()

    def _greet(self):
        for body in self.link.receive(LIAR, {"hello": self.agent.session.greet()}).replies:
            self.agent.receive(body)

    def send_one(self):
        """Let the liar send one message, wrong at one layer or another."""
        kind = self.random.random()
        if kind < 0.70:
            self._take({"sealed": self._seal(envelope.wrap(self._report()))})
        elif kind < 0.80:
            self._take({"sealed": self._seal(mutated_bytes(envelope.wrap(self._report()), self.random))})
        elif kind < 0.90:
            self._take({"sealed": mutated_bytes(self._seal(envelope.wrap(self.bases[0])), self.random)})
        elif kind < 0.95:
            self._take({"hello": mutated_bytes(self.agent.session.greet(), self.random)})
        elif kind < 0.99:
            self._take(mutated({"hello": b"", "sealed": [1], "report": {"a": 1}}, self.random))
            self._take(self.random.choice(HOSTILE))
        else:
            self.sign_in()

    def _seal(self, packed):
        with suppress(UnreachableError):
            return self.agent.session.seal(packed)
        self._greet()
        return self.agent.session.seal(packed)

    def _report(self):
        base = {**self.random.choice(self.bases), "incarnation": str(self.agents)}
        base["sequence"] = self.random.randrange(10**6)
        return mutated(base, self.random, self.stolen)

    def _take(self, data):
        name = self.random.choice([LIAR, LIAR, VICTIM, "ghost", ""])
        heard = self.link.receive(name, data)
        for body in heard.replies:
            with suppress(InvalidRequestError):  # as the agent's bus does
                self.agent.receive(body)
        if heard.report is not None:
            assert heard.report.host == LIAR
            self.room.control.reports.receive(heard.report)

    def _reports(self):
        facts = HostFacts(address="10.0.0.2", network="n2", cpus=64, memory_mb=64_000)
        for id in self.environments:
            environment = self.room.environment(id)
            tasks = tuple(environment.model.tasks.reports.values())
            yield Report(host=LIAR, incarnation="1", sequence=1, tasks=tasks)
            if environment.model.wait:
                done = tuple(running(environment, task) for task in environment.model.tasks.tasks)
                yield Report(host=LIAR, incarnation="1", sequence=1, tasks=done)
            yield Report(host=LIAR, incarnation="1", sequence=2, tasks=tasks, facts=facts)
            yield Report(host=LIAR, incarnation="1", sequence=2, accepted={id: environment.model.revision})

    def _known_of_the_victim(self):
        environment = self.room.environment(self.environments[0])
        done = [running(environment, task) for task in environment.model.tasks.reports]
        tasks = [plain(report) for report in (*environment.model.tasks.reports.values(), *done)]
        return (
            environment.model.id,
            environment.model.revision,
            *(task["task"] for task in tasks),
            *tasks,
            VICTIM,
            "10.0.0.1",
        )

    def state_of_the_victim(self):
        """Return all that the liar must not change."""
        control = self.room.control
        return (
            *(self._state_of(self.room.environment(id)) for id in self.environments[:-1]),
            (control.inventory.facts_of(VICTIM), control.inventory.refused_ports("n1")),
            (
                control.hosts.presence(VICTIM),
                control.hosts.known[VICTIM].faults,
                control.runs.last_run > 1000,
            ),
        )

    def _state_of(self, environment):
        members, wait = environment.model.tasks, environment.model.wait
        return (
            (environment.model.state, environment.model.run.number, environment.model.revision),
            (wait and set(wait.waiting), wait and set(wait.unacknowledged)),
            (members.plan, dict(members.reports), dict(members.excluded), dict(members.lost)),
        )

    def check(self):
        """Compare with what was so at the beginning, and count what must not grow."""
        assert self.state_of_the_victim() == self.before
        assert set(self.room.control.hosts.known) == {VICTIM, LIAR}
        assert set(self.link.refusals) <= {VICTIM, LIAR, ""}
        assert len(self.room.control.hosts.known[LIAR].faults) <= 100


async def created(room, host):
    """Create an environment whose tasks are on ``host``, and return its id."""
    move = {f"root.leaf{n}": host for n in range(2)}
    made = await room.ask("env_create", workflow="farm", move=move, vars={"start_timeout_s": 100_000})
    return made["id"]


def running(environment, task):
    """Return the report of a task that has done the step to RUNNING."""
    before = environment.model.tasks.reports[task]
    return replace(before, revision=environment.model.revision, state=TaskState.RUNNING)


def tell(_progress):
    pass


def memory_mb():
    """Return how much memory this process has in RAM."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.finding("3.1")
@pytest.mark.timeout(3600)
def test_no_wrong_message_of_a_host_stops_control_or_changes_another_host(tmp_path):
    async def scene():
        repository(tmp_path)
        async with control_harness(tmp_path, bus=Bus(VICTIM, LIAR), host_mb_per_hour=1.0) as room:
            environments = [await created(room, host) for host in (VICTIM, VICTIM, LIAR)]
            for id in environments[1:]:
                await room.ask("env_control", id=id, event="START_ACTIVITY")
            room.hosts.deaf = {VICTIM}
            begun = room.dispatcher.serve(
                "env_control", {"id": environments[0], "event": _E.START_ACTIVITY}, "", tell
            )
            starting = asyncio.ensure_future(begun)
            await until(lambda: room.environment(environments[0]).model.wait is not None)
            play = Scene(room, environments, Random(SEED))
            warm = 0.0
            for number in range(COUNT):
                play.send_one()
                if number % CHECK_EVERY == 0:
                    await asyncio.sleep(0)
                    play.check()
                if number == WARM:
                    warm = memory_mb()
            play.check()
            assert memory_mb() - warm < MOST_GROWTH_MB
            assert {each["id"] for each in await room.ask("host_list")} == {VICTIM, LIAR}
            environment = room.environment(environments[0])
            room.hosts.report(VICTIM, *(running(environment, task) for task in environment.model.tasks.tasks))
            assert (await starting)["state"] == "RUNNING"

    started = time.monotonic()
    asyncio.run(scene())
    print(f"{COUNT} messages of seed {SEED} in {time.monotonic() - started:.0f} s")


def commands():
    launch = Launch(
        mode=ControlMode.FAIRMQ, value="leaf", control_port=30000, path="root.leaf", class_name="leaf"
    )
    order = Order(task="T", launch=launch, properties={"a": "b"})
    yield Command(host=LIAR, environment="E", revision=3, goal=TaskState.CONFIGURED, orders=(order,) * 3)
    yield SurveyRequest(host=LIAR)
    yield Notice(host=LIAR, incarnation="1", refused="two agents")


@pytest.mark.finding("3.1")
@pytest.mark.timeout(3600)
def test_no_wrong_message_stops_an_agent_from_reading_the_next():
    random, keys = Random(SEED), Keys()
    control = keys.control()
    agent = ControlLink(keys.agent(LIAR))
    _, welcome = control.take_hello(agent.session.greet())
    agent.receive({"welcome": welcome})
    control.open(agent.session.seal(b"first"))
    bases = [{"kind": type(each).__name__, "message": plain(each)} for each in commands()]
    for _ in range(COUNT):
        body = mutated(random.choice(bases), random, (VICTIM, "E", "T"))
        with suppress(InvalidRequestError):
            agent.receive({"sealed": control.seal(LIAR, envelope.wrap(body), "1")})
        for wrong in (
            {"sealed": mutated_bytes(control.seal(LIAR, b"x", "1"), random)},
            {"welcome": mutated_bytes(welcome, random)},
            mutated({"invitation": b"", "sealed": [1]}, random),
            random.choice(HOSTILE),
        ):
            with suppress(InvalidRequestError):
                agent.receive(wrong)
        good = control.seal(LIAR, envelope.wrap(bases[1]), "1")
        assert agent.receive({"sealed": good}) == SurveyRequest(host=LIAR)


def test_a_mutation_is_a_change_and_the_same_seed_makes_the_same():
    message = msgspec.json.decode(msgspec.json.encode([plain(each) for each in commands()]))
    before = repr(message)
    made = [repr(mutated(message, Random(seed))) for seed in range(50)]
    assert repr(message) == before
    assert len(set(made)) > 40
    assert made == [repr(mutated(message, Random(seed))) for seed in range(50)]
