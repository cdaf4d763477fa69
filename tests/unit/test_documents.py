"""The documents agree with the code."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_state_diagram_is_drawn_from_the_table():
    spec = importlib.util.spec_from_file_location("draw_states", DOCS / "draw_states.py")
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    assert (DOCS / "states.svg").read_text() == drawing.picture()


def test_every_dependency_is_justified_in_one_line():
    pyproject = (DOCS.parent / "pyproject.toml").read_text()
    block = pyproject.split("dependencies = [", 1)[1].split("]", 1)[0]
    lines = (line.strip().strip('",') for line in block.splitlines() if line.strip())
    names = {line.split(">")[0].split("<")[0] for line in lines}
    text = (DOCS / "dependencies.md").read_text()
    assert names
    for name in names:
        assert f"| {name} |" in text
