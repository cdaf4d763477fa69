"""Roles, enforced by a real master: who only looks can do nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from salt_o2.cluster import down, up
from salt_o2.cluster.paths import Layout
from salt_o2.cluster.processes import marked
from salt_o2.core.access import auth_options
from salt_o2.core.access_roles import BY_RUNNER, RUNNERS, WITHOUT_ROLE, AccessRole
from salt_o2.where import packaged
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
SECRET = "only for this test"
LEAKY = "leaky"
"""A user who may call one function of hosts, as all roles could once: with it these attempts succeed."""
FORCED = ("force=True", "allow_in_running_state=True")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A cluster whose master knows one user for each role."""
    directory = tmp_path_factory.mktemp("guarded") / "private"
    extra = directory / "conf" / "none.d" / "roles.conf"
    extra.parent.mkdir(parents=True)
    granted = auth_options({role: [str(role)] for role in AccessRole}, "sharedsecret")
    granted["external_auth"]["sharedsecret"][LEAKY] = ["o2.info"]
    extra.write_text(yaml.safe_dump({"sharedsecret": SECRET, **granted}))
    example = packaged("pillar/configuration.sls").read_text()
    configuration = Layout(directory).pillar / "configuration.sls"
    configuration.parent.mkdir(parents=True)
    configuration.write_text(example.replace("  # secrets: ", "  secrets: ['readout/PHYSICS'] # "))
    status = up(directory, minions=1)
    yield PrivateCluster.of(status)
    down(directory)
    assert marked(directory) == []


def ask(cluster, role, program, *words):
    login = ("-a", "sharedsecret", f"--username={role}", f"--password={SECRET}")
    done = cluster.run(program, *login, *words, "--out=json")
    return done.stdout + done.stderr


@pytest.mark.finding("X29")
@pytest.mark.parametrize("role", AccessRole)
def test_no_role_sees_an_entry_that_the_site_marks_as_secret(guarded, role):
    assert '"***"' in ask(guarded, role, "salt-run", "o2.config_show", "readout/PHYSICS/any/buffer")
    assert "size_mb: 512" in ask(guarded, role, "salt-run", "o2.config_show", "readout/ANY/any/buffer")


REFUSED = ("not authorized", "Authentication failure", "Authorization error", "AuthorizationError")


def is_refused(said):
    return any(word in said for word in REFUSED)


@pytest.mark.parametrize(
    ("role", "program", "words", "allowed"),
    [
        pytest.param(AccessRole.VIEWER, "salt-run", ("o2.env_list",), True, id="viewer-looks"),
        pytest.param(
            AccessRole.VIEWER, "salt-run", ("o2.env_destroy", "nobody"), False, id="viewer-destroys"
        ),
        pytest.param(
            AccessRole.OPERATOR, "salt-run", ("o2.env_destroy", "nobody"), True, id="operator-destroys"
        ),
        pytest.param(
            AccessRole.VIEWER, "salt-run", ("o2.workflow_generate", "x"), False, id="viewer-generates"
        ),
        pytest.param(
            AccessRole.OPERATOR, "salt-run", ("o2.workflow_generate", "x"), True, id="operator-generates"
        ),
        pytest.param(
            AccessRole.OPERATOR, "salt-run", ("o2.env_modify", "nobody"), False, id="operator-reshapes"
        ),
        pytest.param(AccessRole.EXPERT, "salt-run", ("o2.env_modify", "nobody"), True, id="expert-reshapes"),
        pytest.param(AccessRole.EXPERT, "salt-run", ("o2.rebuild",), False, id="expert-rebuilds"),
        pytest.param(
            AccessRole.ADMINISTRATOR, "salt-run", ("o2.rebuild",), True, id="administrator-rebuilds"
        ),
        pytest.param(AccessRole.VIEWER, "salt-run", ("o2.host_tasks", "flp1"), True, id="viewer-sees-tasks"),
        pytest.param(
            AccessRole.VIEWER, "salt-run", ("o2.host_kill", "flp1", "nobody"), False, id="viewer-kills"
        ),
        pytest.param(
            AccessRole.EXPERT, "salt-run", ("o2.host_kill", "flp1", "nobody"), True, id="expert-kills"
        ),
        pytest.param(AccessRole.VIEWER, "salt", ("flp1", "o2.tasks"), False, id="viewer-calls-a-host"),
        pytest.param(
            AccessRole.ADMINISTRATOR, "salt", ("flp1", "test.ping"), False, id="administrator-pings"
        ),
        pytest.param("stranger", "salt-run", ("o2.env_list",), False, id="stranger"),
    ],
)
def test_a_role_may_call_exactly_its_own_functions(guarded, role, program, words, allowed):
    said = ask(guarded, role, program, *words)
    assert is_refused(said) != allowed, said


