"""Runs as users see them: begin, end with its cause, and the tasks that did not take part for a time."""

from typing import Any

from salt_o2.control.storage.run_store import InterruptionCounts
from salt_o2.control.storage.store import Origin
from salt_o2.control.storage.stored import StoredInterruption, StoredRun
from salt_o2.control.views.timestamps import iso


def run_record(run: StoredRun, origin: Origin, counts: InterruptionCounts | None) -> dict[str, Any]:
    """Return one run without its interruptions; ``counts`` has their number, ``None`` means no one."""
    return {
        "run_number": run.number,
        "environment": run.environment,
        "workflow": origin.workflow,
        "revision": origin.revision,
        "user": run.user,
        "started": iso(run.started),
        "ended": iso(max(run.started, run.ended)) if run.ended else None,
        "duration_s": round(max(0.0, run.ended - run.started), 3) if run.ended else None,
        "end_state": run.state,
        "end_cause": run.cause,
        "ended_by": run.by_user or None,
        "end_reason": run.reason or None,
        "failed_roles": [*(run.failed_roles or ())],
        "interrupted": counts.total if counts else 0,
        "not_back": counts.open if counts else 0,
    }


def interruption(stored: StoredInterruption) -> dict[str, Any]:
    """Return one interruption: the task, from when until when, why, and how it ended."""
    return {
        "path": stored.path,
        "task": stored.task,
        "class": stored.class_name,
        "host": stored.host,
        "reason": stored.reason,
        "excluded": stored.excluded,
        "since": iso(stored.since),
        "until": iso(stored.until) if stored.until is not None else None,
        "seconds": None if stored.until is None else round(max(0.0, stored.until - stored.since), 3),
        "how": stored.how,
    }
