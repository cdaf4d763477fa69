"""The variables of a workflow, where they are read, and the variables of a user that nothing reads."""

import pytest

from salt_o2.core.errors import UnknownNameError
from salt_o2.workflow.authoring.variable_catalogue import catalogue_of, unread
from salt_o2.workflow.expansion.loader import load
from salt_o2.workflow.sources.directory import Directory

FLOW = """
name: root
description: a flow
defaults:
  rate: "10"
  parts: !public
    value: "2"
    type: number
    values: ["1", "2", "4"]
    widget: dropDownBox
    description: How many parts
vars: { topic: "t-{{ rate }}" }
roles:
  - name: "part{{ it }}"
    for: { begin: 1, end: "{{ parts }}", var: it }
    task: { load: part }
  - name: extra
    enabled: "{{ extra_enabled }}"
    defaults: { extra_enabled: "false" }
    task: { load: extra }
  - name: inner
    include: inner
"""
PART = """
name: part
defaults: { text: hello }
control: { mode: basic }
command:
  value: part
  arguments: ["--topic={{ topic }}", "--text={{ text }}", "--log={{ log_level }}"]
"""
EXTRA = """
name: extra
control: { mode: basic }
command: { value: extra, arguments: ["{{ extra_file }}"] }
"""
INNER = """
name: inner
roles:
  - name: last
    constraints: [{ attribute: zone, value: "{{ zone }}" }]
    task: { load: part }
"""
SITE = {"extra_enabled": "false", "zone": "a", "log_level": "info"}


@pytest.fixture
def flow(tmp_path):
    """Return a function that writes the templates, with other texts of some of them, and its source."""

    def write(**other):
        templates = {
            "workflows/flow": FLOW,
            "workflows/inner": INNER,
            "tasks/part": PART,
            "tasks/extra": EXTRA,
        }
        for name, text in (templates | {key.replace("_", "/"): text for key, text in other.items()}).items():
            path = tmp_path / f"{name}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return Directory(tmp_path)

    return write


def records(source):
    found = catalogue_of(source, "flow")
    return {each["name"]: each for each in found.records({"zone": "a"}, {"topic": "names the topic"})}


def warnings(source, *given, elsewhere=(), **values):
    given = dict.fromkeys(given, "1") | values
    workflow = load(source, "flow", variables=given, site_defaults=SITE)
    return unread(source, workflow, given, elsewhere)


def test_a_described_variable_has_type_default_allowed_values_and_description(flow):
    parts = records(flow())["parts"]
    assert (parts["type"], parts["default"], parts["values"]) == ("number", "2", ["1", "2", "4"])
    assert parts["description"] == "How many parts"
    assert parts["read"] == ["workflows/flow.yaml:15"]


def test_a_default_is_shown_as_the_template_writes_it(flow):
    found = records(flow())
    assert found["topic"]["default"] == "t-{{ rate }}"
    assert (found["topic"]["block"], found["rate"]["block"]) == ("vars", "defaults")


def test_the_default_of_a_task_template_is_shown(flow):
    assert records(flow())["text"]["default"] == "hello"


def test_each_place_that_reads_a_variable_is_named(flow):
    found = records(flow())
    assert found["rate"]["read"] == ["workflows/flow.yaml:12"]
    assert found["topic"]["read"] == ["tasks/part.yaml:7", "control: names the topic"]


def test_variables_of_disabled_roles_and_of_included_workflows_are_listed(flow):
    found = records(flow())
    assert found["extra_file"]["read"] == ["tasks/extra.yaml:4"]
    assert (found["zone"]["read"], found["zone"]["site"]) == (["workflows/inner.yaml:5"], "a")


def test_a_variable_that_only_the_site_or_the_user_gives_has_no_default(flow):
    found = records(flow())["log_level"]
    assert (found["default"], found["defined"]) == (None, [])


def test_the_variable_of_an_iterator_is_not_listed(flow):
    assert "it" not in records(flow())


def test_an_unknown_workflow_is_an_error(flow):
    with pytest.raises(UnknownNameError):
        catalogue_of(flow(), "flaw")


def test_a_variable_that_nothing_reads_is_reported_with_the_nearest_one(flow):
    assert warnings(flow(), "rat") == ["variable rat: nothing in workflow flow reads it (did you mean rate?)"]


def test_a_variable_without_a_similar_one_is_reported_alone(flow):
    assert warnings(flow(), "wholly_different") == [
        "variable wholly_different: nothing in workflow flow reads it"
    ]


@pytest.mark.parametrize("name", ["rate", "parts", "text", "zone", "extra_file", "extra_enabled"])
def test_a_variable_that_a_template_reads_is_not_reported(flow, name):
    assert warnings(flow(), **{name: "1" if name != "extra_enabled" else "false"}) == []


def test_a_variable_that_control_reads_is_not_reported_and_can_be_the_nearest_one(flow):
    source = flow()
    assert warnings(source, "recovery", elsewhere=["recovery"]) == []
    (warning,) = warnings(source, "recovry", elsewhere=["recovery"])
    assert "did you mean recovery?" in warning


def test_a_variable_of_one_role_is_judged_by_its_own_name(flow):
    source = flow()
    assert warnings(source, **{"root.inner:zone": "b"}) == []
    (warning,) = warnings(source, **{"root.inner:zon": "b"})
    assert warning.startswith("variable root.inner:zon: nothing")
    assert "did you mean zone?" in warning


def test_a_variable_that_a_prefixed_override_may_read_is_not_reported(flow):
    part = PART.replace("{{ topic }}", "{{ PrefixedOverride('topic', text) }}")
    assert warnings(flow(tasks_part=part), "hello_topic") == []


CALL = "  - name: call\n    call: { func: test.succeed(), trigger: after_CONFIGURE }\n"


def test_with_a_call_only_a_name_that_is_almost_a_known_one_is_reported(flow):
    source = flow(workflows_flow=FLOW + CALL)
    assert warnings(source, "wholly_different") == []
    (warning,) = warnings(source, "log_levl")
    assert "did you mean log_level?" in warning
    assert catalogue_of(source, "flow").unknown


def test_a_computed_task_class_is_found_in_the_expansion(flow):
    computed = FLOW.replace("load: extra", 'load: "{{ extra_class }}"').replace(
        'extra_enabled: "false"', 'extra_enabled: "true", extra_class: extra'
    )
    source = flow(workflows_flow=computed)
    assert warnings(source, extra_file="x", extra_enabled="true") == []
    assert catalogue_of(source, "flow").unknown == {"the name of a template is computed": None}
