"""The project's states as Salt renders them for a family of distributions. Nothing is applied."""

import getpass
import json
import os
import subprocess
import sysconfig
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FAMILIES = {
    "debian": {"os_family": "Debian", "os": "Debian", "osfullname": "Debian", "osmajorrelease": 12},
    "rhel": {"os_family": "RedHat", "os": "AlmaLinux", "osfullname": "AlmaLinux", "osmajorrelease": 9},
}
OWN_ID = "here"


def renderer(make_folder):
    """Return a function that renders a state for a family and returns its low chunks.

    ``make_folder`` returns a new folder for a name.
    """

    @cache
    def rendered(family, sls, pillar):
        home = make_folder(family)
        options = {
            "root_dir": str(home),
            "user": getpass.getuser(),
            "id": OWN_ID,
            "file_client": "local",
            "file_roots": {"base": [str(ROOT / "states")]},
            "grains": {**FAMILIES[family], "init": "systemd"},
            "enable_gpu_grains": False,
            "enable_fqdns_grains": False,
        }
        (home / "minion").write_text(json.dumps(options))
        words = ["--local", "-c", str(home), "--out=json", "state.show_low_sls", sls, f"pillar={pillar}"]
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        call = Path(sysconfig.get_path("scripts")) / "salt-call"
        done = subprocess.run([call, *words], capture_output=True, text=True, check=False, env=environ)
        assert done.returncode == 0, done.stdout + done.stderr
        chunks = json.loads(done.stdout.replace(str(home), ""))["local"]
        assert isinstance(chunks[0], dict), chunks
        return chunks

    def render(family, sls, o2=None):
        o2 = o2 or {}  # the site has named this minion as host and as master, unless it says other
        master = {"minions": [OWN_ID], **o2.get("master", {})}
        return rendered(family, sls, json.dumps({"o2": {"hosts": [OWN_ID], **o2, "master": master}}))

    return render


def of(chunks, kind):
    """Return the chunks of one state function, such as ``file.managed``."""
    state, function = kind.split(".")
    return [each for each in chunks if (each["state"], each["fun"]) == (state, function)]
