"""Requests that the agents of hosts answer, inside their sessions."""

import asyncio

import pytest

from salt_o2.control.hosts.host_questions import AT_ONCE, UNKNOWN, HostQuestions, QuestionLimit
from salt_o2.core.access_roles import BY_RUNNER
from salt_o2.core.errors import InvalidRequestError, TaskError, UnreachableError
from tests.support.fakes.hosts import FakeHosts
from tests.support.harness.control import control_harness

TASKS = [
    {"task": "readout", "environment": "E1", "state": "RUNNING"},
    {"task": "stfb", "environment": "E2", "state": "RUNNING"},
]


class FakeBus:
    """Agents that answer, refuse, or are silent."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []
        self.at_once = self.most_at_once = 0

    async def ask(self, host, verb, arguments, wait_s=0.0):
        self.asked.append((host, verb, list(arguments), wait_s))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        answer = self.answers.get(host, "an answer")
        if isinstance(answer, Exception):
            raise answer
        return answer


def ask_all(bus, *hosts, known=None):
    questions = HostQuestions(bus, set(known if known is not None else hosts))
    return asyncio.run(questions.ask_all(hosts, "info", ["x"], 10.0))


@pytest.mark.finding("X16")
@pytest.mark.parametrize("error", [UnreachableError("it is silent"), TaskError("no task 'x' on flp2")])
def test_the_failure_of_one_host_is_shown_for_this_host_alone(error):
    bus = FakeBus(flp1={"tasks": 3}, flp2=error, flp3={"tasks": 4})
    assert ask_all(bus, "flp1", "flp2", "flp3") == {
        "flp1": {"tasks": 3},
        "flp2": {"error": str(error)},
        "flp3": {"tasks": 4},
    }


def test_a_host_that_has_never_reported_is_not_waited_for():
    bus = FakeBus()
    assert ask_all(bus, "flp1", "ghost", known=["flp1"]) == {"flp1": "an answer", "ghost": {"error": UNKNOWN}}
    assert [host for host, *_ in bus.asked] == ["flp1"]


def test_a_defect_of_control_is_no_answer_of_a_host():
    with pytest.raises(ZeroDivisionError):
        ask_all(FakeBus(flp1=ZeroDivisionError()), "flp1")


def test_a_bounded_number_of_hosts_is_asked_at_the_same_time():
    bus = FakeBus()
    hosts = [f"flp{number}" for number in range(3 * AT_ONCE)]
    assert len(ask_all(bus, *hosts)) == 3 * AT_ONCE
    assert bus.most_at_once == AT_ONCE


@pytest.mark.finding("X16")
@pytest.mark.parametrize(
    ("verb", "arguments", "asked"),
    [
        ("host_tasks", {}, ("tasks", [])),
        ("host_info", {}, ("info", [])),
        ("host_audit", {}, ("audit", [])),
        ("host_records", {"environment": "E1"}, ("records", ["E1"])),
        ("host_log", {"task": "readout", "lines": 5}, ("log", ["readout", 5])),
        ("host_kill", {"tasks": ["readout", "stfb"]}, ("kill", [["readout", "stfb"]])),
        (
            "host_transition",
            {"tasks": ["readout"], "event": "start", "arguments": {"runNumber": 42}},
            ("transition", [["readout"], "START", {"runNumber": "42"}, 7.0]),
        ),
    ],
)
def test_each_function_for_hosts_is_a_question_in_the_session(tmp_path, verb, arguments, asked):
    async def scene():
        async with control_harness(tmp_path, "flp1", "flp2") as room:
            bus = FakeBus(flp1=TASKS)
            room.hosts.ask = bus.ask
            answer = await room.ask(verb, hosts=["flp1", "flp2"], timeout_s=7.0, **arguments)
            return answer, bus.asked

    answer, questions = asyncio.run(scene())
    assert questions == [("flp1", *asked, 7.0), ("flp2", *asked, 7.0)]
    assert list(answer) == ["flp1", "flp2"]
    assert verb in BY_RUNNER.values()


def test_tasks_come_by_name_and_only_those_of_the_environment(tmp_path):
    async def scene(**arguments):
        async with control_harness(tmp_path, "flp1") as room:
            room.hosts.ask = FakeBus(flp1=TASKS).ask
            return await room.ask("host_tasks", hosts=["flp1", "ghost"], **arguments)

    assert set(asyncio.run(scene())["flp1"]) == {"readout", "stfb"}
    assert asyncio.run(scene(environment="E2"))["flp1"] == {"stfb": TASKS[1]}
    assert asyncio.run(scene())["ghost"] == {"error": UNKNOWN}


def test_a_request_that_no_host_has_answered_fails_with_the_reason_of_each(tmp_path):
    async def scene():
        async with control_harness(tmp_path, "flp1") as room:
            room.hosts.ask = FakeBus(flp1=UnreachableError("it is silent")).ask
            with pytest.raises(TaskError, match="flp1: it is silent; ghost: no agent"):
                await room.ask("host_info", hosts=["flp1", "ghost"])

    asyncio.run(scene())


@pytest.mark.parametrize("hosts", [[], ["*"], ["flp1", "flp[1-9]"], ["-L"]])
def test_a_pattern_of_hosts_is_refused(tmp_path, hosts):
    async def scene():
        async with control_harness(tmp_path, "flp1") as room:
            with pytest.raises(InvalidRequestError):
                await room.ask("host_info", hosts=hosts)

    asyncio.run(scene())


@pytest.mark.finding("A24")
def test_a_user_with_many_questions_under_way_is_refused_and_others_are_not():
    limit = QuestionLimit(most=2)
    with limit.turn("teo"), limit.turn("teo"):
        with (
            pytest.raises(UnreachableError, match="teo has 2 requests to hosts under way"),
            limit.turn("teo"),
        ):
            pass
        with limit.turn("ada"):
            pass
    with limit.turn("teo"):
        pass


@pytest.mark.finding("A15")
def test_a_malformed_answer_of_one_host_does_not_lose_the_answers_of_others(tmp_path):
    async def scene():
        hosts = FakeHostsThatAnswer(
            {"flp1": [{}, 7, {"task": "readout", "environment": "E1"}], "flp2": TASKS}
        )
        async with control_harness(tmp_path, bus=hosts) as room:
            shown = await room.ask("host_tasks", hosts=["flp1", "flp2"])
        assert {host: sorted(tasks) for host, tasks in shown.items()} == {
            "flp1": ["readout"],
            "flp2": ["readout", "stfb"],
        }

    asyncio.run(scene())


class FakeHostsThatAnswer(FakeHosts):
    """FakeHosts with an answer for each host."""

    def __init__(self, answers):
        super().__init__(*answers)
        self.answers = answers

    async def ask(self, host, verb, arguments, wait_s=0.0):
        return self.answers[host]
