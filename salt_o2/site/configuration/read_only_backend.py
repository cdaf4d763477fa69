"""Configuration that is never written: values that templates set for a mere view are discarded."""

from salt_o2.site.configuration.backend import RUNTIME, Backend, ReadOnly, below, checked


class Unwritten(ReadOnly):
    """A backend with the values set since, which are discarded with it. One for each view."""

    def __init__(self, backend: Backend) -> None:
        """Read from ``backend``."""
        self._backend = backend
        self._set: dict[str, str] = {}
        self.name = backend.name

    def get(self, key: str) -> str | None:
        """Return the text at ``key``, or ``None``."""
        return self._set.get(checked(key)) or self._backend.get(key)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below ``prefix``."""
        return sorted({*self._backend.keys(prefix), *below([*self._set], prefix)})

    def put(self, key: str, value: str) -> None:
        """Store a run-time value in memory; refuse everything else.

        Raises:
            InvalidRequestError: if it is configuration.
        """
        if not checked(key).startswith(f"{RUNTIME}/"):
            super().put(key, value)
        self._set[checked(key)] = value
