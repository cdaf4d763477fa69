"""Package salt-o2; the repository's plug-in folders become subpackages of salt_o2."""

import shutil

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

PLUGIN_FOLDERS = ("modules", "states", "runners")  # Salt plug-ins, kept at the top level
DATA_FOLDERS = ("reactor", "pillar", "examples")  # YAML that a master or control serves
DATA_KINDS = (".sls", ".jinja", ".yaml", ".conf")

mapped = {f"salt_o2.{folder}": folder for folder in PLUGIN_FOLDERS + DATA_FOLDERS}


class FreshBuild(build_py):
    """Copies the sources to where nothing lies: what an earlier build left there would get into the wheel."""

    def run(self):
        """Take away what an earlier build has left, then build."""
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


setup(
    cmdclass={"build_py": FreshBuild},
    packages=[*find_packages(include=["salt_o2", "salt_o2.*"]), *mapped],
    package_dir=mapped,
    package_data={"": [f"{folder}{kind}" for kind in DATA_KINDS for folder in ("*", "**/*")] + ["py.typed"]},
)
