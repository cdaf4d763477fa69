"""Define the interface of all sources of templates."""

from typing import NamedTuple, Protocol


class Template(NamedTuple):
    """The text of a template and the name of its file, for messages."""

    name: str
    file: str
    text: str


class Source(Protocol):
    """A set of workflow and task templates of one revision."""

    def workflow(self, name: str) -> Template:
        """Return a workflow template; raise UnknownNameError if there is none."""

    def task(self, name: str) -> Template:
        """Return a task template; raise UnknownNameError if there is none."""

    def revision(self) -> str:
        """Return an identifier of the content of the source."""
