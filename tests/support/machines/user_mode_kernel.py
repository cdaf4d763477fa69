"""A kernel of its own for a test, as one process of this machine: User Mode Linux over this machine's files.

It sees them read-only, has a /tmp of its own and one hierarchy of control groups, of version 2, with all
controllers, as systemd hosts have; no network. It needs neither root nor virtualisation.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

PROGRAM = "linux.uml"
MEMORY = "1500M"
INIT = """#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8
mount -t proc proc /proc; mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null; mkdir -p /dev/shm; mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run; mkdir /run/tree; mount --bind {directory} /run/tree
mount -t tmpfs -o mode=1777 tmp /tmp; mkdir -p {directory}; mount --bind /run/tree {directory}
mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
cd {directory}
{command}
echo "exit code $?"
echo o > /proc/sysrq-trigger
sleep 1000
"""


def run(folder: Path, directory: Path, *command: str, timeout_s: float) -> tuple[int, str]:
    """Run ``command`` in ``directory`` on a new kernel; return its exit code and what was said.

    ``folder`` takes the script that the kernel starts as its first process.
    """
    init = folder / "init"
    init.write_text(INIT.format(directory=shlex.quote(str(directory)), command=shlex.join(command)))
    init.chmod(0o755)
    options = [f"mem={MEMORY}", "rootfstype=hostfs", "rootflags=/", "ro", "quiet", f"init={init}"]
    options += [f"uml_dir={folder}/", "umid=kernel"]  # else it leaves a folder in HOME
    shared = {"TMPDIR": "/dev/shm"}  # its memory is a file there
    done = subprocess.run(
        [PROGRAM, *options, "con=null", "con0=null,fd:1"],
        env={**os.environ, **shared},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    found = re.findall(r"^exit code (\d+)", done.stdout, re.MULTILINE)
    return int(found[-1]) if found else -1, done.stdout


def pytest_command(*words: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "--color=no", *words]
