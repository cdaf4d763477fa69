"""Run git with control's own settings only, and in an author's tree as the owner of the tree.

Only commands that neither read the work tree nor write the index may be used in an author's tree. Other
commands run programs that the settings of the tree name (fsmonitor, filters, hooks, credential helpers).
"""

import errno
import grp
import os
import pwd
import shlex
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from salt_o2.core.errors import UnknownNameError
from salt_o2.core.url_masking import without_password
from salt_o2.workflow.sources.trusted_folder import open_trusted

_PASSED_ON = (
    *("PATH", "HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_CEILING_DIRECTORIES"),
    *("http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY", "all_proxy", "ALL_PROXY"),
)
_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.attributesFile": "/dev/null",
    "core.excludesFile": "/dev/null",
    "core.alternateRefsCommand": "true",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
"""Settings that override those of any repository."""
FETCHED = "file:git:http:https:ssh"
"""Protocols that fetch without running commands of a repository."""
READING_S = 10.0
READ_BYTES = 8_000_000
"""Bytes of the output of a command that lists files."""
_NOTHING: Mapping[str, str] = {}


class Account(NamedTuple):
    """An account of this machine."""

    uid: int
    gid: int


def fetching_git(
    *arguments: str, timeout_s: float = 30.0, given: bytes = b"", private: Mapping[str, str] = _NOTHING
) -> bytes:
    """Return the output of a git command in a bare repository of control; it may fetch.

    ``private`` is added to the environment of git: data that other accounts may not read.

    Raises:
        UnknownNameError: if git fails; with the last lines of its output.
    """
    return _run(arguments, FETCHED, timeout_s, os.environ.get("HOME", "/"), given, private=private)


def listing_git(*arguments: str) -> bytes:
    """Return the output of a git command in a bare repository of control, of at most ``READ_BYTES``.

    A few small objects of a repository can describe billions of files.

    Raises:
        UnknownNameError: if git fails, or its output is longer.
    """
    return _run_bounded(arguments, os.environ.get("HOME", "/"), b"", {})


def reading_git(tree: Path, *arguments: str, given: bytes = b"") -> bytes:
    """Return the output of a git command in an author's ``tree``, run as the owner of its repository.

    The output has at most ``READ_BYTES``: a few small objects can describe billions of files.

    Raises:
        UnknownNameError: if it fails, or the owner is neither control's account nor one that it can run as.
    """
    owner = owner_of(tree)
    account: dict[str, Any] = {}
    if owner and owner.uid != os.geteuid():
        account = {"user": owner.uid, "group": owner.gid, "extra_groups": []}
    return _run_bounded(("-C", str(tree), *arguments), "/", given, account)


def _run_bounded(arguments: tuple[str, ...], home: str, given: bytes, account: dict[str, Any]) -> bytes:
    with tempfile.TemporaryFile() as output:
        _run(arguments, "none", READING_S, home, given, account, output=output)
        output.seek(0)
        return output.read()


def upload_pack(owner: Account | None) -> str:
    """Return the command by which git reads a repository of this machine that belongs to ``owner``."""
    words = ["env", "GIT_ALLOW_PROTOCOL=none", "git", "upload-pack"]
    if owner and owner.uid != os.geteuid():
        words = ["setpriv", f"--reuid={owner.uid}", f"--regid={owner.gid}", "--clear-groups", *words]
    return shlex.join(words)


def owner_of(path: Path) -> Account | None:
    """Return the account that owns the git repository at or above ``path``; ``None`` if there is none."""
    found = _located(path)
    if found is None:
        return None
    uid = found[1]
    try:
        return Account(uid, pwd.getpwuid(uid).pw_gid)
    except KeyError:  # An administrator may have given its files any group.
        return Account(uid, 65534)


def repository_at(path: Path) -> Path | None:
    """Return ``.git`` at or above ``path``, or ``path`` itself if it is a bare repository."""
    found = _located(path)
    return found[0] if found else None


