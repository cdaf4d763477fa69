"""Calls of integrations: what their arguments come to, and what becomes of those that fail."""

import asyncio
from types import SimpleNamespace

import pytest

from salt_o2.control.environments.integration_calls import IntegrationCalls
from salt_o2.core.errors import TaskError, TemplateError
from salt_o2.core.ids import EnvironmentId
from salt_o2.core.messages.effects import CallIntegration
from salt_o2.core.plan.moments import Moment
from salt_o2.core.plan.plan import PlannedCall
from salt_o2.site.resources import MasterContext, open_resources, services_of
from salt_o2.site.settings import Site
from salt_o2.workflow.variables.call_arguments import arguments_of
from salt_o2.workflow.variables.site_services import NOWHERE, services

ENV = EnvironmentId("ENV")


class Heard:
    """An integration that keeps what it was called with."""

    def __init__(self):
        self.calls = []

    async def call(self, function, arguments, variables):
        self.calls.append((function, arguments, variables))
        if function == "fail":
            raise TaskError("no")
        if function == "break":
            raise RuntimeError("a defect")
        return "done"


def invoke(func, **variables):
    moment = Moment("before_CONFIGURE")
    planned = PlannedCall(path="root.inner.call", func=func, trigger=moment, until=moment, timeout_s=2.5)
    return CallIntegration(environment=ENV, call="c1", planned=planned, variables=variables)


def run(func, given=None, **variables):
    """Carry out one call; return the integration and what its end was."""
    heard, ends = Heard(), []

    async def begin():
        over = asyncio.Event()
        caller = IntegrationCalls({"heard": heard}, given) if given else IntegrationCalls({"heard": heard})
        caller.start(invoke(func, **variables), lambda *end: (ends.append(end), over.set()))
        await asyncio.wait_for(over.wait(), 10)

    asyncio.run(begin())
    return heard, ends[0]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", []),
        ("  ", []),
        ("1, 'two', [3]", [1, "two", [3]]),
        ("run_number", ["42"]),
        ("Atoi(run_number) + 1", [43]),
        ("run_number == '42' ? 'yes' : 'no'", ["yes"]),
        ("Parent().Path, Parent().Name", ["root.inner", "inner"]),
        ("Up(2).Path", ["root"]),
        ("This().Path + ':x'", ["root.inner.call:x"]),
        ("parent + ''", ["root.inner"]),
        ("util.PrefixedOverride('rate', 'its')", ["7"]),
        ("strings.ToUpper(kind)", ["PHYSICS"]),
    ],
)
def test_arguments_see_what_any_expression_of_a_role_sees(written, expected):
    variables = {"run_number": "42", "kind": "physics", "its_rate": "7", "rate": "1"}
    assert arguments_of(written, variables, "root.inner.call") == expected


def test_arguments_ask_the_site_with_the_variables_of_the_moment():
    bound = {("config", "Get"): lambda stack: lambda path: f"{path} for run {stack.find('run_number')}"}
    heard, end = run("heard.f(config.Get('a/b'))", services(bound), run_number="42")
    assert heard.calls[0][1] == ["a/b for run 42"]
    assert end == ("c1", "done", "")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("missing", "unknown variable missing"),
        ("1 +", "is not an expression"),
        ("Up(9)", "no role above the root"),
        ("config.Get('x')", "is known only where the workflow is deployed"),
    ],
)
def test_arguments_that_cannot_be_computed_are_named_with_the_reason(written, message):
    with pytest.raises(TemplateError, match=r"arguments .* of root\.call") as caught:
        arguments_of(written, {}, "root.call")
    assert message in str(caught.value)


def test_a_call_knows_itself():
    heard, _ = run("heard.f()", own="1")
    assert heard.calls[0][2] == {
        "own": "1",
        "environment_id": "ENV",
        "__call_func": "heard.f()",
        "__call_timeout": "2.5s",
        "__call_trigger": "before_CONFIGURE",
        "__call_await": "before_CONFIGURE",
        "__call_critical": "true",
        "__call_rolepath": "root.inner.call",
    }


@pytest.mark.parametrize(
    ("func", "message"),
    [
        ("heard.fail()", "no"),
        ("heard.break()", "RuntimeError('a defect')"),
        ("other.f()", "no integration 'other' is enabled; enabled are: heard"),
        ("heard", "is not a call: expected integration.function(arguments)"),
        ("heard.f(missing)", "unknown variable missing"),
    ],
)
def test_a_call_that_fails_ends_with_its_reason(func, message):
    _, (name, result, error) = run(func)
    assert (name, result) == ("c1", "")
    assert message in error


def test_a_cancelled_call_is_ended_without_a_result():
    ends = []

    class Hanging:
        ended = False

        async def call(self, function, arguments, variables):
            try:
                await asyncio.Event().wait()
            finally:
                self.ended = True

    async def scene():
        service = Hanging()
        caller = IntegrationCalls({"heard": service})
        caller.start(invoke("heard.f()"), lambda *end: ends.append(end))
        while not asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.sleep(0)
        (task,) = asyncio.all_tasks() - {asyncio.current_task()}
        caller.cancel(ENV, "c1")
        await asyncio.wait({task}, timeout=10)
        return task.cancelled()

    assert asyncio.run(scene())
    assert ends == []


@pytest.fixture
def with_epn_topology(tmp_path):
    """A site whose integration odc knows topologies."""

    def fullname(stack):
        return lambda: f"topology of {stack.find('pdp')}"

    odc = SimpleNamespace(functions={"GenerateEPNTopologyFullname": fullname})
    return services_of(open_resources(Site(), MasterContext(cache=tmp_path), {"odc": odc}))


def test_an_integration_brings_functions_of_templates(with_epn_topology):
    written = "odc.GenerateEPNTopologyFullname()"
    assert arguments_of(written, {"pdp": "x"}, "root.c", with_epn_topology) == ["topology of x"]


def test_a_function_that_no_integration_brings_is_an_error_at_the_site(with_epn_topology):
    with pytest.raises(TemplateError, match="no integration that is switched on has it"):
        arguments_of("odc.GenerateEPNWorkflowScript()", {}, "root.c", with_epn_topology)


def test_an_open_site_offers_its_services_and_another_offers_none(tmp_path):
    assert "Dump" in services_of(open_resources(Site(), MasterContext(cache=tmp_path)))
    assert services_of(Site()) is NOWHERE
