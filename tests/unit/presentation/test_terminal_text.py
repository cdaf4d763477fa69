"""No text from outside reaches a terminal as a command to it, or as a line of its own; JSON stays exact."""

import copy
import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from salt_o2.cli.commands import doctor
from salt_o2.cli.ui.terminal import as_json
from salt_o2.core.terminal_text import SEVERAL_LINES, terminal_document, terminal_line, terminal_text
from salt_o2.presentation import (
    autodetect,
    environments,
    history,
    hosts,
    plans,
    pool,
    progress,
    runs,
    tasks,
    workflows,
)
from tests.support.builders.control_records import diamond, host, summary, task

pytestmark = pytest.mark.finding("2.5")

HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What no terminal may get; tabs and line breaks are the renderers' own."""
BAD = st.lists(
    st.characters() | st.sampled_from("\x1b\x07\r\n\t\x7f\x85\x9b\u2028\u202e\u2066\ud800"), max_size=8
).map("".join)

ENV = diamond(
    "ERROR",
    error="broke\n  what to do: look",
    excluded={"diamond.sink": "asked"},
    lost=1,
    unconfirmed={"flp1": "silent"},
)
ENV["tasks"] = [task("sink", error="role sink: broke\n  | last words", lost="died", excluded=None)]
LINE = {
    "at": "2026-11-22T14:00:00+00:00",
    "direction": "in",
    "kind": "Requested",
    "text": "STOP_ACTIVITY asked for",
    "cause": "asked by teo",
    "what": {},
}
RUN = {
    "run_number": 7,
    "environment": "E",
    "workflow": "w",
    "revision": "r",
    "user": "teo",
    "started": "2026-11-22T14:00:00+00:00",
    "ended": None,
    "duration_s": None,
    "start_arguments": {"run_type": "PHYSICS"},
    "stop_arguments": None,
}
PLAN = {
    "action": "create",
    "workflow": "w",
    "environment": "E",
    "revision": "abc",
    "token": "T",
    "calls": [{"trigger": "before_START", "await": "after_START", "func": "a.b()", "path": "w.c"}],
    "summary": {"start": 1},
    "hosts": [
        {
            "id": "flp1",
            "cpu_taken": 0,
            "cpu_wanted": 1,
            "cpu_freed": 0,
            "memory_taken_mb": 0,
            "memory_wanted_mb": 1,
            "memory_freed_mb": 0,
            "tasks": 1,
            "new_tasks": 1,
            "ended_tasks": 0,
            "reused_tasks": 0,
            "cpus": 2.0,
            "memory_mb": 100.0,
        }
    ],
    "changes": [
        {
            "change": "start",
            "path": "w.a",
            "class": "c",
            "reason": "new",
            "host": "flp1",
            "ports": [9000],
            "addresses": {"chans.a.0.address": "tcp://*:9000"},
            "command": "o2-device sink",
        }
    ],
}
POOL = {
    "pooled": [
        {
            "id": "t",
            "class": "c",
            "host": "flp1",
            "state": "STANDBY",
            "host_status": "ACTIVE",
            "pid": 1,
            "idle_s": 1.0,
            "origin": "E",
            "ending": "too long",
        }
    ],
    "bounds": {"total": 1, "per_host": 1, "idle_s": 1.0},
}
DIFFERENCE = {
    "workflow": ["a", "b"],
    "revision": ["r"],
    "variables": {"rate": ["1", "2"]},
    "only_left": ["w.a"],
    "only_right": ["w.b"],
    "different": {"w.c": {"command": ["x", "y"]}},
}
DOCTOR = {
    "machine": "flp1: Linux 6",
    "config_dir": "/etc/salt",
    "level": "warn",
    "verdicts": [{"check": "cgroup", "level": "warn", "found": "none", "advice": "mount it"}],
}
HOST = host() | {"faults": ["o2:cpus: 'many' does not do"]}
PROGRESS = {
    "environment": "E",
    "state": "RUNNING",
    "transition": "STOP",
    "waiting_for": "host flp1",
    "total": 2,
    "done": 1,
    "elapsed_s": 1.0,
}
PROBLEMS = {"hosts": 1, "problems": [{"where": "pillar", "what": "wrong", "advice": "correct it"}]}
WORKFLOW = {"name": "w", "description": "d", "revision": "r", "source": "/srv"}

