"""Run one DPL command: with a separate account, folder and environment, and a time limit.

The account is neither root nor control's own: an author of a template, or of a variable that reaches a
command, gets that account and no more. The files of the command are read without following its links.
"""

import grp
import json
import os
import pwd
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from salt_o2.linux.tree_removal import remove_tree
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.limits import FILE_BYTES
from salt_o2.workflow.sources.confined_files import names_within, read_within

_REAPER = str(Path(__file__).with_name("reaper.py"))
FOLDERS = ("workflows", "tasks")
MOST_FILES = 20_000
"""Templates that one command may write."""
MOST_BYTES = 200_000_000
"""Bytes of all templates that one command writes."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FILE = re.compile(r"[\w@+-][\w.@+-]*\.yaml")
_ENTRY = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_STEERING = re.compile(
    r"LD_\w+|GLIBC_TUNABLES|BASH\w*|ENV|IFS|PATH|PS4|SHELLOPTS|PYTHON\w*|PERL\w*|O2_VALUE_\w+"
)
"""Variables that would make other programs run than those that the command names."""
_LIMITS = "ulimit -c 0 -f 2097152"


@dataclass(frozen=True, slots=True)
class Settings:
    """How DPL commands run at a site."""

    user: str
    """The account, from ``o2:dpl_user``."""
    timeout_s: float
    environment: str
    """A file to source before the command if it exists, from ``o2:dpl_environment``."""


def run_command(command: str, values: Mapping[str, str], name: str, settings: Settings) -> dict[str, bytes]:
    """Return the templates that ``command --o2-control name`` writes, by their names.

    ``values`` are variables of its environment.

    Raises:
        Refused: if there is no account for it, it fails, takes too long, or writes too much.
    """
    account = _account(settings.user)
    with _working_directory(account) as folder:
        script = _script(command, settings.environment, name)
        _execute(script, {**_environment(account), **values}, folder, account, settings.timeout_s)
        return dict(_written(folder))


@contextmanager
def _working_directory(account: pwd.struct_passwd) -> Iterator[Path]:
    """Make a folder for one command, with the folders that it writes to; remove it at the end.

    A directory is given to the account after all of its contents, and its parent stays root's: no process of
    the account can put a link in the place of a path that root is about to change.
    """
    scratch = Path(tempfile.mkdtemp(prefix="o2-dpl-"))
    folder = scratch / "command"
    try:
        scratch.chmod(0o711)
        for path in (folder, *(folder / name for name in FOLDERS)):
            path.mkdir(mode=0o755)
        for path in (*(folder / name for name in FOLDERS), folder):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
        yield folder
    finally:
        remove_tree(scratch)


def exported(text: str) -> dict[str, str]:
    """Return the variables in ``NAME=value NAME='value with spaces'``, the form of ``jit_env_vars``.

    Raises:
        Refused: if it has another form, or sets a variable that steers which programs run.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Refused(f"jit_env_vars has the form NAME=value NAME=value: {error}") from error
    found = {}
    for word in words:
        entry = _ENTRY.fullmatch(word)
        if not entry or "\0" in word:
            raise Refused(f"jit_env_vars has the form NAME=value NAME=value, which {word!r} is not")
        if _STEERING.fullmatch(entry[1]):
            raise Refused(f"jit_env_vars may not set {entry[1]}, by which other programs could be run")
        found[entry[1]] = entry[2]
    return found


def _account(user: str) -> pwd.struct_passwd:
    advice = "set o2: dpl_user to an account that is neither root nor control's own"
    if not user:
        raise Refused(f"DPL commands have no account to run as: {advice}")
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise Refused(f"o2: dpl_user: there is no user {user}") from None
    if account.pw_uid in (0, os.geteuid()):
        whose = "root" if account.pw_uid == 0 else "control's own account"
        raise Refused(f"DPL commands do not run as {user}, which is {whose}: {advice}")
    if account.pw_gid == 0:
        raise Refused(
            f"DPL commands do not run in the group {grp.getgrgid(0).gr_name}, which {user} has: {advice}"
        )
    if os.geteuid() != 0:
        own = pwd.getpwuid(os.geteuid()).pw_name
        raise Refused(
            f"DPL commands run as {user}, which control cannot become: it runs as {own}, and not as root"
        )
    return account


def _environment(account: pwd.struct_passwd) -> dict[str, str]:
    """Return the whole environment of a command; it contains nothing of control's own environment."""
    return {
        "PATH": _PATH,
        "HOME": account.pw_dir,
        "USER": account.pw_name,
        "LOGNAME": account.pw_name,
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
    }


def _script(command: str, environment: str, name: str) -> str:
    lines = [_LIMITS]
    if environment and Path(environment).is_file():
        lines.append(f"source {shlex.quote(environment)}")
    lines.append(f"{command.strip()} --o2-control {name}")
    return " && ".join(lines)


def _execute(
    script: str, environment: Mapping[str, str], folder: Path, account: pwd.struct_passwd, timeout_s: float
) -> None:
    reaper = [sys.executable, "-I", "-S", _REAPER, str(account.pw_uid), str(account.pw_gid)]
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                [*reaper, "/bin/bash", "--noprofile", "--norc", "-c", script],
                cwd=folder,
                env={"PATH": _PATH, "LANG": "C.UTF-8"},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise Refused(f"the DPL command cannot be started as {account.pw_name}: {error}") from error
        with process:  # Leaving the block closes the reaper's input, and waits for the reaper.
            try:
                _write_line(process, json.dumps(dict(environment)))
                code = process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                raise Refused(f"the DPL command took more than {timeout_s:g} s: {script}") from None
        if code:
            output.seek(max(0, output.seek(0, 2) - 1_000))
            message = output.read().decode(errors="replace").strip()
            raise Refused(f"the DPL command ended with exit code {code}: {message}")


def _write_line(process: "subprocess.Popen[bytes]", text: str) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # The reaper has ended already, and its exit code gives the reason.
        process.stdin.write(text.encode() + b"\n")
        process.stdin.flush()


def _written(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Find the templates in ``folder``; its links are the command's own, and may lead anywhere."""
    names = [f"{kind}/{name}" for kind in FOLDERS for name in _listed(folder, kind) if _FILE.fullmatch(name)]
    if len(names) > MOST_FILES:
        raise Refused(f"the DPL command wrote more than {MOST_FILES:,} templates")
    remaining_bytes = MOST_BYTES
    for name in names:
        try:
            content = read_within(folder, name, FILE_BYTES + 1)
        except OSError as error:
            raise Refused(f"the DPL command wrote {name}, which cannot be read: {error.strerror}") from error
        remaining_bytes -= len(content)
        if len(content) > FILE_BYTES or remaining_bytes < 0:
            raise Refused(
                f"the DPL command wrote too much: {name} is the file that is too large or one too many"
            )
        yield name, content


def _listed(folder: Path, kind: str) -> list[str]:
    try:
        return names_within(folder, kind)
    except OSError as error:
        raise Refused(f"the DPL command left {kind}/, which cannot be listed: {error.strerror}") from error
