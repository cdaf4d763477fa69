"""Compute the steps that bring an environment to its declaration. Only ``execute`` carries them out.

An environment is identified by its variable ``declared_as``, because each environment gets a new id.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from salt_o2.core.errors import IllegalTransitionError, InvalidRequestError
from salt_o2.core.plan.overrides import variable_texts

MARK = "declared_as"
FORWARD = {
    "STANDBY": ("DEPLOY", "CONFIGURE", "START_ACTIVITY"),
    "DEPLOYED": ("CONFIGURE", "START_ACTIVITY"),
    "CONFIGURED": ("START_ACTIVITY",),
    "RUNNING": (),
}
"""For each state from which an environment can advance, the events to RUNNING."""

Found = Mapping[str, Any]
Ask = Callable[[str, dict[str, Any]], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Requests to control, in order, and their description."""

    steps: tuple[tuple[str, dict[str, Any]], ...] = ()
    """Verbs with their arguments. ``execute`` fills in the id of a created environment."""
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    comment: str = ""
    forecast: str = ""


def find(environments: Sequence[Found], name: str) -> Found | None:
    """Return the environment declared as ``name`` from a list in the form of ``env_list``.

    Raises:
        InvalidRequestError: if there are several, which a user must have created manually.
    """
    found = [each for each in environments if each["vars"].get(MARK) == name]
    if len(found) > 1:
        ids = ", ".join(each["id"] for each in found)
        raise InvalidRequestError(f"{ids} are all declared as {name}: destroy all but one of them")
    return found[0] if found else None


def steps_to_reach(
    name: str, found: Found | None, state: str, workflow: str, asked: Mapping[str, Any]
) -> Steps:
    """Return the steps to ``state``, CONFIGURED or RUNNING, of the environment declared as ``name``.

    Raises:
        InvalidRequestError: if it exists, but with another workflow or other variables.
        IllegalTransitionError: if no step leads out of its state, such as ERROR.
    """
    if found is None:
        return _creation(name, state, workflow, asked)
    _refuse_another(name, found, workflow, asked)
    now = found["state"]
    if now not in FORWARD:
        raise IllegalTransitionError(f"{name} ({found['id']})", now, f"become {state}", ("RECOVER", "EXIT"))
    events = FORWARD[now][: -1 if state == "CONFIGURED" else None]
    if not events:
        return Steps(comment=f"{name} is {now}, as {found['id']}.")
    return Steps(
        steps=tuple(("env_control", {"id": found["id"], "event": event}) for event in events),
        changes={name: {"old": now, "new": state}},
        comment=f"{name} is {state}, as {found['id']}.",
        forecast=f"{name} would go from {now} to {state}.",
    )


def steps_to_remove(name: str, found: Found | None, allow_in_running_state: bool) -> Steps:
    """Return the steps after which no environment is declared as ``name``."""
    if found is None:
        return Steps(comment=f"{name} does not exist.")
    if found["state"] == "RUNNING" and not allow_in_running_state:
        raise IllegalTransitionError(f"{name} ({found['id']})", "RUNNING", "be destroyed", ("STOP_ACTIVITY",))
    arguments = {"id": found["id"], "allow_in_running_state": allow_in_running_state}
    return Steps(
        steps=(("env_destroy", arguments),),
        changes={name: {"old": found["state"], "new": "absent"}},
        comment=f"{name} is destroyed.",
        forecast=f"{name} ({found['id']}) would be destroyed.",
    )


def execute(ask: Ask, way: Steps) -> None:
    """Execute the steps: send each to control, and stop at the first that fails.

    Raises:
        O2Error: the error that control raised, or if an environment ends up in ERROR.
    """
    id = None
    for verb, arguments in way.steps:
        result = ask(verb, arguments if "id" in arguments or id is None else arguments | {"id": id})
        id = result["id"]
        if result["state"] == "ERROR":
            raise InvalidRequestError(
                f"{id} is in ERROR after {verb}: {result.get('error') or 'see its tasks'}"
            )


def _creation(name: str, state: str, workflow: str, asked: Mapping[str, Any]) -> Steps:
    create = ("env_create", {"workflow": workflow, "vars": {**asked, MARK: name}})
    start = ("env_control", {"event": "START_ACTIVITY"})
    return Steps(
        steps=(create, start) if state == "RUNNING" else (create,),
        changes={name: {"old": "absent", "new": state}},
        comment=f"{name} is {state}.",
        forecast=f"{name} would be created from {workflow} and be {state}.",
    )


def _refuse_another(name: str, found: Found, workflow: str, asked: Mapping[str, Any]) -> None:
    if (
        found["workflow"].rpartition("/")[2].partition("@")[0]
        != workflow.rpartition("/")[2].partition("@")[0]
    ):
        raise InvalidRequestError(
            f"{name} ({found['id']}) is of {found['workflow']}, not {workflow}: {_ADVICE}"
        )
    wanted = variable_texts(asked)
    present = {key: value for key, value in found["vars"].items() if key != MARK}
    different = sorted(key for key in wanted.keys() | present.keys() if wanted.get(key) != present.get(key))
    if different:
        raise InvalidRequestError(f"{name} ({found['id']}) has another {', '.join(different)}: {_ADVICE}")


_ADVICE = "modify it (env_modify), or make it absent first"
