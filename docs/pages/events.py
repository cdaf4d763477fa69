"""The events on the Salt bus: tags from the one file that builds them, fields from the values sent."""

from types import UnionType
from typing import Any, get_args

from pages import markdown
from pages.source import described, first_line
from salt_o2.bus import tags
from salt_o2.core.messages.announcements import Announcement
from salt_o2.core.messages.reports import Failure, Report


def page() -> str:
    """Return the page of events."""
    kinds = get_args(Announcement)
    return markdown.page(
        "Events on the Salt bus",
        "For authors of reactor rules and of other systems that listen to Salt's event bus.",
        "`salt-run state.event pretty=True tagmatch='salt/o2/*'` shows them as they come. Salt may lose an "
        "event or deliver it twice. Reactor rules find the fields of control's events at the top level of "
        "`data`. Control announces states and moves 0.1 s after they happened. If an event that a "
        "rule may act "
        "on follows, control announces all of them at once, in their order.\n",
        markdown.table(("tag", "tells"), [(f"`{tag_of(kind)}`", _when(kind)) for kind in kinds]),
        *(f"## `{tag_of(kind)}`\n\n{fields(kind)}" for kind in kinds),
        f"## `failure` of a failed task\n\n{fields(Failure)}",
        f"## `{tags.agent('<host>')}`\n\nPacked reports of agents, which only control reads. Control accepts "
        f"a report only from the minion that it is about. The fields of a report:\n\n{fields(Report)}",
        "## Events that the rules of the project use\n",
        "```{literalinclude} ../../reactor/rules.conf\n:language: yaml\n```\n",
        "## Rules for whole machines, which a site must enable\n",
        "```{literalinclude} ../../reactor/host_rules.conf\n:language: yaml\n```\n",
    )


def tag_of(kind: Any) -> str:
    """Return the tag of a kind of news, with names in the place of values."""
    names = {each.name: f"<{each.name}>" for each in described(kind)}
    names |= {"state": "<STATE>"} if "state" in names else {}
    return tags.of(kind(**names))


def fields(kind: type | UnionType) -> str:
    """Return a table of the fields of what is sent."""
    assert isinstance(kind, type)
    rows = [(f"`{each.name}`", f"`{each.type}`", markdown.prose(each.meaning)) for each in described(kind)]
    return markdown.table(("field", "type", "meaning"), rows)


def _when(kind: type) -> str:
    return markdown.prose(first_line(kind).removeprefix("Effect: tell the world").strip(" ,"))
