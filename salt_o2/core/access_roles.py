"""Define the permissions of four roles; each role includes the permissions of the roles before it.

Salt enforces the permissions: ``permissions`` returns the value of its ``external_auth`` option.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class AccessRole(StrEnum):
    """A role that a site gives to users, groups and hosts."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    EXPERT = "expert"
    ADMINISTRATOR = "administrator"


RUNNERS: Mapping[AccessRole, tuple[str, ...]] = {
    AccessRole.VIEWER: (
        "config_list",
        "config_show",
        "env_diff",
        "env_history",
        "env_list",
        "env_plan",
        "env_replay",
        "env_show",
        "host_audit",
        "host_info",
        "host_list",
        "host_log",
        "host_tasks",
        "info",
        "pool_list",
        "run_list",
        "run_show",
        "task_info",
        "task_list",
        "task_log",
        "workflow_check",
        "workflow_expand",
        "workflow_graph",
        "workflow_list",
        "workflow_show",
    ),
    AccessRole.OPERATOR: (
        "env_control",
        "env_create",
        "env_destroy",
        "env_repeat",
        "host_cordon",
        "host_returned",
        "host_uncordon",
        "pool_clean",
        "task_recover",
        "workflow_generate",
    ),
    AccessRole.EXPERT: (
        "config_import",
        "config_set",
        "env_modify",
        "host_drain",
        "host_forget",
        "host_kill",
        "host_lost",
        "host_records",
        "host_transition",
        "run_stop",
        "site_check",
        "task_kill",
    ),
    AccessRole.ADMINISTRATOR: ("ask", "rebuild"),
}
"""Functions of the runner ``o2``."""
WITHOUT_RUNNER: Mapping[AccessRole, tuple[str, ...]] = {AccessRole.VIEWER: ("watch",)}
"""Requests to control that have no function of the runner."""
ONLY_RUNNERS = ("ask", "site_check")
"""Functions of the runner that are no requests to control."""
BY_RUNNER: Mapping[str, str] = {
    "o2.audit": "host_audit",
    "o2.info": "host_info",
    "o2.kill": "host_kill",
    "o2.log": "host_log",
    "o2.records": "host_records",
    "o2.tasks": "host_tasks",
    "o2.transition": "host_transition",
}
"""Functions of the execution modules, and the functions of the runner that ask agents the same."""
WITHOUT_ROLE = ("o2.deliver", "o2.drive", "occ.get_state", "occ.transition")
"""Functions of the execution modules for root of the master or of the host alone."""


def required_role(verb: str) -> AccessRole | None:
    """Return the lowest role that may send the request ``verb`` to control; ``None`` if there is no such."""
    if verb in ONLY_RUNNERS:
        return None
    for role in AccessRole:
        if verb in RUNNERS[role] or verb in WITHOUT_RUNNER.get(role, ()):
            return role
    return None


def includes(role: AccessRole, other: AccessRole) -> bool:
    """Return whether ``role`` has all permissions of ``other``."""
    order = list(AccessRole)
    return order.index(role) >= order.index(other)


def permissions(role: AccessRole) -> list[Any]:
    """Return the permissions of a user of ``role``, in the form of Salt's ``external_auth``.

    They are functions of the runner only. One permitted execution function would permit all of them:
    Salt permits a list of functions if it permits one of them, and the caller chooses the returner
    (`salt/utils/minions.py`, `CkMinions.auth_check`). Salt compares from the beginning of a name only, so
    each permission is a regular expression that ends where the name ends.
    """
    upto = list(AccessRole)[: list(AccessRole).index(role) + 1]
    names = sorted(name for each in upto for name in RUNNERS[each])
    return [{"@runner": [f"o2\\.{name}$" for name in names]}]
