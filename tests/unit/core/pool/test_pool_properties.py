"""What is true of the pool whatever comes: environments, agents, deaths, losses, restarts, in any order."""

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from salt_o2.core.ids import POOL
from salt_o2.core.messages.effects import ResendAsJob, SendCommand
from salt_o2.core.messages.reports import HostFacts, Report, TaskReport
from salt_o2.core.pool.entries import RemoveEntry, StoreEntry
from salt_o2.core.pool.limits import PoolLimits
from salt_o2.core.pool.pool import Pool
from salt_o2.core.states import TaskState, TaskStatus
from tests.support.builders.plans import planned

HOSTS = ("flp1", "flp2")
BOUNDS = PoolLimits(per_host=3, total=4, idle_s=50)
FACTS = HostFacts(address="10.0.0.1", network="n", cpus=8, memory_mb=8000)
hosts = st.sampled_from(HOSTS)
choices = st.randoms(use_true_random=False)


class RandomPool(RuleBasedStateMachine):
    """A pool, a store and two agents; commands may be lost, and each of them may be killed at any time."""

    def __init__(self):
        super().__init__()
        self.at = 1000.0
        self.pool = Pool(BOUNDS)
        self.disk = {}
        self.agents = {host: {} for host in HOSTS}
        self.owned = {}
        """Tasks that an environment has claimed, each with what its agent says of it, if it knows it."""
        self.orders = {}
        self.count = 0

    def carry_out(self, effects, heard=True):
        for effect in effects:
            match effect:
                case StoreEntry(entry=entry):
                    self.disk[entry.task.id] = entry
                case RemoveEntry(task=task):
                    del self.disk[task]
                case SendCommand(command=command) | ResendAsJob(command=command):
                    for order in command.orders:
                        assert order.task in self.disk, "nothing is ordered that is not on disk"
                        known = self.orders.get(order.task, (0, None))
                        order_now = (command.revision, command.goal)
                        assert order_now == known or command.revision > known[0]
                        self.orders[order.task] = order_now
                    if heard:
                        self.accept_command(command)

    def accept_command(self, command):
        here = self.agents[command.host]
        for order in command.orders:
            about = here.get(order.task)
            if about is None or about.revision >= command.revision:
                continue
            done = command.goal is TaskState.DONE
            here[order.task] = replace(
                about,
                environment=command.environment,
                revision=command.revision,
                state=TaskState.DONE if done or about.state is TaskState.DONE else about.state,
                status=TaskStatus.INACTIVE if done else about.status,
            )

    @rule(host=hosts, size=st.integers(1, 3), heard=st.booleans())
    def an_environment_leaves_tasks(self, host, size, heard):
        left = []
        for _ in range(size):
            self.count += 1
            task = planned(f"t{self.count}", host)
            about = TaskReport(
                task=task.id,
                environment="env",
                revision=5,
                settled=True,
                status=TaskStatus.ACTIVE,
                state=TaskState.STANDBY,
            )
            self.agents[host][task.id] = about
            left.append((task, about))
        self.carry_out(self.pool.accept(left, "env", 5, self.at), heard)

    @rule(choice=choices)
    def another_claims_one(self, choice):
        free = self.pool.claimable(HOSTS)
        if free:
            entry = choice.choice(free)
            about = self.agents[entry.task.host].pop(
                entry.task.id, None
            )  # or lost, which control does not know yet
            self.carry_out(self.pool.claim([entry.task.id]))
            self.owned[entry.task.id] = entry, about
            assert about is None or about.revision <= entry.revision, "its new owner's orders are above"

    @rule(choice=choices, orders=st.integers(1, 3), heard=st.booleans())
    def a_run_leaves_one_that_it_had_claimed(self, choice, orders, heard):
        """It has ordered it a few times since, above the pool; now it rests again."""
        there = sorted(task for task, (_, about) in self.owned.items() if about)
        if there:
            entry, about = self.owned.pop(choice.choice(there))
            revision = entry.revision + orders
            rests = replace(
                about,
                environment="env",
                revision=revision,
                state=TaskState.STANDBY,
                status=TaskStatus.ACTIVE,
            )
            self.agents[entry.task.host][entry.task.id] = rests
            self.carry_out(self.pool.accept([(entry.task, rests)], "env", revision, self.at), heard)

    @rule(choice=choices)
    def a_process_dies(self, choice):
        alive = [
            (host, task)
            for host, here in self.agents.items()
            for task, about in here.items()
            if about.status is TaskStatus.ACTIVE
        ]
        if alive:
            host, task = choice.choice(sorted(alive))
            here = self.agents[host]
            here[task] = replace(here[task], status=TaskStatus.INACTIVE, state=TaskState.ERROR)

    @rule(host=hosts, survey=st.booleans(), heard=st.booleans())
    def an_agent_reports(self, host, survey, heard):
        tasks = tuple(self.agents[host].values())
        report = Report(host=host, incarnation="1", sequence=1, tasks=tasks, facts=FACTS if survey else None)
        effects = self.pool.apply_report(report, self.at)
        self.agents[host] = {
            task: about for task, about in self.agents[host].items() if about.state is not TaskState.DONE
        }
        self.carry_out(effects, heard)

    @rule(choice=choices, state=st.sampled_from([TaskState.STANDBY, TaskState.ERROR, TaskState.DONE]))
    def another_host_speaks_of_one(self, choice, state):
        """It is not believed: nothing follows, and nothing of the pool changes."""
        if self.pool.entries:
            before = dict(self.pool.entries)
            entry = before[choice.choice(sorted(before))]
            about = TaskReport(
                task=entry.task.id,
                environment=POOL,
                revision=entry.revision + 1,
                settled=True,
                status=TaskStatus.INACTIVE,
                state=state,
            )
            other = next(host for host in HOSTS if host != entry.task.host)
            report = Report(host=other, incarnation="1", sequence=1, tasks=(about,))
            assert self.pool.apply_report(report, self.at) == []
            assert self.pool.entries == before

    @rule(host=hosts)
    def a_host_forgets_everything(self, host):
        self.agents[host] = {}

    @rule(choice=choices, heard=st.booleans())
    def user_cleans(self, choice, heard):
        some = [task for task in self.pool.entries if choice.random() < 0.5]
        self.carry_out(self.pool.stop(some, "cleaned", self.at), heard)

    @rule(seconds=st.floats(0, 60), there=st.sets(hosts), heard=st.booleans())
    def time_passes(self, seconds, there, heard):
        self.at += seconds
        self.carry_out(self.pool.tick(self.at, there), heard)

    @rule()
    def control_is_killed(self):
        self.pool = Pool(BOUNDS, self.disk.values())

    @invariant()
    def the_store_has_what_the_pool_has(self):
        assert self.disk == self.pool.entries

    @invariant()
    def no_task_has_two_owners(self):
        assert not self.owned.keys() & self.pool.entries.keys()

    @invariant()
    def the_bounds_hold(self):
        waiting = self.pool.waiting
        assert len(waiting) <= BOUNDS.total
        assert all(sum(e.task.host == host for e in waiting) <= BOUNDS.per_host for host in HOSTS)

    @invariant()
    def only_who_waits_is_free(self):
        assert all(entry.goal is TaskState.STANDBY for entry in self.pool.claimable(HOSTS))

    def teardown(self):
        """After any history the pool is empty once all tasks are stopped and all hosts have reported."""
        self.carry_out(self.pool.stop(list(self.pool.entries), "the end", self.at))
        for _ in range(3):
            self.at += 10
            self.carry_out(self.pool.tick(self.at, HOSTS))
            for host in HOSTS:
                self.an_agent_reports(host, True, True)
        assert not self.pool.entries
        assert not any(
            about.environment == POOL and about.status is TaskStatus.ACTIVE
            for here in self.agents.values()
            for about in here.values()
        )


TestRandomPool = RandomPool.TestCase
