"""Control asks agents inside their sessions: no other host reads a question or answers it."""

import asyncio
import base64
import random

import pytest

from salt_o2.bus.control_link import ControlLink
from salt_o2.bus.host_link import HostLink
from salt_o2.bus.questions import KEY, MOST_PARTS, PART_BYTES, Answering, OpenQuestions
from salt_o2.core.errors import InvalidRequestError, TaskError, UnreachableError
from salt_o2.core.messages.reports import Report
from tests.support.harness.sign_in import Site

NOISE = base64.b64encode(random.Random(7).randbytes(2_000_000)).decode()


class Scene:
    """Control, and agents on flp1 and flp2 that have signed in."""

    def __init__(self, answer):
        site = Site()
        self.control, self.questions, self.asked = HostLink(site.control()), OpenQuestions(), []
        self.agents = {host: ControlLink(site.agent(host, "1")) for host in ("flp1", "flp2")}
        self.answerings = {host: Answering(answer) for host in self.agents}
        for host, agent in self.agents.items():
            for body in self.control.receive(host, {"hello": agent.session.greet()}).replies:
                agent.receive(body)
            self.arrive(host, agent.seal(Report(host=host, incarnation="1", sequence=1)))

    def arrive(self, name, sealed):
        heard = self.control.receive(name, {"sealed": sealed})
        if heard.answer is not None:
            self.questions.add_part(heard.host, heard.answer)

    async def deliver(self, messages):
        """Carry questions to their agents, and the answers back."""
        for message in messages:
            for body in self.control.seal(message):
                await self.reply(self.agents[message.host].receive(body))

    async def reply(self, question, host=None):
        host = host or question.host
        self.asked.append(question)
        if self.answerings[host].is_new(question):
            for part in await self.answerings[host].parts(question):
                self.arrive(host, self.agents[host].seal_answer(part))

    async def ask(self, *arguments, limit_s=30.0, send=None):
        return await self.questions.ask("flp1", "log", arguments, limit_s, send or self.deliver)


async def echo(question):
    return list(question.arguments)


@pytest.mark.finding("X15")
def test_an_answer_arrives_unchanged():
    scene = Scene(echo)
    assert asyncio.run(scene.ask("a", {"b": [1, None]}, 2.5)) == ["a", {"b": [1, None]}, 2.5]


def test_an_answer_that_is_larger_than_an_event_arrives_in_parts():
    async def large(_):
        return NOISE

    assert len(NOISE) > 2 * PART_BYTES
    assert asyncio.run(Scene(large).ask()) == NOISE


def test_an_answer_that_is_too_large_is_an_error():
    async def huge(_):
        return NOISE * (1 + MOST_PARTS * PART_BYTES // len(NOISE))

    scene = Scene(huge)
    with pytest.raises(TaskError, match="ask for less"):
        asyncio.run(scene.ask())


@pytest.mark.finding("X15")
def test_no_host_answers_a_question_that_another_host_was_asked():
    scene = Scene(echo)

    async def stolen(messages):
        for message in messages:
            await scene.reply(message, host="flp2")  # it knows all of the question

    with pytest.raises(UnreachableError, match="flp1 has not answered log"):
        asyncio.run(scene.ask(limit_s=0.01, send=stolen))
    assert len(scene.asked) == 2


def test_an_error_of_the_agent_is_returned():
    async def fail(_):
        raise InvalidRequestError("no task x is here")

    with pytest.raises(TaskError, match="flp1 answered: no task x"):
        asyncio.run(Scene(fail).ask())


def test_a_question_that_comes_twice_is_answered_once():
    answered = []

    async def count(question):
        answered.append(question.id)
        return len(answered)

    scene = Scene(count)

    async def twice(messages):
        await scene.deliver([*messages, *messages])

    assert asyncio.run(scene.ask(send=twice)) == 1
    assert len(scene.asked) == 2
    assert len(answered) == 1


@pytest.mark.parametrize(
    "data",
    [None, [], {}, {"question": 1}, {"question": "x", "number": 0, "parts": 1, "data": 5}],
)
def test_a_foreign_part_of_an_answer_is_refused(data):
    scene = Scene(echo)
    with pytest.raises(InvalidRequestError):
        scene.arrive("flp1", scene.agents["flp1"].seal_answer({KEY: data or "x"}))


@pytest.mark.parametrize(("number", "parts"), [(-1, 1), (1, 1), (0, MOST_PARTS + 1), (0, 0)])
def test_a_part_out_of_bounds_is_refused(number, parts):
    scene = Scene(echo)

    async def wrong(messages):
        part = {"question": messages[0].id, "number": number, "parts": parts, "data": b"m"}
        with pytest.raises(InvalidRequestError, match="out of bounds"):
            scene.questions.add_part("flp1", part)
        await scene.deliver(messages)

    assert asyncio.run(scene.ask("x", send=wrong)) == ["x"]


def test_an_answer_that_comes_too_late_is_ignored():
    Scene(echo).questions.add_part("flp1", {"question": "x", "number": 0, "parts": 1, "data": b"m"})
