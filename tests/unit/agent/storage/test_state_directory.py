"""What an agent keeps on disk."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.agent.storage import task_record
from salt_o2.agent.storage.state_directory import KEPT_OLD, StateDirectory
from salt_o2.agent.storage.task_record import TaskRecord, report_of
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.commands import Command, Order
from salt_o2.core.messages.reports import Exit, Failure
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskEvent, TaskState, TaskStatus
from salt_o2.core.tasks.next_action import CONTROLLED, is_reached

texts = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)
records = st.builds(
    TaskRecord,
    task=st.just(TaskId("readout")),
    environment=st.just(EnvironmentId("E")),
    revision=st.integers(-1, 10**9),
    goal=st.sampled_from(TaskState),
    launch=st.none() | st.builds(Launch, mode=st.sampled_from(ControlMode), value=st.text(max_size=9)),
    properties=texts,
    configured=st.none() | texts,
    state=st.sampled_from(TaskState),
    exit=st.none() | st.builds(Exit, code=st.integers(0, 255)),
    failure=st.none() | st.builds(Failure, asked=st.text(), state=st.text(), reason=st.text()),
    shim=st.none() | st.integers(1, 2**22),
)


@pytest.fixture
def home(tmp_path):
    return StateDirectory(tmp_path / "agent")


def known(task="readout", **more):
    return TaskRecord(task=TaskId(task), environment=EnvironmentId("E"), **more)


@given(before=records)
def test_a_record_is_read_back_unchanged(tmp_path_factory, before):
    path = tmp_path_factory.mktemp("record") / "task.json"
    task_record.save(before, path)
    assert task_record.load(path) == before


@given(before=records, settled=st.booleans(), alive=st.booleans(), moved_by_user=st.booleans())
def test_a_settled_task_is_at_its_goal_or_reports_a_failure(before, settled, alive, moved_by_user):
    before.settled, before.moved_by_user = settled, moved_by_user
    about = report_of(before, alive=alive)
    there = is_reached(before.mode, before.goal, about.state, alive=alive)
    at_its_end = (about.state, before.goal, about.exit) == (TaskState.DONE, TaskState.RUNNING, Exit(code=0))
    worked = at_its_end and before.mode not in CONTROLLED
    if settled and not (there or worked or moved_by_user):
        assert about.failure is not None
    else:
        assert about.failure == before.failure


@given(junk=st.binary(max_size=200))
def test_no_content_of_a_file_stops_an_agent(tmp_path_factory, junk):
    path = tmp_path_factory.mktemp("record") / "task.json"
    path.write_bytes(junk)
    assert task_record.load(path) is None
    assert path.with_suffix(".bad").read_bytes() == junk


def test_a_half_written_record_does_not_hide_the_one_before(home):
    home.task_directory(TaskId("readout")).save(known(revision=1))
    (home.task_directory(TaskId("readout")).folder / "task.json.new").write_text('{"task": "rea')
    assert [found.revision for found in home.records()] == [1]


def test_a_folder_with_the_record_of_another_task_is_not_read(home):
    home.task_directory(TaskId("readout")).save(known("stfb"))
    assert home.records() == []


def test_only_the_last_finished_tasks_are_archived(home):
    for number in range(KEPT_OLD + 5):
        task = known(f"task-{number}", revision=number)
        home.task_directory(task.task).save(task)
        home.archive(task)
    old = {folder.name for folder in (home.directory / "old").iterdir()}
    assert len(old) == KEPT_OLD
    assert f"task-{KEPT_OLD + 4}" in old
    assert "task-0" not in old
    assert home.records() == []


@pytest.mark.finding("X4")
def test_a_directory_tree_of_any_depth_is_removed_apart_from_the_agents_loop(home):
    task = known("readout", revision=1)
    home.task_directory(task.task).save(task)
    deep_tree(home.task_directory(task.task).folder / "work", levels=2_000)
    home.archive(task)
    assert not (home.directory / "old" / "readout" / "work").exists()
    assert home.has_trash.is_set()
    home.empty_trash()
    assert list((home.directory / "trash").iterdir()) == []


@pytest.mark.finding("X4")
def test_an_agent_that_starts_removes_what_the_agent_before_it_did_not(home):
    (home.directory / "trash" / "17-0").mkdir()
    assert StateDirectory(home.directory).has_trash.is_set()


def deep_tree(folder, levels):
    folder.mkdir(parents=True, exist_ok=True)
    here = os.open(folder, os.O_DIRECTORY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)


def test_the_revision_of_a_task_that_is_done_is_known_to_the_next_agent(home):
    home.remember_done(TaskId("readout"), 7)
    home.remember_done(TaskId("readout"), 9)
    home.remember_done(TaskId("readout"), 8)
    assert StateDirectory(home.directory).ended == {"readout": 9}


def test_a_damaged_list_of_ended_tasks_costs_only_the_damaged_lines(home):
    home.remember_done(TaskId("readout"), 7)
    with (home.directory / "ended").open("ab") as file:
        file.write(b"\xff\xfe nonsense\n\nstfb 3\nx y z\n")
    assert StateDirectory(home.directory).ended == {"readout": 7, "stfb": 3}


def command(**more):
    fields = {"host": HostId("flp1"), "environment": EnvironmentId("E"), "revision": 5, "orders": ()}
    return Command(goal=TaskState.CONFIGURED, **(fields | more))


def test_an_order_without_launch_and_properties_keeps_the_previous_ones():
    launch = Launch(mode=ControlMode.FAIRMQ, value="readout")
    task = known()
    task.apply_order(command(), Order(task=task.task, launch=launch, properties={"a": "1"}))
    assert (task.launch, task.fresh, task.properties) == (launch, True, {"a": "1"})
    task.fresh = False
    task.apply_order(command(revision=6, arguments={"runNumber": "42"}), Order(task=task.task))
    assert (task.launch, task.fresh, task.properties) == (launch, False, {"a": "1"})
    assert (task.revision, task.settled, task.arguments) == (6, False, {"runNumber": "42"})


@pytest.mark.parametrize(
    ("event", "pushed"),
    [
        (TaskEvent.CONFIGURE, {"property": "1"}),
        (TaskEvent.START, {"runNumber": "42"}),
        (TaskEvent.STOP, {"runNumber": "42"}),
        (TaskEvent.RESET, {}),
        (TaskEvent.EXIT, {}),
    ],
)
def test_each_event_carries_its_own_properties_and_arguments(event, pushed):
    task = known(properties={"property": "1"}, arguments={"runNumber": "42"})
    assert task.arguments_for(event) == pushed


def test_a_basic_task_is_active_before_its_process_starts():
    launch = Launch(mode=ControlMode.BASIC, value="x")
    waiting = report_of(known(launch=launch, state=TaskState.CONFIGURED), alive=False)
    over = report_of(known(launch=launch, state=TaskState.DONE), alive=False)
    assert (waiting.status, over.status) == (TaskStatus.ACTIVE, TaskStatus.INACTIVE)


def test_a_pid_is_reported_only_of_a_running_process():
    assert report_of(known(pid=42), alive=True).pid == 42
    assert report_of(known(pid=42), alive=False).pid is None


def test_no_file_of_an_agent_can_be_read_or_locked_by_others(tmp_path):
    former = os.umask(0o022)
    try:
        home = StateDirectory(tmp_path / "agent")
        for number in range(3):
            home.remember_done(TaskId(f"t{number}"), number)
        home.last_run.record({"run_number": "7"})
        task = home.task_directory(TaskId("a"))
        task.save(TaskRecord(task=TaskId("a"), environment=EnvironmentId("E")))
        shorter = StateDirectory(tmp_path / "agent")
        shorter._ended_file.write_text("".join(f"t{n} 1\n" for n in range(30_000)))
        StateDirectory(tmp_path / "agent")
    finally:
        os.umask(former)
    files = [path for path in (tmp_path / "agent").rglob("*") if path.is_file()]
    assert files
    assert [path.name for path in files if path.stat().st_mode & 0o077] == []
