"""Calls with values in their text: a value of a user stays a value, whatever is in it."""

import pytest

from salt_o2.core.errors import TemplateError
from salt_o2.workflow.variables.call_arguments import arguments_of
from salt_o2.workflow.variables.site_services import services
from tests.support.builders.templates import expand


def expanded(func, **variables):
    """Return the ``func`` of a call role after expansion, with variables of a user."""
    lines = ["name: root", "defaults: {label: cosmics, own: '1, 2'}", "roles:", "  - name: c", "    call:"]
    lines += ["      func: |", *(f"        {line}" for line in func.split("\n"))]
    lines += ["      trigger: before_CONFIGURE"]
    return expand("\n".join(lines) + "\n", {}, variables=variables).calls[0].func


def arguments(func, **variables):
    """Return the arguments of the call, and the DPL commands that ran for them."""
    ran = []
    site = services({("dpl", "Generate"): lambda _stack: lambda command: ran.append(command) or "made"})
    made = expanded(func, **variables)
    return arguments_of(made[made.index("(") + 1 : -1], {"label": "of the moment"}, "root.c", site), ran


ATTACKS = [
    '" + dpl.Generate("id") + "',
    "' + dpl.Generate('id') + '",
    "` + dpl.Generate(`id`) + `",
    '\\" + dpl.Generate("id") + "',
    "a\nb\rc",
    "{{ dpl.Generate('id') }}",
    "\\",
    "",
]


@pytest.mark.finding("A16")
@pytest.mark.parametrize("value", ATTACKS)
@pytest.mark.parametrize("quote", ['"', "'", "`"])
def test_a_value_of_a_user_in_quotes_of_a_call_is_no_program(quote, value):
    if quote == "`" and "\r" in value:
        value = value.replace("\r", "")
    func = f"test.succeed({quote}run of {{{{ label }}}}.{quote}, 2)"
    assert arguments(func, label=value) == ([f"run of {value}.", 2], [])


@pytest.mark.finding("A16")
@pytest.mark.parametrize(
    "value", ["dpl.Generate('id')", "label | dpl.Generate()", "1, label", "1) + f(2", "a b"]
)
def test_a_value_of_a_user_outside_quotes_of_a_call_is_a_name_or_a_number(value):
    with pytest.raises(TemplateError, match=r"the value of label has .*, which is program outside quotes"):
        expanded("test.succeed({{ label }})", label=value)
    with pytest.raises(TemplateError, match=r"the value of label has .*, which is program outside quotes"):
        expanded("test.succeed({{ trim(label) }})", label=f"{value} ")
    assert arguments("test.succeed({{ label }}, label)", label="-42.5") == ([-42.5, "of the moment"], [])


@pytest.mark.finding("A16")
@pytest.mark.parametrize("comment", ["/* {{ label }} */ 1", "1 // {{ label }}\n"])
def test_a_value_in_a_comment_of_a_call_is_refused(comment):
    with pytest.raises(TemplateError, match="stands in a comment"):
        expanded(f"test.succeed({comment})", label="*/ dpl.Generate('id') /*")


@pytest.mark.finding("A16")
def test_quotes_in_comments_and_escapes_of_a_call_open_no_text():
    assert arguments("""test.succeed(/* it's " */ "a\\"{{ label }}\\\\", '//{{ label }}')""", label='"x') == (
        ['a""x\\', '//"x'],
        [],
    )


def test_a_value_of_the_author_outside_quotes_is_a_part_of_the_call():
    assert arguments("test.succeed({{ own }}, '{{ label }}')") == ([1, 2, "cosmics"], [])
