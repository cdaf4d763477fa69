"""Settings, limits, problem documents and query arguments of the HTTP interface."""

import json

import pytest

from salt_o2.api.access.callers import ForbiddenError
from salt_o2.api.access.rate_limits import RateLimit
from salt_o2.api.access.settings import ApiSettings, api_settings
from salt_o2.api.application import eauth_of
from salt_o2.api.handlers.openapi import openapi
from salt_o2.api.handlers.problems import STATUS, problem, status_of
from salt_o2.api.handlers.verb_handlers import query_arguments
from salt_o2.control.requests.arguments import Create, HostsNamed, Past
from salt_o2.control.verb_arguments import VERB_ARGUMENTS
from salt_o2.core.errors import KINDS, IllegalTransitionError, InvalidRequestError, O2Error, TemplateError
from tests.support.fakes.clock import FakeClock


def test_without_settings_the_interface_listens_on_loopback():
    assert api_settings({}) == ApiSettings()
    assert ApiSettings().address == "127.0.0.1"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "127.3.4.5"])
def test_a_loopback_address_needs_no_certificate(address):
    assert api_settings({"address": address}).scheme == "http"


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.0.0.1", "control.example"])
def test_another_address_needs_a_certificate(address):
    with pytest.raises(InvalidRequestError, match=r"needs `certificate` and `key`"):
        api_settings({"address": address})
    assert api_settings({"address": address, "certificate": "a.crt", "key": "a.key"}).scheme == "https"


@pytest.mark.parametrize(
    "wrong", [{"port": 70000}, {"port": "many"}, {"session_hours": 0}, {"adress": "::1"}, [], "x", None]
)
def test_a_wrong_setting_is_refused_by_name(wrong):
    with pytest.raises(InvalidRequestError, match=r"o2:api|ApiSettings"):
        api_settings(wrong)


def test_the_only_authentication_module_of_the_master_is_the_default():
    assert eauth_of({"external_auth": {"ldap": {}}}) == "ldap"
    assert eauth_of({"external_auth": {"ldap": {}, "pam": {}}}) == "pam"
    assert eauth_of({}) == "pam"


def test_a_client_has_a_burst_and_then_a_rate():
    clock = FakeClock()
    limit = RateLimit(2, 3, clock)
    assert [limit.is_permitted("a") for _ in range(4)] == [True, True, True, False]
    assert limit.is_permitted("b")
    clock.at += 0.5
    assert [limit.is_permitted("a") for _ in range(2)] == [True, False]


def test_permits_do_not_accumulate_beyond_the_burst():
    clock = FakeClock()
    limit = RateLimit(2, 3, clock)
    limit.is_permitted("a")
    clock.at += 3600
    assert [limit.is_permitted("a") for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize("kind", KINDS.values())
def test_each_error_has_a_status_of_its_own_kind(kind):
    assert kind in STATUS or kind is O2Error


def test_a_problem_has_all_fields_of_the_error():
    error = IllegalTransitionError("environment E", "RUNNING", "CONFIGURE", ("STOP_ACTIVITY",))
    shown = problem(error, "/api/v1/env_control")
    assert shown["status"] == 409
    assert shown["kind"] == "IllegalTransitionError"
    assert shown["title"] == "Illegal transition"
    assert shown["detail"] == str(error)
    assert shown["fields"]["allowed"] == ["STOP_ACTIVITY"]
    assert shown["instance"] == "/api/v1/env_control"


def test_a_forbidden_request_is_named_so():
    assert problem(ForbiddenError("x"))["kind"] == "ForbiddenError"
    assert status_of(ForbiddenError("x")) == 403
    assert status_of(TemplateError(["a", "b"])) == 422


def test_query_arguments_have_lists_by_repetition_or_as_json_and_maps_as_json():
    assert query_arguments(HostsNamed, {"hosts": ["a", "b"]}) == {"hosts": ["a", "b"]}
    assert query_arguments(HostsNamed, {"hosts": ['["a", "b"]']}) == {"hosts": ["a", "b"]}
    assert query_arguments(Create, {"vars": ['{"a": 1}'], "workflow": ["[x"]}) == {
        "vars": {"a": 1},
        "workflow": "[x",
    }
    assert query_arguments(Past, {"limit": ["5"], "other": ["x"]}) == {"limit": "5", "other": "x"}


@pytest.mark.parametrize("wrong", ["{", "[1", "[" * 100_000])
def test_a_list_or_map_that_is_no_json_is_refused_by_name(wrong):
    with pytest.raises(InvalidRequestError, match="vars must be JSON"):
        query_arguments(Create, {"vars": [wrong]})


def test_the_description_has_each_request_with_its_role_and_resolves_all_references():
    document = json.loads(json.dumps(openapi(VERB_ARGUMENTS)))
    assert document["openapi"] == "3.1.0"
    assert {path[1:] for path in document["paths"]} == set(VERB_ARGUMENTS)
    assert "get" in document["paths"]["/env_list"]
    assert "get" not in document["paths"]["/env_create"]
    assert "Needs the role operator." in document["paths"]["/env_create"]["post"]["description"]
    schemas = document["components"]["schemas"]
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas
    assert "scale" in schemas["Create"]["properties"]


def references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references(each)