def _located(path: Path) -> tuple[Path, int] | None:
    """Return the repository at or above ``path``, and the uid of its owner.

    The search goes upward from one open folder, so that a folder that its author exchanges meanwhile has no
    effect on the owner.

    Raises:
        UnknownNameError: if a link of one account leads to a folder of another.
    """
    try:
        here = open_trusted(path)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise UnknownNameError(f"{path}: {error.strerror}") from error
        return None
    try:
        folder = Path(f"/proc/self/fd/{here}").readlink()
        if _is_there("HEAD", here, stat.S_ISREG) and _is_there("objects", here, stat.S_ISDIR):
            return folder, os.fstat(here).st_uid
        ceilings = os.environ.get("GIT_CEILING_DIRECTORIES", "").split(":")
        while str(folder) not in ceilings:
            # The owner of a link decides, not the owner of its target.
            with suppress(OSError):
                return folder / ".git", os.stat(".git", dir_fd=here, follow_symlinks=False).st_uid
            if folder == folder.parent:
                break
            above = os.open("..", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=here)
            os.close(here)
            here, folder = above, folder.parent
    finally:
        os.close(here)
    return None


def _is_there(name: str, folder: int, kind: Callable[[int], bool]) -> bool:
    try:
        return kind(os.stat(name, dir_fd=folder).st_mode)
    except OSError:
        return False


def others_may_write(repository: Path) -> bool:
    """Return whether accounts beside the owner may change what ``.git`` says."""
    for path in (repository, repository / "config"):
        try:
            found = path.stat()
        except OSError:
            continue
        shared = found.st_mode & stat.S_IWGRP and not _is_private(found)
        if shared or found.st_mode & stat.S_IWOTH:
            return True
    return False


def _is_private(found: os.stat_result) -> bool:
    """Return whether the group of a file is that of its owner alone."""
    try:
        owner, group = pwd.getpwuid(found.st_uid), grp.getgrgid(found.st_gid)
    except KeyError:
        return False
    return owner.pw_gid == group.gr_gid and set(group.gr_mem) <= {owner.pw_name}


def _run(
    arguments: tuple[str, ...],
    protocols: str,
    timeout_s: float,
    home: str,
    given: bytes = b"",
    account: dict[str, Any] | None = None,
    private: Mapping[str, str] = _NOTHING,
    output: IO[bytes] | None = None,
) -> bytes:
    settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {
        "HOME": home,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
        "GIT_ALLOW_PROTOCOL": protocols,
        "LC_ALL": "C",
    }
    command = ["git", "--no-pager", *settings, *arguments]
    if output is not None:  # The kernel ends git when it writes more.
        command = ["prlimit", f"--fsize={READ_BYTES}", *command]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if output is None else output,
            stderr=subprocess.PIPE,
            env={**environment, **private},
            start_new_session=True,
            **(account or {}),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UnknownNameError(f"git {_shown(arguments)}: {error}") from error
    with process:
        written, errors = _finish(process, given, timeout_s, _shown(arguments))
    if process.returncode == -signal.SIGXFSZ:
        raise UnknownNameError(f"git {_shown(arguments)} writes more than {READ_BYTES:,} bytes")
    if process.returncode:
        lines = errors.decode(errors="replace").strip().splitlines()
        last = lines[-1] if lines else f"exit code {process.returncode}"
        raise UnknownNameError(f"git: {without_password(last)}")
    return written


def _finish(
    process: "subprocess.Popen[bytes]", given: bytes, timeout_s: float, shown: str
) -> tuple[bytes, bytes]:
    """Return the output and errors of ``process``; kill it with its children after the time limit."""
    try:
        written, errors = process.communicate(given, timeout_s)
        return written or b"", errors
    except subprocess.TimeoutExpired as error:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        raise UnknownNameError(f"git {shown} took more than {timeout_s:g} s and was killed") from error


def _shown(arguments: tuple[str, ...]) -> str:
    """Return the name of a command, without its folder and its settings."""
    while arguments[0] in ("-C", "-c"):
        arguments = arguments[2:]
    return arguments[0]
