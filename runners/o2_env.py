"""Environments: plan, create, control, modify and destroy them. A part of the runner ``o2``, see o2.py."""

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def env_plan(
    workflow="",
    id="",
    vars=None,
    scale=None,
    move=None,
    exclude=None,
    include=None,
    destroy=False,
    keep_tasks=False,
    allow_all_excluded=False,
):
    """
    Show what a creation, modification or destruction would do, without any effect.

    Give the token of the plan to ``o2.env_create`` or ``o2.env_modify``. They apply exactly this plan, or
    refuse it if hosts, ports, templates or the environment have changed.

    workflow
        Name of a workflow template, to plan a new environment.

    id
        An environment, to plan its modification, or with ``destroy`` its destruction.

    vars
        Variables that replace those of the templates.

    scale
        Number of roles of an iterator, by the beginning of their names: ``{epn: 20}``.

    move
        Host for the task of a role: ``{readout.sink: flp2}``.

    exclude
        Paths of roles, or detectors, to exclude from the data flow. Their tasks wait in STANDBY.

    include
        Paths of roles, or detectors, to include in the data flow again.

    allow_all_excluded
        Permit that no task, or no critical task, takes part. Otherwise that is refused.

    destroy
        Plan the destruction of the environment.

    keep_tasks
        Transfer departing tasks to the pool (needs an environment ID). The token does the same.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_plan workflow=fairmq-ex-1-n-1 scale='{processor: 2}'
        salt-run o2.env_plan id=2oDvieFrVTi exclude=TPC
        salt-run o2.env_plan id=2oDvieFrVTi destroy=True
    """
    bent = _bending(vars, scale, move, exclude, include)
    bent |= {"destroy": destroy, "keep_tasks": keep_tasks, "allow_all_excluded": bool(allow_all_excluded)}
    return _ask("env_plan", workflow=workflow, id=str(id), **bent)


def env_create(
    workflow="",
    vars=None,
    plan="",
    scale=None,
    move=None,
    exclude=None,
    auto=False,
    allow_all_excluded=False,
):
    """
    Create an environment: place the tasks of a workflow, start and configure them.

    workflow
        Name of a workflow template, see ``o2.workflow_list``.

    vars, scale, move, exclude, allow_all_excluded
        As for ``o2.env_plan``.

    plan
        Token of a plan to apply, see ``o2.env_plan``.

    auto
        Start the run at once, and destroy the environment after the run.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_create workflow=fairmq-ex-1-n-1 vars='{processors: 4}'
        salt-run o2.env_create plan=KWff3wNJq1o
    """
    bent = _bending(vars, scale, move, exclude)
    bent |= {"allow_all_excluded": bool(allow_all_excluded)}
    return _ask("env_create", workflow=workflow, plan=str(plan), auto=auto, **bent)


def env_modify(
    id="",
    vars=None,
    scale=None,
    move=None,
    exclude=None,
    include=None,
    plan="",
    drain=0,
    keep_tasks=False,
    reason="",
    allow_all_excluded=False,
):
    """
    Modify an environment in DEPLOYED, CONFIGURED or RUNNING. Unaffected tasks continue.

    id
        ID of the environment, or its first letters.

    vars, scale, move, exclude, include, allow_all_excluded
        As for ``o2.env_plan``.

    plan
        Token of a plan to apply, see ``o2.env_plan``.

    drain
        Seconds that departing tasks have to finish their data.

    keep_tasks
        Transfer healthy departing tasks to the pool in STANDBY. Later environments reuse them instead of
        starting new processes. See ``o2.pool_list``.

    reason
        Reason for the journal.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_modify 2oDvieFrVTi exclude=TPC reason='high voltage trip'
        salt-run o2.env_modify 2oDvieFrVTi scale='{epn: 20}'
        salt-run o2.env_modify 2oDvieFrVTi scale='{epn: 10}' drain=5 keep_tasks=True
        salt-run o2.env_modify plan=KWff3wNJq1o
    """
    bent = _bending(vars, scale, move, exclude, include)
    how = {"drain_s": float(drain), "keep_tasks": keep_tasks, "reason": reason}
    how |= {"allow_all_excluded": bool(allow_all_excluded)}
    return _ask("env_modify", id=str(id), plan=str(plan), **how, **bent)


def env_repeat(id):
    """
    Create an environment again with the same settings. The first one may have ended.

    id
        ID of the environment.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_repeat 2oDvieFrVTi
    """
    return _ask("env_repeat", id=str(id))


def env_control(id, event):
    """
    Send an event to an environment and wait for its transition.

    id
        ID of the environment, or its first letters.

    event
        CONFIGURE, START_ACTIVITY, STOP_ACTIVITY, RESET, RECOVER, GO_ERROR or EXIT.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_control 2oDvieFrVTi START_ACTIVITY
    """
    return _ask("env_control", id=str(id), event=event)


def env_destroy(id, allow_in_running_state=False, force=False, keep_tasks=False):
    """
    Destroy an environment: stop its processes, and release its hosts and ports.

    id
        ID of the environment, or its first letters.

    allow_in_running_state
        Stop the run first. Otherwise a running environment is refused.

    force
        Wait neither for an orderly stop nor for a transition in progress.

    keep_tasks
        Transfer healthy tasks to the pool in STANDBY. Later environments reuse them instead of starting new
        processes. See ``o2.pool_list``.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_destroy 2oDvieFrVTi
        salt-run o2.env_destroy 2oDvieFrVTi keep_tasks=True
    """
    how = {"allow_in_running_state": allow_in_running_state, "force": force, "keep_tasks": keep_tasks}
    return _ask("env_destroy", id=str(id), **how)


def env_list(all=False):
    """
    List the environments.

    all
        Include ended environments.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_list all=True
    """
    return _ask("env_list", all=all)


def env_show(id):
    """
    Show an environment: its tasks, and the tree of its roles with states.

    id
        ID of the environment, or its first letters.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_show 2oDvieFrVTi
        salt-run o2.env_show 2oDvieFrVTi --out=json
    """
    return _ask("env_show", id=str(id))


def _bending(vars, scale, move, exclude, include=None):
    bent = {"vars": vars or {}, "scale": scale or {}, "move": move or {}}
    return bent | {"exclude": _names(exclude), "include": _names(include)}


def _names(given):
    # On Salt's command line exclude=TPC,ITS is one text, and exclude='[TPC, ITS]' a list.
    return [name.strip() for name in given.split(",")] if isinstance(given, str) else [*(given or ())]


def _ask(verb, **arguments):
    return __salt__["o2.ask"](verb, arguments)
