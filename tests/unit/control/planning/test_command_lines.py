"""Command lines: what the control mode adds to what the template says."""

import pytest

from salt_o2.core.errors import PlanError, TemplateError
from tests.support.builders.templates import expand, plan

PATHS = "defaults: {fmq_plugin_search_path: '', fairmq_prefix: ''}\n"


def launch(command: str, mode: str = "fairmq", offered: str = PATHS, **variables: str):
    """Return the launch of a task, with variables of a user; the workflow offers some to users."""
    task = f"name: device\ncontrol: {{mode: {mode}}}\ncommand: {command}\n"
    source = f"name: root\n{offered}roles: [{{name: x, task: {{load: device}}}}]\n"
    return plan(expand(source, {"device": task}, variables=variables)).tasks[0].launch


def test_a_fairmq_device_gets_id_plugin_colour_and_port_after_its_own_arguments():
    assert launch("{value: /bin/device, arguments: [--rate, '1']}").arguments == (
        *("--rate", "1", "--id", "T0", "-S", "/usr/lib", "-P", "OCClite"),
        *("--color", "false", "--control-port", "30000"),
    )


@pytest.mark.parametrize("written", ["[--id, mine]", "['--id=mine']"])
def test_an_id_of_the_template_is_not_replaced(written):
    found = launch(f"{{value: d, arguments: {written}}}").arguments
    assert "T0" not in found
    assert "mine" in " ".join(found)


def test_an_id_in_a_shell_command_is_not_replaced():
    found = launch("{value: 'source env && device --id mine', shell: true}")
    assert "--id" not in found.arguments


def test_a_colour_option_of_the_template_is_not_replaced():
    assert launch("{value: d, arguments: ['--color=true']}").arguments.count("false") == 0


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({}, "/usr/lib"),
        ({"fairmq_prefix": "/opt/fairmq"}, "/opt/fairmq/lib/"),
        ({"fmq_plugin_search_path": "/plugins"}, "/plugins"),
        ({"fmq_plugin_search_path": "/plugins", "fairmq_prefix": "/opt/fairmq"}, "/plugins"),
    ],
    ids=["nothing", "prefix", "path", "both"],
)
def test_plugins_are_searched_at_the_paths_of_variables(variables, path):
    arguments = launch("{value: d}", **variables).arguments
    assert arguments[arguments.index("-S") + 1] == path


@pytest.mark.finding("A18")
@pytest.mark.parametrize("name", ["fmq_plugin_search_path", "fairmq_prefix"])
def test_a_user_chooses_where_plugins_are_searched_only_if_the_site_or_a_template_offers_it(name):
    with pytest.raises(PlanError, match=f"a user cannot set {name}, where a device finds programs to load"):
        launch("{value: d}", offered="", **{name: "/tmp/x"})
    offers = [
        ("{value: d}", f"defaults: {{{name}: /opt/x}}\n"),
        ("{value: d}", f"vars: {{{name}: ''}}\n"),
        ("{value: '{{ " + name + " }}/bin/d'}", ""),
    ]
    for command, offered in offers if name == "fairmq_prefix" else offers[:2]:
        assert "-S /tmp/x" in launch(command, offered=offered, **{name: "/tmp/x"}).command_line


@pytest.mark.parametrize("plugin", ["OCC", "OCClite"])
def test_the_plugin_determines_the_codec(plugin):
    found = launch("{value: d}", fmq_plugin=plugin)
    assert found.codec == plugin
    assert found.arguments[found.arguments.index("-P") + 1] == plugin


def test_an_unknown_plugin_is_refused():
    with pytest.raises(PlanError, match="fmq_plugin is 'odc', and must be OCClite or OCC"):
        launch("{value: d}", fmq_plugin="odc")


def test_under_a_shell_what_is_added_is_quoted():
    found = launch("{value: d, shell: true}", fmq_plugin_search_path="/a b;c")
    assert found.shell
    assert "'/a b;c'" in found.command_line


