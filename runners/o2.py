"""
Runner of Salt O²: the operator's interface to environments.

Every function asks control, which runs in the master's ``o2_control`` engine, through its local socket.
While it takes long, ``progress`` events of the job tell how far it is.

At a terminal a failure is printed and gives exit code 1; called by a reactor rule or an orchestration it
raises ``CommandExecutionError``.
"""

import glob
import pathlib
from dataclasses import asdict

import salt.pillar
import salt.utils.minions
import salt.utils.yaml
from salt.exceptions import CommandExecutionError, SaltInvocationError

from salt_o2.control import client
from salt_o2.control import site_check as site_check_
from salt_o2.core.errors import InvalidRequest, O2Error, TemplateError, UnknownName, Unreachable
from salt_o2.where import packaged

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def env_plan(workflow="", id="", vars=None, scale=None, move=None, exclude=None, include=None, destroy=False):
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

    destroy
        Plan the end of the environment.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_plan workflow=fairmq-ex-1-n-1 scale='{processor: 2}'
        salt-run o2.env_plan id=2oDvieFrVTi exclude=TPC
        salt-run o2.env_plan id=2oDvieFrVTi destroy=True
    """
    bent = _bending(vars, scale, move, exclude, include)
    return _ask("env_plan", workflow=workflow, id=str(id), destroy=destroy, **bent)


def env_create(workflow="", vars=None, plan="", scale=None, move=None, exclude=None, auto=False):
    """
    Create an environment: place the workflow's tasks, start and configure them.

    workflow
        Name of a workflow template, see ``o2.workflow_list``.

    vars
        Variables above all that the templates say.

    scale
        How many roles an iterator makes, by the beginning of their names: ``{epn: 20}``.

    move
        Which host the task of a role is to be on: ``{readout.sink: flp2}``.

    exclude
        Paths of roles, or detectors, that are to stay out of the data flow, and wait.

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
    return _ask("env_create", workflow=workflow, plan=str(plan), auto=auto, **bent)


def env_modify(
    id="", vars=None, scale=None, move=None, exclude=None, include=None, plan="", drain=0, reason=""
):
    """
    Change an environment while it is DEPLOYED, CONFIGURED or RUNNING; only what changes is touched.

    id
        The environment's id, or the beginning of it.

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

    plan
        Token of a plan, see ``o2.env_plan``: exactly this is done.

    drain
        How many seconds leaving tasks may finish what they hold.

    reason
        Why, for the record.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_modify 2oDvieFrVTi exclude=TPC reason='high voltage trip'
        salt-run o2.env_modify 2oDvieFrVTi scale='{epn: 20}' drain=5
        salt-run o2.env_modify plan=KWff3wNJq1o
    """
    bent = _bending(vars, scale, move, exclude, include)
    return _ask("env_modify", id=str(id), plan=str(plan), drain_s=float(drain), reason=reason, **bent)


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


def rebuild(id="", end=False, last_run=0):
    """
    Rebuild environments that run on hosts and that control's store does not know, because it was lost or
    damaged: from what the agents have on disk. No process is touched. They can be stopped, repaired and
    ended; variables, calls and the way they were bent are gone.

    id
        One of them; all if it is left out.

    end
        End their tasks instead.

    last_run
        The highest run number that was ever given, if it is known: the next run gets a higher one.

    CLI Example:

    .. code-block:: bash

        salt-run o2.rebuild
        salt-run o2.rebuild 2oDvieFrVTi last_run=54321
    """
    return _ask("rebuild", id=str(id), end=end, last_run=int(last_run))


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


def env_destroy(id, allow_in_running_state=False, force=False):
    """
    End an environment: its processes, and its claim on hosts and ports.

    id
        The environment's id, or the beginning of it.

    allow_in_running_state
        Stop the run first; without it a running environment is not destroyed.

    force
        Do not wait for an orderly stop, nor for a transition under way.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_destroy 2oDvieFrVTi
    """
    return _ask("env_destroy", id=str(id), allow_in_running_state=allow_in_running_state, force=force)


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


def task_log(id, lines=50):
    """
    Show what a task wrote last.

    id
        The task, or the beginning of its id.

    lines
        How many of its last lines.

    CLI Example:

    .. code-block:: bash

        salt-run o2.task_log 7AbRmBG3z2A lines=100
    """
    return _ask("task_log", id=str(id), lines=lines)


