"""A workflow of fifty tasks: forty that stay, and a farm of ten that may grow to twenty.

    sampler -data1-> flp0 ... flp37, epn0 ... epn9 -data2-> sink

The tasks are those of the diamond in examples/; the templates are written into a private cluster's own
folder, so that their revision does not depend on who works in this tree.
"""

import shutil
from pathlib import Path

from salt_o2.cluster.lifecycle.salt_config import packaged
from salt_o2.cluster.paths import layout

WORKFLOW, DIAMOND = "bench-farm", "fairmq-ex-1-n-1"
ITERATOR = """\
  - name: "{name}{{{{ it }}}}"
    for: {{ begin: 0, end: "{{{{ Atoi({count}) - 1 }}}}", var: it }}
    connect:
      - {{ name: data1, type: pull, target: "{{{{ Parent() }}}}.sampler:data1" }}
      - {{ name: data2, type: push, target: "{{{{ Parent() }}}}.sink:data2" }}
    task: {{ load: fairmq-ex-1-n-1-processor }}
"""
ENDS = "".join(f"  - name: {name}\n    task: {{ load: {DIAMOND}-{name} }}\n" for name in ("sampler", "sink"))
ROLES = ITERATOR.format(name="flp", count="flps") + ITERATOR.format(name="epn", count="epns") + ENDS
DEFAULTS = "{ flps: 38, epns: 10, rate: 20, fairmq_prefix: '', fmq_plugin: OCClite, log_task_output: stdout }"


def write(directory: str) -> str:
    """Write the workflow into the cluster in ``directory``; return its name."""
    place = layout(Path(directory)).templates
    for folder in ("workflows", "tasks"):
        (place / folder).mkdir(parents=True, exist_ok=True)
    for name in ("sampler", "processor", "sink"):
        task = f"tasks/{DIAMOND}-{name}.yaml"
        shutil.copyfile(packaged("examples") / task, place / task)
    text = f"name: farm\ndefaults: {DEFAULTS}\nroles:\n{ROLES}"
    (place / "workflows" / f"{WORKFLOW}.yaml").write_text(text)
    return WORKFLOW
