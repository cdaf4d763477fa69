"""Sessions: they survive a restart, end in time, and their tokens are on no disk."""

import stat

import pytest

from salt_o2.api.access import session_store
from salt_o2.api.access.session_store import SessionStore
from salt_o2.core.access_roles import AccessRole
from tests.support.fakes.clock import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "api" / "sessions.json"


def test_a_session_survives_a_restart_and_is_found_by_its_token_alone(path, clock):
    token, session = SessionStore(path, clock).open("teo", AccessRole.OPERATOR, 60)
    again = SessionStore(path, clock)
    assert again.find(token) == session
    assert again.find(token + "x") is None
    assert again.find("") is None


def test_the_file_has_no_token_and_only_its_owner_reads_it(path, clock):
    token, _ = SessionStore(path, clock).open("teo", AccessRole.OPERATOR, 60)
    assert token not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_an_expired_session_is_not_found(path, clock):
    store = SessionStore(path, clock)
    token, session = store.open("teo", AccessRole.OPERATOR, 60)
    clock.at = session.expires
    assert store.find(token) is None


def test_an_ended_session_stays_ended(path, clock):
    store = SessionStore(path, clock)
    token, _ = store.open("teo", AccessRole.OPERATOR, 60)
    store.end(token)
    assert store.find(token) is None
    assert SessionStore(path, clock).find(token) is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"a": 1}', b'{"a": {"name": "x", "role": "king", "expires": 1}}']
)
def test_a_damaged_file_ends_the_sessions_and_does_not_stop_the_interface(path, clock, content):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    store = SessionStore(path, clock)
    token, session = store.open("teo", AccessRole.VIEWER, 60)
    assert store.find(token) == session


def test_the_oldest_session_ends_when_there_are_too_many(path, clock, monkeypatch):
    monkeypatch.setattr(session_store, "MOST_SESSIONS", 2)
    store = SessionStore(path, clock)
    tokens = [store.open(f"user{number}", AccessRole.VIEWER, 60)[0] for number in range(3)]
    assert [store.find(token) is not None for token in tokens] == [False, True, True]
