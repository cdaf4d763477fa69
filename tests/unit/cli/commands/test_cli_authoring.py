"""coconut workflow and configuration for authors: on files without a control, and with one."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[4] / "examples" / "workflows"
GOOD = str(EXAMPLES / "fairmq-ex-1-n-1.yaml")


@pytest.fixture
def tool(coconut):
    """Runs one command line, given as words."""
    return lambda *words: coconut(list(words))


@pytest.fixture
def bad(tmp_path):
    """A workflow with two faults."""
    file = tmp_path / "bad.yaml"
    file.write_text("name: bad\ncolour: red\nroles: [{name: x}]\n")
    return str(file)


def test_the_check_of_a_correct_file_prints_no_problems(tool):
    done = tool("workflow", "check", GOOD)
    assert (done.code, done.out) == (0, f"{GOOD}: no problems\n")


def test_a_quiet_check_of_a_correct_file_prints_nothing(tool):
    assert tool("workflow", "check", "-q", GOOD).out.strip() == ""


def test_a_check_prints_all_faults_of_a_file_and_exits_with_1(tool, bad):
    done = tool("workflow", "check", bad, GOOD)
    assert done.code == 1
    assert f"{bad}:2: bad: unknown key colour in a role" in done.out
    assert "a role needs one of roles, task, call, include" in done.out
    assert "2 problems in 1 of 2 files" in done.out


def test_a_program_reads_the_verdicts(tool, bad):
    (verdict,) = tool("workflow", "check", bad, "--json").json
    assert (verdict["file"], len(verdict["problems"])) == (bad, 2)


def test_the_tree_is_shown(tool):
    done = tool("workflow", "expand", GOOD, "-e", "processors=2")
    assert done.code == 0
    assert "processor1 [fairmq-ex-1-n-1-processor, fairmq]" in done.out
    assert "processor2" not in done.out


def test_the_origin_of_each_value_is_shown(tool):
    done = tool("workflow", "expand", GOOD, "--origins", "-e", "rate=7")
    assert "rate = 7    # the user" in done.out


def test_a_faulty_file_is_not_expanded(tool, bad):
    done = tool("workflow", "expand", bad)
    assert done.code == 1
    assert "unknown key colour" in done.err


def test_the_data_flow_is_drawn(tool, tmp_path):
    assert tool("workflow", "graph", GOOD, "-f", "mermaid").out.startswith("flowchart LR")
    target = tmp_path / "flow.svg"
    assert tool("workflow", "graph", GOOD, "-o", str(target)).code == 0
    assert ElementTree.parse(target).getroot().tag.endswith("svg")


def test_another_drawing_is_refused(tool):
    assert tool("workflow", "graph", GOOD, "-f", "png").code == 1


@pytest.mark.parametrize("kind", ["workflow", "task"])
def test_a_schema_is_printed(tool, kind):
    assert json.loads(tool("workflow", "schema", kind).out)["title"] == f"Salt O² {kind} template"


@pytest.fixture
def of_a_site(tmp_path):
    """A workflow that counts on what its site gives."""
    file = tmp_path / "counting.yaml"
    file.write_text(
        "name: counting\nvars: {v: '{{ modulepath }}', w: '{{ consul_endpoint }}'}\n"
        "roles: [{name: c, call: {func: testplugin.Noop(), trigger: DESTROY}}]\n"
    )
    return str(file)


def test_values_of_a_site_are_read_from_its_settings_file(tool, tmp_path, of_a_site):
    site = tmp_path / "site.yaml"
    site.write_text(
        "o2:\n  configuration: consul://c1:8500\n  defaults: {modulepath: /opt}\n  vars: {x: true}\n"
    )
    assert tool("workflow", "check", of_a_site, "--site", str(site)).code == 0
    shown = tool("workflow", "expand", of_a_site, "--site", str(site), "--variables").out
    assert "v = /opt" in shown
    assert "w = c1:8500" in shown
    assert "x = true" in shown


def test_a_check_without_the_settings_of_a_site_advises_the_option_site(tool, of_a_site):
    done = tool("workflow", "check", of_a_site)
    assert done.code == 1
    assert "unknown variable modulepath" in done.out
    assert "--site FILE" in done.out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "must hold the settings of a site"),
        ("o2: 3", "must hold the settings of a site"),
        ("a: [", "site.yaml: while parsing"),
        ("defaults: 3", "o2:defaults: expected a mapping, not 3"),
        ("heartbeat_s: soon", "heartbeat_s"),
    ],
)
def test_a_file_that_is_no_sites_settings_is_refused(tool, tmp_path, of_a_site, text, message):
    site = tmp_path / "site.yaml"
    site.write_text(text)
    done = tool("workflow", "check", of_a_site, "--site", str(site))
    assert done.code == 1
    assert message in done.err


def test_notes_are_shown_below_the_tree(tool, of_a_site):
    shown = tool("workflow", "expand", of_a_site, "-e", "modulepath=/x").out
    assert "left open: consul_endpoint" in shown.splitlines()[-1]


SHOWN = {
    "workflow": "readout",
    "description": "Reads out",
    "revision": "da257af7d43bffff",
    "not_known": ["calls of integrations get all variables"],
    "variables": [
        {
            "name": "rate",
            "type": "number",
            "default": "10",
            "site": "20",
            "values": ["10", "20"],
            "label": "",
            "description": "Messages a second",
            "block": "defaults",
            "defined": ["workflows/readout.yaml:3"],
            "read": ["tasks/a.yaml:3", "tasks/a.yaml:7", "workflows/readout.yaml:9", "control: a limit"],
        },
        {
            "name": "zone",
            "type": "string",
            "default": None,
            "site": None,
            "values": [],
            "label": "",
            "description": "",
            "block": "",
            "defined": [],
            "read": [],
        },
    ],
}


def test_the_variables_of_a_workflow_are_listed_with_all_that_is_known_of_them(control, tool):
    control.answer("workflow_show", SHOWN)
    done = tool("workflow", "show", "readout@v1")
    assert control.asked("workflow_show") == [{"workflow": "readout@v1"}]
    assert done.out.splitlines() == [
        "workflow readout, revision da257af7d43b",
        "Reads out",
        "",
        "rate = 10",
        "    Messages a second",
        "    type: number, one of 10, 20",
        "    value of the site: 20",
        "    read by tasks/a.yaml:3, 7; workflows/readout.yaml:9; control: a limit",
        "",
        "zone",
        "    type: string",
        "    not defined in the workflow: the site or the user gives it",
        "    nothing reads it",
        "",
        "not all reads are known: calls of integrations get all variables",
    ]


TASK = "name: t\ncontrol: {mode: fairmq}\ncommand: {value: x}\n"
OPEN = """
name: w
defaults: {answer: "{{ config.Get('x') }}"}
roles:
  - {name: dpl, enabled: "{{ detector == 'TPC' }}", task: {load: t}}
  - {name: "host-{{ it }}", for: {range: "{{ hosts }}", var: it}, task: {load: t}}
  - {name: "named-{{ detector }}", task: {load: t}}
  - {name: included, include: "{{ dpl.Generate('x') }}"}
  - {name: elsewhere, include: host/team/repo/workflows/other@v1}
  - {name: loaded, task: {load: "{{ run_type }}"}}
  - {name: called, call: {func: "trg.RunStart()", trigger: "{{ run_type }}"}}
  - name: placed
    constraints: [{attribute: machine_id, value: "{{ detector }}"}]
    connect: [{name: in, type: pull, target: "{{ hosts }}"}]
    bind: [{name: out, type: push, global: "{{ run_type }}"}]
    roles: [{name: below, task: {load: t}}]
  - {name: a, call: {func: trg.Cleanup(), trigger: DESTROY, timeout: 5s, critical: false}}
  - {name: b, call: {func: trg.RunStart(), trigger: after_CONFIGURE, await: DESTROY, return: result}}
  - {name: c, call: {func: trg.RunStop(), trigger: ""}}
  - {name: h, task: {load: t, trigger: before_DEPLOY, timeout: 1m30s}}
  - {name: spare, tolerate: 1, roles: [{name: x, task: {load: t, critical: false}}]}
