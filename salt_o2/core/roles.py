"""Who may do what, as four roles; each may do what those before it may.

Salt enforces it: ``permissions`` returns what its ``external_auth`` and ``publisher_acl`` options take.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """What somebody is here for."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    EXPERT = "expert"
    ADMINISTRATOR = "administrator"


RUNNERS: Mapping[Role, tuple[str, ...]] = {
    Role.VIEWER: (
        "config_list",
        "config_show",
        "env_diff",
        "env_history",
        "env_list",
        "env_plan",
        "env_replay",
        "env_show",
        "host_list",
        "info",
        "pool_list",
        "run_list",
        "run_show",
        "task_list",
        "task_log",
        "workflow_check",
        "workflow_expand",
        "workflow_graph",
        "workflow_list",
    ),
    Role.OPERATOR: (
        "env_control",
        "env_create",
        "env_destroy",
        "env_repeat",
        "host_returned",
        "pool_clean",
        "task_recover",
        "workflow_generate",
    ),
    Role.EXPERT: (
        "config_import",
        "config_set",
        "env_modify",
        "host_forget",
        "host_lost",
        "run_stop",
        "site_check",
    ),
    Role.ADMINISTRATOR: ("ask", "rebuild"),
}
"""Functions of the runner ``o2``."""
MODULES: Mapping[Role, tuple[str, ...]] = {
    Role.VIEWER: ("o2.audit", "o2.info", "o2.log", "o2.tasks"),
    Role.OPERATOR: (),
    Role.EXPERT: ("o2.kill", "o2.records", "o2.transition", "occ.get_state", "occ.transition"),
    Role.ADMINISTRATOR: ("o2.deliver", "o2.drive"),
}
"""Functions of the execution modules: all that reaches into tasks by hand is for experts."""


def permissions(role: Role) -> list[Any]:
    """Return what a user of ``role`` may do, in the form of Salt's ``external_auth``."""
    upto = list(Role)[: list(Role).index(role) + 1]
    modules = sorted(name for each in upto for name in MODULES[each])
    runners = sorted(f"o2.{name}" for each in upto for name in RUNNERS[each])
    return [*modules, {"@runner": runners}]
