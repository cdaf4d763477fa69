"""List the functions that call roles of production templates use, by integration.

Source: AliECS ``core/integration``. A site decides which integrations it has. With this list, a check can
distinguish a misspelt function from one whose integration is not installed.
"""

import re
from collections.abc import Mapping

from salt_o2.workflow.problems import nearest

KNOWN: Mapping[str, tuple[str, ...]] = {
    "bookkeeping": (
        "CreateEnv",
        "UpdateEnv",
        "StartOfRun",
        "UpdateRunStart",
        "UpdateRunStop",
        "RetrieveFillInfo",
    ),
    "ccdb": ("RunStart", "RunStop"),
    "dcs": ("PrepareForRun", "StartOfRun", "EndOfRun", "Cleanup"),
    "ddsched": ("PartitionInitialize", "PartitionTerminate", "EnsureTermination"),
    "kafka": (
        "PublishEnterStateUpdate",
        "PublishLeaveStateUpdate",
        "PublishStartActivityUpdate",
        "PublishUpdate",
    ),
    "lhc": ("UpdateFillInfo",),
    "odc": (
        "PreDeploymentCleanup",
        "PartitionInitialize",
        "Configure",
        "Start",
        "Stop",
        "EnsureStop",
        "Reset",
        "PartitionTerminate",
        "EnsureCleanup",
        "EnsureCleanupLegacy",
    ),
    "test": ("succeed", "fail", "hang", "record"),
    "testplugin": ("Noop", "Test", "TimestampObserver", "CallOrderObserver"),
    "trg": (
        "PrepareForRun",
        "RunLoad",
        "RunStart",
        "RunStop",
        "RunUnload",
        "EnsureRunStop",
        "EnsureRunUnload",
        "Cleanup",
    ),
}
_CALL = re.compile(r"\s*(?P<integration>\w+)\.(?P<function>\w+)\s*\(.*\)\s*", re.DOTALL)


def doubt(func: str) -> str:
    """Return what an author should check again in ``func``; nothing, if the function is known."""
    found = _CALL.fullmatch(func)
    if found is None:
        return f"{func!r} is not a call of an integration: expected integration.function(arguments)"
    integration, function = found["integration"], found["function"]
    if integration not in KNOWN:
        return f"unknown integration {integration}{nearest(integration, KNOWN)}"
    if function not in KNOWN[integration]:
        return f"{integration} has no known function {function}{nearest(function, KNOWN[integration])}"
    return ""
