"""Name the variables that control reads itself, with what each does."""

from collections.abc import Mapping

from salt_o2.core.plan.run_arguments import FILL_INFO, PASSED_ON
from salt_o2.core.tasks.restarts import RestartBudget
from salt_o2.site.settings import TIMEOUT_VARIABLES

READ_BY_CONTROL: Mapping[str, str] = {
    "recovery": "what follows when a task fails: restart, ignore, stop or fail",
    **{f"recovery_{name}": "budget of restarts of a task" for name in RestartBudget.__dataclass_fields__},
    **{name: f"limit of {event}, in seconds" for name, event in TIMEOUT_VARIABLES.items()},
    "auto_stop_enabled": "whether a run stops automatically",
    "auto_stop_timeout": "duration of a run that stops automatically, as in 10m",
    "detector": "the detector of a role",
    "fairmq_prefix": "folder of FairMQ on the hosts",
    "fmq_plugin": "control plugin of FairMQ devices: OCClite or OCC",
    "fmq_plugin_search_path": "folder of the control plugin on the hosts",
    **dict.fromkeys(PASSED_ON, "an argument of START for all tasks"),
    **{f"fill_info_{name}": "an argument of START and STOP for all tasks" for name in FILL_INFO},
}
"""Variables that have an effect although no template reads them."""
