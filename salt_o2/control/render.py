"""Control's answers as plain text: tables, trees and blocks as coconut's users know them.

Pure functions from the plain dicts of the local socket to strings, for coconut and for the Salt runner.
Colour is added elsewhere.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from salt_o2.control import freshness_text

Plain = dict[str, Any]


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table with a ruled border; every column is as wide as its widest cell."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    head, *body = (_row(row, widths) for row in (header, *cells))
    return "\n".join((rule, head, rule, *body, *([rule] if body else [])))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "| " + " | ".join(padded) + " |"


def block(facts: Sequence[tuple[str, object]]) -> str:
    """Return one line for each name and value, aligned; facts that are ``None`` are left out."""
    known = [(name, value) for name, value in facts if value is not None]
    width = max((len(name) for name, _ in known), default=0)
    below = "\n" + " " * (width + 2)
    return "\n".join(
        f"{name + ':':{width + 2}}{below.join(str(value).splitlines())}" for name, value in known
    )


def indented(text: str) -> str:
    """Return ``text`` with its further lines indented: none of them looks like a line of a table."""
    return "\n".join(
        line if number == 0 or line.startswith("  ") else f"  {line}"
        for number, line in enumerate(text.split("\n"))
    )


def tree(role: Plain) -> str:
    """Return the tree of roles under ``role``, each with its state, the leaves with their tasks."""
    return "\n".join(_branch(role, "", ""))


def _branch(role: Plain, before: str, below: str) -> Iterable[str]:
    task = f" → task {role['task']}" if role.get("task") else ""
    yield f"{before}[{role['state'] or '-'}] {role['name']}{task}{_marks(role)}{freshness_text.below(role)}"
    children = role.get("roles") or []
    for child in children:
        last = child is children[-1]
        yield from _branch(child, below + ("└── " if last else "├── "), below + ("    " if last else "│   "))


def _marks(role: Plain) -> str:
    """Return what a role's state does not tell: that it is left out, or what it can do without."""
    if role.get("excluded"):
        return " (excluded)"
    if role.get("lost") and role.get("tolerate"):
        return f" ({role['lost']} lost, {role['tolerate']} tolerated)"
    return ""


def environment(env: Plain, tasks: bool = False, workflow: bool = False) -> str:
    """Return one environment: its facts and, on request, its tasks and its tree of roles."""
    parts = [environment_block(env)]
    if tasks:
        parts.append(task_table(env["tasks"]))
    if workflow:
        parts.append(f"workflow:\n{tree(env['roles'])}" if env.get("roles") else "workflow: not expanded yet")
    return "\n\n".join(parts)


def environment_block(env: Plain) -> str:
    """Return the facts of an environment, one a line."""
    return block(_facts(env))


def _facts(env: Plain) -> list[tuple[str, object]]:
    return [
        ("environment id", env["id"]),
        ("workflow template", env["workflow"]),
        ("revision", env.get("revision") or None),
        ("created", local_time(env["created"])),
        ("by", env.get("user") or None),
        ("state", env["state"]),
        ("in transition", env.get("transition")),
        ("run number", env.get("run_number") or None),
        ("hosts", ", ".join(env.get("hosts") or []) or None),
        ("variables", _variables(env.get("vars") or {})),
        ("excluded", _reasons(env.get("excluded") or {})),
        ("lost tasks", env.get("lost") or None),
        ("rests on unknowns", freshness_text.unconfirmed(env)),
        ("error", env.get("error") or None),
    ]


def _reasons(excluded: dict[str, str]) -> str | None:
    return "\n".join(f"{name}: {why}" for name, why in excluded.items()) or None


def _variables(variables: dict[str, str]) -> str | None:
    return ", ".join(f"{name}={value}" for name, value in variables.items()) or None


def created(env: Plain) -> str:
    """Return what to say of an environment that has just been created."""
    active = sum(task["status"] == "ACTIVE" for task in env["tasks"])
    total = len(env["tasks"])
    counts = [("tasks active", active), ("tasks inactive", total - active), ("tasks total", total)]
    return f"new environment created with {total} tasks\n{block([*_facts(env), *counts])}"


def moved(env: Plain, duration_s: float) -> str:
    """Return what to say of an environment after a transition."""
    facts = [
        ("environment id", env["id"]),
        ("state", env["state"]),
        ("run number", env.get("run_number") or None),
        ("transition duration", f"{duration_s:.3f} s"),
        ("error", env.get("error") or None),
    ]
    verdict = "transition failed" if env["state"] == "ERROR" else "transition complete"
    return f"{verdict}\n{block(facts)}"


def modified(env: Plain, duration_s: float) -> str:
    """Return what to say of an environment that has been modified."""
    states: dict[str, int] = {}
    for task in env["tasks"]:
        states[task["state"]] = states.get(task["state"], 0) + 1
    facts = [
        ("environment id", env["id"]),
        ("state", env["state"]),
        ("run number", env.get("run_number") or None),
        ("tasks", ", ".join(f"{count} {state}" for state, count in states.items()) or None),
        ("excluded", _reasons(env.get("excluded") or {})),
        ("left to the pool", len(env["kept"]) if env.get("kept") else None),
        ("modification took", f"{duration_s:.3f} s"),
    ]
    return f"modification complete\n{block(facts)}"


def ended(env: Plain) -> str:
    """Return what to say of an environment that has just been destroyed."""
    kept = len(env.get("kept") or ())
    waiting = f"; {kept} task{'' if kept == 1 else 's'} of it wait in the pool" if kept else ""
    return f"teardown complete for environment {env['id']}{waiting}"


