"""Plays a story: reads what is given and what happens, and writes down what the real machine makes of it.

A story is a text in three parts: prose (``#``), what is given, and steps. A step is a line that begins with
``when``; the indented lines below it are what follows from it, and are what a golden file is compared by.
README.md beside the stories has the grammar.
"""

import re
from dataclasses import replace

from salt_o2.core.codec import plain, typed
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import O2Error
from salt_o2.core.messages.effects import CallIntegration, ResendAsJob, SendCommand
from salt_o2.core.messages.inputs import (
    CallEnded,
    HostLost,
    HostRenamed,
    Modified,
    RecoverTask,
    Requested,
    RescheduleFailed,
    TasksMoved,
    Tick,
)
from salt_o2.core.messages.reports import Exit, Failure, TaskReport
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.moments import parse
from salt_o2.core.plan.plan import PlannedCall
from salt_o2.core.recovery import snapshot
from salt_o2.core.states import ControlMode, EnvironmentEvent, TaskState, TaskStatus
from tests.support.builders.plans import plan_of, planned
from tests.support.scenarios.wording import Words

TICKS_AT_MOST = 50


class ScenarioSyntaxError(Exception):
    """A line that is no sentence of a story."""


class ScenarioSetup:
    """What a story begins with, collected line by line."""

    def __init__(self):
        self.tasks, self.calls, self.variables, self.tolerate = [], [], {}, 0
        self.events, self.run = (), None

    def plan(self):
        return plan_of(*self.tasks, tolerate=self.tolerate, calls=tuple(self.calls), **self.variables)

    def begun(self):
        """Return the play, at the point where its story begins."""
        play = ScenarioPlayer(self.plan())
        if self.events:
            play.ask("somebody", ", ".join(self.events), f"as run {self.run}" if self.run else "")
            play.all_obey()
        return play

    def task(self, name, host, traits):
        self.tasks.append(task_of(name, host, traits or ""))

    def call(self, name, func, moment, traits):
        about = _traits(traits or "")
        until = about.get("awaited at", moment)
        self.calls.append(
            PlannedCall(
                path=f"root.{name}",
                func=func,
                trigger=parse(moment),
                until=parse(until),
                result=about.get("result", ""),
                timeout_s=float(about.get("timeout", 30)),
                critical="not critical" not in about,
            )
        )

    def variable(self, name, value):
        self.variables[name] = value

    def tolerates(self, count):
        self.tolerate = int(count)

    def already(self, state, run):
        way = {"DEPLOYED": 1, "CONFIGURED": 2, "RUNNING": 3}[state]
        self.events, self.run = ("DEPLOY", "CONFIGURE", "START_ACTIVITY")[:way], run


GIVEN = (
    (r"task (\S+) on (\w+)(?:: (.*))?", ScenarioSetup.task),
    (r"call (\w+) is (\S+\(.*?\)) at (\S+?)(?:: (.*))?", ScenarioSetup.call),
    (r"(\w+) = (.*)", ScenarioSetup.variable),
    (r"(\d+) loss(?:es)? tolerated", ScenarioSetup.tolerates),
    (r"it is (DEPLOYED|CONFIGURED|RUNNING)(?: in run (\d+))?", ScenarioSetup.already),
)


def task_of(name, host, traits):
    """Return a task as a story describes it: ``basic, not critical, policy stop, hook at before_DEPLOY``."""
    about = _traits(traits)
    moment = about.get("hook at")
    kind = ControlMode.HOOK if moment else ControlMode.BASIC if "basic" in about else ControlMode.FAIRMQ
    return planned(
        name,
        host,
        critical="not critical" not in about,
        launch=Launch(mode=kind, value=name),
        properties={} if kind is not ControlMode.FAIRMQ else {"rate": "1"},
        recovery=about.get("policy", "fail"),
        ends_data="ends the data" in about,
        trigger=parse(moment) if moment else None,
        timeout_s=float(about.get("timeout", 30)),
    )


def _traits(text):
    known = ("hook at", "awaited at", "policy", "timeout", "result")
    about = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key = next((name for name in known if part.startswith(f"{name} ")), part)
        about[key] = part.removeprefix(key).strip()
    return about


