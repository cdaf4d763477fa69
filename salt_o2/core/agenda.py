"""The order of things inside one transition (AliECS handbook; A1.2): which stages, one after the other.

    before_EVENT   hooks with weight < 0, control's own bookkeeping, hooks with weight >= 0
    leave_STATE    the same
    the tasks move
    the new state is entered
    enter_STATE    hooks
    after_EVENT    hooks

At a moment and weight: the calls triggered there begin, the calls awaited there are waited for, then the task
hooks run. A moment at which nobody has anything to do has no stage.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from salt_o2.core.plan.moments import Moment
from salt_o2.core.states import EnvironmentEvent, EnvironmentState


@dataclass(frozen=True, slots=True)
class Calls:
    """Begin the calls triggered at a moment, and wait for those awaited there."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class RunHooks:
    """Start the task hooks of a moment and wait for their ends."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class ClearHooks:
    """See that nothing is left of the task hooks of a moment."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class ForgetHooks:
    """Nothing is left of the task hooks of a moment: from now on nobody needs to end them."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class Prepare:
    """Control's own part before the tasks move: the run's variables."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Let the tasks that are to be kept come to rest, before the others end."""


@dataclass(frozen=True, slots=True)
class Move:
    """Let the tasks move."""


@dataclass(frozen=True, slots=True)
class Enter:
    """Enter the new state."""


Stage = Calls | RunHooks | ClearHooks | ForgetHooks | Prepare | Rest | Move | Enter


def agenda(
    event: EnvironmentEvent,
    source: EnvironmentState,
    target: EnvironmentState,
    moments: Iterable[Moment],
    *,
    keep: bool = False,
) -> list[Stage]:
    """Return the stages of a transition; ``moments`` are those at which hooks have something to do.

    At the end of an environment, ``keep`` leaves some of its tasks to the pool.
    """
    known = sorted(set(moments))
    before = [moment for moment in known if moment.name == f"before_{event}"]
    stages: list[Stage] = [
        *_hooks(moment for moment in before if moment.weight < 0),
        Prepare(),
        *_hooks(moment for moment in before if moment.weight >= 0),
    ]
    if event is EnvironmentEvent.EXIT:
        stages += _at("before_DESTROY", known)
    if source is not target:
        stages += _at(f"leave_{source}", known)
    if event is EnvironmentEvent.EXIT and keep:
        stages.append(Rest())
    stages.append(Move())
    if event is EnvironmentEvent.EXIT:
        stages += _at("DESTROY", known)
    stages.append(Enter())
    if source is not target:
        stages += _at(f"enter_{target}", known)
    stages += _at(f"after_{event}", known)
    if event is EnvironmentEvent.EXIT:
        stages += _at("after_DESTROY", known)
    return stages


_IN_TURN: tuple[Callable[[Moment], Stage], ...] = (Calls, RunHooks, ClearHooks, ForgetHooks)


def _at(name: str, known: list[Moment]) -> list[Stage]:
    return _hooks(moment for moment in known if moment.name == name)


def _hooks(moments: Iterable[Moment]) -> list[Stage]:
    return [stage(moment) for moment in moments for stage in _IN_TURN]
