"""Format the progress of a long operation as one line."""

from salt_o2.presentation.layout import Plain


def progress_line(progress: Plain) -> str:
    """Return the progress of a long operation: its goal, the tasks in each state, and the elapsed time."""
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
