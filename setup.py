"""Package salt-o2; the repository's plug-in folders become subpackages of salt_o2."""

from setuptools import find_packages, setup

PLUGIN_FOLDERS = ("modules", "states", "runners")  # Salt plug-ins, kept at the top level
DATA_FOLDERS = ("reactor", "pillar", "examples")  # YAML that a master or control serves
DATA_KINDS = (".sls", ".jinja", ".yaml", ".conf")

mapped = {f"salt_o2.{folder}": folder for folder in PLUGIN_FOLDERS + DATA_FOLDERS}

setup(
    packages=[*find_packages(include=["salt_o2", "salt_o2.*"]), *mapped],
    package_dir=mapped,
    package_data={"": [f"{folder}{kind}" for kind in DATA_KINDS for folder in ("*", "**/*")] + ["py.typed"]},
)
