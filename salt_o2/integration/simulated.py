"""An integration for the tests of templates: it can succeed, fail, hang, and record that it was called.

    test.succeed("text")   returns the text
    test.fail("reason")    fails with the reason
    test.hang()            never returns: the call's timeout ends it
    test.record("word")    appends the word to the file of the folder RECORDS that ``test_record`` names

``testplugin.Noop()`` and ``testplugin.Test()`` are there for templates of AliECS; the latter fails or hangs
as the variables ``testplugin_fail`` and ``testplugin_hang`` say.
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
"""The only folder in which a template has this integration write."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


class Test:
    """The service that does what it is told."""

    __test__ = False  # no test case, whatever its name

    async def call(self, function: str, arguments: list[Any], variables: Mapping[str, str]) -> str:
        """Carry out one of the functions above."""
        text = str(arguments[0]) if arguments else ""
        match function:
            case "succeed" | "Noop":
                return text
            case "fail":
                raise TaskError(text or "told to fail")
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
        raise TaskError("told to fail by testplugin_fail")
    return ""


async def _hang() -> str:
    await asyncio.Event().wait()
    return ""


def _record(word: str, variables: Mapping[str, str]) -> str:
    name = variables.get("test_record")
    if not name:
        return word
    if not _NAME.fullmatch(name):
        raise TaskError(f"test_record must be the name of a file, without a folder, not {name!r}")
    try:
        RECORDS.mkdir(mode=0o700, exist_ok=True)
        about = RECORDS.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
            raise TaskError(f"{RECORDS} is not a folder of this user")
        # A link in the place of the file is not followed.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        with os.fdopen(os.open(RECORDS / name, flags, 0o600), "a") as record:
            record.write(f"{word}\n")
    except OSError as error:
        raise TaskError(f"test.record cannot write {RECORDS / name}: {error}") from error
    return word
