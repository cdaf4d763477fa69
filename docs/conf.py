"""How Sphinx builds the documentation: `make docs`. Warnings are errors."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import pages  # noqa: E402  found by the line above

pages.write(HERE / "reference")

project = "Salt O²"
author = "the Salt O² developers"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "README.md"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "Salt O²"
html_static_path: list[str] = []
highlight_language = "none"
nitpicky = True
