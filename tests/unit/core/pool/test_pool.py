"""The pool as a value: its entries, orders and announcements."""

from salt_o2.core.ids import POOL
from salt_o2.core.messages.announcements import AnnounceMoves, AnnouncePoolExit
from salt_o2.core.messages.effects import ResendAsJob, SendCommand
from salt_o2.core.messages.reports import Failure, HostFacts, Report, TaskReport
from salt_o2.core.pool.entries import RemoveEntry, StoreEntry
from salt_o2.core.pool.limits import PoolLimits
from salt_o2.core.pool.pool import REPEAT_S, Pool
from salt_o2.core.states import TaskState, TaskStatus
from tests.support.builders.plans import planned

NOW = 1000.0
FACTS = HostFacts(address="10.0.0.1", network="n", cpus=8, memory_mb=8000)


def report(task, environment="env", revision=5, **other):
    fields = {"settled": True, "status": TaskStatus.ACTIVE, "state": TaskState.STANDBY, "pid": 4711}
    return TaskReport(task=task, environment=environment, revision=revision, **(fields | other))


def from_host(host, *tasks, facts=None):
    return Report(host=host, incarnation="1", sequence=1, tasks=tasks, facts=facts)


def gone(task, **other):
    return report(task, status=TaskStatus.INACTIVE, state=TaskState.DONE, **other)


def broken(task, **other):
    failure = Failure(asked="stay STANDBY", state="IDLE", reason="killed by signal 9")
    fields = {"status": TaskStatus.INACTIVE, "state": TaskState.ERROR, "failure": failure}
    return report(task, **(fields | other))


def pool_of(*names, host="flp1", at=NOW, **bounds):
    pool = Pool(PoolLimits(**bounds))
    keep(pool, *names, host=host, at=at)
    return pool


def keep(pool, *names, host="flp1", at=NOW, revision=5):
    tasks = [(planned(name, host), report(name)) for name in names]
    return pool.accept(tasks, "env", revision, at, user="teo")


def names(entries):
    return [entry.task.id for entry in entries]


def only(effects, kind):
    return [effect for effect in effects if isinstance(effect, kind)]


def orders(effects, kind=SendCommand):
    """Which tasks each command orders to which goal, at which revision."""
    return [
        (each.command.host, each.command.goal, each.command.revision, [o.task for o in each.command.orders])
        for each in only(effects, kind)
    ]


def test_a_transfer_is_persisted_before_the_host_gets_the_new_owner():
    pool = Pool(PoolLimits())
    effects = keep(pool, "a", "b")
    assert [type(effect) for effect in effects] == [StoreEntry, StoreEntry, SendCommand, AnnounceMoves]
    assert orders(effects) == [("flp1", TaskState.STANDBY, 6, ["a", "b"])]
    assert effects[2].command.environment == POOL


def test_an_order_of_the_pool_starts_nothing():
    effects = keep(Pool(PoolLimits()), "a")
    assert all(order.launch is None for order in effects[1].command.orders)


def test_a_transferred_task_can_be_claimed_at_once():
    pool = pool_of("a", "b")
    assert names(pool.claimable({"flp1"})) == ["a", "b"]


def test_a_claimed_task_is_removed_from_the_pool():
    pool = pool_of("a", "b")
    assert pool.claim(["a"]) == [RemoveEntry(task="a")]
    assert names(pool.claimable({"flp1"})) == ["b"]


def test_no_task_of_an_absent_host_is_claimable():
    pool = pool_of("a")
    assert pool.claimable({"flp2"}) == []
    assert names(pool.waiting) == ["a"]


def test_after_a_restart_a_task_is_claimable_when_its_agent_reports_it_idle():
    pool = Pool(PoolLimits(), pool_of("a").entries.values())
    assert pool.claimable({"flp1"}) == []
    pool.apply_report(from_host("flp1", report("a", POOL, 6)), NOW)
    assert names(pool.claimable({"flp1"})) == ["a"]


def test_a_task_that_a_user_moves_manually_is_not_claimable():
    pool = pool_of("a")
    pool.apply_report(from_host("flp1", report("a", POOL, 6, state=TaskState.CONFIGURED)), NOW)
    assert pool.claimable({"flp1"}) == []
    assert names(pool.waiting) == ["a"]


def test_a_pooled_task_that_dies_is_announced_and_stopped_with_a_higher_revision():
    pool = pool_of("a", "b")
    effects = pool.apply_report(from_host("flp1", broken("a", environment=POOL, revision=9)), NOW)
    assert names(pool.waiting) == ["b"]
    assert orders(effects) == [("flp1", TaskState.DONE, 10, ["a"])]
    assert only(effects, AnnouncePoolExit) == [
        AnnouncePoolExit(
            environment=POOL, task="a", class_name="class-of-a", host="flp1", reason="killed by signal 9"
        )
    ]


def test_a_stopping_task_keeps_its_resources_until_its_host_reports_done():
    pool = pool_of("a")
    pool.stop(["a"], "cleaned", NOW)
    assert pool.apply_report(from_host("flp1", report("a", POOL, 7)), NOW) == []
    assert "a" in pool.entries
    effects = pool.apply_report(from_host("flp1", gone("a", environment=POOL, revision=7)), NOW)
    assert effects == [
        RemoveEntry(task="a"),
        AnnounceMoves(environment=POOL, host="flp1", moves={"a": TaskState.DONE}),
    ]
    assert not pool.entries


