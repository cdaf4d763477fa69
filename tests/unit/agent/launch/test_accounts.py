"""Which accounts tasks may have."""

import os
import pwd

import pytest

from salt_o2.agent.launch.accounts import DEFAULT, Accounts, switch_to, uids
from salt_o2.agent.launch.refusal import Refusal

OWN = pwd.getpwuid(os.geteuid()).pw_name
pytestmark = pytest.mark.finding("1.12")


@pytest.fixture
def root(monkeypatch):
    """An agent that is root, as far as it asks."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.fixture
def unprivileged(monkeypatch):
    """An agent that is the account ``daemon``."""
    monkeypatch.setattr(os, "geteuid", lambda: pwd.getpwnam("daemon").pw_uid)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("listed", "user", "chosen"),
    [
        (("daemon",), "", "daemon"),
        (("daemon", "bin"), "", "daemon"),
        (("daemon", "bin"), "bin", "bin"),
        (("root",), "", None),
        (("daemon", "root"), "root", None),
    ],
)
def test_an_agent_that_is_root_uses_a_listed_account_and_the_first_by_default(listed, user, chosen):
    found = Accounts(listed).choose(user)
    assert (found.pw_name if found else None) == chosen
    assert bool(switch_to(found)) is (chosen is not None)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("listed", "user"),
    [
        (DEFAULT, "root"),
        (("daemon",), "root"),
        (("daemon",), "bin"),
        (("daemon",), "0"),
        ((), ""),
        ((), "root"),
    ],
)
def test_an_account_that_is_not_listed_is_refused_with_the_list(listed, user):
    with pytest.raises(Refusal) as refused:
        Accounts(listed).choose(user)
    assert repr(user) in str(refused.value)
    assert "o2:task_users" in refused.value.advice


@pytest.mark.usefixtures("root")
def test_a_listed_account_that_is_not_there_is_refused_by_name():
    with pytest.raises(Refusal, match="no user 'no-such-user'"):
        Accounts(("no-such-user",)).choose("")


@pytest.mark.usefixtures("unprivileged")
def test_an_agent_that_is_not_root_runs_all_as_itself_whatever_is_listed():
    for listed in (DEFAULT, (), ("root",)):
        assert Accounts(listed).choose("") is None
        assert Accounts(listed).choose("daemon") is None
        with pytest.raises(Refusal, match="cannot start a task as 'root'"):
            Accounts(listed).choose("root")


def test_uids_of_tasks_are_those_of_listed_accounts_that_exist(monkeypatch):
    daemon = pwd.getpwnam("daemon").pw_uid
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert uids(("daemon", "no-such-user")) == {daemon}
    assert uids(("daemon", "root")) == {daemon, 0}
    assert uids(()) == set()


def test_an_agent_that_is_not_root_has_tasks_of_its_own_account_only(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    assert uids(("daemon", "root")) == {1234}
