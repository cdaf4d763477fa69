"""The site's directories of templates, searched in their order."""

from collections.abc import Sequence
from typing import Any

from salt_o2.core.errors import UnknownName
from salt_o2.workflow.problems import nearest
from salt_o2.workflow.source import Directory


def find(repositories: Sequence[str], workflow: str) -> Directory:
    """Return the first directory that has ``workflow``.

    Raises:
        UnknownName: if none has, naming the nearest.
    """
    names: list[str] = []
    for directory in map(Directory, repositories):
        try:
            directory.workflow(workflow)
        except UnknownName:
            names += [name for name, _ in directory.workflows()]
        else:
            return directory
    raise UnknownName(f"no workflow {workflow}{nearest(workflow, names)}; {_choice(names)}")


def catalogue(repositories: Sequence[str]) -> list[dict[str, Any]]:
    """Return every workflow of all directories: name, description, revision and source."""
    return [
        {"name": name, "description": description, "revision": revision, "source": path}
        for path in repositories
        for directory in [Directory(path)]
        for revision in [directory.revision()]
        for name, description in directory.workflows()
    ]


def _choice(names: list[str]) -> str:
    return f"there are {', '.join(names)}" if names else "there is none: set o2: repositories: on the master"
