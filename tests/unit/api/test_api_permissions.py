"""Who may send what: one check for all entrances, from the table of roles."""

import pytest

from salt_o2.api.access.callers import Caller, ForbiddenError, authorize
from salt_o2.api.access.salt_sign_in import role_of, signed_in_role
from salt_o2.api.handlers.openapi import is_read_only
from salt_o2.control.verb_arguments import VERB_ARGUMENTS
from salt_o2.core.access import auth_options
from salt_o2.core.access_roles import ONLY_RUNNERS, RUNNERS, WITHOUT_RUNNER, AccessRole, required_role
from salt_o2.core.errors import UnknownNameError
from tests.support.harness.control import control_harness, on_a_loop


@on_a_loop
async def test_the_described_requests_are_those_that_control_serves(tmp_path):
    async with control_harness(tmp_path) as room:
        served = {verb: kind for verb, (kind, _) in room.control.dispatcher._verbs.items()}
    assert dict(VERB_ARGUMENTS) == served


def test_each_request_belongs_to_exactly_one_role():
    named = [name for table in (RUNNERS, WITHOUT_RUNNER) for names in table.values() for name in names]
    assert sorted({*named} - {*ONLY_RUNNERS}) == sorted(VERB_ARGUMENTS)
    assert len(named) == len(set(named))


@pytest.mark.parametrize("role", AccessRole)
@pytest.mark.parametrize("verb", VERB_ARGUMENTS)
def test_a_role_sends_what_it_may_and_is_told_which_role_may_the_rest(role, verb):
    caller = Caller(name="teo", role=role, entrance="http")
    needed = required_role(verb)
    if list(AccessRole).index(role) >= list(AccessRole).index(needed):
        authorize(caller, verb)
    else:
        with pytest.raises(
            ForbiddenError, match=f"{verb} needs the role {needed}, and teo has the role {role}"
        ):
            authorize(caller, verb)


@pytest.mark.parametrize("verb", ["", "nothing", "ask", "site_check", "env_list ", "__class__"])
def test_a_request_that_control_does_not_have_is_unknown(verb):
    with pytest.raises(UnknownNameError):
        authorize(Caller(name="root", role=AccessRole.ADMINISTRATOR, entrance="http"), verb)


def test_a_permitted_and_a_refused_request_are_recorded_with_name_role_and_address(caplog):
    caplog.set_level("INFO", "salt_o2.api.audit")
    caller = Caller(name="teo\n", role=AccessRole.VIEWER, entrance="http", address="10.0.0.1")
    authorize(caller, "env_list")
    with pytest.raises(ForbiddenError):
        authorize(caller, "rebuild")
    assert [record.getMessage() for record in caplog.records] == [
        "'teo\\n' (viewer) by http from 10.0.0.1 permitted: env_list",
        "'teo\\n' (viewer) by http from 10.0.0.1 refused: rebuild needs the role administrator",
    ]


def test_no_request_that_changes_something_may_be_sent_with_get():
    assert not [verb for verb in VERB_ARGUMENTS if is_read_only(verb) and required_role(verb) != "viewer"]
    assert not is_read_only("env_control")


@pytest.mark.parametrize("role", AccessRole)
def test_the_role_of_a_user_is_read_from_the_permissions_that_salt_has(role):
    granted = auth_options({role: ["teo"]}, "pam")["external_auth"]["pam"]["teo"]
    assert role_of(granted) is role


@pytest.mark.parametrize(
    "granted",
    [
        [],
        ["o2.info"],
        ["@wheel"],
        [{"@runner": ["o2\\.env_list$"]}],
        [{"@runner": []}],
        [{"flp*": [".*"]}],
        [7],
    ],
)
def test_a_user_with_other_permissions_has_no_role(granted):
    assert role_of(granted) is None


@pytest.mark.parametrize("granted", [["@runner"], [{"@runner": [".*"]}], [{"@runner": "o2"}]])
def test_a_user_who_may_call_all_runner_functions_is_an_administrator(granted):
    assert role_of(granted) is AccessRole.ADMINISTRATOR


class FakeAuthenticator:
    """Knows one user."""

    def authenticate_eauth(self, load):
        return (load["username"], load["password"], load["eauth"]) == ("teo", "right", "pam")

    def get_auth_list(self, load):
        return auth_options({"operator": ["teo"]}, "pam")["external_auth"]["pam"].get(load["username"])


@pytest.mark.parametrize(
    ("eauth", "password", "role"),
    [("pam", "right", AccessRole.OPERATOR), ("pam", "wrong", None), ("ldap", "right", None)],
)
def test_a_role_is_given_for_the_right_password_only(eauth, password, role):
    assert signed_in_role(FakeAuthenticator(), eauth, "teo", password) is role