def test_the_journal_names_the_authenticated_user(guarded):
    """Not whose process the runner is: that is the user of Salt."""
    said = ask(
        guarded, AccessRole.OPERATOR, "salt-run", "o2.env_create", "fairmq-ex-1-n-1", "vars={processors: 1}"
    )
    (environment,) = guarded.ask("env_list")
    assert environment["user"] == "operator", said
    said = ask(guarded, AccessRole.EXPERT, "salt-run", "o2.env_control", environment["id"], "START_ACTIVITY")
    (run,) = guarded.ask("run_list")
    assert run["user"] == "expert", said
    ask(guarded, AccessRole.ADMINISTRATOR, "salt-run", "o2.env_destroy", environment["id"], *FORCED)
    told = "\n".join(map(str, guarded.ask("env_history", id=environment["id"])))
    assert all(str(role) in told for role in (AccessRole.OPERATOR, AccessRole.EXPERT)), told


class Attempts:
    """What a user tries to get beyond the runners of a role; each leaves a mark where it succeeds."""

    def __init__(self, folder):
        self.folder = folder
        self.all = []

    def add(self, client, fun, arg, **more):
        self.all.append({"client": client, "fun": fun, "arg": arg, **more})

    def touch(self):
        """Return the words of a shell that leave a mark."""
        return [f"touch {self.folder}/{len(self.all)}"]

    def marks(self):
        """Return the attempts that have succeeded."""
        return [self.all[int(path.name)] for path in self.folder.iterdir()]


EXECUTION = [*BY_RUNNER, *WITHOUT_ROLE, "test.ping", "sys.doc"]
KINDS = (
    "local",
    "local_async",
    "local_batch",
    "local_subset",
    "runner",
    "runner_async",
    "wheel",
    "wheel_async",
    "ssh",
)
"""The clients of salt-api."""


def lists_of_functions(attempts, runners):
    """One permitted function among several, in any place."""
    for fun in [*EXECUTION, *runners]:
        attempts.add("local", [fun, "cmd.run"], [[], attempts.touch()])
    for fun in EXECUTION:
        attempts.add("local", ["cmd.run", fun], [attempts.touch(), []])
    attempts.add("local", [runners[0], runners[0], "cmd.run"], [[], [], attempts.touch()])
    attempts.add("batch", [runners[0], "cmd.run"], [[], attempts.touch()])
    attempts.add("runner", [runners[0], "salt.cmd"], [["cmd.run", *attempts.touch()]])
    attempts.add("runner", f"{runners[0]},salt.cmd", ["cmd.run", *attempts.touch()])


def single_functions(attempts, runners):
    for fun in ["cmd.run", *EXECUTION]:
        attempts.add("local", fun, attempts.touch())
    attempts.add("batch", "cmd.run", attempts.touch())
    for fun in runners:
        attempts.add("local", fun, [])  # a runner's name is no permission on hosts


def returners(attempts, runners):
    for fun in [*EXECUTION, runners[0]]:
        mark = {"filename": attempts.touch()[0].split()[1]}
        attempts.add("local", fun, [], ret="rawfile_json", ret_kwargs=mark)


