"""Run several steps that must all be attempted: the failure of one does not prevent the next."""

import logging
from types import TracebackType

log = logging.getLogger(__name__)


class Apart:
    """Context for consecutive steps. It logs and stores the error of each.

    ::

        apart = Apart("a step of 2oDvieFrVTi")
        for effect in effects:
            with apart:
                carry_out(effect)
        apart.raise_first()
    """

    def __init__(self, what: str) -> None:
        """Run parts of ``what``, which is their name in the log."""
        self.what = what
        self.errors: list[Exception] = []

    def __enter__(self) -> None:
        """Begin one part."""

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        """End one part. Only a cancellation or an exit of the program ends the remaining parts, too."""
        if not isinstance(error, Exception):
            return False
        log.error("%s: a part failed with %r; the other parts are done", self.what, error, exc_info=error)
        self.errors.append(error)
        return True

    def raise_first(self) -> None:
        """Raise the first error, if a part has failed.

        Raises:
            Exception: the error of the first part that failed.
        """
        if self.errors:
            raise self.errors[0]
