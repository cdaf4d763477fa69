"""A workshop: writes templates for a cluster, creates environments on it, and ends them whatever happens."""

from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from salt_o2.client.agent_client import connect
from salt_o2.cluster.processes import marked
from salt_o2.core.errors import O2Error, UnknownNameError
from tests.support.waiting import wait_until


class Workshop:
    """One test's view of the cluster."""

    def __init__(self, cluster, folder):
        self.cluster = cluster
        self.folder = folder
        self.created = []

    def write(self, kind, name, **content):
        path = self.folder / kind / f"{name}.yaml"
        path.write_text(yaml.safe_dump({"name": name, **content}))
        self.created.append(path)
        return name

    def workflow(self, name, *task_classes, **keys):
        """A workflow with one role for each task class."""
        roles = [{"name": f"role{n}", "task": {"load": load}} for n, load in enumerate(task_classes)]
        return self.write("workflows", name, **{"roles": roles, **keys})

    def task(self, name, value, *arguments, mode="fairmq", **keys):
        command = {
            "value": value,
            "arguments": list(arguments),
            "stdout": "stdout",
            **keys.pop("command", {}),
        }
        return self.write("tasks", name, control={"mode": mode}, command=command, **keys)

    def witness(self, rate):
        """Return the roles of a sampler, with so many messages a second, and of the sink that counts them."""
        self.task("eye", "o2-device", "sampler", f"--rate={rate}", bind=[{"name": "seen", "type": "push"}])
        self.task("memory", "o2-device", "sink")
        connect = [{"name": "seen", "type": "pull", "target": "{{ Parent() }}.eye:seen"}]
        return [
            {"name": "eye", "task": {"load": "eye"}},
            {"name": "memory", "connect": connect, "task": {"load": "memory"}},
        ]

    def create(self, workflow, **variables):
        return self.cluster.ask("env_create", workflow=workflow, vars=variables)

    def control(self, environment, event):
        return self.cluster.ask("env_control", id=environment["id"], event=event)

    def show(self, environment):
        return self.cluster.ask("env_show", id=environment["id"])

    def destroy(self, environment):
        return self.cluster.ask("env_destroy", id=environment["id"], force=True)

    def refused(self, workflow, **variables):
        """The error that creating it ends in; nothing of it may be left."""
        before = self.processes()
        with pytest.raises(O2Error) as refused:
            self.create(workflow, **variables)
        assert self.cluster.ask("env_list") == []
        wait_until(lambda: self.processes() <= before, "all processes of the failed creation are gone")
        return str(refused.value)

    def processes(self):
        """The pids of this cluster's tasks: they carry their environment's id, its daemons do not."""
        return {one.pid for one in marked(self.cluster.directory) if _is_task(one.pid)}

    def log(self, task, lines=200):
        sock_dir = Path(self.cluster.control_socket).parent.parent / task["host"]
        with connect(sock_dir, 5.0) as agent:
            return "\n".join(agent.log(task["id"], lines)["stdout"])


def _is_task(pid):
    try:
        return b"\0O2_PARTITION=" in b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


@pytest.fixture
def workshop(cluster):
    """Templates and environments of one test; both are gone afterwards."""
    workshop = Workshop(cluster, cluster.directory / "srv" / "o2")
    yield workshop
    for environment in cluster.ask("env_list"):
        with suppress(UnknownNameError):  # control may be undoing a failed creation
            workshop.destroy(environment)
    for path in workshop.created:
        path.unlink()
    assert workshop.processes() == set()
