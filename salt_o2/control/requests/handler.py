"""Types that request handlers share: the table of verbs, and the progress callback."""

from collections.abc import Awaitable, Callable
from typing import Any

Progress = Callable[[dict[str, Any]], None]
Verbs = dict[str, tuple[type[Any], Callable[..., Awaitable[Any]]]]
"""The verbs of a request handler: the class of the arguments, and the method that serves the verb."""
