"""Workflows that a DPL command describes: run at load time, in a time limit, once for each command (A4.5).

``<command> --o2-control <name>`` writes ``workflows/<name>.yaml`` and one task template for each device into
its working directory. The name is a digest of the command, of what is sourced before it, of the versions of
the O2 packages and of the configuration that it reads: the same again is not run again.
"""

import hashlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from salt_o2.core.errors import O2Error
from salt_o2.workflow.git import store
from salt_o2.workflow.problems import Place
from salt_o2.workflow.repositories import SiteRepositories
from salt_o2.workflow.services import Bound, Variables
from salt_o2.workflow.text import Text
from salt_o2.workflow.values import Refused, text_of

_URIS = re.compile(r"(?:consul-json|apricot)://[^\s'\"]+")
_JIT = re.compile(r"[\w][\w.+-]*")
_FOLDERS = ("workflows", "tasks")
JIT_VARIABLES = "jit_env_vars"
"""The variable that has what to export before the command, as ``NAME=value NAME=value``."""


class Generator:
    """Runs DPL commands and keeps what they wrote."""

    def __init__(self, repositories: SiteRepositories, user: str, timeout_s: float, environment: str) -> None:
        """Read commands from ``repositories``; run as ``user``, after sourcing ``environment`` if there."""
        self._repositories = repositories
        self._folder = repositories.generated
        self._user = user
        self._timeout_s = timeout_s
        self._environment = environment
        self._get: Callable[[str], str | None] = lambda _key: None

    def functions(self, get: Callable[[str], str | None]) -> dict[tuple[str, str], Bound]:
        """Return what templates call; ``get`` reads a key of the site's configuration."""
        self._get = get
        return {
            ("dpl", "Generate"): lambda variables: lambda command: self.generate(text_of(command), variables),
            ("dpl", "GenerateFromUri"): lambda variables: (
                lambda name: self._from_file(text_of(name), variables)
            ),
            ("dpl", "GenerateFromUriOrFallbackToTemplate"): lambda variables: (
                lambda name: self._from_file(text_of(name), variables, fallback=True)
            ),
        }

    def generate(self, command: str, variables: Variables) -> str:
        """Return the reference of the workflow that ``command`` describes.

        Raises:
            Refused: if it fails, writes nothing, or takes too long.
        """
        if command.strip() in ("", "none"):
            raise Refused(f"{command!r} is no DPL command")
        values = variables.flattened()
        rendered = Text(Place("the DPL command", 0), command).render(_Named(variables))
        exports = values.get(JIT_VARIABLES, "")
        name = f"jit-{self._digest(rendered, exports)}"
        tree = self._folder / name
        if not (tree / "workflows" / f"{name}.yaml").is_file():
            self._run(rendered, exports, name, tree)
        return f"{tree}/workflows/{name}"

    def _from_file(self, name: str, variables: Variables, fallback: bool = False) -> str:
        if name.strip() in ("", "none"):
            raise Refused(f"{name!r} names no DPL command")
        found = self._jit(name)
        if found is None:
            if fallback:
                return name
            raise Refused(f"no repository has jit/{name}")
        return self.generate(found, variables)

    def _jit(self, name: str) -> str | None:
        if not _JIT.fullmatch(name):
            return None
        for address in self._repositories.listed:
            file = self._repositories.open(address).path / "jit" / name
            if file.is_file():
                return str(file.read_text())
        return None

    def _digest(self, command: str, exports: str) -> str:
        parts = [self._environment, command, exports, _versions()]
        parts += [self._get(_key(uri)) or "" for uri in _URIS.findall(command)[:2]]
        return hashlib.sha1("\0".join(parts).encode(), usedforsecurity=False).hexdigest()

    def _run(self, command: str, exports: str, name: str, tree: Path) -> None:
        account = self._account()
        with tempfile.TemporaryDirectory(prefix="o2-dpl-") as scratch:
            for path in (Path(scratch), *(Path(scratch, folder) for folder in _FOLDERS)):
                path.mkdir(exist_ok=True)
                if account:
                    os.chown(path, account.pw_uid, account.pw_gid)
            self._execute(_script(command, exports, self._environment, name), Path(scratch), account)
            written = _written(Path(scratch))
        if f"workflows/{name}.yaml" not in written:
            raise Refused(f"the DPL command wrote no workflows/{name}.yaml: {command}")
        store(written, tree)

    def _execute(self, script: str, folder: Path, account: "pwd.struct_passwd | None") -> None:
        ids: Mapping[str, Any] = {}
        if account and os.geteuid() == 0:
            ids = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                ["bash", "-c", script],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **ids,
            )
            try:
                code = process.wait(self._timeout_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
                raise Refused(f"the DPL command took more than {self._timeout_s:g} s: {script}") from None
            if code:
                output.seek(max(0, output.seek(0, 2) - 1_000))
                said = output.read().decode(errors="replace").strip()
                raise Refused(f"the DPL command ended with exit code {code}: {said}")

    def _account(self) -> "pwd.struct_passwd | None":
        if not self._user:
            if os.geteuid() == 0:
                raise Refused(
                    "DPL commands do not run as root: set o2: dpl_user to the account that they run as"
                )
            return None
        try:
            return pwd.getpwnam(self._user)
        except KeyError:
            raise Refused(f"o2: dpl_user: there is no user {self._user}") from None


def _key(uri: str) -> str:
    """Return the key of the site's configuration that a URI of a DPL command names."""
    path = uri.partition("://")[2].partition("/")[2].partition("?")[0]
    return path if path.startswith("o2/") else f"o2/{path}"


class _Named:
    def __init__(self, variables: Variables) -> None:
        self._variables = variables

    def find(self, name: str) -> Any:
        return self._variables.find(name)

    def names(self) -> Mapping[str, str]:
        return self._variables.flattened()


def _written(folder: Path) -> dict[str, bytes]:
    """Return the templates that are in ``folder``: plain files, no links that lead elsewhere."""
    return {
        f"{kind}/{file.name}": file.read_bytes()
        for kind in _FOLDERS
        for file in sorted((folder / kind).glob("*.yaml"))
        if file.is_file() and not file.is_symlink()
    }


def _script(command: str, exports: str, environment: str, name: str) -> str:
    lines = [f"export {exports}"] if exports.strip() else []
    if environment and Path(environment).is_file():
        lines.append(f"source {environment}")
    lines.append(f"{command.strip()} --o2-control {name}")
    return " && ".join(lines)


def _versions() -> str:
    if shutil.which("rpm") is None:
        return ""
    try:
        asked = ["rpm", "-qa", "o2-O2", "o2-QualityControl"]
        return subprocess.run(asked, capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise O2Error(f"rpm cannot tell the versions of O2: {error}") from error
