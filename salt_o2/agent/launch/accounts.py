"""Accounts that tasks of this host may use: only those that the host's configuration lists."""

import os
import pwd
import shutil
from dataclasses import dataclass

from salt_o2.agent.launch.refusal import Refusal

DEFAULT = ("o2",)


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts in ``o2:task_users`` of the minion's configuration; the first one is the default.

    An agent that is not root runs all tasks as itself and can switch to no other account.
    """

    listed: tuple[str, ...] = DEFAULT

    def choose(self, user: str) -> pwd.struct_passwd | None:
        """Return the account to switch to for a task whose template names ``user``, which may be empty.

        ``None`` means the agent's own account.

        Raises:
            Refusal: the host does not list the account, the account does not exist, or the agent is not root.
        """
        if os.geteuid() != 0:
            _refuse_others(user)
            return None
        name = user or next(iter(self.listed), "")
        if name not in self.listed:
            listed = ", ".join(self.listed) or "none at all"
            raise Refusal(
                f"tasks of this host may not run as {name!r}",
                f"choose one of o2:task_users ({listed}), or list it there, in the minion's configuration",
            )
        found = _account(name)
        return found if found.pw_uid != 0 else None


def switch_to(account: pwd.struct_passwd | None) -> list[str]:
    """Return the words that make a command run as ``account``; none for the agent's own account.

    Raises:
        Refusal: this host has no setpriv.
    """
    if account is None:
        return []
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin:/usr/sbin:/sbin")
    if setpriv is None:
        raise Refusal(f"cannot become {account.pw_name!r}: no setpriv on this host", "install util-linux")
    return [setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups", "--"]


def uids(listed: tuple[str, ...]) -> set[int]:
    """Return the uids that programs of tasks can have: this agent's, or if it is root, those of ``listed``.

    Root is one of them only if the host lists it. Beside programs, shims have the uid of the agent.
    """
    if os.geteuid() != 0:
        return {os.geteuid()}
    found = set()
    for name in listed:
        try:
            found.add(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    return found


def _refuse_others(user: str) -> None:
    if user and _account(user).pw_uid != os.geteuid():
        raise Refusal(
            f"the agent runs as uid {os.geteuid()} and cannot start a task as {user!r}",
            "run the minion as root, or leave command.user empty",
        )


def _account(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        advice = "apply state o2.host, create the account, or correct command.user"
        raise Refusal(f"no user {name!r} on this host", advice) from None
