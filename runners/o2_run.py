"""Runs, and the history of environments. A part of the runner ``o2``, see o2.py."""

from salt_o2.client import runner_output

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def run_list(limit=100, workflow="", state="", end="", since="", until=""):
    """
    List the last runs that fit all that is given, newest first.

    limit
        Number of runs.

    workflow
        A pattern of the workflow's name, such as ``readout*``.

    state
        ``RUNNING``, or the state that the end led to.

    end
        Cause of the end: ``requested``, ``time limit``, ``end of data``, ``recovery policy``, ``ERROR``, or
        ``never started``.

    since
        Runs that have not ended before this time: ISO 8601, seconds since the epoch, or a time of day.

    until
        Runs that have started until this time.

    CLI Example:

    .. code-block:: bash

        salt-run o2.run_list
        salt-run o2.run_list end=ERROR since=08:00
    """
    wanted = {"limit": int(limit), "workflow": workflow, "state": state, "since": _time(since)}
    return _ask("run_list", **wanted, until=_time(until), **({"end": end} if end else {}))


def run_show(number):
    """
    Show one run: its environment, its user, its start and its end.

    number
        Number of the run.

    CLI Example:

    .. code-block:: bash

        salt-run o2.run_show 42
    """
    return _ask("run_show", number=number)


def run_stop(number=None, reason="", all=False):
    """
    Stop runs: send STOP_ACTIVITY to the environment of each.

    number
        Number of the run, or a list of numbers.

    all
        Stop all runs. Without it and without a number no run is stopped. It is no failure if no run is in
        progress.

    reason
        Reason for the journal; reactor rules give the event.

    CLI Example:

    .. code-block:: bash

        salt-run o2.run_stop 42 reason='noisy detector'
        salt-run o2.run_stop all=True reason='beam dump'
    """
    return _ask("run_stop", numbers=_numbers(number), all=bool(all), reason=reason)


def env_history(id, until="", limit=1000, all=False):
    """
    Show the history of an environment, also of an ended one: time, event, cause.

    id
        ID of the environment.

    until
        Up to this time: ISO 8601, or seconds since the epoch.

    limit
        Number of the last lines.

    all
        At a terminal, show also reports, ticks and answers. With ``--out``, and in rules, the result always
        has all lines.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_history 2oDvieFrVTi until=2026-11-22T14:00:00
    """
    seen = runner_output.is_interactive(__opts__) and not runner_output.wants_raw(__opts__)
    return _ask("env_history", id=str(id), until=_time(until), limit=limit, effects_only=seen and not all)


def env_replay(id, until=""):
    """
    Show an environment at a time in the past, rebuilt from its journal.

    id
        ID of the environment.

    until
        The time: ISO 8601, or seconds since the epoch.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_replay 2oDvieFrVTi until=2026-11-22T14:00:00
    """
    return _ask("env_replay", id=str(id), until=_time(until))


def env_diff(left, right):
    """
    Show the differences of two environments, or of two runs.

    left
        ID of an environment, or number of a run.

    right
        ID of another environment, or number of another run.

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
    # Salt converts text that looks like a date to a date.
    return until.isoformat() if hasattr(until, "isoformat") else str(until)


def _ask(verb, **arguments):
    return __salt__["o2.ask"](verb, arguments)