def task_list():
    """
    List the tasks of all environments.

    CLI Example:

    .. code-block:: bash

        salt-run o2.task_list
    """
    return _ask("task_list")


def task_recover(task, environment="", by_rule=False):
    """
    Start a failed task again now, in its place, and lead it back to where its environment is.

    A healthy task, or one that is being brought back already, is left alone.

    task
        The task's id, or the beginning of it.

    environment
        Its environment, if that is known.

    by_rule
        Keep to its role's recovery policy and to how often it may be started again, as a reactor rule should.

    CLI Example:

    .. code-block:: bash

        salt-run o2.task_recover 9tQ4ZxPq3vK
    """
    return _ask("task_recover", task=str(task), environment=str(environment), by_rule=bool(by_rule))


def host_list():
    """
    List the hosts whose agents have reported: what they offer and when they were last heard.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_list
    """
    return _ask("host_list")


def workflow_list():
    """
    List the workflow templates that can be created.

    CLI Example:

    .. code-block:: bash

        salt-run o2.workflow_list
    """
    return _ask("workflow_list")


def run_stop(reason=""):
    """
    Stop all runs: every environment that is RUNNING gets STOP_ACTIVITY. Nothing to stop is no failure.

    reason
        Why, for the record; reactor rules give the event that they react to.

    CLI Example:

    .. code-block:: bash

        salt-run o2.run_stop reason='beam dump'
    """
    return _ask("run_stop", reason=reason)


def info():
    """
    Tell what this control is: version, settings, how much it owns.

    CLI Example:

    .. code-block:: bash

        salt-run o2.info
    """
    return _ask("info")


def site_check():
    """
    Find what is wrong with this site: keys and types in pillar and configuration, port ranges, detectors that
    name unknown hosts, hosts without attributes, repositories and reactor rules that are missing.

    Nothing is changed. The exit code is 1 if something is wrong.

    CLI Example:

    .. code-block:: bash

        salt-run o2.site_check
    """
    facts = _site_facts()
    found = [
        asdict(each)
        for each in site_check_.check(facts, lambda path: pathlib.Path(path, "workflows").is_dir())
    ]
    report = {"problems": found, "hosts": len(facts.hosts), "retcode": 1 if found else 0}
    return {"data": report, "outputter": "o2"} if _at_terminal() and not _wants_raw() else report


def _site_facts():
    own, *rest = [_pillar(minion) for minion in (__opts__["id"], *_accepted())]
    wired = {tag: rules for line in __opts__.get("reactor") or () for tag, rules in line.items()}
    return site_check_.SiteFacts(
        config=__opts__.get("o2", {}),
        pillar=own.get("o2", {}),
        hosts={each["id"]: each.get("o2", {}) for each in rest},
        known=_known(),
        pillar_errors={each["id"]: each["_errors"] for each in (own, *rest) if each.get("_errors")},
        engines=[name for engine in __opts__.get("engines") or () for name in engine],
        wired=wired,
        ours=_our_tags(),
        rules={path: _text(path) for paths in wired.values() for path in paths},
        functions=[name for name in __salt__ if name.startswith("o2.")],
    )


def _accepted():
    return sorted(salt.utils.minions.CkMinions(__opts__).check_minions("*")["minions"])


def _pillar(minion):
    """Compile the pillar of a minion anew, with the grains that the master last saw."""
    grains = salt.utils.minions.get_minion_data(minion, __opts__)[1] or {}
    compiled = salt.pillar.Pillar(__opts__, {"id": minion, **grains}, minion, "base").compile_pillar()
    return {**compiled, "id": minion}


def _known():
    socket = pathlib.Path(__opts__["sock_dir"]) / "o2_control.ipc"
    try:
        with client.ControlClient(socket) as control:
            return {each["id"]: each["attributes"] for each in control.request("host_list")}
    except Unreachable:
        return None


def _our_tags():
    rules = salt.utils.yaml.safe_load((packaged("reactor") / "rules.conf").read_text())["reactor"]
    return [tag for line in rules for tag in line]


def _text(path):
    """Return the text of a rule, or of all that a glob names; None if there is none."""
    if path.startswith("salt://"):
        return ""
    found = sorted(glob.glob(path))  # noqa: PTH207  as Salt's reactor does, which takes relative paths too
    return "\n".join(pathlib.Path(each).read_text() for each in found) if found else None


def _bending(vars, scale, move, exclude, include=None):
    bent = {"vars": vars or {}, "scale": scale or {}, "move": move or {}}
    return bent | {"exclude": _names(exclude), "include": _names(include)}