"""


@pytest.fixture
def left_open(tmp_path):
    """A workflow of which much is known only at the site."""
    for folder in ("workflows", "tasks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tasks" / "t.yaml").write_text(TASK)
    file = tmp_path / "workflows" / "w.yaml"
    file.write_text(OPEN)
    return str(file)


def test_an_expansion_shows_each_role_that_is_left_open_with_what_it_needs(tool, left_open):
    lines = tool("workflow", "expand", left_open).out.splitlines()
    assert lines[:13] == [
        "w",
        "  dpl [open: enabled needs detector]",
        "  host-{{ it }} [open: for needs hosts]",
        "  named-{{ detector }} [open: name needs detector]",
        "  included [open: include needs dpl.Generate()]",
        "  elsewhere [open: host/team/repo/workflows/other@v1: no repository host/team/repo is known here]",
        "  loaded [open: load needs run_type]",
        "  called [open: trigger needs run_type]",
        "  placed",
        "    below [t, fairmq]",
        "      constraint machine_id [open: value needs detector]",
        "      bind out [open: global needs run_type]",
        "      connect in [open: target needs hosts]",
    ]


def test_an_expansion_shows_all_of_calls_hooks_and_tolerated_losses(tool, left_open):
    lines = tool("workflow", "expand", left_open).out.splitlines()
    assert lines[13:19] == [
        "  a [calls trg.Cleanup() at DESTROY, awaited at DESTROY, timeout 5 s, not critical]",
        "  b [calls trg.RunStart() at after_CONFIGURE, awaited at DESTROY, timeout 30 s, critical, "
        "returns result]",
        "  c [calls trg.RunStop() never, timeout 30 s, critical]",
        "  h [t, hook at before_DEPLOY, timeout 90 s, critical]",
        "  spare [tolerates 1 lost]",
        "    x [t, fairmq, not critical]",
    ]


def test_an_expansion_shows_variables_that_are_left_open(tool, left_open):
    assert "      answer = [open]" in tool("workflow", "expand", left_open, "--variables").out.splitlines()


def test_a_program_reads_the_roles_that_are_left_open(tool, left_open):
    roles = tool("workflow", "expand", left_open, "--json").json["root"]["roles"]
    assert roles[0] == {"name": "dpl", "path": "w.dpl", "open": "[open: enabled needs detector]"}


def test_a_given_value_decides_what_was_left_open(tool, left_open):
    done = tool("workflow", "expand", left_open, "-e", "detector=TPC", "-e", 'hosts=["flp1"]')
    assert "  dpl [t, fairmq]" in done.out
    assert "  host-flp1 [t, fairmq]" in done.out
    done = tool("workflow", "expand", left_open, "-e", "detector=ITS")
    assert "  dpl" not in done.out


def test_an_included_workflow_that_may_be_disabled_is_shown_as_open(tool, left_open):
    inner = "name: inner\nenabled: '{{ detector }}'\nroles: [{name: x, task: {load: t}}]\n"
    Path(left_open).with_name("inner.yaml").write_text(inner)
    Path(left_open).write_text("name: w\nroles: [{name: i, include: inner}]\n")
    assert tool("workflow", "expand", left_open).out.startswith("w\n  i [open: enabled needs detector]\n")


@pytest.fixture
def payloads(tmp_path):
    """A tree of configuration with an escaped payload."""
    folder = tmp_path / "o2" / "components" / "qc" / "ANY" / "any"
    folder.mkdir(parents=True)
    (folder / "main").write_text("hosts={{ hosts }}")
    (folder / "other").write_text("x={{ x }}")
    return folder


def test_the_check_of_configuration_shows_payloads_that_aliecs_escapes(tool, payloads, tmp_path):
    done = tool("configuration", "check", str(tmp_path / "o2"), "-e", 'hosts=["a"]')
    assert done.code == 0
    assert done.out.splitlines() == [
        "qc/ANY/any/main: AliECS escapes line 1: hosts=[&quot;a&quot;]",
        '    here: hosts=["a"]',
        "2 payloads: 0 with problems, 1 escaped in AliECS",
    ]


def test_the_check_of_configuration_fails_for_a_payload_that_cannot_be_rendered(tool, payloads, tmp_path):
    (payloads / "bad").write_text("{% nothing %}")
    done = tool("configuration", "check", str(tmp_path / "o2"))
    assert done.code == 1
    assert "qc/ANY/any/bad: configuration qc/ANY/any/bad:1: no tag nothing" in done.out
    (verdict, *_) = tool("configuration", "check", str(tmp_path / "o2"), "--json").json
    assert (verdict["path"], verdict["line"]) == ("qc/ANY/any/bad", 0)
