"""Workflows that a DPL command describes: run once, in a time limit, loaded as they are (aliecs.md A4.5)."""

import os
import pwd
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from salt_o2.core.errors import InvalidRequestError, TemplateError
from salt_o2.site import workflow_index
from salt_o2.site.resources import MasterContext, dump_to_cache, open_resources
from salt_o2.site.settings import Site
from salt_o2.workflow import load
from tests.support.waiting import wait_until

# What a DPL executable does when it gets --o2-control NAME, as a script of the shell.
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


pytestmark = pytest.mark.root("run DPL commands as another account than control's")
UNPRIVILEGED = pwd.getpwnam("nobody")


@pytest.fixture
def site(tmp_path):
    """A site whose one repository has JIT commands, run as an account that is not root."""
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
    count.chmod(0o666)
    for folder in (tmp_path, *(parent for parent in tmp_path.parents if "pytest" in str(parent))):
        folder.chmod(0o755)
    settings = Site(repositories=(str(tmp_path / "repo"),), dpl_user="nobody", dpl_timeout_s=60.0)
    return open_resources(settings, MasterContext(cache=tmp_path / "cache"))


def loaded(site, tmp_path, expression, **variables):
    text = (
        "name: main\ndefaults: {what: thing, fmq_rate_logging: 0}\n"
        f'roles: [{{name: i, include: "{{{{ {expression} }}}}"}}]\n'
    )
    (tmp_path / "repo" / "workflows" / "main.yaml").write_text(text)
    return load(workflow_index.find(site.repositories, "main"), "main", variables=variables)


def test_the_workflow_that_a_command_writes_is_included(site, tmp_path):
    workflow = loaded(site, tmp_path, "dpl.GenerateFromUri('good')")
    assert [task.path for task in workflow.tasks] == ["main.i.reader", "main.i.writer"]
    assert workflow.tasks[0].variables["dpl_command"] == "thing"


def test_a_command_comes_from_the_repository_of_the_workflow_that_asks(site, tmp_path):
    other = tmp_path / "other"
    for folder in ("workflows", "tasks", "jit"):
        (other / folder).mkdir(parents=True)
    command = (tmp_path / "repo" / "jit" / "good").read_text()
    (other / "jit" / "good").write_text(command.replace("{{ what }}", "of-the-other"))
    text = "name: main\nroles: [{name: i, include: \"{{ dpl.GenerateFromUri('good') }}\"}]\n"
    (other / "workflows" / "main.yaml").write_text(text)
    first = Site(repositories=(str(tmp_path / "repo"), str(other)), dpl_user="nobody", dpl_timeout_s=60.0)
    both = open_resources(first, MasterContext(cache=tmp_path / "cache"))
    workflow = load(
        workflow_index.find(both.repositories, "main"),
        "main",
        variables={"what": "x", "fmq_rate_logging": "0"},
    )
    assert workflow.tasks[0].variables["dpl_command"] == "of-the-other"


def test_the_same_command_is_not_run_again_and_another_is(site, tmp_path):
    for what in ("a", "a", "b", "a"):
        loaded(site, tmp_path, "GenerateDplSubworkflowFromUri('good')", what=what)
    assert (tmp_path / "count").read_text() == "run\n" * 2


def test_exported_variables_reach_the_command_and_make_another_workflow(site, tmp_path):
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
    known = open_resources(
        replace(site, configuration=str(configuration)), MasterContext(cache=tmp_path / "cache")
    )
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
        ("dpl.Generate('none')", "is not a DPL command"),
    ],
)
def test_a_command_that_fails_says_why(site, tmp_path, expression, message):
    with pytest.raises(TemplateError) as caught:
        loaded(site, tmp_path, expression)
    assert message in str(caught.value)


def test_a_command_that_hangs_is_ended(site, tmp_path):
    quick = open_resources(replace(site, dpl_timeout_s=0.2), MasterContext(cache=tmp_path / "cache"))
    with pytest.raises(TemplateError, match=r"took more than 0\.2 s"):
        loaded(quick, tmp_path, "dpl.GenerateFromUri('slow')")


def test_a_template_is_the_fallback(site, tmp_path):
    workflow = loaded(site, tmp_path, "dpl.GenerateFromUriOrFallbackToTemplate('plain')")
    assert [task.path for task in workflow.tasks] == ["main.i.p"]


@pytest.mark.finding("1.8")
@pytest.mark.parametrize(
    ("user", "why"),
    [
        ("", "have no account to run as: set o2: dpl_user"),
        ("root", "do not run as root, which is root"),
        ("no-such-account", "there is no user no-such-account"),
    ],
)
def test_no_command_runs_as_root_or_as_control(site, tmp_path, user, why):
    careless = open_resources(replace(site, dpl_user=user), MasterContext(cache=tmp_path / "cache"))
    with pytest.raises(TemplateError, match=why):
        loaded(careless, tmp_path, "dpl.GenerateFromUri('good')")
    assert (tmp_path / "count").read_text() == ""


