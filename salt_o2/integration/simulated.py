"""Integration for tests of templates: it can succeed, fail, hang, and record its calls.

    test.succeed("text")   returns the text
    test.fail("reason")    fails with the reason
    test.hang()            never returns: the call's timeout ends it
    test.record("word")    appends the word to the file of the folder RECORDS that ``test_record`` names

``testplugin.Noop()`` and ``testplugin.Test()`` exist for templates of AliECS. The latter fails or hangs
according to the variables ``testplugin_fail`` and ``testplugin_hang``.
"""

import asyncio
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from salt_o2.core.errors import TaskError, UnknownNameError

RECORDS = Path("/tmp") / f"o2-test-records-{os.getuid()}"
"""The only directory in which this integration writes for a template."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


class Test:
    """Simulated service: each function succeeds, fails, hangs or records as called."""

    __test__ = False  # not a test case for pytest, in spite of the name

    async def call(self, function: str, arguments: list[Any], variables: Mapping[str, str]) -> str:
        """Call one of the functions of the module docstring."""
        text = str(arguments[0]) if arguments else ""
        match function:
            case "succeed" | "Noop":
                return text
            case "fail":
                raise TaskError(text or "failed as requested")
            case "hang":
                return await _hang()
            case "record":
                return _record(text, variables)
            case "Test":
                return await _test(variables)
        raise UnknownNameError(f"test has no function {function!r}; it has succeed, fail, hang and record")


async def _test(variables: Mapping[str, str]) -> str:
    if variables.get("testplugin_hang") == "true":
        return await _hang()
    if variables.get("testplugin_fail") == "true":
        raise TaskError("testplugin_fail requests this failure")
    return ""


async def _hang() -> str:
    await asyncio.Event().wait()
    return ""


def _record(word: str, variables: Mapping[str, str]) -> str:
    name = variables.get("test_record")
    if not name:
        return word
    if not _NAME.fullmatch(name):
        raise TaskError(f"test_record must be a file name without a folder, not {name!r}")
    try:
        RECORDS.mkdir(mode=0o700, exist_ok=True)
        about = RECORDS.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
            raise TaskError(f"{RECORDS} is not a folder of this user")
        # Do not follow a link in place of the file.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        with os.fdopen(os.open(RECORDS / name, flags, 0o600), "a") as record:
            record.write(f"{word}\n")
    except OSError as error:
        raise TaskError(f"test.record cannot write {RECORDS / name}: {error}") from error
    return word
