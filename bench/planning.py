"""Measure expansion and planning of workflows with many tasks, each size in a process of its own."""

import itertools
import resource
import subprocess
import sys
import time

from salt_o2.control.planning.plan_builder import make_plan
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.inventory import Inventory
from salt_o2.presentation.layout import table
from salt_o2.workflow import Template, load

SIZES = (1_000, 10_000, 100_000)
PER_HOST = 50
WORKFLOW = """
name: flow
defaults: {rate: "10", mode: fast}
vars: {label: "run-{{ mode }}"}
roles:
  - name: "host{{ h }}"
    for: {begin: 1, end: "{{ hosts }}", var: h}
    vars: {host: "flp{{ h }}"}
    constraints: [{attribute: machine_id, value: "{{ host }}"}]
    roles:
      - name: sampler
        task: {load: sampler}
      - name: "processor{{ i }}"
        for: {begin: 2, end: "{{ per_host }}", var: i}
        connect: [{name: data, type: pull, target: "{{ Parent().Path }}.sampler:data"}]
        task: {load: processor}
"""
SAMPLER = """
name: sampler
control: {mode: fairmq}
wants: {cpu: 0.1, memory: 50}
bind: [{name: data, type: push, rateLogging: "{{ rate }}"}]
command: {value: o2-sampler, arguments: ["--rate", "{{ rate }}", "--id", "{{ task_id }}"]}
properties: {severity: info, label: "{{ label }}"}
"""
PROCESSOR = """
name: processor
control: {mode: fairmq}
wants: {cpu: 0.1, memory: 50}
command: {value: o2-processor, arguments: ["--mode", "{{ mode }}", "--id", "{{ task_id }}"]}
properties: {severity: info, label: "{{ label }}"}
"""


class Texts:
    """The templates above as a source."""

    def workflow(self, name: str) -> Template:
        return Template(name, f"{name}.yaml", WORKFLOW)

    def task(self, name: str) -> Template:
        return Template(name, f"{name}.yaml", {"sampler": SAMPLER, "processor": PROCESSOR}[name])

    def revision(self) -> str:
        return ""


def main() -> None:
    """Print the table."""
    rows = [_measured(size) for size in SIZES]
    print("\nexpanding and planning, 50 tasks a host; processor time of one core")
    print(table(("TASKS", "EXPAND (s)", "PLAN (s)", "BOTH (s)", "PER TASK (µs)", "PEAK RSS (MB)"), rows))


def _measured(size: int) -> tuple[str, ...]:
    command = [sys.executable, "-m", "bench.planning", str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    expand, plan, peak = map(float, done.stdout.split())
    both = expand + plan
    figures = (f"{expand:.2f}", f"{plan:.2f}", f"{both:.2f}", f"{both / size * 1e6:.0f}", f"{peak:.0f}")
    return (f"{size:,}", *figures)


def _measure(size: int) -> None:
    """Print seconds to expand, seconds to plan, and megabytes."""
    hosts, inventory = size // PER_HOST, Inventory()
    for number in range(1, hosts + 1):
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        facts = HostFacts(address=address, network=address, cpus=64.0, memory_mb=256_000.0)
        inventory.add_host(HostId(f"flp{number}"), facts)
    ids = itertools.count()
    begin = time.process_time()
    workflow = load(Texts(), "flow", variables={"hosts": str(hosts), "per_host": str(PER_HOST)})
    expanded = time.process_time()
    plan = make_plan(workflow, inventory, EnvironmentId("bench"), lambda: TaskId(f"T{next(ids)}"))
    planned = time.process_time()
    assert len(plan.tasks) == size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(expanded - begin, planned - expanded, peak)


if __name__ == "__main__":
    _measure(int(sys.argv[1])) if len(sys.argv) > 1 else main()
