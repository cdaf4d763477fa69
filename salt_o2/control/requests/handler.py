"""What handlers of requests have in common: the type of a table of verbs, and of progress."""

from collections.abc import Awaitable, Callable
from typing import Any

Progress = Callable[[dict[str, Any]], None]
Verbs = dict[str, tuple[type[Any], Callable[..., Awaitable[Any]]]]
"""What a desk serves: for each verb its arguments' class and who serves it."""