AS_SALT = """
import sys
from pathlib import Path
from salt_o2.site import workflow_index
from salt_o2.site.resources import MasterContext, open_resources
from salt_o2.site.settings import Site
from salt_o2.core.errors import TemplateError
from salt_o2.workflow import load
settings = Site(repositories=(sys.argv[1],), dpl_user=sys.argv[2])
site = open_resources(settings, MasterContext(cache=Path(sys.argv[3])))
try:
    load(workflow_index.find(site.repositories, "main"), "main")
except TemplateError as error:
    print(error)
"""


@pytest.mark.finding("1.8")
@pytest.mark.parametrize(
    ("user", "why"),
    [
        ("nobody", "which is control's own account"),
        ("daemon", "which control cannot become"),
        ("", "no account"),
    ],
)
def test_a_master_that_is_not_root_runs_no_command(site, tmp_path, user, why):
    with pytest.raises(TemplateError, match="never ran"):
        loaded(site, tmp_path, "dpl.Generate('echo never ran >&2; false')")
    (tmp_path / "cache-of-account").mkdir()
    os.chown(tmp_path / "cache-of-account", UNPRIVILEGED.pw_uid, UNPRIVILEGED.pw_gid)
    account = ("--reuid=nobody", f"--regid={UNPRIVILEGED.pw_gid}", "--clear-groups")
    asked = (str(tmp_path / "repo"), user, str(tmp_path / "cache-of-account"))
    done = subprocess.run(
        ["setpriv", *account, sys.executable, "-c", AS_SALT, *asked],
        capture_output=True,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
    )
    if "No module named" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("another account cannot read this Python: A MASTER THAT IS NOT ROOT IS NOT TESTED")
    assert why in done.stdout, done.stderr


SHOWN = """
{ id -u; id -g; id -G; env; ls -l /proc/self/fd; } > OUTPUT
"""


def output_of(site, tmp_path, command, **variables):
    """Return what a command leaves in a file; it writes a workflow besides."""
    file = tmp_path / "output"
    file.touch()
    file.chmod(0o666)
    script = (
        quoted(command.replace("OUTPUT", str(file)) + DUMP.replace("COUNT", str(tmp_path / "count"))) + " x"
    )
    (tmp_path / "repo/jit/output").write_text(script)
    loaded(site, tmp_path, "dpl.GenerateFromUri('output')", **variables)
    return file.read_text()


@pytest.mark.finding("1.8")
def test_a_command_has_an_account_and_an_environment_of_its_own(site, tmp_path, monkeypatch):
    monkeypatch.setenv("MASTER_PASSWORD", "hunter2")
    lines = output_of(site, tmp_path, SHOWN).splitlines()
    assert lines[:3] == [str(UNPRIVILEGED.pw_uid), str(UNPRIVILEGED.pw_gid), str(UNPRIVILEGED.pw_gid)]
    names = {line.split("=")[0] for line in lines[3:] if "=" in line and "->" not in line}
    assert names <= {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "PWD", "OLDPWD", "SHLVL", "_"}
    assert "hunter2" not in "".join(lines)
    assert not any("socket:" in line or str(tmp_path / "repo") in line for line in lines)


ATTACKS = [
    "A=1; touch SPRUNG; true",
    "A=$(touch SPRUNG)",
    "A=`touch SPRUNG`",
    "A=1 && touch SPRUNG",
    "A=1\ntouch SPRUNG",
]


@pytest.mark.finding("1.8")
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_exported_value_is_not_executed(site, tmp_path, attack):
    folder = tmp_path / "made"
    folder.mkdir()
    folder.chmod(0o777)
    with suppress(TemplateError):
        output_of(
            site, tmp_path, "echo > OUTPUT\n", jit_env_vars=attack.replace("SPRUNG", str(folder / "sprung"))
        )
    assert list(folder.iterdir()) == []


