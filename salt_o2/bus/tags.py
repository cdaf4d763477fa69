"""Tags of Salt O²'s events on the Salt bus; built here and nowhere else.

salt/o2/<environment>/<STATE>                 an environment entered a state
salt/o2/<environment>/task/<task>/<STATE>     a task entered a state
salt/o2/agent/<host>                          an agent's report to control
"""

from salt_o2.core.effects import AnnounceState, AnnounceTask

PREFIX = "salt/o2/"
AGENTS = PREFIX + "agent/"


def of(news: AnnounceState | AnnounceTask) -> str:
    """Return the tag under which ``news`` is announced."""
    middle = f"task/{news.task}/" if isinstance(news, AnnounceTask) else ""
    return f"{PREFIX}{news.environment}/{middle}{news.state}"


def agent(host: str) -> str:
    """Return the tag of the reports of the agent on ``host``."""
    return AGENTS + host


def host_of(tag: str) -> str:
    """Return the host whose report bears ``tag``."""
    return tag.removeprefix(AGENTS)
