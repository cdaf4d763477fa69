"""Which role may call what, from the table that becomes Salt's options."""

from pages import markdown
from salt_o2.core.access_roles import BY_RUNNER, RUNNERS, WITHOUT_ROLE, AccessRole


def page() -> str:
    """Return the page of roles."""
    return markdown.page(
        "Roles",
        "For administrators who grant roles to users.",
        "Each role includes the permissions of the roles above it. [Grant roles to "
        "users](../howto/grant-roles.md) "
        "describes how a site grants them.\n",
        *(_section(role) for role in AccessRole),
        _hosts(),
    )


def _section(role: AccessRole) -> str:
    runners = [f"`salt-run o2.{name}`" for name in RUNNERS[role]]
    return f"## {role}\n\n{', '.join(runners)}\n"


def _hosts() -> str:
    rows = [(f"`{module}`", f"`o2.{runner}`") for module, runner in sorted(BY_RUNNER.items())]
    rows += [(f"`{module}`", "none: for root") for module in WITHOUT_ROLE]
    return (
        "## Functions of hosts\n\n"
        "No role may call them with `salt HOST ...`: a user who may call one execution function of Salt may "
        "call all. These functions of the runner do the same, with exact IDs of hosts.\n\n"
        + markdown.table(("function of hosts", "function of the runner"), rows)
    )