@pytest.mark.finding("1.8")
@pytest.mark.parametrize(
    "name", ["LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "PATH", "PYTHONPATH", "IFS", "PS4"]
)
def test_variables_that_control_programs_are_not_exported(site, tmp_path, name):
    with pytest.raises(TemplateError, match=f"may not set {name}"):
        loaded(site, tmp_path, "dpl.GenerateFromUri('good')", jit_env_vars=f"A=1 {name}=/tmp/x")


@pytest.mark.finding("1.8")
@pytest.mark.parametrize("value", ["A", "A B=1", "=1", "1A=2", "A='", "A-B=1"])
def test_a_value_of_another_form_is_not_exported(site, tmp_path, value):
    with pytest.raises(TemplateError, match="has the form NAME=value"):
        loaded(site, tmp_path, "dpl.GenerateFromUri('good')", jit_env_vars=value)


@pytest.mark.finding("1.8")
def test_values_with_spaces_are_exported(site, tmp_path):
    said = output_of(
        site, tmp_path, 'printf "%s\n" "$A" "$B" > OUTPUT\n', jit_env_vars="A='one two' B=$HOME;x"
    )
    assert said.splitlines() == ["one two", "$HOME;x"]


@pytest.mark.finding("1.8")
@pytest.mark.parametrize(
    "attack", ["x; touch SPRUNG", "$(touch SPRUNG)", "`touch SPRUNG`", "'; touch SPRUNG; '"]
)
def test_a_variable_of_a_command_is_no_program(site, tmp_path, attack):
    sprung = tmp_path / "made"
    sprung.mkdir()
    sprung.chmod(0o777)
    for written in ("{{ what }}", "'{{ what }}'", '"{{ what }}"'):
        script = quoted(DUMP.replace("COUNT", str(tmp_path / "count"))) + f" a {written}; false"
        (tmp_path / "repo/jit/attacked").write_text(script)
        with pytest.raises(TemplateError):
            loaded(
                site,
                tmp_path,
                "dpl.GenerateFromUri('attacked')",
                what=attack.replace("SPRUNG", str(sprung / "sprung")),
            )
    assert list(sprung.iterdir()) == []


@pytest.mark.finding("2.4")
def test_a_link_as_a_command_is_not_followed(site, tmp_path):
    (tmp_path / "secret").write_text("root-only-secret-line")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "repo/jit/steal").symlink_to(tmp_path / "secret")
    (tmp_path / "repo/jit/steal-too").symlink_to("../../secret")
    for name in ("steal", "steal-too"):
        with pytest.raises(TemplateError, match="no repository has jit/steal") as refused:
            loaded(site, tmp_path, f"dpl.GenerateFromUri('{name}')")
        assert "root-only" not in str(refused.value)


LEFT = {
    "a link as workflow": 'ln -s SECRET "workflows/$NAME.yaml"',
    "a link as task": 'echo > "workflows/$NAME.yaml"; ln -s SECRET tasks/x.yaml',
    "a link as folder": "rmdir tasks; ln -s SECRETS tasks; touch workflows/$NAME.yaml",
    "a link as the other folder": "rmdir workflows; ln -s SECRETS workflows",
    "a pipe": 'mkfifo "workflows/$NAME.yaml"',
}


@pytest.mark.finding("2.4")
@pytest.mark.parametrize("case", LEFT)
def test_links_that_a_command_leaves_are_not_followed(site, tmp_path, case):
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    secrets.chmod(0o700)
    (secrets / "x.yaml").write_text("name: x\ncommand: {value: root-only-secret-line}\n")
    left = LEFT[case].replace("SECRETS", str(secrets)).replace("SECRET", str(secrets / "x.yaml"))
    (tmp_path / "repo/jit/leaves").write_text("leave() { NAME=$2\n" + left + "\n}\nleave")
    with pytest.raises(TemplateError, match=r"cannot be read|cannot be listed"):
        loaded(site, tmp_path, "dpl.GenerateFromUri('leaves')")
    generated = [path.read_text() for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert not any("root-only" in text for text in generated)


AWAIT = "while ! [ -s OUTPUT ]; do :; done\n"
BACKGROUND = {
    "a child": "sleep 1000 & echo $! > OUTPUT\n",
    "a session of its own": "setsid sh -c 'echo $$ > OUTPUT; exec sleep 1000' & " + AWAIT,
    "a daemon": "(setsid sh -c 'echo $$ > OUTPUT; exec env -i sleep 1000' &); " + AWAIT,
}


@pytest.mark.finding("1.8")
@pytest.mark.finding("X9")
@pytest.mark.parametrize("way", BACKGROUND)
def test_processes_that_a_command_leaves_are_stopped(site, tmp_path, way):
    pid = tmp_path / "output"
    output_of(site, tmp_path, BACKGROUND[way])
    wait_until(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists(), "the background process ended")


@pytest.mark.finding("X9")
def test_a_path_is_given_to_the_account_while_only_root_can_exchange_it(site, tmp_path, monkeypatch):
    given = []

    def chown(path, uid, gid, *, follow_symlinks=True):
        given.append(Path(path).name)
        assert Path(path).parent.stat().st_uid == os.geteuid()
        assert not follow_symlinks
        real(path, uid, gid, follow_symlinks=follow_symlinks)

    real = os.chown
    monkeypatch.setattr("os.chown", chown)
    loaded(site, tmp_path, "dpl.GenerateFromUri('good')")
    assert given == ["workflows", "tasks", "command"]


def test_a_dump_is_written_to_the_one_directory_for_dumps(tmp_path):
    dump_to_cache(tmp_path, "text", "/etc/motd")
    assert (tmp_path / "dumps" / "motd").read_text() == "text"
    for name in ("", "/", "..", ".hidden"):
        with pytest.raises(InvalidRequestError, match="not a file name"):
            dump_to_cache(tmp_path, "text", name)
