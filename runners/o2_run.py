"""Runs, and what happened to environments. A part of the runner ``o2``, see o2.py."""

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def run_list():
    """
    List the last runs, the newest first.

    CLI Example:

    .. code-block:: bash

        salt-run o2.run_list
    """
    return _ask("run_list")


def run_show(number):
    """
    Show one run: its environment, who started it, when it began and ended.

    number
        The run's number.

    CLI Example:

    .. code-block:: bash

        salt-run o2.run_show 42
    """
    return _ask("run_show", number=number)


def run_stop(number=None, reason="", all=False):
    """
    Stop runs: the environment of each gets STOP_ACTIVITY.

    number
        The run's number, or a list of numbers.

    all
        Stop every run that goes on; without it and without a number nothing is stopped. Nothing to stop is no
        failure.

    reason
        Why, for the record; reactor rules give the event that they react to.

    CLI Example:

    .. code-block:: bash

        salt-run o2.run_stop 42 reason='noisy detector'
        salt-run o2.run_stop all=True reason='beam dump'
    """
    return _ask("run_stop", numbers=_numbers(number), all=bool(all), reason=reason)


def env_history(id, until="", limit=1000):
    """
    Tell what happened to an environment, also an ended one: time, what, and its cause.

    id
        The environment's id.

    until
        Up to this time: ISO 8601, or seconds since the epoch.

    limit
        How many of the last lines.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_history 2oDvieFrVTi until=2026-11-22T14:00:00
    """
    return _ask("env_history", id=str(id), until=_time(until), limit=limit)


def env_replay(id, until=""):
    """
    Show an environment as it was at some time, rebuilt from its journal.

    id
        The environment's id.

    until
        The time: ISO 8601, or seconds since the epoch.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_replay 2oDvieFrVTi until=2026-11-22T14:00:00
    """
    return _ask("env_replay", id=str(id), until=_time(until))


def env_diff(left, right):
    """
    Show in what two environments, or two runs, differ.

    left
        An environment's id, or the number of a run.

    right
        Another one.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_diff 41 42
    """
    return _ask("env_diff", left=str(left), right=str(right))


def _numbers(given):
    if given is None or given == "":
        return []
    each = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else [given]
    return [int(number) for number in each]


def _time(until):
    # Salt makes a date of what looks like one.
    return until.isoformat() if hasattr(until, "isoformat") else str(until)


def _ask(verb, **arguments):
    return __salt__["o2.ask"](verb, arguments)
