"""Local accounts of the master's machine get nothing by their names alone: enforced by a real master."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest
import yaml

from salt_o2.cluster import down, up
from salt_o2.cluster.processes import marked
from salt_o2.core.access import auth_options
from salt_o2.core.access_roles import AccessRole

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(240),
    pytest.mark.root("act as other local accounts"),
    pytest.mark.needs("unshare", "setpriv"),
]
ACCOUNTS = {
    AccessRole.VIEWER: "nobody",
    AccessRole.OPERATOR: "games",
    AccessRole.EXPERT: "daemon",
    AccessRole.ADMINISTRATOR: "bin",
}
STRANGER = "sync"
"""Accounts that every Debian and Red Hat has; only their names and numbers are borrowed."""
OPEN_THE_WAY = """
base=$1 closed=$2 home=$3 account=$4; shift 4
if [ -n "$closed" ]; then
    stage=$(mktemp -d "$home/stage.XXXX"); mount --bind "$base" "$stage"
    mount -t tmpfs -o mode=755 none "$closed"
    mkdir -p "$base"; mount --bind "$stage" "$base"
fi
exec setpriv --reuid="$account" --regid=nogroup --groups="$(id -gn)" env HOME="$home" "$@"
"""
"""In a mount namespace of its own, whose end undoes it: the interpreter may lie where others may not look."""


@pytest.fixture(scope="module")
def common():
    """A folder that all accounts may enter: those of pytest are closed again at each start of pytest."""
    with tempfile.TemporaryDirectory(prefix="o2-accounts-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def guarded(common):
    """A cluster whose master gives a local account each role, and lets others come near."""
    directory = common / "private"
    extra = directory / "conf" / "none.d" / "accounts.conf"
    extra.parent.mkdir(parents=True)
    access = {str(role): [name] for role, name in ACCOUNTS.items()}
    extra.write_text(yaml.safe_dump(auth_options(access, "pam")))
    status = up(directory, minions=1)
    sockets = Path(status["control_socket"]).parent
    for folder in (directory, sockets, sockets.parent):
        folder.chmod(0o755)
    yield status
    down(directory)
    assert marked(directory) == []


def closed_ancestor(path):
    """The first folder on the way to ``path`` that others may not enter; nothing if they may."""
    return next((str(each) for each in reversed(path.parents) if not each.stat().st_mode & 0o001), "")


@pytest.fixture
def run_as(guarded, common):
    """Run one of the project's or Salt's commands as a local account, on the cluster."""

    def run(account, program, *words):
        home = common / account
        home.mkdir(exist_ok=True)
        shutil.chown(home, account)
        base = Path(sys.base_prefix).resolve()
        way = ["unshare", "-m", "sh", "-ec", OPEN_THE_WAY, "sh", str(base), closed_ancestor(base)]
        script = str(Path(sysconfig.get_path("scripts")) / program)
        done = subprocess.run(
            [*way, str(home), account, sys.executable, script, *words],
            env={**os.environ, "SALT_CONFIG_DIR": guarded["config_dir"]},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        return done.stdout + done.stderr

    return run


@pytest.mark.finding("1.1")
@pytest.mark.parametrize(
    "words", [("o2.tasks",), ("o2.kill", "none"), ("cmd.run", "id"), ("o2.info,cmd.run", ",id")]
)
def test_an_account_calls_no_function_of_hosts_without_a_password_whatever_its_role(run_as, words):
    for account in (ACCOUNTS[AccessRole.VIEWER], ACCOUNTS[AccessRole.ADMINISTRATOR], STRANGER):
        answer = run_as(account, "salt", "flp1", *words)
        assert "Authentication error" in answer or "Authorization error" in answer, answer
        assert "flp1:" not in answer, answer


@pytest.mark.parametrize("program", [("salt-run", "o2.env_list"), ("coconut", "env", "list")], ids=" ".join)
def test_only_the_owner_of_the_sockets_can_control_environments(run_as, program):
    """Environments are led through external_auth, by those who give their password."""
    answer = run_as(ACCOUNTS[AccessRole.ADMINISTRATOR], *program)
    assert "no control at" in answer or "unable to switch" in answer, answer