def _names(given):
    # On Salt's command line exclude=TPC,ITS is one text, and exclude='[TPC, ITS]' a list.
    return [name.strip() for name in given.split(",")] if isinstance(given, str) else [*(given or ())]


def _time(until):
    # Salt makes a date of what looks like one.
    return until.isoformat() if hasattr(until, "isoformat") else str(until)


def workflow_check(workflow, vars=None):
    """
    Say all that is wrong with a workflow template of the site, expanded with its site's configuration.

    workflow
        Its name; with ``@revision`` another revision of it.

    vars
        Variables above all that the templates say.

    CLI Example:

    .. code-block:: bash

        salt-run o2.workflow_check readout-dataflow@master
    """
    return _ask("workflow_check", workflow=workflow, vars=vars or {})


def workflow_expand(workflow, vars=None, variables=False, origins=False):
    """
    Show the tree of roles that a workflow becomes.

    workflow
        Its name; with ``@revision`` another revision of it.

    vars
        Variables above all that the templates say.

    variables
        With the variables of each leaf.

    origins
        With where the value of each comes from.

    CLI Example:

    .. code-block:: bash

        salt-run o2.workflow_expand fairmq-ex-1-n-1 vars='{processors: 2}' --out=yaml
    """
    return _ask("workflow_expand", workflow=workflow, vars=vars or {}, variables=variables, origins=origins)


def workflow_graph(workflow, vars=None, format="svg"):
    """
    Draw the data flow of a workflow.

    workflow
        Its name; with ``@revision`` another revision of it.

    vars
        Variables above all that the templates say.

    format
        ``svg`` or ``mermaid``.

    CLI Example:

    .. code-block:: bash

        salt-run o2.workflow_graph qc-advanced-root format=mermaid
    """
    return _ask("workflow_graph", workflow=workflow, vars=vars or {}, format=format)


def config_show(path, simulate=False, vars=None):
    """
    Show the payload of a component's configuration, found by fallback.

    path
        ``component/RUNTYPE/role/entry``, or ``component/entry`` for any run type and role.

    simulate
        Fill it in, with ``vars`` above the site's variables.

    CLI Example:

    .. code-block:: bash

        salt-run o2.config_show qc/PHYSICS/any/tasks simulate=True vars='{detector: ITS}'
    """
    return _ask("config_show", path=path, simulate=simulate, vars=vars or {})


def config_list(component=""):
    """
    List the entries of a component, or of all.

    CLI Example:

    .. code-block:: bash

        salt-run o2.config_list qc
    """
    return _ask("config_list", component=component)


def config_set(path, payload, new_component=False):
    """
    Set the payload at exactly this path.

    new_component
        The component may be one that is not known yet.

    CLI Example:

    .. code-block:: bash

        salt-run o2.config_set qc/ANY/any/rate '100'
    """
    return _ask("config_set", path=path, payload=str(payload), new_component=new_component)


def config_import(path, file, new_component=False):
    """
    Set the payload at exactly this path to what is in a file of the master.

    CLI Example:

    .. code-block:: bash

        salt-run o2.config_import qc/ANY/any/tasks /root/tasks.json
    """
    payload = pathlib.Path(file).read_text()
    return _ask("config_import", path=path, payload=payload, new_component=new_component)


def _ask(verb, **arguments):
    socket = pathlib.Path(__opts__["sock_dir"]) / "o2_control.ipc"
    try:
        with client.ControlClient(socket) as control:
            result = control.request(verb, arguments, on_progress=_tell)
    except O2Error as error:
        return _fail(error)
    return {"data": result, "outputter": "o2"} if _at_terminal() and not _wants_raw() else result


def _fail(error):
    if _at_terminal():
        report = {"kind": error.kind, "message": str(error)}
        return {"data": {"error": report, "retcode": 1}, "outputter": "o2"}
    wrong = (InvalidRequest, UnknownName, TemplateError)
    kind = SaltInvocationError if isinstance(error, wrong) else CommandExecutionError
    raise kind(str(error)) from error


def _tell(progress):
    if progress.get("total") and not _wants_raw():
        __jid_event__.fire_event({**progress, "outputter": "o2"}, "progress")


def _at_terminal():
    # salt-run puts the function it was asked for into the options; reactor and orchestration do not.
    return "fun" in __opts__


def _wants_raw():
    # With --out the output is for a program: one document, and nothing before it.
    return "output" in __opts__
