"""No payload of the configuration takes more than its time and its memory, however it repeats itself."""

import resource
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.core.errors import TemplateError
from salt_o2.site.configuration.payload import fill

ENDLESS = {
    "loops in loops": "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "a macro that calls itself": "{% macro f(n) %}{{ f(n - 1) }}{% endmacro %}{{ f(9) }}",
    "a macro that calls itself twice": (
        "{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}"
    ),
    "a text doubled by ~": "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x ~ x %}" * 60,
    "a text doubled by +": "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x + x %}" * 60,
    "a block doubled": "{% set x = 'aaaaaaaaaa' %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 60,
    "a macro that doubles": (
        "{% macro d(x) %}{{ x }}{{ x }}{% endmacro %}{{ " + "d(" * 60 + "'aaaaaaaaaa'" + ")" * 60 + " }}"
    ),
    "a caller that doubles": (
        "{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}"
        + "{% call m() %}" * 50
        + "a"
        + "{% endcall %}" * 50
    ),
    "a list of itself twice": "{% set x = [1, 1] %}" + "{% set x = [x, x] %}" * 60 + "{{ x }}",
    "a list of itself as JSON": "{% set x = [1, 1] %}" + "{% set x = [x, x] %}" * 60 + "{{ x | tojson }}",
    "a mapping of itself twice": "{% set x = {} %}" + "{% set x = {'a': x, 'b': x} %}" * 60 + "{{ x }}",
    "a loop that calls itself": "{% for a in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
    "a payload that includes itself": "{% include 'self' %}",
    "a payload that includes itself twice": "{% include 'self' %}{% include 'self' %}",
    "a payload that imports itself": "{% import 'self' as s %}{{ s }}",
    "a payload that extends itself": "{% extends 'self' %}",
    "a filter over a loop": (
        "{% filter upper %}{% for a in range(100000) %}{% for b in range(1000) %}a{% endfor %}{% endfor %}"
        "{% endfilter %}"
    ),
    "comparisons of long lists": (
        "{% set x = range(100000) | list %}{% set y = range(100000) | list %}"
        "{% for i in range(100000) %}{% if x == y %}{% endif %}{% endfor %}"
    ),
    "slices of a long list": (
        "{% set x = range(100000) | list %}{% for i in range(100000) %}{% set y = x[1:] %}{% endfor %}"
    ),
    "too much to compile": "{{ 1 }}" * 5_001,
    "too long": "a" * 1_000_001 + "{{ 1 }}",
}


