"""Limits held by the kernel's own controllers, on a kernel that has them, wherever this is tried."""

from pathlib import Path

import pytest

from tests.support.machines.user_mode_kernel import pytest_command, run

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.needs("linux.uml"),
]
ROOT = Path(__file__).resolve().parents[3]
GROUPS = "tests/integration/agent/test_enforced_limits.py"


def test_all_limits_are_enforced_where_all_controllers_exist(tmp_path):
    code, said = run(tmp_path, ROOT, *pytest_command(GROUPS), timeout_s=280)
    if "userspace - ptrace set fp regs failed" in said:
        pytest.skip("the kernel of user-mode-linux does not start on this processor: limits are NOT TESTED")
    assert code == 0, said
    assert " skipped" not in said, said
    assert "Memory cgroup out of memory: Killed process" in said, "it was the kernel that ended it"
