"""Roles, enforced by a real master: who only looks can do nothing else."""

from pathlib import Path

import pytest
import yaml
from private_cluster import PrivateCluster

from salt_o2.cluster import down, up
from salt_o2.cluster.process import marked
from salt_o2.core.access import auth_options
from salt_o2.core.roles import Role

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
SECRET = "only for this test"
FORCED = ("force=True", "allow_in_running_state=True")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A cluster whose master knows one user for each role."""
    directory = tmp_path_factory.mktemp("guarded") / "private"
    extra = directory / "conf" / "none.d" / "roles.conf"
    extra.parent.mkdir(parents=True)
    granted = auth_options({role: [str(role)] for role in Role}, "sharedsecret")
    extra.write_text(yaml.safe_dump({"sharedsecret": SECRET, **granted}))
    status = up(directory, minions=1)
    yield PrivateCluster(
        directory=Path(status["directory"]),
        config_dir=Path(status["config_dir"]),
        control_socket=Path(status["control_socket"]),
        minions=tuple(status["minions"]),
        pids=status["pids"],
    )
    down(directory)
    assert marked(directory) == []


def ask(cluster, role, program, *words):
    login = ("-a", "sharedsecret", f"--username={role}", f"--password={SECRET}")
    done = cluster.run(program, *login, *words, "--out=json")
    return done.stdout + done.stderr


REFUSED = ("not authorized", "Authentication failure", "Authorization error", "AuthorizationError")


def is_refused(said):
    return any(word in said for word in REFUSED)


@pytest.mark.parametrize(
    ("role", "program", "words", "allowed"),
    [
        pytest.param(Role.VIEWER, "salt-run", ("o2.env_list",), True, id="viewer-looks"),
        pytest.param(Role.VIEWER, "salt-run", ("o2.env_destroy", "nobody"), False, id="viewer-destroys"),
        pytest.param(Role.OPERATOR, "salt-run", ("o2.env_destroy", "nobody"), True, id="operator-destroys"),
        pytest.param(Role.VIEWER, "salt-run", ("o2.workflow_generate", "x"), False, id="viewer-generates"),
        pytest.param(Role.OPERATOR, "salt-run", ("o2.workflow_generate", "x"), True, id="operator-generates"),
        pytest.param(Role.OPERATOR, "salt-run", ("o2.env_modify", "nobody"), False, id="operator-reshapes"),
        pytest.param(Role.EXPERT, "salt-run", ("o2.env_modify", "nobody"), True, id="expert-reshapes"),
        pytest.param(Role.EXPERT, "salt-run", ("o2.rebuild",), False, id="expert-rebuilds"),
        pytest.param(Role.ADMINISTRATOR, "salt-run", ("o2.rebuild",), True, id="administrator-rebuilds"),
        pytest.param(Role.VIEWER, "salt", ("flp1", "o2.tasks"), True, id="viewer-sees-tasks"),
        pytest.param(Role.VIEWER, "salt", ("flp1", "o2.kill", "nobody"), False, id="viewer-kills"),
        pytest.param(Role.EXPERT, "salt", ("flp1", "o2.kill", "nobody"), True, id="expert-kills"),
        pytest.param("stranger", "salt-run", ("o2.env_list",), False, id="stranger"),
    ],
)
def test_a_role_may_do_what_is_its_own(guarded, role, program, words, allowed):
    said = ask(guarded, role, program, *words)
    assert is_refused(said) != allowed, said


def test_the_journal_says_who_was_authenticated(guarded):
    """Not whose process the runner is: that is the user of Salt."""
    said = ask(guarded, Role.OPERATOR, "salt-run", "o2.env_create", "fairmq-ex-1-n-1", "vars={processors: 1}")
    (environment,) = guarded.ask("env_list")
    assert environment["user"] == "operator", said
    said = ask(guarded, Role.EXPERT, "salt-run", "o2.env_control", environment["id"], "START_ACTIVITY")
    (run,) = guarded.ask("run_list")
    assert run["user"] == "expert", said
    ask(guarded, Role.ADMINISTRATOR, "salt-run", "o2.env_destroy", environment["id"], *FORCED)
    told = "\n".join(map(str, guarded.ask("env_history", id=environment["id"])))
    assert all(str(role) in told for role in (Role.OPERATOR, Role.EXPERT)), told
