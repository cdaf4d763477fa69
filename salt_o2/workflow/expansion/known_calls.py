"""The functions that call roles of production templates call, by integration (AliECS ``core/integration``).

Whether an integration is there is the site's business; here a misspelt one can be told from one that is only
not installed.
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
    """Return what an author should look at in ``func`` again; nothing, if it is known."""
    found = _CALL.fullmatch(func)
    if found is None:
        return f"{func!r} is no call of an integration: integration.function(arguments)"
    integration, function = found["integration"], found["function"]
    if integration not in KNOWN:
        return f"no integration {integration} is known here{nearest(integration, KNOWN)}"
    if function not in KNOWN[integration]:
        return f"{integration} has no {function} that is known here{nearest(function, KNOWN[integration])}"
    return ""