class ScenarioPlayer:
    """One environment, the hosts of its tasks as they really are, and the messages on their way."""

    def __init__(self, plan):
        self.environment = Environment("E", plan)
        self.words = Words(self.environment)
        self.words.news_of_state(0.0)
        self.at = 1000.0
        self.orders = {}  # by host: the last order of each task that its host has not answered
        self.world = {}  # what each task truly is, whether control has heard of it or not
        self.sent = {}  # by host: all reports
        self.calls = {}
        self.requests = 0

    def step(self, message):
        """Give the machine one message; return what follows in words."""
        try:
            effects = self.environment.step(message)
        except O2Error as error:
            head, *rest = str(error).splitlines()
            return [f"refused, {error.kind}: {head}", *(f"  | {line}" for line in rest)]
        finally:
            self.environment.model.check_invariants()
        for effect in effects:
            self._note(effect)
        told = [line for effect in effects for line in self.words.effect(effect)]
        return told + self.words.news_of_state(self.at)

    def _note(self, effect):
        match effect:
            case SendCommand(command=command) | ResendAsJob(command=command):
                for order in command.orders:
                    self.orders.setdefault(command.host, {})[order.task] = command
            case CallIntegration(call=call):
                self.calls[call.removeprefix("root.").partition("#")[0]] = call

    def _request(self, who, what):
        self.requests += 1
        name = f"r{self.requests}"
        self.words.asked[name] = f"{who}'s {what}"
        return name

    # --- sentences ------------------------------------------------------------------------------

    def ask(self, who, events, rest):
        about = _options(rest or "")
        wanted = tuple(EnvironmentEvent(event.strip()) for event in events.split(","))
        return self.step(
            Requested(
                at=self.at,
                request=self._request(who, ", ".join(wanted)),
                events=wanted,
                user=who,
                run_number=int(about["as run"]) if "as run" in about else None,
                undo="to be undone if it fails" in about,
                automatic="going on by itself" in about,
                reason=about.get("because", ""),
            )
        )

    def accept_command(self, host):
        """Let a host bring its tasks where it was told to, and report."""
        wanted = self.orders.pop(host, {})
        if not wanted:
            raise ScenarioSyntaxError(f"{host} has been told nothing that it has not answered")
        reports = tuple(self._reached(task, command) for task, command in wanted.items())
        return self._report(host, reports, max(command.revision for command in wanted.values()))

    def all_obey(self):
        told = []
        for _ in range(TICKS_AT_MOST):
            waiting = [host for host, orders in self.orders.items() if orders]
            if not waiting:
                return told
            told += self.accept_command(waiting[0])
        raise ScenarioSyntaxError("this never ends")

    def fail_to(self, task, why):
        """Let a task not reach what it was told to."""
        command = self._order_for(task)
        failure = Failure(asked=str(command.goal), state="IDLE", reason=why)
        report = self._state(task, command.revision, TaskState.ERROR, alive=False, failure=failure)
        return self._report(command.host, (report,), command.revision)

    def end(self, task, code):
        """Let a hook or a program come to its end by itself."""
        command = self.orders.get(self._host(task), {}).get(task)
        revision = self._order_for(task).revision if command else self.world[task].revision
        failed = int(code or 0) != 0
        failure = Failure(asked="run", state="RUNNING", reason=f"exit code {code}") if failed else None
        state = TaskState.ERROR if failed else TaskState.DONE
        ended = self._state(task, revision, state, alive=False, failure=failure)
        report = replace(ended, exit=Exit(code=int(code or 0)))
        self.world[task] = report
        return self._report(self._host(task), (report,), revision)

    def run_on(self, task):
        command = self._order_for(task)
        return self._report(command.host, (self._reached(task, command),), command.revision)

    def die(self, task, why):
        revision = self.world[task].revision
        failure = Failure(asked="-", state=str(self.world[task].state), reason=why)
        report = self._state(task, revision, TaskState.ERROR, alive=False, failure=failure)
        return self._report(self._host(task), (report,))

    def announce(self, task, word):
        self.world[task] = replace(self.world[task], announced=word)
        return self._report(self._host(task), (self.world[task],))

    def acknowledge(self, host):
        revision = max(command.revision for command in self.orders[host].values())
        return self._report(host, (), revision)

    def lose_report(self, host):
        """Let a host obey, and its report never arrive."""
        wanted = self.orders.pop(host)
        for task, command in wanted.items():
            self._reached(task, command)
        return []

    def tell_all(self, host):
        """Let a host tell all it has, as after a gap or a restart."""
        here = tuple(self.world[task.id] for task in self._tasks() if task.host == host)
        return self._report(host, tuple(report for report in here if report))

    def repeat(self, host, number):
        message = self.sent[host][int(number) - 1 if number else -1]
        return self.step(replace(message, at=self.at))

    def lose_host(self, host):
        return self.step(HostLost(at=self.at, host=host, silent_s=13.0))

    def rename_host(self, old, new):
        """Let the machine of a host report under another name; it has the tasks and orders that it had."""
        self.orders[new] = {}
        told = self.step(HostRenamed(at=self.at, old=old, new=new))
        self.orders.pop(old, None)
        return told

    def no_place(self, tasks, why):
        return self.step(RescheduleFailed(at=self.at, tasks=tuple(tasks.split(", ")), reason=why))

    def recover(self, who, task):
        return self.step(RecoverTask(at=self.at, task=task, user=who, by_hand=who != "a rule"))

    def end_call(self, name, result):
        return self.step(CallEnded(at=self.at, call=self.calls[name], result=result))

    def break_call(self, name, why):
        return self.step(CallEnded(at=self.at, call=self.calls[name], error=why))

    def modify(self, who, wanted):
        plan, excluded = self.environment.model.plan, dict(self.environment.model.tasks.excluded)
        drain_s, keep, claimed, revision = 0.0, False, [], 0
        for clause in wanted.split("; "):
            if found := re.fullmatch(r"drain (\S+) s", clause):
                drain_s = float(found[1])
            elif clause == "keep its tasks":
                keep = True
            elif found := re.fullmatch(r"claim (\S+) on (\w+), which had order (\d+)", clause):
                claimed.append(found[1])
                revision = max(revision, int(found[3]))
                plan, excluded = changed(plan, excluded, f"add {found[1]} on {found[2]}")
            else:
                plan, excluded = changed(plan, excluded, clause)
        message = Modified(
            at=self.at,
            request=self._request(who, "MODIFY"),
            plan=plan,
            excluded=excluded,
            user=who,
            drain_s=drain_s,
            keep=keep,
            claimed=tuple(claimed),
            revision=revision,
            may_exclude=() if who == "control" else None,
        )
        return self.step(message)

    def restart_control(self):
        """Let control forget all but what is on its disk, the way it is written there."""
        kept = typed(plain(snapshot.take(self.environment)), snapshot.Snapshot)
        self.environment = snapshot.restore("E", self.environment.model.plan, kept)
        self.words.environment = self.environment
        again = snapshot.resume(kept, self.environment.model.plan, self.at)
        return self.step(again) if again else self.words.news_of_state(self.at)

    def wait(self, seconds):
        until, told = self.at + float(seconds), []
        for _ in range(TICKS_AT_MOST):
            due = self.environment.wake_at
            if due is None or due > until:
                break
            begun, self.at = self.at, max(self.at, due)
            told += [f"after {self.at - begun:g} s", *(f"  {line}" for line in self.step(Tick(at=self.at)))]
        self.at = until
        return told

    # --- what the sentences need -------------------------------------------------------------------

    def _tasks(self):
        return self.environment.model.tasks.tasks.values()

    def _host(self, task):
        return self.environment.model.tasks.tasks[task].host

    def _order_for(self, task):
        command = self.orders[self._host(task)].pop(task, None)
        if command is None:
            raise ScenarioSyntaxError(f"{task} has been told nothing that it has not answered")
        return command

    def _reached(self, task, command):
        return self._state(task, command.revision, command.goal, alive=command.goal is not TaskState.DONE)

    def _state(self, task, revision, state, alive, failure=None):
        self.world[task] = TaskReport(
            task=task,
            environment="E",
            revision=revision,
            settled=True,
            status=TaskStatus.ACTIVE if alive else TaskStatus.INACTIVE,
            state=state,
            failure=failure,
        )
        return self.world[task]

    def _report(self, host, reports, accepted=-1):
        message = TasksMoved(at=self.at, host=host, reports=reports, accepted=accepted)
        self.sent.setdefault(host, []).append(message)
        return self.step(message)