def runners_and_wheels(attempts, runners):
    for fun in ("salt.cmd", "salt.execute", "cmd.run", "@runner", "o2.", "o2.*"):
        attempts.add("runner", fun, ["cmd.run", *attempts.touch()])
    for fun in (
        "state.orchestrate",
        "state.orch",
        "state.sls",
        "state.single",
        "pillar.show_pillar",
        "jobs.list_jobs",
    ):
        attempts.add("runner", fun, ["x"])
    for fun in (
        "key.list_all",
        "key.accept",
        "config.values",
        "config.apply",
        "file_roots.write",
        "pillar_roots.write",
    ):
        attempts.add("wheel", fun, ["*"])
    for fun in runners:
        for change in ("{}_", "{}x", "x{}", "o2.{}"):
            attempts.add("runner", change.format(fun), [])


def clients_of_the_interface(attempts, runners):
    for kind in KINDS:
        attempts.add("netapi", "cmd.run", attempts.touch(), kind=kind)
        attempts.add("netapi", "salt.cmd", ["cmd.run", *attempts.touch()], kind=kind)
    for kind in ("local", "local_async", "local_batch"):
        attempts.add("netapi", [runners[0], "cmd.run"], [[], attempts.touch()], kind=kind)


WAYS = (lists_of_functions, single_functions, returners, runners_and_wheels, clients_of_the_interface)


def answers_to(cluster, user, attempts):
    login = {"eauth": "sharedsecret", "username": str(user), "password": SECRET}
    program = Path(__file__).resolve().parents[2] / "support" / "programs" / "role_attempts.py"
    done = subprocess.run(
        [sys.executable, str(program), str(cluster.config_dir)],
        input=json.dumps({"login": login, "attempts": attempts.all}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def runners_upto(role):
    roles = list(AccessRole)
    return [f"o2.{name}" for each in roles[: roles.index(role) + 1] for name in RUNNERS[each]]


@pytest.mark.finding("1.1")
@pytest.mark.finding("1.2")
@pytest.mark.parametrize("role", AccessRole)
def test_no_role_gets_more_than_its_runners_by_any_client(guarded, tmp_path, role):
    attempts = Attempts(tmp_path)
    for add_attempts in WAYS:
        add_attempts(attempts, runners_upto(role))
    answers = zip(attempts.all, answers_to(guarded, role, attempts), strict=True)
    assert [(tried, said) for tried, said in answers if said.startswith("passed")] == []
    assert attempts.marks() == []


@pytest.mark.finding("1.1")
def test_no_role_runs_a_function_of_a_higher_role(guarded, tmp_path):
    for role in AccessRole:
        attempts = Attempts(tmp_path)
        for fun in sorted({*runners_upto(AccessRole.ADMINISTRATOR)} - {*runners_upto(role)}):
            attempts.add("runner", fun, [])
        assert [said for said in answers_to(guarded, role, attempts) if not said.startswith("refused")] == []


def test_a_user_with_one_permitted_function_of_hosts_can_run_others_in_a_list(guarded, tmp_path):
    """It is what Salt does: of a list of functions one that is permitted is enough."""
    attempts = Attempts(tmp_path)
    attempts.add("local", ["o2.info", "cmd.run"], [[], attempts.touch()])
    attempts.add("netapi", ["o2.info", "cmd.run"], [[], attempts.touch()], kind="local")
    (answer, other) = answers_to(guarded, LEAKY, attempts)
    assert answer.startswith("passed"), answer
    assert other.startswith("passed"), other
    wait_until(lambda: len(attempts.marks()) == 2, "the commands have run")


@pytest.mark.finding("1.2")
def test_a_returner_that_the_site_does_not_use_writes_no_file_even_for_root(guarded, tmp_path):
    mark = tmp_path / "mark"
    words = ("--return", "rawfile_json", "--return_kwargs", json.dumps({"filename": str(mark)}))
    said = guarded.run("salt", "flp1", "test.echo", "here", *words)
    again = guarded.run("salt", "flp1", "test.echo", "there")
    assert "here" in said.stdout, said.stdout + said.stderr
    assert "there" in again.stdout
    assert not mark.exists()
