"""Workflows that a DPL command describes: run once, in a time limit, loaded as they are (aliecs.md A4.5)."""

import os
import pwd
from dataclasses import replace

import pytest

from salt_o2.control import shelf
from salt_o2.control.furnishing import Surroundings, dump, furnish
from salt_o2.control.site import Site
from salt_o2.core.errors import InvalidRequest, TemplateError
from salt_o2.workflow import load

# What a DPL executable does when it is told --o2-control NAME, as a script of the shell.
DUMP = r"""
dump() {
what=$1 name=$3
echo run >> COUNT
cat > workflows/$name.yaml <<END
name: $name
vars:
  dpl_command: >-
    $what
roles:
  - name: "reader"
    task: {load: $name-reader}
  - name: "writer"
    connect:
    - name: from_reader
      type: pull
      transport: shmem
      target: "{{ Parent().Path }}.reader:from_reader"
      rateLogging: "{{ fmq_rate_logging }}"
    task: {load: $name-writer}
END
for task in reader writer; do
cat > tasks/$name-$task.yaml <<END
name: $name-$task
defaults: {log_task_stdout: none, fmq_rate_logging: 0}
control: {mode: "fairmq"}
wants: {cpu: 0.15, memory: 128}
properties: {severity: trace}
command:
  stdout: "{{ log_task_stdout }}"
  shell: true
  user: "flp"
  value: "dpl-program"
  arguments: ["-b", "--id '$task'"]
END
done
echo 'bind: [{name: from_reader, type: push, transport: shmem, addressing: ipc}]' >> tasks/$name-reader.yaml
}
dump"""


def quoted(script):
    """Return ``script`` with its braces as text of the template language."""
    return script.replace("{{", "\0").replace("}}", "{{ '}}' }}").replace("\0", "{{ '{{' }}")


@pytest.fixture
def site(tmp_path):
    """A site whose one repository has JIT commands, run as somebody who is not root."""
    for folder in ("workflows", "tasks", "jit"):
        (tmp_path / "repo" / folder).mkdir(parents=True)
    commands = {
        "good": quoted(DUMP.replace("COUNT", str(tmp_path / "count"))) + " {{ what }}",
        "bad": "echo it broke >&2; false",
        "nothing": "true",
        "slow": "sleep 60; true",
    }
    for name, command in commands.items():
        (tmp_path / "repo" / "jit" / name).write_text(command)
    plain = "name: plain\nroles: [{name: p, task: {load: t}}]\n"
    (tmp_path / "repo" / "workflows" / "plain.yaml").write_text(plain)
    (tmp_path / "repo" / "tasks" / "t.yaml").write_text("name: t\ncommand: {value: x}\n")
    count = tmp_path / "count"
    count.touch()
    if os.geteuid() == 0:
        count.chmod(0o666)
        for folder in (tmp_path, *(parent for parent in tmp_path.parents if "pytest" in str(parent))):
            folder.chmod(0o755)
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    settings = Site(repositories=(str(tmp_path / "repo"),), dpl_user=user, dpl_timeout_s=20.0)
    return furnish(settings, Surroundings(cache=tmp_path / "cache"))


def loaded(site, tmp_path, expression, **variables):
    text = (
        "name: main\ndefaults: {what: thing, fmq_rate_logging: 0}\n"
        f'roles: [{{name: i, include: "{{{{ {expression} }}}}"}}]\n'
    )
    (tmp_path / "repo" / "workflows" / "main.yaml").write_text(text)
    return load(shelf.find(site.repositories, "main"), "main", variables=variables)


def test_what_the_command_writes_is_included(site, tmp_path):
    workflow = loaded(site, tmp_path, "dpl.GenerateFromUri('good')")
    assert [task.path for task in workflow.tasks] == ["main.i.reader", "main.i.writer"]
    assert workflow.tasks[0].variables["dpl_command"] == "thing"


