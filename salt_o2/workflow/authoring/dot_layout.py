"""Lay out boxes by ``dot`` of graphviz, which is made for directed graphs and avoids crossing arrows.

dot gets numbers and sizes only, no text of a template, and no text of it is drawn.
"""

import json
import logging
import shutil
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from salt_o2.workflow.authoring.column_layout import in_columns
from salt_o2.workflow.authoring.graph import Arrow, Box
from salt_o2.workflow.authoring.layout import (
    FRAME,
    FRAME_HEAD,
    HEAD,
    ROW,
    Curve,
    Engine,
    Layout,
    Rectangle,
    Size,
    box_size,
    frame_width,
)

log = logging.getLogger(__name__)
TIME_S = 30.0
"""How long dot may compute for one picture; parts that are left are laid out in columns."""


def best_engine() -> Engine:
    """Return the layout by dot if it is installed, else the layout in columns."""
    program = shutil.which("dot")
    return _Dot(program) if program else in_columns


class _Dot:
    """One picture's calls of dot."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._end = time.monotonic() + TIME_S

    def __call__(self, boxes: Sequence[Box], arrows: Sequence[Arrow]) -> Layout:
        """Return the layout of a part by dot; in columns if dot fails or takes too long."""
        try:
            done = subprocess.run(
                [self._program, "-Tjson0"],
                input=_source(boxes, arrows),
                capture_output=True,
                text=True,
                check=True,
                timeout=max(self._end - time.monotonic(), 0.01),
            )
            return _read(json.loads(done.stdout), boxes, arrows)
        except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
            log.warning("%s cannot lay out %d boxes: %s", self._program, len(boxes), error)
            return in_columns(boxes, arrows)


def _source(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """Return the graph in dot's language."""
    numbers = {box.name: number for number, box in enumerate(boxes)}
    lines = [
        "digraph {",
        "rankdir=LR; nodesep=0.2; ranksep=0.7; node [shape=plain]; edge [arrowsize=0.8];",
    ]
    for number, host in enumerate(dict.fromkeys(box.host for box in boxes)):
        inside = [_node(numbers[box.name], box) for box in boxes if box.host == host]
        if host:
            label = _table([(frame_width(host), FRAME_HEAD - FRAME, "")])
            inside = [
                f"subgraph cluster_{number} {{ margin={FRAME}; labeljust=l; label={label};",
                *inside,
                "}",
            ]
        lines += inside
    for number, arrow in enumerate(arrows):
        tail = _end_of(boxes[numbers[arrow.sender]], numbers, arrow.sending_port, sends=True)
        head = _end_of(boxes[numbers[arrow.receiver]], numbers, arrow.receiving_port, sends=False)
        lines.append(f'{tail} -> {head} [id="{number}"];')
    return "\n".join([*lines, "}"])


def _node(number: int, box: Box) -> str:
    width, height = box_size(box)
    rows: list[tuple[float, float, str]] = [(width, HEAD, "")]
    rows += [(width, ROW, f' PORT="p{port}"') for port in range(len(box.ports))]
    rows.append((width, height - HEAD - ROW * len(box.ports), ""))
    return f"n{number} [label={_table(rows)}];"


def _table(rows: list[tuple[float, float, str]]) -> str:
    """Return a table of empty cells, given width, height and port of each."""
    cells = "".join(
        f'<TR><TD FIXEDSIZE="TRUE" WIDTH="{round(width)}" HEIGHT="{round(height)}"{port}></TD></TR>'
        for width, height, port in rows
    )
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{cells}</TABLE>>'


def _end_of(box: Box, numbers: dict[str, int], name: str, *, sends: bool) -> str:
    side = "e" if sends else "w"
    for number, port in enumerate(box.ports):
        if port.name == name and port.sends is sends:
            return f"n{numbers[box.name]}:p{number}:{side}"
    return f"n{numbers[box.name]}:{side}"


def _read(found: dict[str, Any], boxes: Sequence[Box], arrows: Sequence[Arrow]) -> Layout:
    """Return the places in dot's answer, whose y axis points up."""
    _, _, width, height = map(float, found["bb"].split(","))
    hosts = list(dict.fromkeys(box.host for box in boxes))
    made = Layout(Size(width, height))
    places: dict[str, Rectangle] = {}
    for each in found["objects"]:
        if "bb" in each:
            left, low, right, high = map(float, each["bb"].split(","))
            host = hosts[int(each["name"].removeprefix("cluster_"))]
            made.frames[host] = Rectangle(left, height - high, right - left, high - low)
        elif "pos" in each:
            x, y = map(float, each["pos"].split(","))
            size = box_size(boxes[int(each["name"][1:])])
            places[each["name"]] = Rectangle(x - size.width / 2, height - y - size.height / 2, *size)
    made.frames = {host: made.frames[host] for host in hosts if host}
    made.boxes = {box.name: places[f"n{number}"] for number, box in enumerate(boxes)}
    curves = {int(each["id"]): _curve(each["pos"], height) for each in found.get("edges", ())}
    made.curves = [(arrow, curves[number]) for number, arrow in enumerate(arrows)]
    return made


def _curve(pos: str, height: float) -> Curve:
    """Return an edge of dot: ``e,<tip> <start> <points>``."""
    words = pos.split()
    tips = [word for word in words if word.startswith("e,")]
    points = [word for word in words if not word.startswith(("e,", "s,"))]
    points += [tip[2:] for tip in tips] or points[-1:]
    return tuple((float(x), height - float(y)) for x, y in (point.split(",") for point in points))