def test_a_stopping_task_gets_no_second_order_to_stop():
    pool = pool_of("a")
    assert pool.stop(["a"], "cleaned", NOW)
    assert pool.stop(["a"], "cleaned", NOW) == []
    assert pool.apply_report(from_host("flp1", broken("a")), NOW) == []


def test_a_host_speaks_for_its_own_tasks_only():
    pool = pool_of("a")
    assert pool.apply_report(from_host("flp2", broken("a")), NOW) == []
    assert names(pool.claimable({"flp1"})) == ["a"]


def test_a_task_that_a_survey_lacks_is_removed():
    pool = pool_of("a", "b")
    effects = pool.apply_report(from_host("flp1", report("b"), facts=FACTS), NOW)
    assert [type(effect) for effect in effects] == [RemoveEntry, AnnouncePoolExit]
    assert names(pool.waiting) == ["b"]


def test_a_survey_of_one_host_says_nothing_of_another():
    pool = pool_of("a")
    assert pool.apply_report(from_host("flp2", facts=FACTS), NOW) == []
    assert names(pool.waiting) == ["a"]


def test_a_lost_order_is_sent_again_as_a_salt_job_until_it_is_acknowledged():
    pool = pool_of("a")
    pool.apply_report(from_host("flp1", report("a", "env", 5)), NOW)  # it believes that it belongs to env
    assert pool.tick(NOW + REPEAT_S / 2, {"flp1"}) == []
    assert orders(pool.tick(NOW + REPEAT_S, {"flp1"}), ResendAsJob) == [("flp1", TaskState.STANDBY, 6, ["a"])]
    assert pool.tick(NOW + REPEAT_S + 1, {"flp1"}) == []
    pool.apply_report(from_host("flp1", report("a", POOL, 6)), NOW)
    assert pool.tick(NOW + 3 * REPEAT_S, {"flp1"}) == []


def test_an_absent_host_gets_no_order():
    pool = pool_of("a")
    assert pool.tick(NOW + REPEAT_S, set()) == []


def test_beyond_the_limit_of_a_host_the_oldest_tasks_are_stopped():
    pool = pool_of("old", per_host=2)
    effects = keep(pool, "a", "b", at=NOW + 1)
    assert names(pool.waiting) == ["a", "b"]
    assert [left.task for left in only(effects, AnnouncePoolExit)] == ["old"]


def test_another_host_has_room_of_its_own():
    pool = pool_of("a", per_host=1)
    keep(pool, "b", host="flp2")
    assert names(pool.waiting) == ["a", "b"]


def test_beyond_the_limit_of_the_pool_the_oldest_tasks_are_stopped():
    pool = pool_of("a", total=1)
    effects = keep(pool, "b", host="flp2", at=NOW + 1)
    assert names(pool.waiting) == ["b"]
    assert only(effects, AnnouncePoolExit)[0].reason == "more than 1 tasks were in the pool"


def test_a_task_that_waits_too_long_is_stopped():
    pool = pool_of("a", idle_s=60)
    assert pool.tick(NOW + 60, set()) == []
    effects = pool.tick(NOW + 61, set())
    assert orders(effects) == [("flp1", TaskState.DONE, 7, ["a"])]
    assert pool.entries["a"].reason == "not claimed by an environment within 60 s"


def test_a_pool_of_size_zero_accepts_no_task():
    pool = Pool(PoolLimits(total=0))
    keep(pool, "a")
    assert pool.waiting == []
    assert pool.entries["a"].goal is TaskState.DONE


def test_the_tasks_that_the_pool_would_accept_are_known_beforehand():
    pool = pool_of("a", per_host=2)
    coming = [planned(name, "flp1") for name in ("b", "c", "d")]
    assert pool.accepts(coming, NOW + 1) == {"b", "c"}
    assert names(pool.waiting) == ["a"]


def test_no_two_orders_have_the_same_revision_whatever_the_previous_owner_was():
    pool = Pool(PoolLimits())
    effects = [*keep(pool, "a", revision=5), *keep(pool, "b", revision=5), *keep(pool, "c", revision=2)]
    effects += pool.stop(["a", "b"], "cleaned", NOW)
    assert [(revision, tasks) for _, _, revision, tasks in orders(effects)] == [
        (6, ["a"]),
        (7, ["b"]),
        (8, ["c"]),
        (9, ["a", "b"]),
    ]


def test_a_pool_that_was_found_again_orders_above_what_was_ordered_before():
    pool = Pool(PoolLimits(), pool_of("a").entries.values())
    assert orders(pool.stop(["a"], "cleaned", NOW)) == [("flp1", TaskState.DONE, 7, ["a"])]


def test_a_claimed_task_may_be_transferred_again():
    pool = pool_of("a")
    pool.claim(["a"])
    effects = keep(pool, "a", revision=20)
    assert orders(effects) == [("flp1", TaskState.STANDBY, 21, ["a"])]
