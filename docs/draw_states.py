"""Draws docs/states.svg from the table of transitions; run it after changing the table (a test compares)."""

from pathlib import Path

from salt_o2.core.states import TRANSITIONS, EnvironmentEvent, EnvironmentState

S, E = EnvironmentState, EnvironmentEvent
PLACES = {
    S.PENDING: (70, 200),
    S.STANDBY: (220, 200),
    S.DEPLOYED: (400, 200),
    S.CONFIGURED: (600, 200),
    S.RUNNING: (820, 200),
    S.ERROR: (500, 50),
    S.DONE: (400, 350),
}
WIDTH, HEIGHT = 120, 40
COLOURS = {S.RUNNING: "#2e7d32", S.ERROR: "#c62828", S.DONE: "#757575"}
LABELLED = {E.DEPLOY, E.CONFIGURE, E.START_ACTIVITY, E.STOP_ACTIVITY, E.RESET, E.RECOVER}
STYLE = "font-family:sans-serif;font-size:13px"


def picture() -> str:
    """Return the diagram as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 400" style="{STYLE}">',
        '<defs><marker id="tip" markerWidth="9" markerHeight="7" refX="9" refY="3.5" orient="auto">'
        '<path d="M0,0 L9,3.5 L0,7 z" fill="#555"/></marker></defs>',
        *(_arrow(event, source, target) for event, source, target in TRANSITIONS),
        *(_box(state) for state in S),
        '<text x="890" y="390" text-anchor="end" fill="#555">dotted: GO_ERROR (up), EXIT (down)</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _box(state: EnvironmentState) -> str:
    x, y = PLACES[state]
    colour = COLOURS.get(state, "#1565c0")
    return (
        f'<rect x="{x - WIDTH // 2}" y="{y - HEIGHT // 2}" width="{WIDTH}" height="{HEIGHT}" rx="8" '
        f'fill="{colour}"/><text x="{x}" y="{y + 5}" text-anchor="middle" fill="white">{state}</text>'
    )


def _arrow(event: EnvironmentEvent, source: EnvironmentState, target: EnvironmentState) -> str:
    (x1, y1), (x2, y2) = _edge(source, target), _edge(target, source)
    if event not in LABELLED:
        return _line(x1, y1, x2, y2, 'stroke-dasharray="2,4" stroke="#aaa"')
    shift = 8 if x2 < x1 else -8  # there and back are two lines
    x, y = (x1 + x2) // 2, (y1 + y2) // 2 + shift * 2 + 4
    label = f'<text x="{x}" y="{y}" text-anchor="middle" font-size="11">{event}</text>'
    return _line(x1, y1 + shift, x2, y2 + shift, 'stroke="#555"') + label


def _line(x1: int, y1: int, x2: int, y2: int, style: str) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {style} marker-end="url(#tip)"/>'


def _edge(of: EnvironmentState, towards: EnvironmentState) -> tuple[int, int]:
    (x, y), (far_x, far_y) = PLACES[of], PLACES[towards]
    if y != far_y:
        return x, y + (HEIGHT // 2 if far_y > y else -HEIGHT // 2)
    return x + (WIDTH // 2 if far_x > x else -WIDTH // 2), y


if __name__ == "__main__":
    (Path(__file__).parent / "states.svg").write_text(picture())