def environment_table(environments: Sequence[Plain]) -> str:
    """Return the environments, one a row."""
    if not environments:
        return "no environments running"
    header = (_counted("ENVIRONMENT ID", environments), "WORKFLOW TEMPLATE", "CREATED", "STATE", "RUN")
    return table(
        header,
        (
            (
                env["id"],
                env["workflow"],
                local_time(env["created"]),
                freshness_text.environment_state(env),
                env.get("run_number") or "",
            )
            for env in environments
        ),
    )


def task_table(tasks: Sequence[Plain]) -> str:
    """Return the tasks of an environment, one a row."""
    if not tasks:
        return "no tasks"
    header = (_counted("TASK ID", tasks), *_TASK_COLUMNS)
    rows = [_task_row(task) for task in tasks]
    problems = [
        f"{task['path']} on {task['host']}: {indented(task['error'])}" for task in tasks if task.get("error")
    ]
    problems += [f"{task['path']} is lost: {task['lost']}" for task in tasks if task.get("lost")]
    return "\n".join([table(header, rows), *problems])


def all_tasks_table(tasks: Sequence[Plain]) -> str:
    """Return the tasks of all environments, one a row."""
    if not tasks:
        return "no tasks running"
    header = (_counted("TASK ID", tasks), *_TASK_COLUMNS, "ENVIRONMENT")
    return table(header, ((*_task_row(task), task["environment"]) for task in tasks))


_TASK_COLUMNS = ("CLASS NAME", "HOSTNAME", "STATUS", "STATE", "PID", "SEEN")


def _task_row(task: Plain) -> tuple[object, ...]:
    known = (task["id"], task["class"], task["host"], task["status"], freshness_text.state(task))
    return (*known, task.get("pid") or "", freshness_text.seen(task))


def recovered(task: Plain) -> str:
    """Return what came of the request to start a task again."""
    return (
        f"task {task['id']} ({task['path']} on {task['host']}): {task['outcome']}\n{all_tasks_table([task])}"
    )


def host(found: Plain) -> str:
    """Return one host, one fact a line."""
    memory = found.get("memory_mb")
    return block(
        [
            ("host", found["id"]),
            ("status", found.get("status") or None),
            ("address", found.get("address")),
            ("tasks", found.get("tasks")),
            ("cpus", found.get("cpus")),
            ("memory", None if memory is None else f"{memory / 1024:.1f} GB"),
            ("version", found.get("version") or None),
            ("seen", f"{found['last_seen_s']:.1f} s ago"),
            ("attributes", _lines(found.get("attributes") or {})),
            ("faults", "\n".join(found.get("faults") or ()) or None),
        ]
    )


def _lines(pairs: dict[str, str]) -> str | None:
    return "\n".join(f"{name}={value}" for name, value in pairs.items()) or None


def host_table(hosts: Sequence[Plain]) -> str:
    """Return the hosts, one a row."""
    if not hosts:
        return "no hosts known"
    header = (_counted("HOST", hosts), "ADDRESS", "STATUS", "TASKS", "CPUS", "MEMORY", "SEEN", "ATTRIBUTES")
    faults = [f"{host['id']}: {fault}" for host in hosts for fault in host.get("faults") or ()]
    return "\n".join([table(header, (_host_row(host) for host in hosts)), *faults])


def _host_row(host: Plain) -> tuple[object, ...]:
    attributes = " ".join(f"{name}={value}" for name, value in (host.get("attributes") or {}).items())
    tasks = host.get("tasks") or 0
    return (
        host["id"],
        host["address"] or "",
        host.get("status") or "",
        tasks if isinstance(tasks, int) else len(tasks),
        "" if host["cpus"] is None else f"{host['cpus']:g}",
        "" if host["memory_mb"] is None else f"{host['memory_mb'] / 1024:.1f} GB",
        f"{host['last_seen_s']:.1f} s ago",
        attributes,
    )


def workflow_table(workflows: Sequence[Plain]) -> str:
    """Return the workflow templates, one a row."""
    if not workflows:
        return "no workflow templates found"
    header = (_counted("WORKFLOW TEMPLATE", workflows), "DESCRIPTION", "REVISION", "SOURCE")
    return table(
        header,
        ((flow["name"], flow["description"], flow["revision"], flow["source"]) for flow in workflows),
    )


def problems(report: Plain) -> str:
    """Return what is wrong with a site: three lines for each, or one that says that nothing is."""
    found = report["problems"]
    if not found:
        return f"nothing is wrong: {report['hosts']} hosts"
    blocks = [f"{each['where']}\n    {each['what']}\n    {each['advice']}" for each in found]
    return "\n".join([*blocks, f"{len(found)} problems"])


def _counted(name: str, rows: Sequence[object]) -> str:
    thing = {"TASK ID": "TASK", "ENVIRONMENT ID": "ENVIRONMENT", "WORKFLOW TEMPLATE": "TEMPLATE"}.get(
        name, name
    )
    return f"{name} ({len(rows)} {thing}{'' if len(rows) == 1 else 'S'})"


def progress_line(progress: Plain) -> str:
    """Return how a long operation goes: what is waited for, how many tasks are where, for how long now."""
    counts = ", ".join(f"{count} {state}" for state, count in (progress.get("states") or {}).items())
    parts = [
        str(progress.get("transition") or progress.get("state") or ""),
        str(progress.get("environment") or ""),
        f"{progress.get('done', 0)} of {progress['total']} tasks" if progress.get("total") else "",
        f"({counts})" if counts else "",
        f"waiting for {progress['waiting_for']}" if progress.get("waiting_for") else "",
        f"{progress['elapsed_s']:.1f} s" if "elapsed_s" in progress else "",
    ]
    return " ".join(part for part in parts if part)


def local_time(stamp: str) -> str:
    """Return an ISO 8601 time as a person here reads it; what is not one is returned as it is."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    except ValueError:
        return stamp
