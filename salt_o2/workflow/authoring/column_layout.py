"""Lay out boxes in columns from senders to receivers, where no layout engine is installed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from salt_o2.workflow.authoring.graph import Arrow, Box
from salt_o2.workflow.authoring.layout import (
    FRAME,
    FRAME_HEAD,
    GAP,
    Curve,
    Layout,
    Rectangle,
    Size,
    box_size,
    frame_width,
    port_height,
)

GAP_X = 90
"""The space between columns, for arrows."""


def in_columns(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> Layout:
    """Return the boxes of each host in a frame, the frames below each other."""
    columns = _columns([box.name for box in boxes], arrows)
    column_of = {name: number for number, names in enumerate(columns) for name in names}
    widths = [0.0] * len(columns)
    for box in boxes:
        widths[column_of[box.name]] = max(widths[column_of[box.name]], box_size(box).width)
    lefts = [FRAME + sum(widths[:number]) + GAP_X * number for number in range(len(columns))]
    made = Layout()
    y = 0.0
    for host in dict.fromkeys(box.host for box in boxes):
        y += _add_host(made, host, [box for box in boxes if box.host == host], column_of, lefts, y) + GAP
    made.boxes = {box.name: made.boxes[box.name] for box in boxes}
    places = {box.name: box for box in boxes}
    made.curves = [(arrow, _curve(arrow, places, made.boxes)) for arrow in arrows]
    made.size = Size(
        max(each.x + each.width for each in (*made.boxes.values(), *made.frames.values())) + FRAME, y - GAP
    )
    return made


def _add_host(
    made: Layout, host: str, boxes: list[Box], column_of: dict[str, int], lefts: list[float], top: float
) -> float:
    """Add the boxes of one host below ``top``; return the height that they take."""
    begin = top + (FRAME_HEAD if host else 0)
    lowest = dict.fromkeys(range(len(lefts)), begin)
    for box in boxes:
        column, size = column_of[box.name], box_size(box)
        made.boxes[box.name] = Rectangle(lefts[column], lowest[column], *size)
        lowest[column] += size.height + GAP
    height = max(lowest.values()) - GAP - top
    if not host:
        return height
    height += FRAME
    own = [made.boxes[box.name] for box in boxes]
    left = min(each.x for each in own) - FRAME
    width = max(max(each.x + each.width for each in own) + FRAME - left, frame_width(host))
    made.frames[host] = Rectangle(left, top, width, height)
    return height


def _columns(names: list[str], arrows: Iterable[Arrow]) -> list[list[str]]:
    """Return the boxes by their distance from the sources of the flow; cycles are cut."""
    receivers: dict[str, list[str]] = defaultdict(list)
    waiting = dict.fromkeys(names, 0)
    for arrow in arrows:
        receivers[arrow.sender].append(arrow.receiver)
        waiting[arrow.receiver] += 1
    columns: list[list[str]] = []
    left = dict(waiting)
    while left:
        ready = [name for name, count in left.items() if count == 0] or [next(iter(left))]
        for name in ready:
            del left[name]
        for receiver in (each for name in ready for each in receivers[name] if each in left):
            left[receiver] -= 1
        columns.append(ready)
    return columns


def _curve(arrow: Arrow, boxes: dict[str, Box], places: dict[str, Rectangle]) -> Curve:
    sender, receiver = places[arrow.sender], places[arrow.receiver]
    x1 = sender.x + sender.width
    y1 = sender.y + port_height(boxes[arrow.sender], arrow.sending_port, sends=True)
    x2, y2 = receiver.x, receiver.y + port_height(boxes[arrow.receiver], arrow.receiving_port, sends=False)
    reach = max((x2 - x1) / 2, 40.0)
    return ((x1, y1), (x1 + reach, y1), (x2 - reach, y2), (x2 - 1, y2), (x2, y2))
