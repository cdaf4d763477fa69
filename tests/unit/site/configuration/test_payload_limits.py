"""No payload of the configuration takes more than its time and its memory, however it repeats itself."""

import resource
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.core.errors import TemplateError
from salt_o2.site.configuration.payload import fill

MANY = "FromJson(many)"
"""A list of 100,000 numbers."""
VARIABLES = {"many": "[" + "1," * 99_999 + "1]", "hosts": '["a", "b"]', "rate": "7"}
ENDLESS = {
    "loops in loops": f"{{% set l = {MANY} %}}" + "{% for a in l %}{% for b in l %}{% endfor %}{% endfor %}",
    "a macro that calls itself": "{% macro f(n) %}{{ f(n - 1) }}{% endmacro %}{{ f(9) }}",
    "a macro that calls itself twice": (
        "{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}"
    ),
    "a text doubled by +": "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x + x %}" * 60,
    "a text doubled by add": "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x|add:x %}" * 60,
    "a text doubled by join": "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x|join:x %}" * 60,
    "a macro that doubles": (
        "{% macro d(x) %}{{ x }}{{ x }}{% endmacro %}{{ " + "d(" * 60 + "'aaaaaaaaaa'" + ")" * 60 + " }}"
    ),
    "a wide text": "{{ rate|ljust:100000000 }}",
    "many digits": "{{ rate|floatformat:100000000 }}",
    "a payload that includes itself": "{% include 'self' %}",
    "a payload that includes itself twice": "{% include 'self' %}{% include 'self' %}",
    "a payload that imports itself": "{% import 'self' s %}{{ s }}",
    "a filter over a loop": (
        f"{{% set l = {MANY} %}}{{% filter upper %}}{{% for a in l %}}{{% for b in l %}}a"
        "{% endfor %}{% endfor %}{% endfilter %}"
    ),
    "searches in a long list": (
        f"{{% set l = {MANY} %}}" + "{% for a in l %}{% if 2.5 in l %}{% endif %}{% endfor %}"
    ),
    "slices of a long list": (
        f"{{% set l = {MANY} %}}" + "{% for a in l %}{% set y = l|slice:'1:' %}{% endfor %}"
    ),
    "brackets": "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "conditions in conditions": "{% if 1 %}" * 2_000 + "{% endif %}" * 2_000,
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
    with pytest.raises(TemplateError, match=r"^here:"):
        fill(payload, VARIABLES, lambda _name: payload, "here")
    assert time.monotonic() - begin < SECONDS
    assert _memory_mb() - before < MEGABYTES


@pytest.mark.parametrize(
    ("payload", "filled"),
    [
        ("{% for h in FromJson(hosts) %}{{ forloop.Counter }}{{ h }} {% endfor %}", "1a 2b "),
        ("{% for h in FromJson('[]') %}{{ h }}{% empty %}none{% endfor %}", "none"),
        ("{% for h in FromJson(hosts) %}{% include 'part' %}{% endfor %}", "<a><b>"),
        ("{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(1) }}{{ m('a' + 2) }}", "[1][a2]"),
        ("{% if rate == '7' and 'a' in hosts %}yes{% endif %}", "yes"),
        ("{% import 'macros' twice %}{{ twice('x') }}", "xx"),
        ("{% verbatim %}{{ x }}{% endverbatim %}{# no #}", "{{ x }}"),
        ("{{ nope }}|{{ rate|default:'d' }}|{{ 1/2 }}", "|7|0"),
        ("{% if rate > 3 && !nope %}y{% endif %}", "y"),
    ],
)
def test_payloads_within_their_limits_are_rendered(payload, filled):
    parts = {"part": "<{{ h }}>", "macros": "{% macro twice(x) export %}{{ x }}{{ x }}{% endmacro %}"}
    assert fill(payload, VARIABLES, parts.__getitem__, "here") == filled


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("a\n{{ x y }}", r"^here:2: 'y' is too much"),
        ("{% raw %}", r"^here:1: no tag raw"),
        ("{% iff x %}", r"no tag iff \(did you mean if\?\)"),
        ("{{ x|uper }}", r"no filter uper \(did you mean upper\?\)"),
        ("{% if x %}", "elif or else or endif expected"),
        ("{{ strings.ToUpper(1) }}", "ToUpper takes a text, not a number"),
        ("{{ rate.a }}", "text rate has no a"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ a ~ b }}", "'~' has no meaning"),
    ],
)
def test_a_payload_that_cannot_be_rendered_says_where_and_why(payload, message):
    with pytest.raises(TemplateError, match=message):
        fill(payload, VARIABLES, lambda _name: "", "here")