def test_without_a_shell_nothing_is_quoted():
    assert "/a b" in launch("{value: d}", fmq_plugin_search_path="/a b").arguments


def test_environment_user_and_output_come_from_the_template():
    found = launch(
        "{value: d, env: ['A={{ task_hostname }}', B=2], user: '{{ who }}', stdout: STDOUT, stderr: all}",
        who="flp",
    )
    assert found.env == ("A=flp1", "B=2")
    assert (found.user, found.stdout, found.stderr) == ("flp", "stdout", "all")


def test_the_older_name_of_stdout_is_understood():
    assert launch("{value: d, log: all}").stdout == "all"


SHELL = "{value: 'echo {{ msg }}', shell: true}"
INJECTIONS = [
    "hi; id",
    "$(id)",
    "`id`",
    "a & id",
    "a | id",
    "> /tmp/x",
    "a\nid",
    "'; id; '",
    '"; id; "',
    "\\",
]


@pytest.mark.finding("X17")
@pytest.mark.parametrize("value", INJECTIONS)
@pytest.mark.parametrize(
    "command",
    [
        SHELL,
        "{value: echo, arguments: ['{{ msg }}'], shell: true}",
        "{value: \"echo '{{ msg }}'\", shell: true}",
        "{value: 'echo x{{ msg }}y', shell: true}",
        "{value: 'echo {{ strings.TrimSpace(msg) }}', shell: true}",
    ],
)
@pytest.mark.parametrize("name", ["msg", "root.x:msg"])
def test_a_value_of_a_user_is_no_program_in_a_shell_command(command, value, name):
    task = f"name: device\ncontrol: {{mode: basic}}\ncommand: {command}\n"
    source = "name: root\nroles: [{name: x, task: {load: device}}]\n"
    with pytest.raises(TemplateError, match=r"the value of msg has .* a shell reads as program"):
        plan(expand(source, {"device": task}, variables={name: value}))


@pytest.mark.finding("X17")
def test_a_value_of_a_user_is_no_program_by_way_of_another_variable():
    task = f"name: device\ncontrol: {{mode: basic}}\nvars: {{msg: 'x {{{{ other }}}}'}}\ncommand: {SHELL}\n"
    source = "name: root\nvars: {second: '{{ other }}'}\nroles: [{name: x, task: {load: device}}]\n"
    with pytest.raises(TemplateError, match="the value of other"):
        plan(expand(source, {"device": task}, variables={"other": "a; id"}))


def test_plain_values_of_users_and_all_values_of_authors_stand_in_shell_commands():
    assert launch(SHELL, "basic", msg="--rate 10 /a.b:c=d,e-f_%+*?").command_line.endswith("%+*?")
    author = "name: device\ncontrol: {mode: basic}\ndefaults: {msg: 'a; id'}\ncommand: " + SHELL + "\n"
    source = "name: root\nroles: [{name: x, task: {load: device}}]\n"
    for given in ({}, {"msg": "a; id"}, {"unused": "$(x)"}):
        made = plan(expand(source, {"device": author}, variables=given)).tasks[0].launch
        assert made.command_line == "echo a; id"


def test_any_value_of_a_user_stands_in_the_environment_and_in_arguments_without_a_shell():
    assert launch("{value: x, env: ['M={{ msg }}'], shell: true}", msg="a; id").env == ("M=a; id",)
    assert "a; id" in launch("{value: x, arguments: ['{{ msg }}']}", msg="a; id").arguments


def planned(text: str, vars_: str = "{}", role: str = "[{name: x, task: {load: device}}]", **given: str):
    """Return the command line of a shell task whose value is ``text``, with variables of a user."""
    command = f"{{value: {text!r}, shell: true}}"
    task = f"name: device\ncontrol: {{mode: basic}}\nvars: {vars_}\ncommand: {command}\n"
    source = f"name: root\ndefaults: {{detectors: '[\"TST\"]', msg: m, other: o, b64: ''}}\nroles: {role}\n"
    made = plan(expand(source, {"device": task}, variables=given)).tasks
    return [each.launch.command_line for each in made]


