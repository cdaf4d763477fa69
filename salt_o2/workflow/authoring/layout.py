"""Place the boxes of a graph: one row for each host, with the arrows of each row laid out on their own.

Hosts that exchange messages are laid out together. Layouts of equal parts are computed once: hosts of one
kind have the same tasks. All lengths are in pixels.
"""

import unicodedata
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from salt_o2.core.terminal_text import terminal_line
from salt_o2.workflow.authoring.graph import Arrow, Box, Graph

TITLE, SMALL = 12, 10
"""Sizes of text. The font has a fixed width, so that every viewer draws texts as long as computed here."""
CHARACTER = 0.605
"""Width of a character by the size of its text, in the widest of the usual monospaced fonts."""
HEAD, ROW, FOOT, PADDING = 34, 15, 5, 9
"""Heights of the head of a box, of a channel, and of the space below; the space at the sides."""
MARGIN, GAP, FRAME_HEAD, FRAME = 20, 18, 24, 12
WIDEST = 1_400
"""Width of the picture at which boxes without arrows begin a new line."""


class Size(NamedTuple):
    """A width and a height."""

    width: float
    height: float


NO_SIZE = Size(0, 0)


class Rectangle(NamedTuple):
    """A place and a size."""

    x: float
    y: float
    width: float
    height: float

    def moved(self, x: float, y: float) -> "Rectangle":
        """Return it at another place."""
        return Rectangle(self.x + x, self.y + y, self.width, self.height)


Curve = tuple[tuple[float, float], ...]
"""A start, then three points for each Bézier curve, and at last the tip of the arrow."""


@dataclass(slots=True)
class Layout:
    """Where things are: boxes, frames and curves in the order of the graph."""

    size: Size = NO_SIZE
    boxes: dict[str, Rectangle] = field(default_factory=dict)
    frames: dict[str, Rectangle] = field(default_factory=dict)
    """By host."""
    curves: list[tuple[Arrow, Curve]] = field(default_factory=list)

    def add(self, other: "Layout", x: float, y: float) -> None:
        """Put ``other`` at a place of this one."""
        self.boxes |= {name: each.moved(x, y) for name, each in other.boxes.items()}
        self.frames |= {host: each.moved(x, y) for host, each in other.frames.items()}
        self.curves += [
            (arrow, tuple((each_x + x, each_y + y) for each_x, each_y in curve))
            for arrow, curve in other.curves
        ]
        self.size = Size(
            max(self.size.width, x + other.size.width), max(self.size.height, y + other.size.height)
        )


Engine = Callable[[Sequence[Box], Sequence[Arrow]], Layout]
"""Lays out boxes that arrows connect. The names of boxes in the result are those given."""


def text_width(text: str, size: float) -> float:
    """Return the width of ``text``; East Asian wide characters count twice."""
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return (len(text) + wide) * CHARACTER * size


def box_size(box: Box) -> Size:
    """Return the size of ``box`` with all its texts."""
    widths = [text_width(terminal_line(box.title), TITLE), text_width(terminal_line(box.subtitle), SMALL)]
    widths += [text_width(terminal_line(port.label), SMALL) for port in box.ports]
    height = HEAD + ROW * len(box.ports) + (FOOT if box.ports else 2)
    return Size(round(max(widths) + 2 * PADDING) + 1, height)


def port_height(box: Box, name: str, *, sends: bool) -> float:
    """Return the height of the middle of a channel in ``box``; of the box itself without such a channel."""
    for number, port in enumerate(box.ports):
        if port.name == name and port.sends is sends:
            return HEAD + ROW * number + ROW / 2
    return box_size(box).height / 2


def frame_width(host: str) -> float:
    """Return the least width of the frame of ``host``, for its name."""
    return text_width(terminal_line(host), TITLE) + 2 * PADDING


def arranged(graph: Graph, engine: Engine) -> Layout:
    """Return the layout of ``graph``: its parts below each other, single boxes side by side."""
    whole, known = Layout(), dict[Hashable, Layout]()
    y: float = MARGIN
    single: list[Layout] = []
    for boxes, arrows in _parts(graph):
        made = _once(known, engine, boxes, arrows)
        if len(boxes) == 1 and not made.frames and not arrows:
            single.append(made)
            continue
        whole.add(made, MARGIN, y)
        y += made.size.height + GAP
    for line in _lines(single):
        x: float = MARGIN
        for made in line:
            whole.add(made, x, y)
            x += made.size.width + GAP
        y += max(made.size.height for made in line) + GAP
    whole.size = Size(whole.size.width + MARGIN, whole.size.height + MARGIN)
    return whole


def _lines(single: list[Layout]) -> Iterator[list[Layout]]:
    line: list[Layout] = []
    width = 0.0
    for made in single:
        if line and width + made.size.width > WIDEST:
            yield line
            line, width = [], 0.0
        line.append(made)
        width += made.size.width + GAP
    if line:
        yield line


def _parts(graph: Graph) -> Iterator[tuple[list[Box], list[Arrow]]]:
    """Yield the parts of ``graph`` that no arrow connects; the tasks of one host belong together."""
    union = _Union()
    for box in graph.boxes:
        union.join(box.name, f"\0{box.host}" if box.host else box.name)
    for arrow in graph.arrows:
        union.join(arrow.sender, arrow.receiver)
    boxes: dict[str, list[Box]] = {}
    arrows: dict[str, list[Arrow]] = {}
    for box in graph.boxes:
        boxes.setdefault(union.root(box.name), []).append(box)
    for arrow in graph.arrows:
        arrows.setdefault(union.root(arrow.sender), []).append(arrow)
    for root, found in boxes.items():
        yield found, arrows.get(root, [])


class _Union:
    """Sets of names that grow together."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, name: str) -> str:
        while (above := self._above.setdefault(name, name)) != name:
            self._above[name] = self._above[above]
            name = above
        return name

    def join(self, one: str, other: str) -> None:
        self._above[self.root(other)] = self.root(one)


def _once(known: dict[Hashable, Layout], engine: Engine, boxes: list[Box], arrows: list[Arrow]) -> Layout:
    """Return the layout of a part; that of an equal part, with other names, if there is one."""
    numbers = {box.name: number for number, box in enumerate(boxes)}
    hosts = list(dict.fromkeys(box.host for box in boxes))
    shape = (
        tuple((box_size(box), hosts.index(box.host), _heights(box)) for box in boxes),
        tuple((numbers[a.sender], numbers[a.receiver], *a[3:]) for a in arrows),
        tuple(bool(host) and frame_width(host) for host in hosts),
    )
    if shape not in known:
        known[shape] = engine(boxes, arrows)
    return _renamed(known[shape], boxes, arrows, hosts)


def _heights(box: Box) -> tuple[tuple[str, bool], ...]:
    return tuple((port.name, port.sends) for port in box.ports)


def _renamed(made: Layout, boxes: list[Box], arrows: Iterable[Arrow], hosts: list[str]) -> Layout:
    names = dict(zip(made.boxes, (box.name for box in boxes), strict=True))
    frames = dict(zip(made.frames, filter(None, hosts), strict=True))
    return Layout(
        made.size,
        {names[name]: each for name, each in made.boxes.items()},
        {frames[host]: each for host, each in made.frames.items()},
        [(arrow, curve) for arrow, (_, curve) in zip(arrows, made.curves, strict=True)],
    )
