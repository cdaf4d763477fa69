"""An integration for the tests of templates: it can succeed, fail, hang, and record that it was called.

    test.succeed("text")   returns the text
    test.fail("reason")    fails with the reason
    test.hang()            never returns: the call's timeout ends it
    test.record("word")    appends the word to the file that the variable ``test_record`` names, if any

``testplugin.Noop()`` and ``testplugin.Test()`` are there for templates of AliECS; the latter fails or hangs
as the variables ``testplugin_fail`` and ``testplugin_hang`` say.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from salt_o2.core.errors import TaskError, UnknownName


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
        raise UnknownName(f"test has no function {function!r}; it has succeed, fail, hang and record")


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
    if path := variables.get("test_record"):
        with Path(path).open("a") as record:
            record.write(f"{word}\n")
    return word
