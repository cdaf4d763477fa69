"""Roles of a site as Salt's options: users and groups get what their highest role may."""

import json
import subprocess
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.core.access import auth_options, peer_options
from salt_o2.core.access_roles import AccessRole, permissions
from salt_o2.core.errors import InvalidRequestError

SALTS_NAMES = {"anna": "anna", "ben": "ben", "%shift": "shift%", "%experts": "experts%", "*": "*"}
"""Users and groups as a site writes them, and as Salt's external_auth does."""
NAMES = st.sampled_from(list(SALTS_NAMES))
ACCESS = st.dictionaries(st.sampled_from([str(role) for role in AccessRole]), st.lists(NAMES, max_size=4))


def external(access, eauth="pam"):
    return auth_options(access, eauth).get("external_auth", {}).get(eauth, {})


@pytest.mark.parametrize(
    ("written", "salts"),
    [
        pytest.param("anna", "anna", id="user"),
        pytest.param("%shift", "shift%", id="group"),
        pytest.param("*", "*", id="all users"),
    ],
)
def test_groups_are_written_in_salt_syntax(written, salts):
    assert external({"operator": [written]}) == {salts: permissions(AccessRole.OPERATOR)}


def test_a_user_with_several_roles_has_the_permissions_of_the_highest():
    assert external({"viewer": ["anna"], "expert": ["anna"]}) == {"anna": permissions(AccessRole.EXPERT)}


def test_the_authentication_module_is_the_sites_choice():
    assert set(auth_options({"viewer": ["*"]}, "ldap")["external_auth"]) == {"ldap"}


@pytest.mark.finding("1.1")
def test_without_a_module_that_asks_for_passwords_nothing_is_granted():
    assert auth_options({"viewer": ["*", "%shift", "anna"]}, "") == {}


def test_a_site_without_roles_grants_no_permission():
    assert auth_options({}, "pam") == {}


def test_a_role_that_does_not_exist_is_refused():
    with pytest.raises(InvalidRequestError, match="unknown role operater; the roles are viewer"):
        auth_options({"operater": ["anna"]}, "pam")


@given(ACCESS)
def test_exactly_the_named_users_get_permissions(access):
    assert set(external(access)) == {SALTS_NAMES[name] for names in access.values() for name in names}


@given(ACCESS)
def test_the_order_in_which_roles_are_written_does_not_matter(access):
    assert external(dict(reversed(list(access.items())))) == external(access)


def printed(**given):
    words = [sys.executable, "-m", "salt_o2.access"]
    return subprocess.run(words, input=json.dumps(given), capture_output=True, text=True, check=False)


def test_the_state_writes_these_options_into_its_file_without_references():
    access = {"viewer": ["anna", "ben"]}
    said = printed(access=access, eauth="pam").stdout
    assert yaml.safe_load(said) == auth_options(access, "pam")
    assert "&id" not in said


def test_printing_the_access_options_of_an_unknown_role_fails_with_the_reason():
    done = printed(access={"boss": ["anna"]}, eauth="pam")
    assert (done.returncode, done.stdout) == (1, "")
    assert "unknown role boss" in done.stderr


@pytest.mark.finding("1.13")
def test_a_minion_may_call_exactly_its_permitted_functions():
    (option,) = peer_options({"beam.watch": ["run_stop"]}).values()
    assert option == {r"beam\.watch$": [r"o2\.run_stop$"]}


@pytest.mark.parametrize(
    "peers",
    [
        {"*": ["run_stop"]},
        {".*": ["run_stop"]},
        {"a b": []},
        {"site_master": ["run_stop"]},
        {"a": ["cmd.run"]},
        {"a": [".*"]},
    ],
)
def test_no_pattern_of_minions_and_no_other_function_is_permitted(peers):
    with pytest.raises(InvalidRequestError):
        peer_options(peers)
