"""Several things that must all be done: one that fails keeps none of the others from being done."""

import logging
from types import TracebackType

log = logging.getLogger(__name__)


class Apart:
    """A context for one thing after the other; it logs and keeps the error of each.

    ::

        apart = Apart("a step of 2oDvieFrVTi")
        for effect in effects:
            with apart:
                carry_out(effect)
        apart.raise_first()
    """

    def __init__(self, what: str) -> None:
        """Do parts of ``what``, which names them in the log."""
        self.what = what
        self.errors: list[Exception] = []

    def __enter__(self) -> None:
        """Begin one part."""

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        """End one part; only a cancellation or an exit of the program ends the others, too."""
        if not isinstance(error, Exception):
            return False
        log.error("%s: a part failed with %r; the other parts are done", self.what, error, exc_info=error)
        self.errors.append(error)
        return True

    def raise_first(self) -> None:
        """Raise the first error, if a part has failed.

        Raises:
            Exception: what the first part that failed has raised.
        """
        if self.errors:
            raise self.errors[0]
