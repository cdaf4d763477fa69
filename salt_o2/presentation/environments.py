"""Format environments as text: their facts, their trees of roles, and the results of requests.

As all modules of this package, it has pure functions from the plain dicts of control's socket to strings, for
coconut and for the Salt runner. Other modules add colour.
"""

from collections.abc import Iterable, Mapping, Sequence

from salt_o2.presentation import staleness
from salt_o2.presentation.layout import Plain, block, counted, first_line, local_time, short_time, table
from salt_o2.presentation.tasks import failure, task_table

NO_RESTARTS: Mapping[str, int] = {}


def tree(role: Plain, restarts: Mapping[str, int] = NO_RESTARTS) -> str:
    """Return the tree of roles under ``role``, each with its state, the leaves with their tasks.

    ``restarts`` has the number of restarts of tasks by their IDs.
    """
    return "\n".join(_branch(role, "", "", restarts))


def _branch(role: Plain, before: str, below: str, restarts: Mapping[str, int]) -> Iterable[str]:
    task = f" → task {role['task']}" if role.get("task") else ""
    count = restarts.get(role["task"], 0) if role.get("task") else 0
    restarted = f" (restarts: {count})" if count else ""
    marks = f"{_marks(role)}{staleness.below(role)}{restarted}"
    yield f"{before}[{role['state'] or '-'}] {role['name']}{task}{marks}"
    children = role.get("roles") or []
    for child in children:
        last = child is children[-1]
        head, indent = ("└── ", "    ") if last else ("├── ", "│   ")
        yield from _branch(child, below + head, below + indent, restarts)


def _marks(role: Plain) -> str:
    """Return the marks of a role beside its state: that it is excluded, or which losses it tolerates."""
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
        roles = env.get("roles")
        parts.append(f"workflow:\n{tree(roles, _restarts(env))}" if roles else "workflow: not expanded yet")
    return "\n\n".join(parts)


def _restarts(env: Plain) -> dict[str, int]:
    """Return the numbers of restarts by the IDs of tasks."""
    return {task["id"]: task.get("restarts") or 0 for task in env["tasks"]}


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
        ("since", short_time(env["since"]) if env.get("since") else None),
        ("in transition", _transition(env) if env.get("transition") else None),
        ("requested by", env.get("requested_by")),
        ("run number", env.get("run_number") or None),
        ("hosts", ", ".join(env.get("hosts") or []) or None),
        ("variables", _variables(env.get("vars") or {})),
        ("excluded", _reasons(env.get("excluded") or {})),
        ("tasks ready", _ready(env) or None),
        ("detectors", _detectors(env) or None),
        ("lost tasks", env.get("lost") or None),
        ("restarts", env.get("restarts") or None),
        ("last failure", failure(env["last_failure"]) if env.get("last_failure") else None),
        ("depends on unknown tasks", staleness.unconfirmed(env)),
        ("error", env.get("error") or None),
        _warnings(env),
    ]


def _reasons(excluded: dict[str, str]) -> str | None:
    return "\n".join(f"{name}: {why}" for name, why in excluded.items()) or None


def _variables(variables: dict[str, str]) -> str | None:
    return ", ".join(f"{name}={value}" for name, value in variables.items()) or None


def created(env: Plain) -> str:
    """Return the message about an environment that has just been created."""
    active = sum(task["status"] == "ACTIVE" for task in env["tasks"])
    total = len(env["tasks"])
    counts = [("tasks active", active), ("tasks inactive", total - active), ("tasks total", total)]
    return f"new environment created with {total} tasks\n{block([*_facts(env), *counts])}"


def _warnings(env: Plain) -> tuple[str, object]:
    """Return what a user should know of the last request: failed hooks, variables that nothing reads."""
    return ("warning", "\n".join(env.get("warnings") or ()) or None)


