"""Salt forks its processes, and grpc does not survive a fork."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["salt_o2.agent.agent", "salt_o2.agent.device.manual_control"])
def test_an_agent_imports_no_grpc_before_its_first_task(module):
    code = f"import sys, {module}; sys.exit('grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
