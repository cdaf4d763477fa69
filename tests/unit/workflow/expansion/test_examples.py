"""The examples: each loads and can be planned, on the Python devices and on FairMQ's own."""

from pathlib import Path

import pytest

from salt_o2.workflow import Directory, load
from tests.support.builders.templates import facts, inventory, paths, plan

EXAMPLES = Directory(Path(__file__).parents[4] / "examples")
NAMES = [name for name, _ in EXAMPLES.workflows()]
PROGRAMS = "fairmq-ex-with-programs"
QC = """
source-1 step-1 sink-1 Dispatcher1 dataSizeTask1
source-2 step-2 sink-2 Dispatcher2 dataSizeTask2
source-3 step-3 sink-3 Dispatcher3 dataSizeTask3
dataSizeTask-merger dataSizeTask-checker someNumbersTask someNumbersTask-checker dpl-global-binary-file-sink
"""


def test_every_example_has_a_description():
    listed = dict(EXAMPLES.workflows())
    assert {"fairmq-ex-1-n-1", "fairmq-ex-copypush", "qc-advanced-root"} <= set(listed)
    assert all(listed.values())


def test_the_diamond_has_the_roles_of_the_talk():
    assert paths(load(EXAMPLES, "fairmq-ex-1-n-1")) == [
        *(f"diamond.processors.processor{number}" for number in range(4)),
        "diamond.sampler",
        "diamond.sink",
    ]


@pytest.mark.parametrize("count", [1, 7, 100])
def test_the_diamond_has_as_many_processors_as_asked_for(count):
    assert len(load(EXAMPLES, "fairmq-ex-1-n-1", variables={"processors": str(count)}).tasks) == count + 2


@pytest.mark.parametrize("name", ["fairmq-ex-copypush", "copypush"])
def test_copypush_expands_to_four_sinks_and_a_sampler(name):
    workflow = load(EXAMPLES, name)
    assert paths(workflow) == [*(f"copypush.sink{number}" for number in range(4)), "copypush.sampler"]
    assert {task.connect[0].target for task in workflow.tasks[:4]} == {"copypush.sampler:data"}


def test_quality_control_has_the_twenty_tasks_of_the_talk():
    assert set(paths(load(EXAMPLES, "qc-advanced-root"))) == {
        f"qc-advanced-root.{name}" for name in QC.split()
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_channel_of_an_example_has_a_peer(name):
    tasks = load(EXAMPLES, name).tasks
    asked = {channel.target for task in tasks for channel in task.connect}
    for task in tasks:
        for channel in task.bind:
            assert {f"{task.path}:{channel.name}", f"::{channel.alias}"} & asked


@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_on_python_devices_by_default(name):
    plain = {"/bin/sh"} if name == PROGRAMS else set()
    assert {task.launch.value for task in plan(load(EXAMPLES, name)).tasks} == {"o2-device"} | plain


@pytest.mark.parametrize("plugin", ["OCC", "OCClite"])
@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_on_fairmqs_own_devices(name, plugin):
    variables = {"fairmq_prefix": "/opt/fairmq", "fmq_plugin": plugin}
    for task in plan(load(EXAMPLES, name, variables=variables)).tasks:
        if task.class_name == "plain-program":
            continue
        assert task.launch.value.startswith("/opt/fairmq/bin/fairmq-")
        assert task.launch.codec == plugin
        assert "" not in task.launch.arguments


def test_the_diamond_with_programs_has_a_critical_and_an_uncritical_program():
    tasks = {task.path: task for task in plan(load(EXAMPLES, PROGRAMS)).tasks}
    assert tasks["with-programs.recorder"].critical
    assert not tasks["with-programs.monitor"].critical
    assert {"with-programs.diamond.sampler", "with-programs.diamond.sink"} < set(tasks)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_spreads_over_the_hosts_there_are(name):
    hosts = inventory(**{f"flp{number}": facts(f"10.0.0.{number}") for number in range(3)})
    assert {task.host for task in plan(load(EXAMPLES, name), hosts).tasks} == set(hosts.hosts)


@pytest.mark.parametrize("name", NAMES)
def test_two_hundred_devices_fit_a_small_machine(name):
    small = inventory(flp1=facts(cpus=2.0, memory_mb=8000.0))
    for number in range(200 // 20):
        small.allocate(f"E{number}", plan(load(EXAMPLES, name), small))
