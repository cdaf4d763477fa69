"""The log of changes: what a watcher that has one revision gets, and that nothing is queued for it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.control.environments import change_log
from salt_o2.control.environments.change_log import ChangeLog
from salt_o2.core.messages.announcements import AnnounceHost, AnnounceMoves, AnnounceState
from salt_o2.core.states import EnvironmentState, TaskState


def state_news(environment="E1"):
    return AnnounceState(environment=environment, state=EnvironmentState.RUNNING, run_number=7)


def test_a_watcher_gets_each_task_once_with_its_last_change():
    log = ChangeLog("epoch")
    log.record_step("E1", {"t1"}, new_plan=False)
    seen = log.revision
    log.record_step("E1", {"t2"}, new_plan=False)
    log.record_step("E1", {"t2", "t3"}, new_plan=False)
    assert set(log.tasks_since("E1", seen)) == {"t2", "t3"}
    assert log.tasks_since("E1", log.revision) == []


def test_a_task_that_changes_again_is_reported_again():
    log = ChangeLog("epoch")
    log.record_step("E1", {"t1"}, new_plan=False)
    log.record_step("E1", {"t2"}, new_plan=False)
    seen = log.revision
    log.record_step("E1", {"t1"}, new_plan=False)
    assert log.tasks_since("E1", seen) == ["t1"]


def test_a_new_plan_makes_the_watcher_read_all_tasks_of_the_environment_again():
    log = ChangeLog("epoch")
    log.record_step("E1", {"t1"}, new_plan=False)
    seen = log.revision
    assert not log.has_plan_since("E1", seen)
    log.record_step("E1", (), new_plan=True)
    assert log.has_plan_since("E1", seen)
    assert not log.has_plan_since("E1", log.revision)


def test_an_ended_environment_is_reported_as_ended_and_not_as_changed():
    log = ChangeLog("epoch")
    log.record_step("E1", {"t1"}, new_plan=False)
    log.record_step("E2", {"t1"}, new_plan=False)
    seen = log.revision
    log.record_end("E1")
    assert log.ended_since(seen) == ["E1"]
    assert log.environments_since(0) == ["E2"]
    assert log.tasks_since("E1", 0) == []


def test_a_watcher_of_another_epoch_has_nothing_that_holds():
    log = ChangeLog("new")
    log.record_step("E1", (), new_plan=False)
    assert log.is_complete("new", 0)
    assert not log.is_complete("old", 1)
    assert not log.is_complete("new", log.revision + 1)


def test_moves_of_tasks_are_no_news_because_the_tasks_are_recorded():
    log = ChangeLog("epoch")
    log.record_news(AnnounceMoves(environment="E1", host="flp1", moves={"t1": TaskState.RUNNING}), 1.0)
    assert log.revision == 0
    log.record_news(state_news(), 2.0)
    news, gap = log.news_since(0)
    assert [each.news.state for each in news] == ["RUNNING"]
    assert not gap


def test_news_about_a_host_change_the_environments_on_it():
    log = ChangeLog("epoch")
    log.record_step("E1", (), new_plan=False)
    seen = log.revision
    host = AnnounceHost(host="flp1", status="SILENT", reason="", quiet_s=6.0, environments=("E1",))
    log.record_news(host, 1.0)
    assert log.environments_since(seen) == ["E1"]


def test_a_watcher_learns_that_news_are_missing(monkeypatch):
    monkeypatch.setattr(change_log, "MOST_NEWS", 3)
    log = ChangeLog("epoch")
    log._news = type(log._news)(maxlen=3)
    for _ in range(5):
        log.record_news(state_news(), 1.0)
    news, gap = log.news_since(1)
    assert [each.revision for each in news] == [3, 4, 5]
    assert gap
    assert log.news_since(2) == (news, False)


def test_each_change_wakes_the_watchers_that_wait():
    log, woken = ChangeLog("epoch"), []
    log.waiting.add(lambda: woken.append(log.revision))
    log.record_step("E1", (), new_plan=False)
    log.record_news(state_news(), 1.0)
    log.record_end("E1")
    assert woken == [1, 2, 3]


ENVIRONMENTS, TASKS = ("E1", "E2", "E3"), ("t1", "t2", "t3", "t4")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(ENVIRONMENTS),
        st.one_of(st.none(), st.sets(st.sampled_from(TASKS))),
        st.booleans(),
    ),
    max_size=40,
)


@settings(max_examples=200)
@given(steps=STEPS, polls=st.sets(st.integers(0, 40)))
def test_a_watcher_that_asks_at_any_moments_knows_the_same_as_one_that_saw_all(steps, polls):
    """The state of each task is the number of the step that changed it last; ``None`` ends an environment."""
    log = ChangeLog("epoch")
    true, shown, since = {}, {}, 0

    def poll():
        nonlocal since
        for id in log.ended_since(since):
            shown.pop(id, None)
        for id in log.environments_since(since):
            whole = id not in shown or log.has_plan_since(id, since)
            tasks = list(true[id]) if whole else log.tasks_since(id, since)
            shown[id] = ({} if whole else shown[id]) | {task: true[id][task] for task in tasks}
        since = log.revision

    for number, (id, tasks, new_plan) in enumerate(steps):
        if tasks is None:
            if true.pop(id, None) is not None:
                log.record_end(id)
        else:
            kept = {} if new_plan else true.get(id, {})
            true[id] = kept | dict.fromkeys(tasks, number)
            log.record_step(id, tasks, new_plan=new_plan or not kept)
        log.check_invariants()
        if number in polls:
            poll()
            assert shown == true
    poll()
    assert shown == true