def _options(text):
    known = ("as run", "because")
    about = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key = next((name for name in known if part.startswith(f"{name} ")), part)
        about[key] = part.removeprefix(key).strip()
    return about


def changed(plan, excluded, clause):
    """Return a plan and its exclusions after one clause of a modification."""
    tasks = {task.id: task for task in plan.tasks}
    if found := re.fullmatch(r"exclude (\S+) \((.*)\)", clause):
        excluded[found[1]] = found[2]
    elif found := re.fullmatch(r"include (\S+)", clause):
        excluded.pop(found[1])
    elif found := re.fullmatch(r"add (\S+) on (\w+)(?:, (.*))?", clause):
        tasks[found[1]] = task_of(found[1], found[2], found[3] or "")
    elif found := re.fullmatch(r"remove (\S+)", clause):
        del tasks[found[1]]
    elif found := re.fullmatch(r"set (\S+) of (\S+) to (\S+)", clause):
        task = tasks[found[2]]
        tasks[task.id] = replace(task, properties={**task.properties, found[1]: found[3]})
    elif found := re.fullmatch(r"give (\S+) the argument (\S+)", clause):
        task = tasks[found[1]]
        tasks[task.id] = replace(task, launch=replace(task.launch, arguments=(found[2],)))
    elif found := re.fullmatch(r"move (\S+) as (\S+) to (\w+)", clause):
        old = tasks.pop(found[1])
        tasks[found[2]] = replace(old, id=found[2], path=f"root.{found[2]}", host=found[3])
    else:
        raise ScenarioSyntaxError(f"no change of a plan: {clause}")
    made = plan_of(*tasks.values(), tolerate=plan.root.tolerate, calls=plan.calls, **plan.variables)
    return made, excluded


