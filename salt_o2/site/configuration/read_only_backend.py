"""Configuration that is read and never written: what templates set while a user looks is forgotten."""

from salt_o2.site.configuration.backend import RUNTIME, Backend, ReadOnly, below, checked


class Unwritten(ReadOnly):
    """A backend with what has been set since, which is forgotten with it. One for each look."""

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
        """Remember a run-time value; everything else is refused.

        Raises:
            InvalidRequestError: if it is configuration.
        """
        if not checked(key).startswith(f"{RUNTIME}/"):
            super().put(key, value)
        self._set[checked(key)] = value
