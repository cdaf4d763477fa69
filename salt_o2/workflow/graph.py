"""The data flow of a workflow as a drawing: roles are boxes, channels are arrows from sender to receiver."""

from collections import defaultdict
from collections.abc import Iterable
from html import escape as _escape_html
from typing import NamedTuple

from salt_o2.core.channel import Connected, names_of
from salt_o2.core.terminal_text import terminal_line
from salt_o2.workflow.tree import Role, Workflow

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 190, 44, 110, 18, 20
_SENDING = ("push", "pub")
_CHARACTERS = 26


class Arrow(NamedTuple):
    """Messages go from one role to another through a channel."""

    sender: str
    receiver: str
    channel: str


def arrows(workflow: Workflow) -> list[Arrow]:
    """Return the arrows of ``workflow``; those that leave it by an address lead nowhere and are left out."""
    bound = {
        name: task.path for task in workflow.tasks for each in task.bind for name in names_of(task.path, each)
    }
    found = []
    for task in workflow.tasks:
        for channel in task.connect:
            if channel.target in bound:
                found.append(_arrow(task.path, bound[channel.target], channel))
    return found


def mermaid(workflow: Workflow) -> str:
    """Return the drawing in mermaid's language."""
    names = {task.path: f"n{number}" for number, task in enumerate(workflow.tasks)}
    lines = ["flowchart LR", *_subgraph(workflow.root, names, 1)]
    lines += [
        f"    {names[a.sender]} -->|{_quoted(a.channel)}| {names[a.receiver]}" for a in arrows(workflow)
    ]
    return "\n".join(lines) + "\n"


def svg(workflow: Workflow) -> str:
    """Return the drawing as SVG: columns from senders to receivers."""
    flow = arrows(workflow)
    columns = _columns([task.path for task in workflow.tasks], flow)
    places = {
        path: (MARGIN + column * (WIDTH + GAP_X), MARGIN + row * (HEIGHT + GAP_Y))
        for column, paths in enumerate(columns)
        for row, path in enumerate(paths)
    }
    width = 2 * MARGIN + len(columns) * (WIDTH + GAP_X) - GAP_X
    height = 2 * MARGIN + max(map(len, columns), default=1) * (HEIGHT + GAP_Y) - GAP_Y
    classes = {task.path: task.class_name for task in workflow.tasks}
    shapes = [_line(arrow, places) for arrow in flow] + [_box(path, places, classes) for path in places]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" font-family="sans-serif" font-size="12">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
            'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#555"/></marker></defs>',
            f"<title>{_escape(workflow.name)}</title>",
            *shapes,
            "</svg>\n",
        ]
    )


def _arrow(path: str, peer: str, channel: Connected) -> Arrow:
    sends = channel.type in _SENDING
    return Arrow(path, peer, channel.name) if sends else Arrow(peer, path, channel.name)


def _columns(paths: list[str], flow: Iterable[Arrow]) -> list[list[str]]:
    """Return the roles by their distance from the beginnings of the flow; circles are cut."""
    receivers: dict[str, list[str]] = defaultdict(list)
    waiting = dict.fromkeys(paths, 0)
    for arrow in flow:
        receivers[arrow.sender].append(arrow.receiver)
        waiting[arrow.receiver] += 1
    columns: list[list[str]] = []
    left = dict(waiting)
    while left:
        ready = [path for path, count in left.items() if count == 0] or [next(iter(left))]
        for path in ready:
            del left[path]
        for receiver in (receiver for path in ready for receiver in receivers[path] if receiver in left):
            left[receiver] -= 1
        columns.append(ready)
    return columns


def _box(path: str, places: dict[str, tuple[int, int]], classes: dict[str, str]) -> str:
    x, y = places[path]
    middle = x + WIDTH // 2
    return (
        f'<g><title>{_escape(path)}</title><rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" '
        f'fill="#eef4fb" stroke="#4a78a8"/><text x="{middle}" y="{y + 19}" text-anchor="middle">'
        f'{_escape(_short(path))}</text><text x="{middle}" y="{y + 35}" text-anchor="middle" fill="#777" '
        f'font-size="10">{_escape(_short(classes[path]))}</text></g>'
    )


def _line(arrow: Arrow, places: dict[str, tuple[int, int]]) -> str:
    (x1, y1), (x2, y2) = places[arrow.sender], places[arrow.receiver]
    begin, end = (x1 + WIDTH, y1 + HEIGHT // 2), (x2, y2 + HEIGHT // 2)
    bend = max((end[0] - begin[0]) // 2, 40)
    label = ((begin[0] + end[0]) // 2, (begin[1] + end[1]) // 2 - 4)
    return (
        f'<path d="M{begin[0]},{begin[1]} C{begin[0] + bend},{begin[1]} {end[0] - bend},{end[1]} '
        f'{end[0]},{end[1]}" fill="none" stroke="#555" marker-end="url(#tip)"/>'
        f'<text x="{label[0]}" y="{label[1]}" text-anchor="middle" fill="#555" font-size="10">'
        f"{_escape(arrow.channel)}</text>"
    )


def _subgraph(role: Role, names: dict[str, str], depth: int) -> list[str]:
    indent = "    " * depth
    if role.task:
        return [f"{indent}{names[role.path]}[{_quoted(role.name)}]"]
    inner = [line for child in role.roles for line in _subgraph(child, names, depth + 1)]
    if not inner:
        return []
    return [f"{indent}subgraph {_quoted(role.path)}", *inner, f"{indent}end"]


def _escape(text: str) -> str:
    """Return ``text`` for an SVG: control characters, which XML forbids, are shown as escapes."""
    return _escape_html(terminal_line(text))


def _quoted(text: str) -> str:
    return '"' + terminal_line(text).replace('"', "#quot;") + '"'


def _short(text: str) -> str:
    return text if len(text) <= _CHARACTERS else f"…{text[-(_CHARACTERS - 1) :]}"