def test_the_same_command_is_not_run_again_and_another_is(site, tmp_path):
    for what in ("a", "a", "b", "a"):
        loaded(site, tmp_path, "GenerateDplSubworkflowFromUri('good')", what=what)
    assert (tmp_path / "count").read_text() == "run\n" * 2


def test_what_is_to_be_exported_is_and_makes_another_workflow(site, tmp_path):
    script = quoted(DUMP.replace("COUNT", str(tmp_path / "count"))) + ' "$KIND"'
    (tmp_path / "repo" / "jit" / "kind").write_text(script)
    for kind in ("slow", "fast", "slow"):
        found = loaded(site, tmp_path, "dpl.GenerateFromUri('kind')", jit_env_vars=f"KIND={kind} OTHER=x")
        assert found.tasks[0].variables["dpl_command"] == kind
    assert (tmp_path / "count").read_text() == "run\n" * 2


@pytest.mark.parametrize(
    "uri",
    [
        "consul-json://c1:8500/o2/components/qc/ANY/any/task",
        "apricot://a1:32188/components/qc/ANY/any/task?process=true&detector=ITS",
    ],
)
def test_a_command_is_run_again_when_the_configuration_that_it_reads_has_changed(site, tmp_path, uri):
    configuration = tmp_path / "conf"
    configuration.mkdir()
    known = furnish(replace(site, configuration=str(configuration)), Surroundings(cache=tmp_path / "cache"))
    script = quoted(DUMP.replace("COUNT", str(tmp_path / "count"))) + f' "{uri}"'
    (tmp_path / "repo" / "jit" / "configured").write_text(script)
    for payload in ("a", "b", "b"):
        known.repositories.configuration.set("qc/ANY/any/task", payload, new_component=True)
        loaded(known, tmp_path, "dpl.GenerateFromUri('configured')")
    assert (tmp_path / "count").read_text() == "run\n" * 2


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("dpl.GenerateFromUri('bad')", "it broke"),
        ("dpl.GenerateFromUri('nothing')", "wrote no workflows/jit-"),
        ("dpl.GenerateFromUri('missing')", "no repository has jit/missing"),
        ("dpl.GenerateFromUri('../workflows/main.yaml')", "no repository has jit/"),
        ("dpl.GenerateFromUri('none')", "names no DPL command"),
        ("dpl.Generate('none')", "is no DPL command"),
    ],
)
def test_a_command_that_fails_says_why(site, tmp_path, expression, message):
    with pytest.raises(TemplateError) as caught:
        loaded(site, tmp_path, expression)
    assert message in str(caught.value)


def test_a_command_that_hangs_is_ended(site, tmp_path):
    quick = furnish(replace(site, dpl_timeout_s=0.2), Surroundings(cache=tmp_path / "cache"))
    with pytest.raises(TemplateError, match=r"took more than 0\.2 s"):
        loaded(quick, tmp_path, "dpl.GenerateFromUri('slow')")


def test_a_template_is_the_fallback(site, tmp_path):
    workflow = loaded(site, tmp_path, "dpl.GenerateFromUriOrFallbackToTemplate('plain')")
    assert [task.path for task in workflow.tasks] == ["main.i.p"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
def test_no_command_runs_as_root(site, tmp_path):
    careless = furnish(replace(site, dpl_user=""), Surroundings(cache=tmp_path / "cache"))
    with pytest.raises(TemplateError, match="do not run as root: set o2: dpl_user"):
        loaded(careless, tmp_path, "dpl.GenerateFromUri('good')")


def test_a_dump_is_written_to_the_one_directory_for_dumps(tmp_path):
    dump(tmp_path, "text", "/etc/motd")
    assert (tmp_path / "dumps" / "motd").read_text() == "text"
    for name in ("", "/", "..", ".hidden"):
        with pytest.raises(InvalidRequest, match="no name for a file"):
            dump(tmp_path, "text", name)