VIEWS = {
    "environment": (ENV, lambda env: environments.environment(env, tasks=True, workflow=True)),
    "created": (ENV, environments.created),
    "moved": (ENV, lambda env: environments.moved(env, 1.0)),
    "modified": (ENV, lambda env: environments.modified(env, 1.0)),
    "environments": ([summary()], environments.environment_table),
    "tasks": ([task("sink", error="x", environment="E")], tasks.all_tasks_table),
    "host": (HOST, hosts.host),
    "hosts": ([HOST], hosts.host_table),
    "workflows": ([WORKFLOW], workflows.workflow_table),
    "problems": (PROBLEMS, workflows.problems),
    "progress": (PROGRESS, progress.progress_line),
    "recovered": (task("sink", outcome="started", environment="E"), tasks.recovered),
    "history": ([LINE], history.history),
    "runs": ([RUN], runs.run_table),
    "run": (RUN, runs.run),
    "difference": (DIFFERENCE, history.difference),
    "output": ({"task": "t", "stdout": ["a"], "stderr": ["b"]}, tasks.task_output),
    "plan": (PLAN, plans.plan),
    "pool": (POOL, pool.pool),
    "doctor": (DOCTOR, doctor.render),
    "error": ({"error": {"kind": "TaskError", "message": "broke\nadvice"}, "retcode": 1}, autodetect.render),
}
KEPT_AS_THEY_ARE = ("change", "action", "level", "at", "direction", "kind")
"""Fields of which a renderer knows all values: control makes them, and no text from outside is there."""


def texts(data, path=()):
    """Return the paths of all texts in ``data`` that may come from outside."""
    if isinstance(data, str):
        return [] if path and path[-1] in KEPT_AS_THEY_ARE else [path]
    items = (
        data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list | tuple) else ()
    )
    return [found for key, part in items for found in texts(part, (*path, key))]


def with_text(data, path, text):
    changed = copy.deepcopy(data)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = text
    return changed


def shown(view, document):
    """What a user of coconut gets to see, as cli/ui/terminal.py has it done."""
    return terminal_text(view(terminal_document(document)))


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_of_harmless_texts_is_unchanged(name):
    document, view = VIEWS[name]
    assert shown(view, document) == view(document)


@settings(max_examples=200)
@given(st.sampled_from(sorted(VIEWS)), st.data(), BAD)
def test_no_text_of_a_document_reaches_the_terminal_as_a_command_or_as_a_line(name, data, bad):
    document, view = VIEWS[name]
    path = data.draw(st.sampled_from(texts(document)))
    seen = shown(view, with_text(document, path, f"a{bad}b"))
    assert not HARMFUL.search(seen)
    if not set(path) & SEVERAL_LINES:
        assert seen.count("\n") == shown(view, with_text(document, path, "ab")).count("\n")


@pytest.mark.parametrize("name", ["environment", "tasks"])
def test_a_further_line_of_an_error_never_looks_like_a_line_of_the_table(name):
    document, view = VIEWS[name]
    forged = "broke\n| forged | row |\n+--+"
    lines = shown(
        view,
        [task("sink", error=forged, environment="E")] if name == "tasks" else {**document, "error": forged},
    )
    assert not any(line.startswith(("| forged", "+--+")) for line in lines.splitlines())


@settings(max_examples=200)
@given(
    st.recursive(
        BAD | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(BAD, inner), max_leaves=8
    )
)
@example("\x9b31m\u202e\u2028\x7f")
def test_json_is_exact_and_has_nothing_that_a_terminal_obeys(document):
    written = as_json(document)
    assert not HARMFUL.search(written)
    assert json.loads(written) == document


@given(BAD)
def test_a_harmless_text_is_unchanged(text):
    assert terminal_text(terminal_text(text)) == terminal_text(text)
    assert "\n" not in terminal_line(text)
    if not HARMFUL.search(text):
        assert terminal_text(text) == text


def test_removed_characters_are_shown_as_escapes():
    assert terminal_line("a\x1b[31mb\u202ec\nd\te\x85") == "a\\x1b[31mb\\u202ec\\nd\\te\\x85"