@pytest.fixture(autouse=True, scope="module")
def short_time():
    """The time of a payload is a tenth of what it is at a site, or these tests would take minutes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("salt_o2.workflow.expressions.evaluation_budget.EVALUATION_S", 0.5)
        yield


SECONDS = 60
"""Far above every limit, for machines that are busy; without a limit each of them would take for ever."""
MEGABYTES = 600


@pytest.mark.parametrize("payload", ENDLESS.values(), ids=ENDLESS)
def test_a_payload_is_ended(payload):
    before, begin = _memory_mb(), time.monotonic()
    with pytest.raises(TemplateError, match=r"^here: "):
        fill(payload, {}, lambda _name: payload, "here")
    assert time.monotonic() - begin < SECONDS
    assert _memory_mb() - before < MEGABYTES


@pytest.mark.parametrize(
    ("payload", "filled"),
    [
        (
            "{% for h in FromJson(hosts) %}{{ loop.index }}/{{ loop.length }}{{ h }} {% endfor %}",
            "1/2a 2/2b ",
        ),
        ("{% for h in FromJson(hosts) if h == 'b' %}{{ h }}{% else %}none{% endfor %}", "b"),
        ("{% for k, v in {'x': 1, 'y': 2}.items() %}{{ k }}{{ v }}{% endfor %}", "x1y2"),
        ("{% for h in FromJson(hosts) %}{% include 'part' %}{% endfor %}", "<a><b>"),
        (
            "{% for h in FromJson(hosts) %}{{ forloop.Counter }}{{ forloop.Last }} {% endfor %}",
            "1False 2True ",
        ),
        ("{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(1) }}{{ m('a' ~ 2) }}", "[1][a2]"),
        ("{% set a, b = 1, 2 %}{{ a }}{{ b }}", "12"),
        ("{% set x %}in {{ rate }}{% endset %}{{ x | upper }}", "IN 7"),
        ("{% if rate == '7' and 'a' in hosts %}yes{% endif %}", "yes"),
        ("{{ [1, 2, 3][1:] | join(',') }}", "2,3"),
        ("{% import 'macros' as m %}{{ m.twice('x') }}", "xx"),
        ("{% for a in [[1, []], [2, []]] recursive %}{{ a[0] }}{{ loop(a[1]) }}{% endfor %}", "12"),
        ("{% raw %}{{ x }}{% endraw %}{# no #}", "{{ x }}"),
    ],
)
def test_what_payloads_do_is_not_in_the_way_of_their_limits(payload, filled):
    parts = {"part": "<{{ h }}>", "macros": "{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}"}
    assert fill(payload, {"hosts": '["a", "b"]', "rate": "7"}, parts.__getitem__, "here") == filled


@pytest.mark.parametrize(
    "payload",
    [
        "{% for a in [1] %}{{ loop._iterable }}{% endfor %}",
        "{% for a in [1] %}{{ loop.__class__ }}{% endfor %}",
        "{% for a in [1] %}{{ loop.changed.__func__ }}{% endfor %}",
        "{% import 'macros' as m %}{{ m.__class__ }}",
        "{% import 'macros' as m %}{{ m._body_stream }}",
        "{% import 'macros' as m %}{{ m.f.__globals__ }}",
        "{% import 'macros' as m %}{{ m.f._environment }}",
        "{% macro f() %}{{ self }}{% endmacro %}{{ f.__init__.__globals__ }}",
        "{{ self.__init__ }}",
        "{{ self._TemplateReference__context }}",
        "{% set x = ''.__class__.__mro__ %}",
        "{{ ''['__class__'] }}",
        "{{ '' | attr('__class__') }}",
        "{{ cycler }}",
        "{{ lipsum() }}",
        "{{ range.__self__ }}",
        "{{ [''] | map(attribute='__class__') | list }}",
        "{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
        "{{ strings.__class__ }}",
        "{% debug %}",
        "{% do 1 %}",
    ],
)
def test_no_statement_of_a_payload_leads_out_of_the_sandbox(payload):
    with pytest.raises(TemplateError):
        fill(payload, {}, lambda _name: "{% macro f() %}{% endmacro %}", "here")


def test_a_payload_may_include_another_for_each_of_many_hosts():
    payload = "{% for h in range(100) %}{% include 'part' %}{% endfor %}"
    assert fill(payload, {}, lambda _name: "{{ h }};", "here").count(";") == 100


def test_one_payload_does_not_pay_for_another():
    costly = "{% for i in range(400) %}{% set x = big + big %}{% endfor %}done"
    for _ in range(3):
        assert fill(costly, {"big": "b" * 10_000}, lambda _name: "", "here") == "done"
    with pytest.raises(TemplateError, match="makes more than"):
        fill(costly * 3, {"big": "b" * 10_000}, lambda _name: "", "here")


PIECES = [
    *(
        "{% for a in x %}",
        "{% for a in range(n) %}",
        "{% for a in a recursive %}",
        "{% else %}",
        "{% endfor %}",
    ),
    *("{% if a %}", "{% elif x == n %}", "{% endif %}", "{% set x = x ~ x %}", "{% set x %}", "{% endset %}"),
    *(
        "{% macro m(a) %}",
        "{% endmacro %}",
        "{{ m(x) }}",
        "{% call m(1) %}",
        "{% endcall %}",
        "{{ caller() }}",
    ),
    *("{% include 'p' %}", "{% import 'p' as x %}", "{% from 'p' import m %}", "{% extends 'p' %}"),
    *("{% block b %}", "{% endblock %}", "{{ super() }}", "{{ self.b() }}", "{% filter upper %}"),
    *("{% endfilter %}", "{{ loop.index }}", "{{ loop(x) }}", "{{ [x, x] }}", "{{ x[1:] }}", "{{ x + x }}"),
    *(
        "{{ {'a': x}.a }}",
        "{% set x = [x, x] %}",
        "{{ x | tojson }}",
        "{{ missing }}",
        "text",
        "{#",
        "#}",
        "%}",
    ),
    *("{% with x = n %}", "{% endwith %}", "{{ x.__class__ }}", "{% raw %}", "{% endraw %}", "{{", "\0"),
]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_any_payload_is_filled_in_or_refused(payload):
    with suppress(TemplateError):
        assert len(fill(payload, {"x": "[1]", "n": "3"}, lambda _name: payload, "here")) <= 1_000_000


@settings(deadline=None, max_examples=500)
@given(st.text(max_size=60) | st.text(alphabet="{}%#x1 .|()['\"-", max_size=60), st.text(max_size=20))
def test_no_text_is_more_than_a_payload(payload, value):
    with suppress(TemplateError):
        fill(payload, {"x": value}, lambda _name: value, "here")


def _memory_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
