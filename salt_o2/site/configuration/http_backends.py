"""Configuration in Consul and in etcd, over their HTTP interfaces.

Consul: ``/v1/kv`` (developer.hashicorp.com/consul/api-docs/kv). etcd: the JSON gateway of its v3 interface,
``/v3/kv/range`` and ``/v3/kv/put`` with keys and values in base64 (etcd.io/docs, api_grpc_gateway).
"""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from salt_o2.core.errors import InvalidRequestError, UnreachableError
from salt_o2.core.url_masking import without_password
from salt_o2.site.configuration.backend import checked

TIMEOUT_S = 5.0


class Consul:
    """A Consul agent's key-value store."""

    def __init__(self, url: str) -> None:
        """Use the agent at ``url``, for example http://127.0.0.1:8500."""
        self._url = url.rstrip("/")
        self.name = f"Consul at {without_password(self._url)}"

    def get(self, key: str) -> str | None:
        """Return the text at ``key``, or ``None``."""
        found = _ask(self.name, f"{self._url}/v1/kv/{_quoted(key)}?raw", absent=b"\0")
        return None if found == b"\0" else found.decode(errors="replace")

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below ``prefix``."""
        url = f"{self._url}/v1/kv/{_quoted(prefix)}/?keys"
        keys = json.loads(_ask(self.name, url, absent=b"[]"))
        return sorted(key for key in keys if not key.endswith("/"))

    def put(self, key: str, value: str) -> None:
        """Store ``value`` at ``key``."""
        done = _ask(self.name, f"{self._url}/v1/kv/{_quoted(key)}", value.encode(), "PUT")
        if done.strip() != b"true":
            raise InvalidRequestError(f"{self.name} refused {key}: {done.decode(errors='replace')}")


class Etcd:
    """The key-value store of an etcd cluster."""

    def __init__(self, url: str) -> None:
        """Use the member at ``url``, for example http://127.0.0.1:2379."""
        self._url = url.rstrip("/")
        self.name = f"etcd at {without_password(self._url)}"

    def get(self, key: str) -> str | None:
        """Return the text at ``key``, or ``None``."""
        found = self._post("range", {"key": _encoded(checked(key))}).get("kvs", [])
        return _decoded(found[0].get("value", "")) if found else None

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below ``prefix``."""
        start = f"{checked(prefix)}/"
        end = f"{start[:-1]}{chr(ord('/') + 1)}"
        asked = {"key": _encoded(start), "range_end": _encoded(end), "keys_only": True}
        return sorted(_decoded(entry["key"]) for entry in self._post("range", asked).get("kvs", []))

    def put(self, key: str, value: str) -> None:
        """Store ``value`` at ``key``."""
        self._post("put", {"key": _encoded(checked(key)), "value": _encoded(value)})

    def _post(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = _ask(self.name, f"{self._url}/v3/kv/{what}", json.dumps(body).encode(), "POST")
        found = json.loads(answer)
        if not isinstance(found, dict):
            raise UnreachableError(f"{self.name} did not answer with a JSON object")
        return found


def _ask(name: str, url: str, body: bytes | None = None, method: str = "GET", absent: bytes = b"") -> bytes:
    """Return the answer of ``url``; ``absent`` if it has no value there.

    Raises:
        UnreachableError: if no answer comes, or not in time.
        InvalidRequestError: if the answer is a refusal.
    """
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404 and absent:
                return absent
            refusal = error.read(500).decode(errors="replace").strip()
        raise InvalidRequestError(f"{name} refuses: {error.code} {refusal}") from error
    except (OSError, ValueError) as error:
        raise UnreachableError(f"{name} does not answer: {error}") from error


def _quoted(key: str) -> str:
    return urllib.parse.quote(checked(key))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode(errors="replace")
