"""Make the launch of a task: its template, and the options that its control mode adds.

FairMQ devices get the options that AliECS gives them (its ``core/task/task.go``, ``core/task/scheduler.go``);
``--id`` and ``--color`` only if the template does not give them: boost refuses an option that comes twice.
"""

import shlex

from salt_o2.core.errors import PlanError
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode
from salt_o2.workflow import TaskRole
from salt_o2.workflow.expansion.task_rendering import Rendered
from salt_o2.workflow.expressions.evaluation.expression import MISSING
from salt_o2.workflow.variables.user_variables import is_of_user

CODECS = ("OCClite", "OCC")
SEARCH_PATH = "/usr/lib"
"""Where FairMQ searches for plugins if neither fmq_plugin_search_path nor fairmq_prefix is set."""


def placement_variables(
    task: TaskRole, id: TaskId, host: HostId, control_port: int | None, environment: EnvironmentId
) -> dict[str, str]:
    """Return the variables that depend on the placement of a task (AliECS ``core/task/task.go``)."""
    return {
        "task_id": id,
        "task_name": f"{task.class_name}#{id}",
        "task_class_name": task.class_name,
        "task_hostname": host,
        "task_parent_role": task.path,
        "environment_id": environment,
        "control_port": "" if control_port is None else str(control_port),
    }


def make_launch(
    task: TaskRole,
    id: TaskId,
    rendered: Rendered,
    control_port: int | None,
    ports: tuple[int, ...],
    revision: str,
) -> Launch:
    """Return the launch of the task ``id``; it binds ``ports`` besides its ``control_port``.

    ``revision`` is the revision of the templates.

    Raises:
        PlanError: if the variable fmq_plugin names no plugin that control supports.
    """
    shell = task.template.command.shell
    added = _added(task, id, rendered, control_port)
    return Launch(
        mode=task.mode,
        value=rendered.value,
        arguments=(*rendered.arguments, *(map(shlex.quote, added) if shell else added)),
        shell=shell,
        env=rendered.env,
        user=rendered.user,
        stdout=rendered.stdout,
        stderr=rendered.stderr,
        control_port=control_port,
        codec=_plugin(task) if task.mode is ControlMode.FAIRMQ else "OCC",
        ports=ports,
        limits=task.template.limits,
        grace_s=task.template.command.grace_s,
        path=task.path,
        class_name=task.class_name,
        critical=task.critical,
        ends_data=task.ends_data,
        revision=revision,
    )


def _added(task: TaskRole, id: TaskId, rendered: Rendered, control_port: int | None) -> list[str]:
    added: list[str] = []
    given = _words(task, rendered)
    if task.mode is ControlMode.FAIRMQ:
        if not _has(given, "--id"):
            added += ["--id", id]
        added += ["-S", _search_path(task), "-P", _plugin(task)]
        if not _has(given, "--color"):
            added += ["--color", "false"]
    if control_port is not None:
        added += ["--control-port", str(control_port)]
    return added


def _words(task: TaskRole, rendered: Rendered) -> list[str]:
    """Return the words of the command line in the template."""
    if not task.template.command.shell:
        return list(rendered.arguments)
    return " ".join((rendered.value, *rendered.arguments)).split()


def _has(words: list[str], option: str) -> bool:
    return any(word == option or word.startswith(f"{option}=") for word in words)


def _plugin(task: TaskRole) -> str:
    plugin = _variable(task, "fmq_plugin") or CODECS[0]
    if plugin not in CODECS:
        raise PlanError(
            f"{task.path}: the variable fmq_plugin is {plugin!r}, and must be {' or '.join(CODECS)}"
        )
    return plugin


def _search_path(task: TaskRole) -> str:
    """Return where the device searches for plugins, which are programs.

    Raises:
        PlanError: if a user chose it, and neither the site nor a template has the variable.
    """
    path, prefix = _variable(task, "fmq_plugin_search_path"), _variable(task, "fairmq_prefix")
    if not path and not prefix:
        return SEARCH_PATH
    name = "fmq_plugin_search_path" if path else "fairmq_prefix"
    layer = task.stack.layer_of(name)
    if layer is not None and is_of_user(layer) and not _is_offered(task, name):
        raise PlanError(
            f"{task.path}: a user cannot set {name}, where a device finds programs to load: neither the site"
            f" nor a template of the task has this variable. Set it in vars of the site, or in defaults of"
            f" the template"
        )
    return path or f"{prefix}/lib/"


def _is_offered(task: TaskRole, name: str) -> bool:
    """Return whether the site or the author offers the variable ``name`` to users."""
    template, command = task.template, task.template.command
    if name in template.defaults or name in template.vars:
        return True
    texts = (command.value, *command.arguments)
    if any(name in each.required for text in texts for each in text.expressions):
        return True
    others = [layer for layer in task.stack.layers if not is_of_user(layer)]
    return any(layer.get(name) or name in getattr(layer, "written", ()) for layer in others)


def _variable(task: TaskRole, name: str) -> str:
    value = task.stack.find(name)
    return value if value is not MISSING else ""
