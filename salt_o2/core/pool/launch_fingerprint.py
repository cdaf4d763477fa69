"""Compute the fingerprint of a launch without task id, host and control port.

Launches with equal fingerprints are interchangeable after placement. A launch contains its task's id, its
host's name and its control port, because its template or its control mode adds them. Without these it is a
key: a planner finds all reusable tasks with that fingerprint at once, and compares the whole launch only with
them. A fingerprint with too little content costs one comparison. One with too much starts a process although
an idle one would have done.
"""

import re
from dataclasses import replace

from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.plan.launch import Launch

LaunchFingerprint = tuple[str, str, Launch]
"""Class, revision of the templates, and the launch without its placement."""
_ID, _HOST, _PORT = (
    "\0id",
    "\0host",
    "\0port",
)  # No template can write these characters: see workflow/expansion/task_rendering.py.


def launch_fingerprint(launch: Launch, task: TaskId, host: HostId) -> LaunchFingerprint:
    """Return the fingerprint of ``launch`` of ``task`` on ``host``."""
    names = {task: _ID, host: _HOST}
    if launch.control_port is not None:
        names[str(launch.control_port)] = _PORT
    # Whole words only: port 30001 is not in 300010, nor host flp1 in flp10.
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)")

    def blank(text: str) -> str:
        return pattern.sub(lambda found: names[found[0]], text)

    bare = replace(
        launch,
        value=blank(launch.value),
        arguments=tuple(map(blank, launch.arguments)),
        env=tuple(map(blank, launch.env)),
        control_port=None,
        ports=(0,) * len(launch.ports),
    )
    return launch.class_name, launch.revision, bare


def is_equivalent(left: Launch, right: Launch) -> bool:
    """Return whether a process started with ``left`` can replace one started with ``right``."""
    return left == right and (left.class_name, left.revision) == (right.class_name, right.revision)