@pytest.mark.parametrize(
    "payload",
    [
        "{{ rate.__class__ }}",
        "{% for a in FromJson(hosts) %}{{ forloop.__class__ }}{% endfor %}",
        "{% for a in FromJson(hosts) %}{{ forloop.fields }}{% endfor %}",
        "{% macro f() %}{% endmacro %}{{ f.__globals__ }}",
        "{{ strings.__class__ }}",
        "{{ strings.function }}",
        "{{ strings._entries }}",
        "{{ ToUpper.call }}",
        "{{ util.PrefixedOverride.__self__ }}",
        "{{ FromJson(hosts).append }}",
        "{{ self }}{{ cycler }}{{ lipsum }}{{ range }}",
        "{{ '' | attr('__class__') }}",
        "{% debug %}",
    ],
)
def test_no_payload_reaches_an_attribute_of_python(payload):
    try:
        found = fill(payload, VARIABLES, lambda _name: "", "here")
    except TemplateError:
        return
    assert found == ""


def test_a_payload_may_include_another_for_each_of_many_hosts():
    payload = "{% for h in FromJson(hundred) %}{% include 'part' %}{% endfor %}"
    given = {"hundred": str(list(range(100)))}
    assert fill(payload, given, lambda _name: "{{ h }};", "here").count(";") == 100


@pytest.mark.finding("A7")
def test_a_join_is_refused_before_it_fills_the_memory():
    payload = "{% set a = ''|rjust:1000000 %}{{ a|make_list|join:a|length }}"
    with pytest.raises(TemplateError, match="filter join makes more than 10,000,000 characters"):
        fill(payload, {}, lambda _name: "", "x")


def test_each_payload_has_its_own_limit():
    costly = "{% for i in FromJson(list) %}{% set x = big + big %}{% endfor %}done"
    given = {"big": "b" * 10_000, "list": str([1] * 400)}
    for _ in range(3):
        assert fill(costly, given, lambda _name: "", "here") == "done"
    with pytest.raises(TemplateError, match="makes more than"):
        fill(costly * 3, given, lambda _name: "", "here")


PIECES = [
    *("{% for a in x %}", "{% for a in FromJson(x) %}", "{% for a, b in a %}", "{% empty %}", "{% endfor %}"),
    *(
        "{% if a %}",
        "{% elif x == n %}",
        "{% else %}",
        "{% endif %}",
        "{% set x = x + x %}",
        "{% set x = 1 %}",
    ),
    *("{% macro m(a) %}", "{% macro m(a, b=x) export %}", "{% endmacro %}", "{{ m(x) }}", "{{ m }}"),
    *("{% include 'p' %}", "{% include x with n=1 only %}", "{% import 'p' m %}", "{% filter upper %}"),
    *("{% endfilter %}", "{{ forloop.Counter }}", "{{ FromJson(x).0 }}", "{{ x|slice:'1:' }}", "{{ x + x }}"),
    *("{% with x = n %}", "{% endwith %}", "{{ x.__class__ }}", "{% verbatim %}", "{% endverbatim %}", "{{"),
    *("{% spaceless %}", "{% endspaceless %}", "{% comment %}", "{% endcomment %}", "{% autoescape on %}"),
    *("{% endautoescape %}", "{{ 1 / n }}", "{{ absent }}", "text", "{#", "#}", "%}", "\0"),
]


LEAVES = [
    *(
        "text",
        "{{ x + x }}",
        "{{ 1 / n }}",
        "{{ x|slice:'1:' }}",
        "{{ FromJson(x).0 }}",
        "{{ FromJson(n + 'x') }}",
    ),
    *("{{ absent }}", "{{ forloop.Counter }}", "{% set x = x + x %}", "{% set x = 1 %}", "{% include 'p' %}"),
    *("{{ n / 0 }}", "{{ x.y }}", "{{ FromJson() }}"),
]
BLOCKS = [
    ("{% for a in x %}", "{% endfor %}"),
    ("{% for a in FromJson(x) %}", "{% endfor %}"),
    ("{% if x == n %}", "{% endif %}"),
    ("{% if n %}text{% else %}", "{% endif %}"),
    ("{% with x = n %}", "{% endwith %}"),
    ("{% filter upper %}", "{% endfilter %}"),
    ("{% spaceless %}", "{% endspaceless %}"),
]
WELL_FORMED = st.recursive(
    st.sampled_from(LEAVES),
    lambda part: (
        st.lists(part, max_size=3).map("".join)
        | st.tuples(st.sampled_from(BLOCKS), part).map(lambda block: block[0][0] + block[1] + block[0][1])
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join) | WELL_FORMED)
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
