"""Plans for tests of an environment's state machine."""

from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.plan import Plan, PlannedRole, PlannedTask
from salt_o2.core.states import ControlMode


def planned(name, host, critical=True, **details):
    return PlannedTask(
        id=name,
        path=f"root.{name}",
        class_name=f"class-of-{name}",
        host=host,
        critical=critical,
        **{
            "launch": Launch(mode=ControlMode.FAIRMQ, value="device", control_port=30000),
            "properties": {"chans.data.0.address": "tcp://*:9000"},
            **details,
        },
    )


def plan_of(*tasks, tolerate=0, calls=(), **variables):
    leaves = tuple(PlannedRole(name=task.id, path=task.path, task=task.id) for task in tasks)
    root = PlannedRole(name="root", path="root", roles=leaves, tolerate=tolerate)
    return Plan(workflow="w", revision="r", root=root, tasks=tasks, calls=calls, variables=variables)
