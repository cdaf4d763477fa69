"""Generate workflows with DPL commands: creation runs the command, all users read its result (A4.5).

``<command> --o2-control <name>`` writes ``workflows/<name>.yaml`` and one task template for each device into
its working directory. The name is a digest of the command with its values, of the sourced file, of the
versions of the O2 packages and of the configuration that it reads: equal commands do not run again.

A request that only shows a workflow runs nothing. Control remembers the last result of a command with its
values and configuration, and shows it; a workflow without a result is reported as missing.
"""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from salt_o2.core.errors import O2Error
from salt_o2.site.dpl.runner import Settings, exported, run_command
from salt_o2.site.dpl.shell_text import Command, command_of
from salt_o2.workflow.expressions.rendering import text_of
from salt_o2.workflow.expressions.values import Refused, shown
from salt_o2.workflow.problems import Place
from salt_o2.workflow.sources.confined_files import is_file_within, read_within
from salt_o2.workflow.sources.git import store
from salt_o2.workflow.sources.site_repositories import SiteRepositories
from salt_o2.workflow.templates.text import Text
from salt_o2.workflow.variables.shell_values import contained_program
from salt_o2.workflow.variables.site_services import Bound, Variables
from salt_o2.workflow.variables.stack import Stack

_URIS = re.compile(r"(?:consul-json|apricot)://[^\s'\"]+")
_JIT = re.compile(r"[\w][\w.+-]*")
_NAME = re.compile(r"jit-[0-9a-f]{40}")
MOST_BYTES = 100_000
"""Size of a command in bytes: the limit of bash."""
JIT_VARIABLES = "jit_env_vars"
"""The variable with the exports before the command, as ``NAME=value NAME=value``."""
Generate = Callable[["_Wanted"], str]
"""Given the request of a template: the name of the workflow."""


