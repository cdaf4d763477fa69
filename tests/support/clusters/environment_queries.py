"""What tests of environments look at: tasks by their roles, who was touched, and numbers at sinks."""

import re
from collections import Counter
from typing import Any

Record = dict[str, Any]

NUMBER = re.compile(r"Received: \"\w+ #(\d+) of (\S+?)[ \"]")
TOTAL = re.compile(r"total: (\d+) missing: (\d+)")


def task_at(environment: Record, path: str) -> Record:
    """Return the task whose role's path is or ends with ``path``."""
    ending = f".{path}"
    (found,) = [task for task in environment["tasks"] if f".{task['path']}".endswith(ending)]
    return dict(found)


def paths(environment: Record) -> set[str]:
    """Return the paths of all tasks, without the root role's name."""
    return {short(task["path"]) for task in environment["tasks"]}


def short(path: str) -> str:
    """Return a role's path without the root."""
    return path.partition(".")[2]


def states(environment: Record) -> dict[str, str]:
    """Return the state of every task, by the path of its role without the root."""
    return {short(task["path"]): task["state"] for task in environment["tasks"]}


def identities(environment: Record) -> dict[str, tuple[Any, ...]]:
    """Return what tells one process from another, by the path of its role without the root."""
    return {
        short(task["path"]): (task["id"], task["host"], task["pid"], task["started"])
        for task in environment["tasks"]
    }


def replaced(before: Record, after: Record) -> set[str]:
    """Return the roles, of those in both, whose process is not the same."""
    old, new = identities(before), identities(after)
    return {path for path in set(old) & set(new) if old[path] != new[path]}


def touched(workshop: Any, before: Record, after: Record) -> set[str]:
    """Return the roles that got any order since ``before``, by the journal: the others were left alone."""
    names = {task["id"]: short(task["path"]) for env in (before, after) for task in env["tasks"]}
    lines = workshop.cluster.ask("env_history", id=after["id"], limit=1_000_000)
    begin = max(n for n, line in enumerate(lines) if line["kind"] in ("Modified", "Requested"))
    orders = [line["what"]["command"]["orders"] for line in lines[begin:] if line["kind"] == "SendCommand"]
    return {names.get(order["task"], order["task"]) for several in orders for order in several}


def total_at(workshop: Any, sink: Record) -> tuple[int, int]:
    """Return how many messages a sink has counted, and how many of the numbered ones it misses."""
    found = TOTAL.findall(workshop.log(sink))
    return (int(found[-1][0]), int(found[-1][1])) if found else (0, 0)


def numbers_at(workshop: Any, sink: Record) -> dict[str, Counter[int]]:
    """Return how often each number came, by its source; complete as long as there are few a second."""
    seen: dict[str, Counter[int]] = {}
    for number, source in NUMBER.findall(workshop.log(sink, lines=100_000)):
        seen.setdefault(source, Counter())[int(number)] += 1
    return seen


def gaps(numbers: Counter[int]) -> set[int]:
    """Return the numbers between the first and the last that did not come."""
    return set(range(min(numbers), max(numbers) + 1)) - set(numbers)


def repeated(numbers: Counter[int]) -> set[int]:
    """Return the numbers that came more than once."""
    return {number for number, count in numbers.items() if count > 1}
