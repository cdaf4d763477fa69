"""Complete words of a command line from what control knows; without an answer nothing is completed."""

from collections.abc import Callable, Iterable
from typing import Any

import typer

from salt_o2.cli.ui.terminal import Terminal

TIMEOUT_S = 2.0
"""Seconds that a completion waits for control."""
SHORTCUTS = {"START": "START_ACTIVITY", "STOP": "STOP_ACTIVITY"}
"""Short names of events."""


def _ask(verb: str, **arguments: Any) -> Any:
    """Return control's answer; an empty list if control cannot be asked."""
    try:
        return Terminal(json=True).ask(verb, arguments, timeout_s=TIMEOUT_S)
    except Exception:
        return []


def _beginning(found: Iterable[Any], incomplete: str) -> list[str]:
    """Return those of ``found`` that begin with ``incomplete``, each once."""
    return [name for name in dict.fromkeys(map(str, found)) if name.startswith(incomplete)]


def _of_list(incomplete: str, found: Callable[[], Iterable[str]]) -> list[str]:
    """Return the completions of the last word of a list separated by commas."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _beginning(found(), last)]


def environment_ids(incomplete: str) -> list[str]:
    """Return the IDs of environments."""
    return _beginning((env["id"] for env in _ask("env_list", all=False)), incomplete)


def workflow_names(incomplete: str) -> list[str]:
    """Return the names of workflows."""
    return _beginning((flow["name"] for flow in _ask("workflow_list") if flow.get("name")), incomplete)


def host_names(incomplete: str) -> list[str]:
    """Return the names of hosts."""
    return _beginning((host["id"] for host in _ask("host_list")), incomplete)


def task_ids(incomplete: str) -> list[str]:
    """Return the IDs of tasks."""
    return _beginning((task["id"] for task in _ask("task_list")), incomplete)


def run_numbers(incomplete: str) -> list[str]:
    """Return the numbers of runs."""
    return _beginning((run.get("number", run.get("run_number")) for run in _ask("run_list")), incomplete)


def event_names(incomplete: str) -> list[str]:
    """Return the names of events that a user may send."""
    from salt_o2.core.states import EnvironmentEvent

    sent = [event for event in EnvironmentEvent if event is not EnvironmentEvent.MODIFY]
    return _beginning((*SHORTCUTS, *sent), incomplete.upper())


def roles_and_detectors(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the paths of roles and the detectors of the environment or workflow of the command line."""
    return _of_list(incomplete, lambda: _names_of_roles(ctx))


def role_counts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the variables of iterators before ``=``: the beginnings of the names of numbered roles."""
    return _of_list(incomplete, lambda: (f"{name}=" for name in _numbered_roles(ctx)))


def role_hosts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the paths of roles before ``=``, the names of hosts after it."""
    _, equals, host = incomplete.rpartition(",")[2].partition("=")
    if not equals:
        return _of_list(incomplete, lambda: (f"{path}=" for path in _paths(ctx)))
    before = incomplete[: len(incomplete) - len(host)]
    return [f"{before}{name}" for name in host_names(host)]


def variable_values(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the variables of the workflow before ``=``, the allowed values of one after it."""
    name, equals, value = incomplete.rpartition(",")[2].partition("=")
    known = {each["name"]: each for each in _variables(ctx)}
    if not equals:
        return _of_list(incomplete, lambda: (f"{each}=" for each in known))
    before = incomplete[: len(incomplete) - len(value)]
    values = known[name]["values"] if name in known else []
    return [f"{before}{each}" for each in _beginning(values, value)]


# --- the environment or workflow of the command line ------------------------------------------------


def _variables(ctx: typer.Context) -> list[dict[str, Any]]:
    workflow = ctx.params.get("workflow") or _environment(ctx).get("workflow")
    found = _ask("workflow_show", workflow=workflow) if workflow else {}
    return list(found["variables"]) if found else []


def _environment(ctx: typer.Context) -> dict[str, Any]:
    identity = ctx.params.get("identity")
    found = _ask("env_show", id=identity) if identity else {}
    return found if isinstance(found, dict) else {}


def _tree(ctx: typer.Context) -> dict[str, Any]:
    """Return the root role of the environment, or of the workflow without an environment."""
    if ctx.params.get("identity"):
        return dict(_environment(ctx).get("roles") or {})
    return _expanded(ctx.params.get("workflow"))


def _expanded(workflow: str | None) -> dict[str, Any]:
    """Return the root role of a workflow as its templates define it."""
    found = _ask("workflow_expand", workflow=workflow) if workflow else {}
    return dict(found["root"]) if found else {}


def _roles(role: dict[str, Any], above: str = "") -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield each role of a tree with its path."""
    if role:
        path = role.get("path") or (f"{above}.{role['name']}" if above else role["name"])
        yield path, role
        for child in role.get("roles") or ():
            yield from _roles(child, path)


def _paths(ctx: typer.Context) -> list[str]:
    return [path for path, role in _roles(_tree(ctx)) if role.get("task")]


def _names_of_roles(ctx: typer.Context) -> list[str]:
    written = list(_roles(_expanded(ctx.params.get("workflow") or _environment(ctx).get("workflow"))))
    tree = list(_roles(_tree(ctx))) if ctx.params.get("identity") else written
    detectors = {role["detector"] for _, role in written if role.get("detector")}
    return [*(path for path, _ in tree), *sorted(detectors)]


def _numbered_roles(ctx: typer.Context) -> list[str]:
    names = (
        role["name"].rstrip("0123456789") for _, role in _roles(_tree(ctx)) if role["name"][-1:].isdigit()
    )
    return list(dict.fromkeys(name for name in names if name))
