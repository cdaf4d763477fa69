"""The class of the arguments of each verb, for programs that describe control's interface.

The handlers in ``requests/`` have the same table with their methods; a test compares the two.
"""

from collections.abc import Mapping
from typing import Any

from salt_o2.control.requests import arguments as a

VERB_ARGUMENTS: Mapping[str, type[Any]] = {
    "config_import": a.Set,
    "config_list": a.Entries,
    "config_set": a.Set,
    "config_show": a.Show,
    "env_control": a.Steer,
    "env_create": a.Create,
    "env_destroy": a.Destroy,
    "env_diff": a.Two,
    "env_history": a.Past,
    "env_list": a.Many,
    "env_modify": a.Modify,
    "env_plan": a.PlanAhead,
    "env_repeat": a.Repeat,
    "env_replay": a.Past,
    "env_show": a.One,
    "host_audit": a.AskHosts,
    "host_cordon": a.HostsCordoned,
    "host_drain": a.HostsDrained,
    "host_forget": a.HostsNamed,
    "host_info": a.AskHosts,
    "host_kill": a.KillTasks,
    "host_list": a.Nothing,
    "host_log": a.AskHostLog,
    "host_lost": a.HostsLost,
    "host_records": a.AskHostTasks,
    "host_returned": a.HostsNamed,
    "host_tasks": a.AskHostTasks,
    "host_transition": a.MoveTasks,
    "host_uncordon": a.HostsNamed,
    "info": a.Nothing,
    "pool_clean": a.PoolClean,
    "pool_list": a.Nothing,
    "rebuild": a.RebuildWanted,
    "run_list": a.Runs,
    "run_show": a.Run,
    "run_stop": a.StopRuns,
    "task_info": a.OneTask,
    "task_kill": a.OneTask,
    "task_list": a.Tasks,
    "task_log": a.TaskLog,
    "task_recover": a.Recover,
    "watch": a.Watch,
    "workflow_check": a.Named,
    "workflow_expand": a.Expand,
    "workflow_generate": a.Named,
    "workflow_graph": a.Draw,
    "workflow_list": a.Nothing,
    "workflow_show": a.ShowWorkflow,
}
