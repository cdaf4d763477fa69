"""Plain answers of control, as its local socket gives them."""

from typing import Any


def task(name: str, state: str = "CONFIGURED", **other: Any) -> dict[str, Any]:
    """Return one task, in the role ``name`` of the diamond."""
    return {
        "id": f"id-{name}",
        "path": f"diamond.{name}",
        "class": f"fairmq-ex-1-n-1-{name.rstrip('0123456789')}",
        "host": "flp1",
        "pid": 4711,
        "status": "ACTIVE",
        "state": state,
        "device_state": "READY",
        "critical": True,
        "error": None,
        "control_port": 20000,
        "command": "o2-device sink",
    } | other


def diamond(state: str = "CONFIGURED", **other: Any) -> dict[str, Any]:
    """Return the environment of the talk: sampler, two processors, sink."""
    names = ("processor0", "processor1", "sampler", "sink")
    leaves = {name: role(name, state, task=f"id-{name}") for name in names}
    processors = role("processors", state, roles=[leaves["processor0"], leaves["processor1"]])
    return {
        "id": "2oDvieFrVTi",
        "state": state,
        "run_number": 7 if state == "RUNNING" else 0,
        "workflow": "fairmq-ex-1-n-1",
        "revision": "abc123",
        "created": "2026-08-13T12:02:00+00:00",
        "user": "teo",
        "vars": {"processors": "2"},
        "error": None,
        "transition": None,
        "hosts": ["flp1"],
        "tasks": [task(name, state) for name in names],
        "roles": role("diamond", state, roles=[processors, leaves["sampler"], leaves["sink"]]),
    } | other


def role(name: str, state: str, roles: list[Any] | None = None, task: str | None = None) -> dict[str, Any]:
    """Return one role."""
    return {
        "name": name,
        "path": name,
        "state": state,
        "status": "ACTIVE",
        "task": task,
        "roles": roles or [],
    }


def summary(**other: Any) -> dict[str, Any]:
    """Return an environment as a list of environments has it."""
    full = diamond(**other)
    return {name: value for name, value in full.items() if name not in ("tasks", "roles")}


def host(name: str = "flp1") -> dict[str, Any]:
    """Return one host."""
    return {
        "id": name,
        "address": "127.0.0.11",
        "attributes": {"detector": "ITS"},
        "cpus": 2.0,
        "memory_mb": 2048.0,
        "tasks": 3,
        "last_seen_s": 0.4,
        "status": "ACTIVE",
    }