class Generator:
    """Runs DPL commands and stores their results."""

    def __init__(
        self,
        repositories: SiteRepositories,
        settings: Settings,
        get: Callable[[str], str | None] = lambda _key: None,
    ) -> None:
        """Read commands from ``repositories``; ``get`` reads a key of the site's configuration."""
        self._repositories = repositories
        self._folder = repositories.generated
        self._settings = settings
        self._get = get

    def running(self) -> dict[tuple[str, str], Bound]:
        """Return the functions for templates of a user who creates: they run commands."""
        return self._functions(self._run)

    def reading(self, missing: type[Refused]) -> dict[tuple[str, str], Bound]:
        """Return the functions for templates of a user who only reads: they read results of commands.

        A workflow that no command has written yet is ``missing``.
        """
        return self._functions(lambda wanted: self._remembered(wanted, missing))

    def _functions(self, generate: Generate) -> dict[tuple[str, str], Bound]:
        def from_text(variables: Variables) -> Callable[..., Any]:
            return lambda command: self._reference(text_of(command), variables, generate)

        def from_file(variables: Variables, fallback: bool = False) -> Callable[..., Any]:
            return lambda name: self._from_file(text_of(name), variables, generate, fallback)

        return {
            ("dpl", "Generate"): from_text,
            ("dpl", "GenerateFromUri"): from_file,
            ("dpl", "GenerateFromUriOrFallbackToTemplate"): lambda variables: from_file(variables, True),
        }

    def _reference(self, written: str, variables: Variables, generate: Generate) -> str:
        """Return the reference of the workflow that the command ``written`` describes."""
        if written.strip() in ("", "none"):
            raise Refused(f"{written!r} is not a DPL command")
        stack = variables if isinstance(variables, Stack) else None
        _refuse_text_of_user(written, stack)
        command = command_of(Text(Place("the DPL command", 0), written), _Named(variables), stack)
        exports = exported(variables.flattened().get(JIT_VARIABLES, ""))
        name = generate(_Wanted(command, exports))
        return f"{self._folder / name}/workflows/{name}"

    def _from_file(self, name: str, variables: Variables, generate: Generate, fallback: bool) -> str:
        if name.strip() in ("", "none"):
            raise Refused(f"{name!r} names no DPL command")
        found = self._jit(name, getattr(variables, "folder", None))
        if found is None:
            if fallback:
                return name
            raise Refused(f"no repository has jit/{name}")
        return self._reference(found, variables, generate)

    def _jit(self, name: str, asking: Path | None) -> str | None:
        """Return the command in ``jit/<name>`` of the templates that ask, else of the first repository."""
        if not _JIT.fullmatch(name):
            return None
        if asking is not None and is_file_within(asking, f"jit/{name}"):
            return _read(asking, f"jit/{name}")
        for address in self._repositories.listed:
            with suppress(O2Error, OSError):  # A repository that cannot be opened has no such file.
                folder = self._repositories.open(address).path
                if is_file_within(folder, f"jit/{name}"):
                    return _read(folder, f"jit/{name}")
        return None

    def _run(self, wanted: "_Wanted") -> str:
        name = f"jit-{self._digest(wanted, _versions())}"
        if not self._is_there(name):
            written = run_command(
                wanted.command.text, {**wanted.exports, **wanted.command.values}, name, self._settings
            )
            if f"workflows/{name}.yaml" not in written:
                raise Refused(f"the DPL command wrote no workflows/{name}.yaml: {wanted.command.shown}")
            store(written, self._folder / name)
        known = self._known(wanted)
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_text(name)
        return name

    def _remembered(self, wanted: "_Wanted", missing: type[Refused]) -> str:
        try:
            name = self._known(wanted).read_text()
        except OSError:
            name = ""
        if _NAME.fullmatch(name) and self._is_there(name):
            return name
        raise missing(
            f"the DPL command {shown(wanted.command.shown, 120)} has not been run with these values, and "
            "looking runs no command: a user who may create environments runs it by "
            "`coconut env create` or `salt-run o2.workflow_generate`"
        )

    def _is_there(self, name: str) -> bool:
        return (self._folder / name / "workflows" / f"{name}.yaml").is_file()

    def _known(self, wanted: "_Wanted") -> Path:
        """Return the file with the name of the last result for ``wanted``."""
        return self._folder / "known" / self._digest(wanted, "")

    def _digest(self, wanted: "_Wanted", versions: str) -> str:
        command = wanted.command
        parts = [self._settings.environment, command.text, versions]
        parts += [f"{name}={value}" for name, value in [*command.values.items(), *wanted.exports.items()]]
        parts += [self._get(_key(uri)) or "" for uri in _URIS.findall(command.shown)[:2]]
        text = "\0".join(f"{len(part)}:{part}" for part in parts)
        return hashlib.sha1(text.encode(errors="surrogateescape"), usedforsecurity=False).hexdigest()


class _Wanted:
    """A command with its values, and the exports before it."""

    __slots__ = ("command", "exports")

    def __init__(self, command: Command, exports: Mapping[str, str]) -> None:
        self.command = command
        self.exports = exports


def _refuse_text_of_user(written: str, stack: Stack | None) -> None:
    """Refuse the text of a command that a template has made with a part of a user.

    A template that takes the whole command from a variable lets users choose it.
    """
    name, signs = contained_program(written, stack) if stack else ("", "")
    if name and stack and str(stack.find(name)).strip() != written.strip():
        raise Refused(
            f"the value of {name} has {signs}, which is program in a DPL command: refer to it there by"
            f" {{{{ {name} }}}}, or choose another value"
        )


def _read(folder: Path, name: str) -> str:
    try:
        content = read_within(folder, name, MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise Refused(f"{name}: a DPL command of more than {MOST_BYTES:,} bytes")
        return content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{name} cannot be read: {error}") from error


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


def _versions() -> str:
    if shutil.which("rpm") is None:
        return ""
    try:
        asked = ["rpm", "-qa", "o2-O2", "o2-QualityControl"]
        return subprocess.run(asked, capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise O2Error(f"rpm cannot tell the versions of O2: {error}") from error
