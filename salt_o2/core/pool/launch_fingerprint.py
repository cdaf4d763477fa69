"""What two launches have in common that differ only by their places: the mould that both were cast from.

A launch holds its task's id, its host's name and its control port, because its template asks for them or its
control mode adds them. Without these it is a key: who looks for a task to reuse finds those of the same mould
at once, and compares the whole launch only with them. A mould that says too little costs one comparison; one
that says too much costs a process that is started although another would have done.
"""

import re
from dataclasses import replace

from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.plan.launch import Launch

Mould = tuple[str, str, Launch]
"""Class, revision of the templates, and what is left of the launch."""
_ID, _HOST, _PORT = (
    "\0id",
    "\0host",
    "\0port",
)  # no template can write these: see workflow/expansion/task_rendering.py


def launch_fingerprint(launch: Launch, task: TaskId, host: HostId) -> Mould:
    """Return what ``launch`` of ``task`` on ``host`` was cast from."""
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
    """Return whether a process that was started by ``left`` is as good as one started by ``right``."""
    return left == right and (left.class_name, left.revision) == (right.class_name, right.revision)
