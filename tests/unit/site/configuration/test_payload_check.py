"""Payloads of a repository are checked; and payloads request configuration and inventory themselves."""

import pytest

from salt_o2.core.errors import TemplateError
from salt_o2.site.configuration import Configuration, open_backend
from salt_o2.site.configuration.payload import fill
from salt_o2.site.configuration.payload_check import check_payloads
from salt_o2.site.configuration.template_functions import payload_functions
from salt_o2.workflow.variables.stack import Stack

ENTRIES = {
    "list": '{"d": {{ detectors }},\n"s": {{ detectors|safe }}}',
    "safe": "{{ detectors|safe }}{% autoescape off %}{{ detectors }}{% endautoescape %}",
    "plain": 'no expression: <a> & "b"',
    "part": "a\nb {{ sign }}",
    "whole": "{% include 'part' %}",
    "broken": "x\n{% if %}",
    "other": "[{{ config.Get('qc/ANY/any/plain') }}] {{ config.Resolve('qc', 'PHYSICS', 'flp1', 'part') }}",
    "host": "{{ inventory.DetectorForHost(host) }} {{ inventory.EndpointsForCRUCard('flp1', '12') }}",
    "self": "{{ config.Get('qc/ANY/any/self') }}",
    "missing": "\n{{ config.Get('qc/ANY/any/nope') }}",
    "many": "{% for i in hosts %}{{ config.Get('qc/ANY/any/plain') }}{% endfor %}",
}
PILLAR = {
    "components": {"qc": {"ANY": {"any": ENTRIES}}, "readout": {"ANY": {"any": {"x": "{{ y }}"}}}},
    "hardware": {
        "detectors": {"ITS": {"flps": {"flp1": {"aliases": "{}"}}}},
        "flps": {"flp1": {"cards": '{"0": {"serial": "12", "endpoint": "0"}}'}},
    },
}
VARIABLES = {"detectors": '["TPC"]', "sign": "1 < 2", "host": "flp1"}


@pytest.fixture
def configuration():
    """A site with payloads of several kinds."""
    return Configuration(open_backend("pillar", lambda: PILLAR))


@pytest.fixture
def verdicts(configuration):
    """The verdicts on all payloads, by the last parts of their paths."""
    found = check_payloads(configuration, "", VARIABLES)
    return {each.path.rpartition("/")[2]: each for each in found}


def rendered(configuration, entry, variables=VARIABLES):
    functions = payload_functions(configuration, Stack((variables,), None))
    return configuration.get(f"qc/ANY/any/{entry}", variables, functions)


@pytest.mark.parametrize(
    ("entry", "line", "in_aliecs"),
    [
        ("list", 1, '{"d": [&quot;TPC&quot;],'),
        ("part", 2, "b 1 &lt; 2"),
        ("whole", 2, "b 1 &lt; 2"),
    ],
)
def test_the_check_shows_the_first_line_that_aliecs_escapes(verdicts, entry, line, in_aliecs):
    found = verdicts[entry]
    assert (found.problem, found.line, found.in_aliecs) == ("", line, in_aliecs)
    assert found.here != in_aliecs


@pytest.mark.parametrize("entry", ["safe", "plain", "host"])
def test_the_check_accepts_a_payload_that_aliecs_renders_alike(verdicts, entry):
    assert (verdicts[entry].problem, verdicts[entry].line) == ("", 0)


def test_the_check_names_a_payload_that_cannot_be_rendered_and_its_line(verdicts):
    assert verdicts["broken"].problem.startswith("configuration qc/ANY/any/broken:2: ")


def test_the_check_of_one_component_leaves_out_the_others(configuration):
    assert [each.path for each in check_payloads(configuration, "readout", {})] == ["readout/ANY/any/x"]


def test_a_payload_requests_another_one_and_its_path(configuration):
    assert rendered(configuration, "other") == '[no expression: <a> & "b"] qc/ANY/any/part'


def test_a_payload_asks_the_inventory(configuration):
    assert rendered(configuration, "host") == "ITS 0"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("self", "does 'qc/ANY/any/self' request itself"),
        ("missing", "qc/ANY/any/missing:2: no configuration qc/ANY/any/nope"),
    ],
)
def test_a_payload_that_requests_what_is_not_there_is_refused(configuration, entry, message):
    with pytest.raises(TemplateError, match=message):
        rendered(configuration, entry)


def test_a_payload_requests_at_most_200_payloads(configuration):
    assert rendered(configuration, "many", {"hosts": "x" * 200}).count("no expression") == 200
    with pytest.raises(TemplateError, match="too many payloads request one another"):
        rendered(configuration, "many", {"hosts": "x" * 201})


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ('{% ssi "/etc/passwd" %}', "ssi reads any file of the machine that control runs on"),
        ('{% ssi "/etc/passwd" parsed %}', "store the text as a payload and include that"),
        ("{% lorem 3 w %}", "no component reads"),
    ],
)
def test_a_tag_that_reads_files_or_fills_in_text_is_refused_with_the_reason(payload, reason):
    with pytest.raises(TemplateError, match=reason):
        fill(payload, {}, {}.__getitem__, "here")


def test_now_writes_the_time_of_the_clock():
    year = fill('{% now "2006" %}', {}, {}.__getitem__, "here")
    assert 2026 <= int(year) < 3000


def test_a_payload_that_extends_itself_is_refused():
    with pytest.raises(TemplateError, match="more than 200 payloads"):
        fill('{% extends "a" %}', {}, {"a": '{% extends "a" %}'}.__getitem__, "here")


def test_blocks_of_an_included_payload_are_its_own():
    others = {"inner": "{% block a %}inner{% endblock %}", "base": "({% block a %}{% endblock %})"}
    payload = '{% extends "base" %}{% block a %}outer {% include "inner" %}{% endblock %}'
    assert fill(payload, {}, others.__getitem__, "here") == "(outer inner)"


def test_a_changed_value_of_a_list_cannot_be_compared():
    payload = "{% for i in 'ab' %}{% ifchanged l %}x{% endifchanged %}{% endfor %}"
    with pytest.raises(TemplateError, match="cannot be compared"):
        fill(payload, {"l": [1]}, {}.__getitem__, "here")
