"""Environments: plan, create, lead, reshape and end them. A part of the runner ``o2``, see o2.py."""

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
    Show what a create, modify or destroy would do, without touching anything.

    The token of the plan is for ``o2.env_create`` or ``o2.env_modify``: they do exactly this, or nothing if
    the world has moved.

    workflow
        Name of a workflow template, to plan a new environment of it.

    id
        An environment, to plan a change of it, or with ``destroy`` its end.

    vars
        Variables above all that the templates say.

    scale
        How many roles an iterator makes, by the beginning of their names: ``{epn: 20}``.

    move
        Which host the task of a role is to be on: ``{readout.sink: flp2}``.

    exclude
        Paths of roles, or detectors, that are to stay out of the data flow, and wait.

    include
        Who is to come back into the data flow.

    allow_all_excluded
        It is meant that no task, or no critical one, takes part any more; else that is refused.

    destroy
        Plan the end of the environment.

    keep_tasks
        Of an environment: show which of those that leave it would wait in the pool. The token does the same.

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
    Create an environment: place the workflow's tasks, start and configure them.

    workflow
        Name of a workflow template, see ``o2.workflow_list``.

    vars, scale, move, exclude, allow_all_excluded
        As for ``o2.env_plan``.

    plan
        Token of a plan, see ``o2.env_plan``: exactly this is done.

    auto
        Start the run at once, and end after it, without being asked.

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
    Change an environment while it is DEPLOYED, CONFIGURED or RUNNING; only what changes is touched.

    id
        The environment's id, or the beginning of it.

    vars, scale, move, exclude, include, allow_all_excluded
        As for ``o2.env_plan``.

    plan
        Token of a plan, see ``o2.env_plan``: exactly this is done.

    drain
        How many seconds leaving tasks may finish what they hold.

    keep_tasks
        Leave to the pool, in STANDBY, who leaves and is well; whoever such a task fits takes it instead of
        starting a process. See ``o2.pool_list``.

    reason
        Why, for the record.

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
    Create an environment again the same way; it may have ended.

    id
        The environment's id.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_repeat 2oDvieFrVTi
    """
    return _ask("env_repeat", id=str(id))


def env_control(id, event):
    """
    Lead an environment through a transition.

    id
        The environment's id, or the beginning of it.

    event
        CONFIGURE, START_ACTIVITY, STOP_ACTIVITY, RESET, RECOVER, GO_ERROR or EXIT.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_control 2oDvieFrVTi START_ACTIVITY
    """
    return _ask("env_control", id=str(id), event=event)


def env_destroy(id, allow_in_running_state=False, force=False, keep_tasks=False):
    """
    End an environment: its processes, and its claim on hosts and ports.

    id
        The environment's id, or the beginning of it.

    allow_in_running_state
        Stop the run first; without it a running environment is not destroyed.

    force
        Do not wait for an orderly stop, nor for a transition under way.

    keep_tasks
        Leave the tasks that are well to the pool, in STANDBY: the next ``o2.env_create`` or ``o2.env_modify``
        that they fit takes them instead of starting processes. See ``o2.pool_list``.

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
        Also those that have ended.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_list all=True
    """
    return _ask("env_list", all=all)


def env_show(id):
    """
    Show an environment: its tasks, and the tree of its roles with their states.

    id
        The environment's id, or the beginning of it.

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
