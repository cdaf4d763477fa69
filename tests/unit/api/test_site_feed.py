"""The feed of events: one watcher of control for all viewers, each at its own position."""

import asyncio
from contextlib import suppress

import pytest

from salt_o2.api.handlers.event_stream import is_wanted, sse
from salt_o2.api.requests.site_feed import Event, SiteFeed
from salt_o2.core.errors import UnreachableError
from tests.support.fakes.clock import FakeClock
from tests.support.harness.control import on_a_loop


def answer(revision, news=(), environments=(), ended=(), epoch="e1", gap=False):
    return {
        "epoch": epoch,
        "revision": revision,
        "complete": True,
        "gap": gap,
        "news": [{"kind": "state", "revision": each, "environment": "E1"} for each in news],
        "environments": [{"id": each} for each in environments],
        "ended": list(ended),
    }


class FakeControl:
    """Gives the answers of a list, one by one; an error is raised."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    async def request(self, verb, arguments, user):
        self.asked.append(arguments)
        if not self.answers:
            await asyncio.Event().wait()
        given = self.answers.pop(0)
        if isinstance(given, Exception):
            raise given
        return given


def feed_of(*answers):
    feed = SiteFeed(FakeControl(), "api", FakeClock())
    for each in answers:
        feed.accept(each)
    return feed


def kinds(feed, after=0):
    return [event.kind for event in feed.after(after)[0]]


@on_a_loop
async def test_each_request_names_the_revision_of_the_answer_before():
    control = FakeControl(answer(3), answer(5))
    feed = SiteFeed(control, "api", FakeClock())
    running = asyncio.ensure_future(feed.run())
    while len(control.asked) < 3:
        await asyncio.sleep(0)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert [(asked["epoch"], asked["since"]) for asked in control.asked] == [("", 0), ("e1", 3), ("e1", 5)]


@on_a_loop
async def test_viewers_are_told_that_control_is_away_and_that_it_is_back(monkeypatch):
    monkeypatch.setattr("salt_o2.api.requests.site_feed.RETRY_S", 0)
    control = FakeControl(answer(1), UnreachableError("away"), UnreachableError("away"), answer(2))
    feed = SiteFeed(control, "api", FakeClock())
    running = asyncio.ensure_future(feed.run())
    while len(control.asked) < 5:
        await asyncio.sleep(0)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert [event.data["reachable"] for event in feed.after(0)[0]] == [False, True]
    assert feed.away_since is None


def test_an_answer_is_events_in_the_order_news_then_states():
    feed = feed_of(answer(4, news=[3, 4], environments=["E1"], ended=["E2"]))
    assert kinds(feed) == ["state", "state", "environment", "ended"]
    assert [event.id for event in feed.after(0)[0]] == ["e1.3", "e1.4", "", ""]


def test_a_client_resumes_after_the_last_announcement_that_it_has_seen():
    feed = feed_of(answer(4, news=[3, 4]), answer(6, news=[5, 6]))
    position = feed.position_after("e1.4")
    assert [event.id for event in feed.after(position)[0]] == ["e1.5", "e1.6"]
    assert feed.position_after("e0.4") is None


def test_another_control_is_a_gap():
    feed = feed_of(answer(4, news=[4]), answer(1, news=[1], epoch="e2", gap=True))
    assert kinds(feed) == ["state", "gap", "state"]
    assert "restarted" in feed.after(1)[0][0].data["reason"]


def test_a_viewer_that_reads_too_slowly_learns_that_events_are_missing(monkeypatch):
    feed = feed_of()
    feed.events = type(feed.events)(maxlen=3)
    feed.accept(answer(5, news=range(1, 6)))
    events, missing = feed.after(0)
    assert [event.id for event in events] == ["e1.3", "e1.4", "e1.5"]
    assert missing
    assert feed.after(2) == (events, False)
    assert feed.after(5) == ([], False)


@pytest.mark.parametrize(
    ("event", "environment", "kinds", "wanted"),
    [
        (("state", {"environment": "E1"}), "", (), True),
        (("state", {"environment": "E1"}), "E1", (), True),
        (("state", {"environment": "E1"}), "E2", (), False),
        (("environment", {"id": "E1"}), "E1", (), True),
        (("host", {"environments": ["E1", "E2"]}), "E2", (), True),
        (("host", {"environments": []}), "E2", (), False),
        (("state", {"environment": "E1"}), "", ("host",), False),
        (("host", {}), "", ("host",), True),
        (("gap", {}), "E2", ("host",), True),
        (("control", {}), "E2", ("host",), True),
    ],
)
def test_a_client_gets_the_events_that_it_selects(event, environment, kinds, wanted):
    assert is_wanted(Event(1, "", *event), environment, kinds) is wanted


def test_an_event_is_one_line_of_data_whatever_is_in_it():
    text = sse("state", {"reason": "a\nb\r\n\ndata: x"}, "e1.1")
    assert text.splitlines()[:2] == ["id: e1.1", "event: state"]
    assert len(text.splitlines()) == 4
    assert text.endswith("\n\n")
