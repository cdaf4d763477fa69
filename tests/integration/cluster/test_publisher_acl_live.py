"""Roles of local accounts, who use Salt's commands without a password: enforced by a real master."""

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
from salt_o2.cluster.process import marked
from salt_o2.core.roles import Role, permissions

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(240),
    pytest.mark.root("act as other local accounts"),
    pytest.mark.needs("unshare", "setpriv"),
]
ACCOUNTS = {Role.VIEWER: "nobody", Role.OPERATOR: "games", Role.EXPERT: "daemon", Role.ADMINISTRATOR: "bin"}
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


def runners_left_out(role):
    """What Salt's publisher_acl takes: the part that is about execution modules."""
    return [each for each in permissions(role) if isinstance(each, str)]


@pytest.fixture(scope="module")
def common():
    """A folder that all accounts may enter: those of pytest are closed again whenever somebody starts it."""
    with tempfile.TemporaryDirectory(prefix="o2-accounts-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def guarded(common):
    """A cluster whose master knows a local account for each role, and lets others come near."""
    directory = common / "private"
    extra = directory / "conf" / "none.d" / "accounts.conf"
    extra.parent.mkdir(parents=True)
    accounts = {name: runners_left_out(role) for role, name in ACCOUNTS.items()}
    extra.write_text(yaml.safe_dump({"publisher_acl": accounts}))
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


@pytest.mark.parametrize(
    ("account", "words", "said"),
    [
        pytest.param(ACCOUNTS[Role.VIEWER], ("o2.tasks",), "flp1:", id="viewer-sees-tasks"),
        pytest.param(ACCOUNTS[Role.VIEWER], ("o2.kill", "none"), "Authorization error", id="viewer-kills"),
        pytest.param(ACCOUNTS[Role.OPERATOR], ("o2.tasks",), "flp1:", id="operator-sees-tasks"),
        pytest.param(
            ACCOUNTS[Role.OPERATOR], ("o2.kill", "none"), "Authorization error", id="operator-kills"
        ),
        pytest.param(ACCOUNTS[Role.EXPERT], ("o2.kill", "none"), "no task 'none'", id="expert-kills"),
        pytest.param(ACCOUNTS[Role.EXPERT], ("o2.drive", "{}"), "Authorization error", id="expert-orders"),
        pytest.param(ACCOUNTS[Role.ADMINISTRATOR], ("o2.drive", "{}"), "flp1:", id="administrator-orders"),
        pytest.param(ACCOUNTS[Role.ADMINISTRATOR], ("cmd.run", "id"), "Authorization error", id="no-shell"),
        pytest.param(STRANGER, ("o2.tasks",), "Authentication error", id="stranger"),
    ],
)
def test_an_account_may_do_what_its_role_may(run_as, account, words, said):
    answer = run_as(account, "salt", "flp1", *words)
    assert said in answer, answer
    assert ("flp1:" in answer) == ("error occurred" not in answer), answer


@pytest.mark.parametrize("program", [("salt-run", "o2.env_list"), ("coconut", "env", "list")], ids=" ".join)
def test_environments_are_for_whom_the_sockets_belong_to(run_as, program):
    """An account of publisher_acl is no operator: environments are led through external_auth."""
    answer = run_as(ACCOUNTS[Role.ADMINISTRATOR], *program)
    assert "no control at" in answer or "unable to switch" in answer, answer
