"""Write the graph of a workflow as SVG, for light and dark pages."""

from collections.abc import Iterator
from html import escape as _escape_html

from salt_o2.core.terminal_text import terminal_line
from salt_o2.workflow.authoring.dot_layout import best_engine
from salt_o2.workflow.authoring.graph import Box, Graph, Port, graph_of
from salt_o2.workflow.authoring.layout import (
    FRAME,
    HEAD,
    MARGIN,
    PADDING,
    ROW,
    SMALL,
    TITLE,
    Curve,
    Engine,
    Layout,
    Rectangle,
    Size,
    arranged,
    text_width,
)
from salt_o2.workflow.expansion.workflow_tree import Workflow

_STYLE = f"""
.flow text {{ font-family: 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace;
  font-size: {SMALL}px; fill: #334155; }}
.flow .paper {{ fill: #ffffff; }}
.flow .title {{ font-size: {TITLE}px; font-weight: bold; fill: #0f172a; }}
.flow .class {{ fill: #64748b; }}
.flow .box {{ fill: #eef4fb; stroke: #4a78a8; }}
.flow .outside {{ fill: #fdf6e3; stroke: #a8792a; stroke-dasharray: 5 3; }}
.flow .frame {{ fill: #f8fafc; stroke: #cbd5e1; }}
.flow .arrow {{ fill: none; stroke: #64748b; stroke-width: 1.2; }}
.flow .tip {{ fill: #64748b; }}
.flow .port {{ fill: #4a78a8; }}
@media (prefers-color-scheme: dark) {{
.flow text {{ fill: #cbd5e1; }}
.flow .paper {{ fill: #0f172a; }}
.flow .title {{ fill: #f1f5f9; }}
.flow .class {{ fill: #94a3b8; }}
.flow .box {{ fill: #1e3a5f; stroke: #7aa7d9; }}
.flow .outside {{ fill: #3b2f14; stroke: #d9a84a; }}
.flow .frame {{ fill: #172033; stroke: #475569; }}
.flow .arrow {{ stroke: #94a3b8; }}
.flow .tip {{ fill: #94a3b8; }}
.flow .port {{ fill: #7aa7d9; }}
}}
"""


def svg(workflow: Workflow, engine: Engine | None = None) -> str:
    """Return the drawing as SVG: one row for each host, from senders to receivers.

    ``engine`` lays out the boxes: graphviz if it is installed, unless given.
    """
    graph = graph_of(workflow)
    layout = arranged(graph, engine or best_engine())
    below = [graph.left_out] if graph.left_out else []
    width = max(layout.size.width, *(text_width(line, SMALL) + 2 * MARGIN for line in ("", *below)))
    size = Size(width, layout.size.height + ROW * len(below))
    return "\n".join([*_head(graph, size), *_shapes(graph, layout), *_below(below, size), "</svg>\n"])


def _head(graph: Graph, size: Size) -> Iterator[str]:
    width, height = round(size.width), round(size.height)
    yield (
        f'<svg class="flow" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">'
    )
    yield f"<title>{_escape(graph.name)}</title>"
    yield f"<style>{_STYLE}</style>"
    yield (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0,0 L8,4 L0,8 z"/></marker></defs>'
    )
    yield f'<rect class="paper" width="{width}" height="{height}"/>'


def _shapes(graph: Graph, layout: Layout) -> Iterator[str]:
    for host, place in layout.frames.items():
        yield f'<rect class="frame" {_place(place)} rx="8"/>'
        yield _text(place.x + FRAME, place.y + 16, "title", host)
    for arrow, curve in layout.curves:
        yield f'<path class="arrow" d="{_path(curve)}" marker-end="url(#tip)">{_title(arrow.channel)}</path>'
    for box in graph.boxes:
        yield _box(box, layout.boxes[box.name])


def _below(lines: list[str], size: Size) -> Iterator[str]:
    for line in lines:
        yield _text(MARGIN, size.height - 12, "class", line)


def _box(box: Box, place: Rectangle) -> str:
    kind = "outside" if box.is_outside else "box"
    parts = [
        f'<g>{_title(box.name)}<rect class="{kind}" {_place(place)} rx="6"/>',
        _text(place.x + PADDING, place.y + 15, "title", box.title),
        _text(place.x + PADDING, place.y + 28, "class", box.subtitle),
    ]
    parts += [_port(port, place, number) for number, port in enumerate(box.ports)]
    return "".join([*parts, "</g>"])


def _port(port: Port, place: Rectangle, number: int) -> str:
    """Return a channel of a box: at its left side if it receives, at its right side if it sends."""
    y = place.y + HEAD + ROW * number + ROW / 2
    x = place.x + place.width if port.sends else place.x
    text_x = place.x + place.width - PADDING if port.sends else place.x + PADDING
    label = _text(text_x, y + 3.5, "channel", port.label, "end" if port.sends else "start")
    return f'<circle class="port" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>{label}'


def _text(x: float, y: float, kind: str, text: str, anchor: str = "start") -> str:
    end = ' text-anchor="end"' if anchor == "end" else ""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}"{end}>{_escape(text)}</text>'


def _place(place: Rectangle) -> str:
    return f'x="{place.x:.1f}" y="{place.y:.1f}" width="{place.width:.1f}" height="{place.height:.1f}"'


def _path(curve: Curve) -> str:
    points = [f"{x:.1f},{y:.1f}" for x, y in curve]
    return f"M{points[0]} C{' '.join(points[1:-1])} L{points[-1]}"


def _title(text: str) -> str:
    return f"<title>{_escape(text)}</title>"


def _escape(text: str) -> str:
    """Return ``text`` for an SVG: control characters, which XML forbids, are shown as escapes."""
    return _escape_html(terminal_line(text))
