"""Templates in memory, for tests of the template language and of plans."""

import itertools
from textwrap import dedent

import pytest

from salt_o2.control.planning.plan_builder import make_plan
from salt_o2.core.errors import TemplateError, UnknownNameError
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.inventory import Inventory
from salt_o2.workflow import Template, Workflow, load

TASK = """
name: {name}
control: {{mode: fairmq}}
command: {{value: device}}
"""
PLAIN = TASK.format(name="plain")


class Templates:
    """A source whose files are texts; ``tasks`` maps a class to its template."""

    def __init__(
        self, workflow: str, tasks: dict[str, str] | None = None, others: dict[str, str] | None = None
    ) -> None:
        self.text = dedent(workflow)
        self.others = {name: dedent(text) for name, text in (others or {}).items()}
        self.tasks = {"plain": PLAIN} | {name: dedent(text) for name, text in (tasks or {}).items()}

    def workflow(self, name: str) -> Template:
        if self.others and name not in ("w", *self.others):
            raise UnknownNameError(f"no workflow {name}")
        return Template(name, f"workflows/{name}.yaml", self.others.get(name, self.text))

    def task(self, name: str) -> Template:
        if name not in self.tasks:
            raise UnknownNameError(f"no task class {name}")
        return Template(name, f"tasks/{name}.yaml", self.tasks[name])

    def revision(self) -> str:
        return "in memory"


def expand(
    workflow: str, tasks: dict[str, str] | None = None, others: dict[str, str] | None = None, **settings
) -> Workflow:
    """Expand ``workflow``; its name is ``w``, those of the ``others`` that it includes are their keys."""
    return load(Templates(workflow, tasks, others), "w", **settings)


def paths(workflow: Workflow) -> list[str]:
    """Return the paths of all its tasks."""
    return [task.path for task in workflow.tasks]


def problems(workflow: str, tasks: dict[str, str] | None = None, **settings) -> list[str]:
    """Return what is wrong with ``workflow``, without the names of its files' folders."""
    with pytest.raises(TemplateError) as caught:
        expand(workflow, tasks, **settings)
    return [problem.removeprefix("workflows/").removeprefix("tasks/") for problem in caught.value.problems]


def values(source: str, **settings) -> dict[str, str]:
    """Return the variables of the one task of ``source``, which is the body of a root role over a task."""
    return expand(source, **settings).tasks[0].variables


def facts(address: str = "10.0.0.1", **other) -> HostFacts:
    """Return a host with 8 cores and 16 GB, alone on its network."""
    given = {"network": address, "cpus": 8.0, "memory_mb": 16_000.0} | other
    return HostFacts(address=address, **given)


def inventory(**hosts: HostFacts) -> Inventory:
    """Return an inventory of ``hosts``; without any, of one called ``flp1``."""
    made = Inventory()
    for name, each in (hosts or {"flp1": facts()}).items():
        made.add_host(HostId(name), each)
    return made


def plan(workflow: Workflow, on: Inventory | None = None, environment: str = "ENV"):
    """Plan ``workflow`` with tasks called T0, T1 and so on."""
    numbers = itertools.count()
    return make_plan(
        workflow,
        on if on is not None else inventory(),
        EnvironmentId(environment),
        lambda: TaskId(f"T{next(numbers)}"),
    )
