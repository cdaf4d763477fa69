"""The client of control's local socket, against a server that speaks the contract."""

import os
import pwd
import threading
import time

import pytest

from salt_o2.client import control_client
from salt_o2.client.control_client import NO_LOGIN, ControlClient, own_name
from salt_o2.core.errors import IllegalTransitionError, O2Error, PlanError, UnreachableError
from tests.support.fakes.control_server import fake_control


@pytest.fixture
def control(tmp_path):
    with fake_control(tmp_path / "o2_control.ipc") as control:
        yield control


def test_a_request_returns_what_control_answers(control):
    control.answer("env_list", [{"id": "a"}])
    with ControlClient(control.path) as asking:
        assert asking.request("env_list", {"all": True}) == [{"id": "a"}]
    assert control.asked("env_list") == [{"all": True}]


def test_a_request_carries_the_requesting_user(control):
    control.answer("info", {})
    with ControlClient(control.path) as asking:
        asking.request("info")
    assert control.requests[0]["user"] == own_name()


@pytest.mark.finding("X26")
@pytest.mark.parametrize("name", ["LOGNAME", "USER", "LNAME", "USERNAME"])
def test_a_variable_cannot_set_the_requesting_user(control, monkeypatch, name):
    before = own_name()
    monkeypatch.setenv(name, "mallory")
    with ControlClient(control.path) as asking:
        assert own_name() == asking.user == before


@pytest.mark.root("be asked for as root")
def test_root_is_named_by_the_user_that_has_logged_in(tmp_path):
    file = tmp_path / "loginuid"
    file.write_text(str(pwd.getpwnam("daemon").pw_uid))
    assert own_name(file) == "daemon"
    file.write_text(str(NO_LOGIN))
    assert own_name(file) == own_name(tmp_path / "none") == "root"


def test_a_client_asks_any_number_of_times(control):
    control.answer("echo", lambda arguments: arguments["word"])
    with ControlClient(control.path) as asking:
        assert [asking.request("echo", {"word": word}) for word in "abc"] == ["a", "b", "c"]


def test_progress_is_passed_on_in_order_without_the_empty_greeting(control):
    control.answer("env_create", {}, progress=[{"done": 1}, {"done": 2}])
    seen = []
    with ControlClient(control.path) as asking:
        asking.request("env_create", {}, seen.append)
    assert seen == [{"done": 1}, {"done": 2}]


def test_an_error_of_control_is_raised_as_its_own_class(control):
    control.answer("env_create", PlanError("no host is big enough"))
    with ControlClient(control.path) as asking, pytest.raises(PlanError, match="no host is big enough"):
        asking.request("env_create")


def test_an_error_of_a_kind_with_fields_keeps_its_message(control):
    control.answer("env_control", IllegalTransitionError("env", "RUNNING", "CONFIGURE", ("STOP_ACTIVITY",)))
    with ControlClient(control.path) as asking, pytest.raises(O2Error, match="cannot CONFIGURE"):
        asking.request("env_control")


def test_a_socket_that_is_not_there_is_named_with_advice(tmp_path):
    path = tmp_path / "o2_control.ipc"
    with ControlClient(path) as asking, pytest.raises(UnreachableError, match="coconut cluster up") as caught:
        asking.request("info")
    assert str(path) in str(caught.value)


def test_a_request_to_a_socket_without_a_listener_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(control_client, "FIRST_ANSWER_S", 0.05)
    (tmp_path / "dead.ipc").touch()
    with (
        ControlClient(tmp_path / "dead.ipc") as asking,
        pytest.raises(UnreachableError, match="no answer within"),
    ):
        asking.request("info")


def test_a_control_that_gets_no_processor_time_for_a_while_is_waited_for(control, monkeypatch):
    monkeypatch.setattr(control_client, "FIRST_ANSWER_S", 0.05)
    honest = control.replies
    monkeypatch.setattr(control, "replies", lambda request: [time.sleep(0.3), *honest(request)][1:])
    control.answer("info", "at last")
    with ControlClient(control.path) as asking:
        assert asking.request("info") == "at last"


def test_a_control_that_does_not_answer_is_named_with_its_pid(control, monkeypatch):
    monkeypatch.setattr(control_client, "FIRST_ANSWER_S", 0.05)
    monkeypatch.setattr(control_client, "BUSY_ANSWER_S", 0.1)
    over = threading.Event()
    monkeypatch.setattr(control, "replies", lambda _request: over.wait(20) and [])
    with ControlClient(control.path) as asking, pytest.raises(UnreachableError, match=f"pid {os.getpid()}"):
        asking.request("info")
    over.set()


def test_a_request_to_a_control_that_ends_fails_although_another_control_has_started(tmp_path, monkeypatch):
    monkeypatch.setattr(control_client, "FIRST_ANSWER_S", 0.05)
    pids = iter([7, 7, 8])
    monkeypatch.setattr(control_client, "peer_pid", lambda _path: next(pids))
    (tmp_path / "s.ipc").touch()
    with ControlClient(tmp_path / "s.ipc") as asking, pytest.raises(UnreachableError, match="no control at"):
        asking.request("info")
    assert next(pids, None) is None


def test_a_slow_control_is_not_reported_as_absent(control, monkeypatch):
    monkeypatch.setattr(control, "replies", lambda request: [{"id": request["id"], "progress": {}}])
    with (
        ControlClient(control.path) as asking,
        pytest.raises(UnreachableError, match="has not finished slow"),
    ):
        asking.request("slow", timeout_s=0.05)


def test_an_answer_to_another_request_is_ignored(control, monkeypatch):
    honest = control.replies
    monkeypatch.setattr(
        control, "replies", lambda request: [{"id": "other", "result": "wrong"}, *honest(request)]
    )
    control.answer("info", "right")
    with ControlClient(control.path) as asking:
        assert asking.request("info") == "right"
