"""Commands for bash without values in their text: whatever a value says, it stays one value."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.site.dpl.shell_text import command_of
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.problems import Place
from salt_o2.workflow.templates.text import Text
from salt_o2.workflow.variables.stack import Block, Stack
from salt_o2.workflow.variables.user_variables import USER
from tests.support.builders.expressions import Names

RUN = "id > SPRUNG"
ATTACK = f"x'; {RUN}; \"; {RUN}; $({RUN}) `{RUN}` ${{V:=$({RUN})}} \\' \n) END\n{RUN}"
SHOW = "printf '<%s>'"


def command(written, **values):
    return command_of(Text(Place("here", 1), written), Names(**values))


def said(written, folder, **values):
    """Return what bash prints for a command with ``values``."""
    made = command(written, **values)
    script = f'v() {{ {SHOW} "$@"; }}\n{made.text}'
    done = subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-c", script],
        env={"PATH": "/usr/bin:/bin", **made.values},
        cwd=folder,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode(errors="surrogateescape")


WHOLE = {
    "double quotes": ('v "{{ a }}"', "<{a}>"),
    "single quotes": ("v '{{ a }}'", "<{a}>"),
    "within double quotes": ('v "x {{ a }} \\" y"', '<x {a} " y>'),
    "within single quotes": ("v 'x \"{{ a }}\" $y'", '<x "{a}" $y>'),
    "single quotes in double quotes": ("v \"it's '{{ a }}'\"", "<it's '{a}'>"),
    "double quotes in single quotes": ('v \'{"n": "{{ a }}"}\' end', '<{{"n": "{a}"}}><end>'),
    "quotes of C": ("v $'x\\t{{ a }}\\'y'", "<x\t{a}'y>"),
    "after an escape": ('v \\\'"{{ a }}"', "<'{a}>"),
    "a substitution in double quotes": ("v \"$(v '{{ a }}')\"", "<<{a}>>"),
    "brackets": ("(v \"{{ a }}\"); { v '{{ a }}'; }", "<{a}><{a}>"),
    "an assignment": ('W={{ a }}; v "$W"', "<{a}>"),
    "a here-document": ("cat <<END\nit's {{ a }}\nEND\nv '{{ a }}'", "it's {a}\n<{a}>"),
    "an indented here-document": ('cat <<-END\n\t{{ a }}\n\tEND\nv "{{ a }}"', "{a}\n<{a}>"),
    "a here-string": ('cat <<< "{{ a }}"', "{a}\n"),
    "after a comment": ("v x # it's {{ a }}\nv '{{ a }}'", "<x><{a}>"),
    "after a parameter": ("v \"${HOME:-it}\" '{{ a }}'", "<it><{a}>"),
    "an author's own braces": ("v '{{ '{{' }} {{ a }} {{ '}}' }}'", "<{{{{ {a} }}}}>"),
    "two values": ("v '{{ a }}' \"{{ b }}\"", "<{a}><b>"),
}


@pytest.mark.finding("1.8")
@pytest.mark.parametrize("case", WHOLE)
def test_a_value_of_a_user_is_never_executed_as_a_program(case, tmp_path):
    written, expected = WHOLE[case]
    attack = ATTACK.replace("SPRUNG", str(tmp_path / "sprung"))
    for value in (attack, "plain", "", "it's", '"', "\\", "a  b", "*"):
        if value.endswith("\n") and "$(" in written:
            continue
        assert said(written, tmp_path, a=value, b="b") == expected.format(a=value)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.finding("1.8")
def test_a_value_outside_quotes_is_split_into_words(tmp_path):
    attack = ATTACK.replace("SPRUNG", str(tmp_path / "sprung"))
    assert said("v {{ a }}", tmp_path, a="one two   three") == "<one><two><three>"
    assert said("v {{ a }}", tmp_path, a=attack).count("<") == len(attack.split())
    assert said("v x$(v {{ a }})", tmp_path, a=attack)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.finding("1.8")
@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([name for name in WHOLE if "$(" not in WHOLE[name][0]]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30),
)
def test_any_value_stays_whole(tmp_path_factory, case, value):
    written, expected = WHOLE[case]
    assert said(written, tmp_path_factory.getbasetemp(), a=value, b="b") == expected.format(a=value)


@pytest.mark.finding("1.8")
@settings(deadline=None, max_examples=400)
@given(
    st.lists(
        st.sampled_from([*"'\"\\`$(){}#<>;|& \n", "<<E", "$'", "$(", "((", "[[", "x", "{{ a }}"]), max_size=14
    )
)
def test_no_text_of_an_author_makes_a_value_part_of_the_text(pieces):
    secret = "0123456789secret"
    try:
        made = command("".join(pieces), a=secret)
    except Refused:
        return
    assert secret not in made.text


@pytest.mark.finding("1.8")
@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("echo $(( {{ a }} ))", "computes"),
        ("(( x = {{ a }} ))", "computes"),
        ("echo ${x:-{{ a }}}", r"inside \$\{"),
        ("echo `v {{ a }}`", "backquotes"),
        ("cat <<'END'\n{{ a }}\nEND", "quoted end"),
    ],
)
def test_a_value_that_bash_would_execute_is_refused(written, why):
    with pytest.raises(Refused, match=why):
        command(written, a="x[$(id)]")


AGAIN = [
    "[[ {{ n }} -gt 1 ]] && echo many",
    'let "k = {{ n }} + 1"',
    "declare -i k={{ n }}",
    'bash -c "echo {{ n }}"',
    "ssh host 'echo {{ n }}'",
    "eval \"echo '{{ n }}'\"",
    "echo {{ n[1:] }}",
]


@pytest.mark.finding("A12")
@pytest.mark.parametrize("written", AGAIN)
@pytest.mark.parametrize("value", ["a[$(id)]", ";; id", "a`id`"])
def test_no_value_of_a_user_is_program_where_bash_reads_it_again(written, value):
    text = Text(Place("here", 1), written)
    stack = Stack((Block({"n": value}, USER),), None)
    with pytest.raises(Refused, match=r"the value of n has .*, which a shell can read as program"):
        command_of(text, stack, stack)
    author = Stack((Block({"n": value}, "vars of the site"),), None)
    assert command_of(text, author, author).values
    plain = Stack((Block({"n": "10"}, USER),), None)
    assert "10" not in command_of(text, plain, plain).text


def test_a_value_with_a_zero_byte_is_refused():
    with pytest.raises(Refused, match="zero byte"):
        command("v {{ a }}", a="\0")


def test_a_command_is_shown_with_its_values():
    assert command("v '{{ a }}'", a="x").shown == "v 'x'"