WHEN = (
    (r"everybody obeys", ScenarioPlayer.all_obey),
    (r"control is restarted", ScenarioPlayer.restart_control),
    (r"(\S+) s pass(?:es)?", ScenarioPlayer.wait),
    (r"(\w+) asks for ([A-Z_]+(?:, [A-Z_]+)*)(?:, (.*))?", ScenarioPlayer.ask),
    (r"(.+) asks to recover (\S+)", ScenarioPlayer.recover),
    (r"(\w+) modifies it: (.*)", ScenarioPlayer.modify),
    (r"call (\w+) returns (.*)", ScenarioPlayer.end_call),
    (r"call (\w+) fails: (.*)", ScenarioPlayer.break_call),
    (r"(\w+) obeys", ScenarioPlayer.accept_command),
    (r"(\w+) obeys, but its report is lost", ScenarioPlayer.lose_report),
    (r"(\w+) only acknowledges", ScenarioPlayer.acknowledge),
    (r"(\w+) tells all it has", ScenarioPlayer.tell_all),
    (r"(\w+)'s last report comes again()", ScenarioPlayer.repeat),
    (r"(\w+)'s report (\d+) comes again", ScenarioPlayer.repeat),
    (r"(\w+) is lost", ScenarioPlayer.lose_host),
    (r"the machine of (\w+) reports as (\w+)", ScenarioPlayer.rename_host),
    (r"no other place is found for (\S+(?:, \S+)*): (.*)", ScenarioPlayer.no_place),
    (r"(\S+) cannot: (.*)", ScenarioPlayer.fail_to),
    (r"(\S+) dies: (.*)", ScenarioPlayer.die),
    (r"(\S+) ends(?: with exit code (\d+))?", ScenarioPlayer.end),
    (r"(\S+) runs", ScenarioPlayer.run_on),
    (r"(\S+) announces (\S+)", ScenarioPlayer.announce),
)


def _say(sentences, subject, line):
    for pattern, does in sentences:
        if found := re.fullmatch(pattern, line):
            return does(subject, *found.groups())
    raise ScenarioSyntaxError(f"no sentence of a story: {line!r} (see scenarios/README.md)")


def played(text):
    """Return a story with everything below its steps as the machine really does it."""
    given, play, told = ScenarioSetup(), None, []
    for line in text.splitlines():
        if line.startswith("when "):
            play = play or given.begun()
            if told[-1].startswith("  "):
                told.append("")  # each step stands alone
            told.append(line)
            follows = _say(WHEN, play, line.removeprefix("when "))
            told += [f"  {each}" for each in follows or ["nothing follows"]]
        elif play is None or not line.startswith("  "):
            if line.startswith("given "):
                _say(GIVEN, given, line.removeprefix("given "))
            elif line and not line.startswith("#"):
                raise ScenarioSyntaxError(f"neither prose, nor given, nor a step: {line!r}")
            told.append(line)
    return "\n".join(told) + "\n"
