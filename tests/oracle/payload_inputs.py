"""Make the inputs of the table of payloads: operators, filters and tags of Django's language."""

VARIABLES = {
    "x": "X",
    "on": "true",
    "n": "5",
    "half": "2.5",
    "empty": "",
    "hosts": '["flp001","flp002"]',
    "text": "a <b> & 'c'",
    "q_x": "Q",
    "list": "a,b,c",
}
OTHERS = {
    "part": "<{{ h }}{{ x }}>",
    "macros": "{% macro twice(t) export %}{{ t }}{{ t }}{% endmacro %}",
    "plain": "plain",
    "base": "<{% block a %}A{{ x }}{% endblock %}|{% block b %}B{% endblock b %}>",
    "mid": '{% extends "base" %}{% block a %}M({{ block.Super }}){% endblock %}',
}
"""Payloads that the inputs include or extend."""
_VALUES = ["x", "n", "half", "empty", "nope", "1", "0", "2.5", "true", "'5'", "''", "FromJson(hosts)", "-3"]
_SIGNS = ["==", "!=", "<", "<=", ">", ">=", "in", "and", "||", "+", "-", "*", "/", "%", "^"]
_FILTERS = [
    *("upper", "lower", "title", "capfirst", "length", "first", "last", "default:'d'", "default_if_none:'d'"),
    *(
        "add:2",
        "add:'s'",
        "cut:'a'",
        "join:', '",
        "slice:':1'",
        "slice:'-2:'",
        "yesno",
        "yesno:'a,b'",
        "escape",
    ),
    *(
        "safe",
        "integer",
        "float",
        "floatformat",
        "floatformat:2",
        "divisibleby:5",
        "center:8",
        "ljust:8",
        "rjust:8",
    ),
    *("wordcount", "truncatechars:3", "truncatewords:2", "split:','", "make_list", "addslashes", "urlencode"),
    *("length_is:1", "linebreaksbr", "nofilter"),
]
_FILTERED = ["x", "n", "half", "empty", "nope", "text", "FromJson(hosts)", "3"]
_WRITTEN = """
{{ x }}
{{x}}
a{{ x }}b{{ n }}c
{{ nope }}
{{ nope.a.b }}
{{ x.a }}
{{ FromJson(hosts).0 }}
{{ FromJson(hosts)[1] }}
{{ FromJson(hosts).7 }}
{{ FromJson('{"a": {"b": 1}}').a.b }}
{{ FromJson('{"a": 1}')['a'] }}
{{ strings.ToUpper(on) }}
{{ strings.ToUpper(1) }}
{{ strings.ToUpper() }}
{{ strings.Nope(x) }}
{{ ToUpper(on) }}
{{ util.PrefixedOverride("x","q") }}
{{ util.PrefixedOverride("x","z") }}
{{ util.SuffixInRange("flp5","flp","1","9") }}
{{ strings.Atoi(n) + 1 }}
{{ strings.IsTruthy(on) }}
{{ json.Marshal(json.Unmarshal(hosts)) }}
{{ nofunction() }}
{{ x() }}
{{ "text" }}
{{ 'te"xt' }}
{{ "a \\"b\\"" }}
{{ 'a \\n' }}
{{ 1 + 2 * 3 }}
{{ (1 + 2) * 3 }}
{{ 7 / 2 }}
{{ 7 / 2.0 }}
{{ 7 % 3 }}
{{ 1 / 0 }}
{{ 2 ^ 3 }}
{{ -x }}
{{ -n|integer }}
{{ not x }}
{{ !empty }}
{{ not nope }}
{{ true }}
{{ x == "X" }}
{{ n == 5 }}
{{ n > 3 }}
{{ n|integer == 5 }}
{{ "lp" in hosts }}
{{ x and n }}
{{ x || n }}
{{ x ? 1 : 2 }}
{{ x
}}
{{ x
{{ }}
{{ x y }}
{{ x| }}
{{ x|default: }}
{{ x|default:"y" }}
{{ nope|default:"y" }}
{{ nope|default:x|lower }}
{{ text }}
{{ text|safe }}
{{ text|escape }}
{% autoescape on %}{{ text }}{{ text|safe }}{% endautoescape %}{{ text }}
{% autoescape off %}{{ text }}{% endautoescape %}
{% autoescape maybe %}{% endautoescape %}
{# a comment #}after
a{# not closed
{% comment %}a{{ x }}{% if %}{% endcomment %}b
{% comment %}
{% if x == "X" && on == "true" %}y{% endif %}
{% if x == "X" and on == "false" %}y{% else %}n{% endif %}
{% if on == true %}y{% else %}n{% endif %}
{% if x == "Y" %}1{% elif n > 3 %}2{% else %}3{% endif %}
{% if nope %}y{% else %}n{% endif %}
{% if not nope %}y{% endif %}
{% if empty %}y{% else %}n{% endif %}
{% if n > 3 %}y{% endif %}
{% if "flp001" in hosts %}y{% endif %}
{% if %}y{% endif %}
{% if x %}y
{% if x y %}{% endif %}
{% else %}
{% endif %}
{% nosuchtag %}
{% %}
{% for h in FromJson(hosts) %}[{{ h }}]{% endfor %}
{% for h in FromJson(hosts) %}{{ forloop.Counter }}/{{ forloop.Counter0 }},{% endfor %}
{% for h in FromJson(hosts) %}{{ forloop.Revcounter }}/{{ forloop.Revcounter0 }},{% endfor %}
{% for h in FromJson(hosts) %}{{ forloop.First }}/{{ forloop.Last }} {% endfor %}
{% for h in FromJson(hosts) %}{{ forloop.counter }}{% endfor %}
{% for h in FromJson(hosts) reversed %}{{ h }},{% endfor %}
{% for h in FromJson('["b","a"]') sorted %}{{ h }}{% endfor %}
{% for h in FromJson('["b","a","c"]') reversed sorted %}{{ h }}{% endfor %}
{% for h in FromJson('[]') %}{{ h }}{% empty %}none{% endfor %}
{% for h in nope %}{{ h }}{% empty %}none{% endfor %}
{% for c in x %}{{ c }}{% endfor %}
{% for k, v in FromJson('{"b":1,"a":2}') %}{{ k }}={{ v }};{% endfor %}
{% for k in FromJson('{"b":1,"a":2}') %}{{ k }};{% endfor %}
{% for h in 5 %}x{% empty %}none{% endfor %}
{% for a in FromJson('[[1],[3]]') %}{% for b in a %}{{ forloop.Parentloop.Counter }} {% endfor %}{% endfor %}
{% for h in list|split:"," %}{{ h }}-{% endfor %}
{% for h FromJson(hosts) %}{% endfor %}
{% for h in FromJson(hosts) %}
{% set a = x %}{{ a }}
{% set a = n + 1 %}{{ a }}
{% set a = 1 %}{% for h in FromJson(hosts) %}{% set a = a + 1 %}{{ a }}{% endfor %}{{ a }}
{% if x %}{% set a = 2 %}{% endif %}{{ a }}
{% set a %}b{% endset %}
{% with a=x b=n %}{{ a }}{{ b }}{% endwith %}{{ a }}
{% with x as a %}{{ a }}{% endwith %}
{% with %}{% endwith %}
{% ifequal x "X" %}y{% endifequal %}
{% ifequal n 5 %}y{% else %}n{% endifequal %}
{% ifnotequal x "X" %}y{% else %}n{% endifnotequal %}
{% include "plain" %}
{% include "part" %}
{% for h in FromJson(hosts) %}{% include "part" %}{% endfor %}
{% include "part" with h="H" %}
{% include "part" with h="H" only %}
{% include "absent" %}
{% include "absent" if_exists %}!
{% include "pl" + "ain" %}
{% include x %}
{% include %}
{% macro m(a, b="d") %}<{{ a }}{{ b }}>{% endmacro %}{{ m("1") }}{{ m("1", "2") }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}{{ m("1","2") }}
{% macro m() %}{{ x }}{% endmacro %}{{ m() }}
{% import "macros" twice %}{{ twice("ab") }}
{% import "macros" twice as t %}{{ t("ab") }}
{% import "macros" nope %}
{% spaceless %}<a>  <b> x </b>  </a>{% endspaceless %}
{% filter upper %}a{{ x }}b{% endfilter %}
{% filter upper|lower %}aB{% endfilter %}
{% firstof nope empty x "z" %}
{% templatetag openblock %}{% templatetag closevariable %}
{% widthratio 5 10 100 %}
{% verbatim %}{{ x }}{% if %}{% endverbatim %}
  a  {{- x -}}  b
a {%- if x -%} b {%- endif -%} c
{"a": "{{ x }}", "b": {{ n }}}
{"list": {{ hosts }}, "first": "{{ FromJson(hosts).0 }}"}
"{{ x }}" {% if on == "true" %},"y": 1{% endif %}
{{ 12345678901234567890 }}
{{ 1.5 + 1 }}
{{ 3.0 }}
{{ half|float * 2 }}
{{ n * 2 }}
{{ n + 2 }}
{{ x + n }}
{{ n - 1 }}
{{ half - 1 }}
{{ "a" < "b" }}
{{ 1 < 2 }}
{{ 1 == 1.0 }}
{{ true == "true" }}
{{ nope == "" }}
{{ nope != "a" }}
{{ 1 < 2 < 3 }}
{{ x == "X" == true }}
{{ not x == "X" }}
"""
_TAGS = """
{% extends "base" %}{% block b %}b2{% endblock %}
{% extends "base" %}text{% block a %}a2{% endblock %}text
{% extends "base" %}
{% extends "mid" %}{% block a %}top[{{ block.Super }}]{% endblock %}no
{% extends "mid" %}{% block b %}[{{ block.Super }}]{% endblock %}
{% extends "mid" %}{% block a %}[{{ block.Super }}{{ block.Super }}]{% endblock %}
{% extends "base" %}{% block c %}new{% endblock %}
{% extends "base" %}{% set y = "1" %}{% block a %}{{ y }}{% endblock %}
{% extends "base" %}{% macro m() %}mm{% endmacro %}{% block a %}{{ m() }}{% endblock %}
{% block z %}q{% endblock %}
{% block z %}q{% endblock z %}
{% block z %}q{% endblock y %}
{% block z %}q
{% block %}q{% endblock %}
{% block z y %}q{% endblock %}
{% block z %}{{ block.Super }}|{{ x }}{% endblock %}
{% block z %}1{% endblock %}{% block z %}2{% endblock %}
{% block q %}{% block r %}i{% endblock %}{% endblock %}
{% if x %}{% block q %}in{% endblock %}{% endif %}
{% for i in "ab" %}{% block q %}{{ i }}{% endblock %}{% endfor %}
{% if x %}{% extends "base" %}{% endif %}
{% extends x %}
{% extends %}
{% extends "nowhere" %}
{% extends "base" %}{% extends "base" %}
a{% extends "base" %}
{% include "base" %}
{% include "mid" %}
{% for i in "abcd" %}{% cycle "1" "2" %}{% endfor %}
{% for i in "abcd" %}{% cycle "1" "2" as c silent %}{{ c }}{% endfor %}
{% for i in "abcde" %}{% cycle "1" x n as c %}{{ c }}{% endfor %}
{% cycle "1" "2" as c %}{% cycle c %}{{ c }}
{% cycle "1" "2" as c silent %}{% cycle c %}{{ c }}
{% cycle "1" "2" as c %}{% if c == "1" %}y{% else %}n{% endif %}
{% cycle "1" "2" as c %}{{ c|upper }}{{ c|length }}
{% for i in "abc" %}{% cycle i "x" %}{% endfor %}
{% cycle "1" as %}
{% cycle "1" as c d %}
{% cycle "1", "2" %}
{% for i in "aabba" %}{% ifchanged i %}{{ i }}{% else %}-{% endifchanged %}{% endfor %}
{% for i in "aabba" %}{% ifchanged %}{{ i }}{% endifchanged %}{% endfor %}
{% for i in "aabba" %}{% ifchanged %}{{ i }}{% else %}-{% endifchanged %}{% endfor %}
{% for i in "abc" %}{% ifchanged x %}{{ i }}{% else %}-{% endifchanged %}{% endfor %}
{% for i in "abc" %}{% ifchanged x i %}{{ i }}{% else %}-{% endifchanged %}{% endfor %}
{% for i in "ab" %}{% ifchanged i %}{{ i }}{% endifchanged %}{% endfor %}
{% ifchanged x %}a{% endifchanged y %}
{% ifchanged %}{% endifchanged %}
{% ifchanged nope %}a{% else %}b{% endifchanged %}
{% now "2006-01-02 15:04:05" fake %}
{% now "Jan 2, 2006 at 3:04pm (MST)" fake %}
{% now "" fake %}
{% now "year 2006" fake x %}
{% now x %}
{% now %}
"""
_BLOCKS = [
    "{% if {v} %}y{% else %}n{% endif %}",
    "{% if not {v} %}y{% else %}n{% endif %}",
    "{% for i in {v} %}{{ i }},{% empty %}none{% endfor %}",
    "{% set s = {v} %}{{ s }}",
    "{% ifequal {v} x %}y{% else %}n{% endifequal %}",
    "{{ {v}|default:'d'|upper }}",
]


def payloads():
    """Return all inputs, each once."""
    found = [line for line in _WRITTEN.split("\n") if line.strip()]
    found += [
        f"{{{{ {one} {sign} {other} }}}}" for sign in _SIGNS for one in _VALUES[:9] for other in _VALUES[:6]
    ]
    found += [f"{{{{ {value}|{name} }}}}" for name in _FILTERS for value in _FILTERED]
    found += [block.replace("{v}", value) for block in _BLOCKS for value in _VALUES]
    found += [line for line in _TAGS.split("\n") if line]
    return list(dict.fromkeys(found))