@pytest.mark.finding("A11")
@pytest.mark.parametrize(
    ("text", "vars_"),
    [
        ("echo {{ split(msg, ',')[0] }}", "{}"),
        ("echo {{ msg[1:] }}", "{}"),
        ("echo {{ trimPrefix(msg, 'x') }}", "{}"),
        ("echo {{ upper(msg) }}", "{}"),
        ("echo {{ replace(msg, 'i', 'I') }}", "{}"),
        ("echo {{ join(split(msg, ' '), '_') }}", "{}"),
        ("echo {{ other == 'o' ? msg[2:] : '' }}", "{}"),
        ("echo {{ $env['m' + 'sg'][1:] }}", "{}"),
        ("echo {{ util.PrefixedOverride('msg', other)[1:] }}", "{}"),
        ("echo {{ own }}", "{own: '{{ msg[1:] }}'}"),
        ("echo {{ own }}", "{own: \"{{ split(msg, ',')[0] }}\"}"),
    ],
)
def test_no_part_of_a_value_of_a_user_is_program_in_a_shell_command(text, vars_):
    with pytest.raises(TemplateError, match=r"the value of msg has .* a shell reads as program"):
        planned(text, vars_, msg="x $(id>/tmp/a),b")


@pytest.mark.finding("A11")
def test_no_entry_of_a_list_of_a_user_is_program_of_the_roles_of_an_iterator():
    role = "[{name: 'r{{ it[0:3] }}', for: {range: '{{ detectors }}', var: it}, task: {load: device}}]"
    with pytest.raises(TemplateError, match=r"the value of detectors has .* a shell reads as program"):
        planned("echo {{ it }}", role=role, detectors='["TST$(id)"]')
    assert planned("echo {{ it }}", role=role, detectors='["TST","ITS"]') == ["echo TST", "echo ITS"]


@pytest.mark.finding("A11")
def test_no_name_of_a_role_that_a_user_chose_is_program_in_a_shell_command():
    role = "[{name: 'r{{ split(msg, \",\")[0] }}', task: {load: device}}]"
    with pytest.raises(TemplateError, match=r"the value of msg has .* a shell reads as program"):
        planned("echo {{ This().Name }}", role=role, msg="$(id),b")


@pytest.mark.finding("A11")
@pytest.mark.parametrize("vars_", ["{}", "{own: '{{ b64 }}'}"])
def test_no_encoded_value_of_a_user_is_program_in_a_shell_command(vars_):
    name = "own" if "own" in vars_ else "b64"
    with pytest.raises(TemplateError, match=r"the value of b64 has .* a shell reads as program"):
        planned("echo {{ fromBase64(" + name + ") }}", vars_, b64="JChpZCk=")


@pytest.mark.finding("A11")
@pytest.mark.parametrize(
    ("text", "vars_", "line"),
    [
        ("""echo {{ msg == "a;b" ? "c; d" : "e" }}""", "{}", "echo c; d"),
        ("""echo {{ len(msg) == 3 && msg contains ";" ? "c; d" : "e" }}""", "{}", "echo c; d"),
        ("echo {{ own }} {{ own }}", "{own: 'c; d'}", "echo c; d c; d"),
        ("echo {{ split(msg, ';')[0] }}", "{}", "echo a"),
        ("echo {{ inventory }}", "{inventory: \"{{ other + ';' }}\"}", "echo o;"),
    ],
)
def test_text_of_the_author_that_a_value_of_a_user_chooses_is_program_as_written(text, vars_, line):
    assert planned(text, vars_, msg="a;b") == [line]


@pytest.mark.finding("A11")
def test_two_equal_values_of_a_user_do_not_make_one_of_them_a_value_of_the_author():
    with pytest.raises(TemplateError, match=r"the value of \w+ has .* a shell reads as program"):
        planned("echo {{ own }}", "{own: '{{ msg }}'}", msg="$(id)", own="$(id)")
