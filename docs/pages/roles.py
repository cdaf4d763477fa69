"""Which role may call what, from the table that becomes Salt's options."""

from pages import markdown
from salt_o2.core.roles import MODULES, RUNNERS, Role


def page() -> str:
    """Return the page of roles."""
    return markdown.page(
        "Roles",
        "For administrators who say who may do what.",
        "Each role may do what those before it may. [Say who may do what](../howto/grant-roles.md) tells how "
        "a site gives them.\n",
        *(_section(role) for role in Role),
    )


def _section(role: Role) -> str:
    runners = [f"`salt-run o2.{name}`" for name in RUNNERS[role]]
    modules = [f"`salt <host> {name}`" for name in MODULES[role]]
    return f"## {role}\n\n{', '.join([*runners, *modules])}\n"
