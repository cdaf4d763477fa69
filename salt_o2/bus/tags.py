"""Tags of Salt O²'s events on the Salt bus; built only here.

salt/o2/<environment>/<STATE>                 an environment entered a state
salt/o2/<environment>/task/<task>/<STATE>     a task failed, and is in that state now
salt/o2/<environment>/task/<task>/KILLED      a task did not end when asked, and was ended by SIGKILL
salt/o2/<environment>/task/<task>/RECOVERED   a failed task is in its environment's state again
salt/o2/<environment>/moves                   tasks of one host moved as expected
salt/o2/pool/moves                            tasks of one host entered the pool, or ended there
salt/o2/pool/task/<task>/LEFT                 a task of the pool died, or is to end
salt/o2/host/<host>/<STATUS>                  a host is available, silent or lost, or two agents report as it
salt/o2/agent/<host>                          an agent's report to control
"""

from salt_o2.core.messages.announcements import (
    AnnounceFailure,
    AnnounceHost,
    AnnounceKilled,
    Announcement,
    AnnouncePoolExit,
    AnnounceRecovery,
    AnnounceState,
)

PREFIX = "salt/o2/"
AGENTS = PREFIX + "agent/"
KEYS = "salt/key"
"""Salt's own tag: the master has accepted, rejected or deleted the key of a minion."""


def of(announcement: Announcement) -> str:
    """Return the tag under which ``announcement`` is announced."""
    if isinstance(announcement, AnnounceHost):
        return f"{PREFIX}host/{announcement.host}/{announcement.status}"
    about = PREFIX + announcement.environment
    match announcement:
        case AnnounceState():
            return f"{about}/{announcement.state}"
        case AnnounceFailure():
            return f"{about}/task/{announcement.task}/{announcement.state}"
        case AnnounceKilled():
            return f"{about}/task/{announcement.task}/KILLED"
        case AnnounceRecovery():
            return f"{about}/task/{announcement.task}/RECOVERED"
        case AnnouncePoolExit():
            return f"{about}/task/{announcement.task}/LEFT"
        case _:
            return f"{about}/moves"


def agent(host: str) -> str:
    """Return the tag of the reports of the agent on ``host``."""
    return AGENTS + host


def host_of(tag: str) -> str:
    """Return the host whose report has ``tag``."""
    return tag.removeprefix(AGENTS)
