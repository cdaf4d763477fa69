"""What control and an agent say to each other through their session, without a bus."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.bus import envelope
from salt_o2.bus.control_link import ControlLink
from salt_o2.bus.host_link import SILENT_S, HostLink
from salt_o2.core.codec import plain
from salt_o2.core.errors import InvalidRequestError, UnreachableError
from salt_o2.core.messages.commands import Command, Notice, SurveyRequest
from salt_o2.core.messages.reports import Report
from salt_o2.core.states import TaskState
from tests.support.harness.sign_in import Site


def report(host="flp1", incarnation="1", sequence=1):
    return Report(host=host, incarnation=incarnation, sequence=sequence)


def command(revision=1, environment="2oDvieFrVTi", host="flp1"):
    return Command(host=host, environment=environment, revision=revision, goal=TaskState.RUNNING, orders=())


class Scene:
    """Control, and an agent on flp1 that has not signed in yet."""

    def __init__(self):
        self.site, self.now = Site(), 100.0
        self.control = HostLink(self.site.control(), clock=lambda: self.now)
        self.agent = self.new_agent()

    def new_agent(self, host="flp1", incarnation="1", **kwargs):
        return ControlLink(self.site.agent(host, incarnation, **kwargs))

    def received(self, message, agent=None):
        """Send ``message``; return what the agent has of it."""
        return [(agent or self.agent).receive(body) for body in self.control.seal(message)]

    def sign_in(self, agent=None, name="flp1"):
        """Let an agent sign in and send a report; return what control has to send it then."""
        agent = agent or self.agent
        for body in self.control.receive(name, {"hello": agent.session.greet()}).replies:
            agent.receive(body)
        sent = report(agent.session.host, agent.session.incarnation)
        heard = self.control.receive(name, {"sealed": agent.seal(sent)})
        assert heard.report == sent
        return heard.replies


@pytest.fixture
def scene():
    return Scene()


def test_a_report_and_a_command_arrive_as_they_were(scene):
    assert scene.sign_in() == []
    assert scene.received(command()) == [command()]
    assert scene.received(SurveyRequest(host="flp1")) == [SurveyRequest(host="flp1")]


def test_an_agent_without_a_session_reports_nothing(scene):
    with pytest.raises(UnreachableError, match="flp1 has not signed in"):
        scene.agent.seal(report())


def test_an_agent_sends_hello_until_control_has_accepted_its_session(scene):
    assert scene.agent.must_greet.is_set()
    scene.sign_in()
    assert not scene.agent.must_greet.is_set()
    assert scene.agent.established.is_set()


def test_a_host_without_a_session_is_invited_and_then_has_the_last_command_of_each_environment(scene):
    assert [body.keys() for body in scene.control.seal(command(1))] == [{"invitation"}]
    scene.control.seal(command(2))
    scene.control.seal(command(7, environment="another"))
    received = [scene.agent.receive(body) for body in scene.sign_in()]
    assert received == [command(2), command(7, environment="another")]
    assert scene.received(command(3)) == [command(3)]


def test_a_host_is_invited_once_a_second(scene):
    assert scene.control.seal(SurveyRequest(host="flp1"))
    assert scene.control.seal(SurveyRequest(host="flp1")) == []
    scene.now += 1.0
    assert scene.control.seal(SurveyRequest(host="flp1"))


def test_an_agent_that_still_uses_the_session_of_a_former_control_is_invited_by_name(scene):
    scene.sign_in()
    former, scene.control = scene.control, HostLink(scene.site.control(), clock=lambda: scene.now)
    heard = scene.control.receive("flp1", {"sealed": scene.agent.seal(report())})
    assert heard.report is None
    for body in heard.replies:
        scene.agent.receive(body)
    assert scene.agent.must_greet.is_set()
    scene.sign_in()
    with pytest.raises(InvalidRequestError):
        scene.agent.receive(former.seal(command())[0])


@pytest.mark.finding("1.3")
def test_a_host_cannot_report_for_another(scene):
    scene.sign_in()
    liar = scene.new_agent("flp2")
    scene.sign_in(liar, "flp2")
    heard = scene.control.receive("flp1", {"sealed": liar.seal(report("flp1", "1", 9))})
    assert heard.report is None
    assert "reports for flp1" in scene.control.refusals["flp1"].reason


@pytest.mark.finding("1.3")
def test_a_report_that_is_not_sealed_is_refused(scene):
    heard = scene.control.receive("flp1", {"report": envelope.wrap(plain(report()))})
    assert heard.report is None
    assert scene.control.refusals["flp1"].count == 1


@pytest.mark.finding("1.3")
def test_a_host_that_does_not_exist_is_refused_and_costs_no_memory(scene):
    for number in range(50):
        ghost = f"ghost{number}"
        assert scene.control.receive(ghost, {"sealed": bytes(40)}).replies == []
        assert (
            scene.control.receive(ghost, {"hello": scene.site.agent("flp1", key="flp2").greet()}).host is None
        )
    assert list(scene.control.refusals) == [""]
    assert scene.control.refusals[""].count == 100


@pytest.mark.finding("2.1")
def test_another_host_cannot_read_a_command(scene):
    scene.sign_in()
    other = scene.new_agent("flp2")
    scene.sign_in(other, "flp2")
    (body,) = scene.control.seal(command(environment="DB_PASSWORD=hunter2"))
    assert b"hunter2" not in body["sealed"]
    with pytest.raises(InvalidRequestError):
        other.receive(body)


def test_a_recorded_report_is_refused_the_second_time(scene):
    scene.sign_in()
    sealed = scene.agent.seal(report(sequence=2))
    assert scene.control.receive("flp1", {"sealed": sealed}).report
    assert scene.control.receive("flp1", {"sealed": sealed}).report is None
    assert "taken before" in scene.control.refusals["flp1"].reason


def test_commands_go_to_the_agent_that_control_keeps_to(scene):
    kept = "1"
    scene.control = HostLink(scene.site.control(), kept_incarnation=lambda _: kept)
    scene.sign_in()
    clone = scene.new_agent(incarnation="clone")
    scene.sign_in(clone)
    (body,) = scene.control.seal(command())
    with pytest.raises(InvalidRequestError):
        clone.receive(body)
    assert scene.agent.receive(body) == command()


def test_a_notice_reaches_the_agent_that_it_names_and_an_inquiry_reaches_both(scene):
    scene.sign_in()
    clone = scene.new_agent(incarnation="clone")
    scene.sign_in(clone)
    notice = Notice(host="flp1", incarnation="1", refused="two agents report as flp1")
    assert scene.received(notice) == [notice]
    to_first, to_second = scene.control.seal(SurveyRequest(host="flp1"))
    assert scene.agent.receive(to_first) == clone.receive(to_second) == SurveyRequest(host="flp1")


def test_a_host_whose_key_was_deleted_has_no_session(scene):
    scene.sign_in()
    scene.control.forget("flp1")
    assert [body.keys() for body in scene.control.seal(command())] == [{"invitation"}]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.binary(max_size=80) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=400)
@given(
    name=st.text(max_size=20), data=st.dictionaries(st.sampled_from(["hello", "sealed", "report"]), ANYTHING)
)
def test_any_forged_message_of_a_host_is_refused_without_harm(name, data):
    scene = Scene()
    scene.sign_in()
    assert scene.control.receive(name, data).report is None
    assert scene.control.receive("flp1", {"sealed": scene.agent.seal(report(sequence=2))}).report


@settings(max_examples=400)
@given(st.dictionaries(st.sampled_from(["invitation", "welcome", "sealed"]), ANYTHING))
def test_any_forged_publication_to_an_agent_is_refused_without_harm(body):
    scene = Scene()
    scene.sign_in()
    with suppress(InvalidRequestError):
        assert scene.agent.receive(body) is None
    assert scene.received(command()) == [command()]


@pytest.mark.finding("X14")
def test_a_forged_message_causes_no_invitation_of_a_reporting_host(scene):
    scene.sign_in()
    for _ in range(20):
        scene.now += 1.0
        scene.control.receive("flp1", {"sealed": scene.agent.seal(report())})
        heard = scene.control.receive("flp1", {"sealed": b"\xff\xfe" + bytes(62)})
        assert heard.replies == []
    assert scene.control.refusals == {}


@pytest.mark.finding("X14")
def test_a_host_that_uses_no_session_of_control_is_invited(scene):
    sealed = b"\xff\xfe" + bytes(62)
    assert [body.keys() for body in scene.control.receive("flp1", {"sealed": sealed}).replies] == [
        {"invitation"}
    ]
    scene.now += 2.0
    scene.sign_in()
    scene.now += SILENT_S
    assert [body.keys() for body in scene.control.receive("flp1", {"sealed": sealed}).replies] == [
        {"invitation"}
    ]
