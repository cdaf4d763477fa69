"""Write the graph of a workflow as SVG."""

from collections import defaultdict
from collections.abc import Iterable
from html import escape as _escape_html

from salt_o2.core.terminal_text import terminal_line
from salt_o2.workflow.authoring.graph import GAP_X, GAP_Y, HEIGHT, MARGIN, WIDTH, Arrow, arrows
from salt_o2.workflow.expansion.workflow_tree import Workflow

_CHARACTERS = 26


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


def _columns(paths: list[str], flow: Iterable[Arrow]) -> list[list[str]]:
    """Return the roles by their distance from the sources of the flow; cycles are cut."""
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
    curve = max((end[0] - begin[0]) // 2, 40)
    label = ((begin[0] + end[0]) // 2, (begin[1] + end[1]) // 2 - 4)
    return (
        f'<path d="M{begin[0]},{begin[1]} C{begin[0] + curve},{begin[1]} {end[0] - curve},{end[1]} '
        f'{end[0]},{end[1]}" fill="none" stroke="#555" marker-end="url(#tip)"/>'
        f'<text x="{label[0]}" y="{label[1]}" text-anchor="middle" fill="#555" font-size="10">'
        f"{_escape(arrow.channel)}</text>"
    )


def _escape(text: str) -> str:
    """Return ``text`` for an SVG: control characters, which XML forbids, are shown as escapes."""
    return _escape_html(terminal_line(text))


def _short(text: str) -> str:
    return text if len(text) <= _CHARACTERS else f"…{text[-(_CHARACTERS - 1) :]}"