def moved(env: Plain, duration_s: float) -> str:
    """Return the message about an environment after a transition."""
    facts = [
        ("environment id", env["id"]),
        ("state", env["state"]),
        ("run number", env.get("run_number") or None),
        ("transition duration", f"{duration_s:.3f} s"),
        ("error", env.get("error") or None),
        _warnings(env),
    ]
    verdict = "transition failed" if env["state"] == "ERROR" else "transition complete"
    return f"{verdict}\n{block(facts)}"


def modified(env: Plain, duration_s: float) -> str:
    """Return the message about an environment that has been modified."""
    states: dict[str, int] = {}
    for task in env["tasks"]:
        states[task["state"]] = states.get(task["state"], 0) + 1
    facts = [
        ("environment id", env["id"]),
        ("state", env["state"]),
        ("run number", env.get("run_number") or None),
        ("tasks", ", ".join(f"{count} {state}" for state, count in states.items()) or None),
        ("excluded", _reasons(env.get("excluded") or {})),
        ("moved to the pool", len(env["kept"]) if env.get("kept") else None),
        ("modification took", f"{duration_s:.3f} s"),
        _warnings(env),
    ]
    return f"modification complete\n{block(facts)}"


def ended(env: Plain) -> str:
    """Return the message about an environment that has just been destroyed."""
    transferred = len(env.get("kept") or ())
    waiting = (
        f"; {transferred} task{'' if transferred == 1 else 's'} of it are in the pool" if transferred else ""
    )
    warnings = "".join(f"\nwarning: {each}" for each in env.get("warnings") or ())
    return f"teardown complete for environment {env['id']}{waiting}{warnings}"


def environment_table(environments: Sequence[Plain]) -> str:
    """Return the environments, one a row."""
    if not environments:
        return "no environments"
    header = (counted("ENVIRONMENT ID", environments), *_COLUMNS)
    notes = [note for env in environments for note in _notes(env)]
    return "\n".join([table(header, map(_row, environments)), *notes])


_COLUMNS = (
    "WORKFLOW TEMPLATE",
    "STATE",
    "RUN",
    "SINCE",
    "READY",
    "DETECTORS",
    "LOST",
    "RESTARTS",
    "BY",
)


def _row(env: Plain) -> Sequence[object]:
    return (
        env["id"],
        env["workflow"],
        _state_of(env),
        env.get("run_number") or "",
        short_time(env.get("since") or env["created"]),
        _ready(env),
        _detectors(env),
        env.get("lost") or "",
        env.get("restarts") or "",
        env.get("requested_by") or env.get("user") or "",
    )


def _state_of(env: Plain) -> str:
    """Return the state, and the transition under way with its progress."""
    state = staleness.environment_state(env)
    return f"{state}, {_transition(env)}" if env.get("transition") else state


def _transition(env: Plain) -> str:
    done, total = env.get("transition_done"), env.get("transition_total")
    return f"{env['transition']} {done}/{total}" if total else str(env["transition"])


def _ready(env: Plain) -> str:
    """Return how many of the tasks that take part are ready."""
    if env.get("tasks_ready") is None:
        return ""
    return f"{env['tasks_ready']}/{env['tasks_planned'] - env['tasks_excluded']}"


def _detectors(env: Plain) -> str:
    """Return the detectors that take part, and the excluded ones with a minus."""
    excluded = (f"-{name}" for name in env.get("detectors_excluded") or ())
    return " ".join([*(env.get("detectors") or ()), *excluded])


def _notes(env: Plain) -> Iterable[str]:
    """Return the last error of an environment and the last failure of one of its tasks."""
    if env.get("last_error") and env["state"] != "DONE":
        error = env["last_error"]
        yield f"{env['id']}: last error {short_time(error['at'])}: {first_line(error['text'])}"
    if env.get("last_failure") and env["state"] != "DONE":
        yield f"{env['id']}: last failure {failure(env['last_failure'])}"


def stopped(environments: Sequence[Plain]) -> str:
    """Return the environments whose runs were to be stopped, and why some runs continue."""
    failed = [f"{env['id']}: {env['outcome']}" for env in environments if not env["stopped"]]
    return "\n".join([environment_table(environments), *failed])
