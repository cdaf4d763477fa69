"""Paths that Salt's configuration names, below ``root_dir``.

As in ``salt.config.prepend_root_dir``, without importing Salt, because every command loads this module.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def sock_dir(options: Mapping[str, Any], default: Path) -> Path:
    """Return the ``sock_dir`` of a daemon configured by ``options``; ``default`` is Salt's own."""
    given = options.get("sock_dir")
    path = Path(given) if isinstance(given, str) and given else default
    root = options.get("root_dir")
    if not isinstance(root, str) or not root:
        return path
    base = Path(root).absolute()
    return (
        path
        if path.is_relative_to(base)
        else base / path.relative_to("/")
        if path.is_absolute()
        else base / path
    )
