"""The variables of a user: for all roles, or, as ``path.to.role:name``, for one and the roles below it."""

from collections.abc import Collection, Mapping

from salt_o2.core.errors import UnknownNameError
from salt_o2.workflow.problems import nearest
from salt_o2.workflow.variables.stack import Block, Layer

USER = "the user"
"""The beginning of the origin of a user's block."""


def is_of_user(layer: Layer) -> bool:
    """Return whether a user has set the variables in ``layer``."""
    return str(getattr(layer, "origin", "")).startswith(USER)


class UserVariables:
    """The variables of one user's request, by the role to which they apply."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.everywhere = Block({name: value for name, value in given.items() if ":" not in name}, USER)
        self._unmet: dict[str, dict[str, str]] = {}
        for name, value in given.items():
            if ":" in name:
                path, _, own = name.rpartition(":")
                self._unmet.setdefault(path, {})[own] = value
        self._for = dict(self._unmet)
        self._paths: list[str] = []

    def at(self, path: str, above: Layer) -> Layer:
        """Return the user's variables for the role at ``path``, whose parent has those in ``above``."""
        if not self._for:
            return above
        self._paths.append(path)
        own = self._unmet.pop(path, None) or self._for.get(path)
        return Block({**above, **own}, f"{USER}, for {path}") if own else above

    def raise_unmet(self, dormant: Collection[str] = ()) -> None:
        """Refuse variables for roles that do not exist, except for ``dormant`` ones.

        Raises:
            UnknownNameError: naming them, and the nearest role.
        """
        for path, own in self._unmet.items():
            names = ", ".join(name for name in own if f"{path}:{name}" not in dormant)
            if names:
                raise UnknownNameError(f"{names}: there is no role {path}{nearest(path, self._paths)}")
