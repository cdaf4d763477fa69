"""The Vagrantfile for providers that a test machine does not have: their own checks of their own settings.

`vagrant validate` asks first whether VirtualBox is installed, and with --ignore-provider it leaves out what
the Vagrantfile says to it. provider_config.rb asks all but that first question.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.machines import wheelhouse

pytestmark = pytest.mark.integration
SCRIPT = Path(__file__).with_name("provider_config.rb")
providers = pytest.mark.parametrize("provider", ["virtualbox", "libvirt"])


@pytest.fixture
def ask(tmp_path):
    """Asks a provider what it makes of a Vagrantfile; skips if Vagrant does not know the provider."""
    if shutil.which("vagrant") is None or shutil.which("ruby") is None:
        pytest.skip("install Debian's vagrant")
    shutil.copy(wheelhouse.ROOT / "Vagrantfile", tmp_path)

    def asked(provider, **chosen):
        environ = os.environ | {"VAGRANT_HOME": str(tmp_path / "home"), "VAGRANT_CHECKPOINT_DISABLE": "1"}
        words = ["ruby", str(SCRIPT), provider]
        done = subprocess.run(
            words, cwd=tmp_path, env=environ | chosen, capture_output=True, text=True, check=False
        )
        if "unknown provider" in done.stderr:
            pytest.skip(f"install Debian's vagrant-{provider}")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    return asked


@providers
def test_a_provider_accepts_the_vagrantfile_and_uses_the_chosen_settings(ask, provider):
    found = ask(provider, O2_HOSTS="3", O2_MEMORY="2048", O2_CPUS="2", O2_NETWORK="192.168.57")
    assert list(found) == ["master", "flp1", "flp2", "flp3"]
    assert [each["errors"] for each in found.values()] == [[]] * 4
    assert [each["addresses"] for each in found.values()] == [[f"192.168.57.{10 + n}"] for n in range(4)]
    assert all({"2048", "2"} <= {str(word) for word in each["given"]} for each in found.values())


@providers
def test_a_setting_that_the_provider_does_not_have_is_found(ask, provider, tmp_path):
    said = (tmp_path / "Vagrantfile").read_text()
    (tmp_path / "Vagrantfile").write_text(said.replace("settings.cpus", "settings.cups"))
    errors = [each["errors"] for each in ask(provider, O2_HOSTS="1").values()]
    assert errors == [["The following settings shouldn't exist: cups"]] * 2
