"""The commit-msg hook accepts `area: imperative subject`, at most 72 characters, and no other subject."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
HOOK = ROOT / ".ci/commit-message"

RIGHT = [
    "control: refuse an ambiguous prefix of an ID",
    "core, control: reschedule tasks of a lost host",
    "salt_o2/cli: speed start-up of coconut",
    "tests: address hosts by their IDs",
    "docs: process 10 tasks",
    "docs: need no network",
    "x: " + "y" * 69,
    'Revert "control: refuse an ambiguous prefix of an ID"',
    "Merge branch 'other'",
    "fixup! control: refuse an ambiguous prefix of an ID",
]
WRONG = {
    "A shorter line": "no `area: `",
    "Control: refuse a prefix": "no `area: `",
    "control:refuse a prefix": "no `area: `",
    "control: Refuse a prefix": "small letters",
    "control: refused a prefix": "no imperative",
    "control: refusing a prefix": "no imperative",
    "control: refuses a prefix": "no imperative",
    "control: the prefix is refused": "no imperative",
    "control: refuse a prefix.": "full stop",
    "x: " + "y" * 70: "73 characters",
}


def checked(folder, message):
    """Run the hook on ``message`` as git does."""
    path = folder / "COMMIT_EDITMSG"
    path.write_text(message)
    return subprocess.run([HOOK, path], capture_output=True, text=True)


@pytest.mark.parametrize("subject", RIGHT)
def test_a_subject_of_the_right_form_is_accepted(tmp_path, subject):
    done = checked(
        tmp_path, f"\n# a comment of git\n{subject}\n\nThe body says why. It may have any length.\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("subject", WRONG)
def test_any_other_subject_is_refused_with_the_reason(tmp_path, subject):
    done = checked(tmp_path, f"{subject}\n\nThe body.\n")
    assert done.returncode == 1
    assert f"commit subject `{subject}`: " in done.stderr
    assert WRONG[subject] in done.stderr


def test_git_commits_only_what_the_hook_accepts(tmp_path):
    def git(*arguments):
        identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        for part in ("AUTHOR", "COMMITTER"):
            identity |= {f"GIT_{part}_NAME": "a", f"GIT_{part}_EMAIL": "a@b"}
        command = ["git", "-c", f"core.hooksPath={tmp_path}", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env={**os.environ, **identity}, capture_output=True, text=True
        )

    (tmp_path / "commit-msg").symlink_to(HOOK)
    assert git("init").returncode == 0
    assert git("commit", "--allow-empty", "-m", "Shorter lines").returncode != 0
    assert git("log").returncode != 0
    assert git("commit", "--allow-empty", "-m", "docs: shorten lines").returncode == 0
    assert git("log", "--format=%s").stdout == "docs: shorten lines\n"


def test_pre_commit_installs_the_hook():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    of_messages = [hook["entry"] for hook in hooks if hook.get("stages") == ["commit-msg"]]
    assert of_messages == [str(HOOK.relative_to(ROOT))]
    assert config["default_install_hook_types"] == ["pre-commit", "commit-msg"]
    assert all("stages" in hook for hook in hooks), "a hook without stages runs at each of them"
