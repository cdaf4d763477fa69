"""coconut workflow and configuration for authors: on files without a control, and with one."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "workflows"
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


def test_a_good_file_is_said_to_be_good(tool):
    done = tool("workflow", "check", GOOD)
    assert (done.code, done.out) == (0, f"{GOOD}: nothing is wrong\n")


def test_a_hook_hears_nothing_of_good_files(tool):
    assert tool("workflow", "check", "-q", GOOD).out.strip() == ""


def test_all_faults_of_a_file_are_said_and_the_exit_code_tells(tool, bad):
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
