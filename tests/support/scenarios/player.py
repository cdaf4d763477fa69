"""Plays a scenario: gives its events to the real state machine, and writes the effects of each event.

A scenario is a text in three parts: prose (``#``), the initial situation, and steps. A step is a line that
begins with ``when``. The indented lines below it are its effects; they are compared with the golden file.
README.md beside the scenarios has the grammar.
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
    """A line that is no sentence of a scenario."""


class ScenarioSetup:
    """The initial situation of a scenario, collected line by line."""

    def __init__(self):
        self.tasks, self.calls, self.variables, self.tolerate = [], [], {}, 0
        self.events, self.run = (), None

    def plan(self):
        return plan_of(*self.tasks, tolerate=self.tolerate, calls=tuple(self.calls), **self.variables)

    def begun(self):
        """Return the player, in the initial situation."""
        play = ScenarioPlayer(self.plan())
        if self.events:
            play.ask("setup", ", ".join(self.events), f"as run {self.run}" if self.run else "")
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
    (r"the environment is (DEPLOYED|CONFIGURED|RUNNING)(?: in run (\d+))?", ScenarioSetup.already),
)


def task_of(name, host, traits):
    """Return a task from its traits: ``basic, not critical, policy stop, hook at before_DEPLOY``."""
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
    """One environment, the real state of its tasks on their hosts, and the messages in transit."""

    def __init__(self, plan):
        self.environment = Environment("E", plan)
        self.words = Words(self.environment)
        self.words.change_of_state(0.0)
        self.at = 1000.0
        self.orders = {}  # By host: the last order of each task that its host has not answered.
        self.world = {}  # The real state of each task, whether control knows it or not.
        self.sent = {}  # By host: all reports.
        self.calls = {}
        self.requests = 0

    def step(self, message):
        """Give the state machine one message; return the effects in words."""
        try:
            effects = self.environment.step(message)
        except O2Error as error:
            head, *rest = str(error).splitlines()
            return [f"refused, {error.kind}: {head}", *(f"  | {line}" for line in rest)]
        finally:
            self.environment.model.check_invariants()
        for effect in effects:
            self._note(effect)
        lines = [line for effect in effects for line in self.words.effect(effect)]
        return lines + self.words.change_of_state(self.at)

    def _note(self, effect):
        match effect:
            case SendCommand(command=command) | ResendAsJob(command=command):
                for order in command.orders:
                    self.orders.setdefault(command.host, {})[order.task] = command
            case CallIntegration(call=call):
                self.calls[call.removeprefix("root.").partition("#")[0]] = call

    def _request(self, user, what):
        self.requests += 1
        name = f"r{self.requests}"
        self.words.asked[name] = f"{user}'s {what}"
        return name

    # --- sentences ------------------------------------------------------------------------------

    def ask(self, user, events, rest):
        about = _options(rest or "")
        wanted = tuple(EnvironmentEvent(event.strip()) for event in events.split(","))
        return self.step(
            Requested(
                at=self.at,
                request=self._request(user, ", ".join(wanted)),
                events=wanted,
                user=user,
                run_number=int(about["as run"]) if "as run" in about else None,
                undo="to be undone if it fails" in about,
                automatic="continuing automatically" in about,
                reason=about.get("because", ""),
            )
        )

    def accept_command(self, host):
        """Let a host obey its commands and report."""
        wanted = self.orders.pop(host, {})
        if not wanted:
            raise ScenarioSyntaxError(f"{host} has no unanswered command")
        reports = tuple(self._reached(task, command) for task, command in wanted.items())
        return self._report(host, reports, max(command.revision for command in wanted.values()))

    def all_obey(self):
        lines = []
        for _ in range(TICKS_AT_MOST):
            waiting = [host for host, orders in self.orders.items() if orders]
            if not waiting:
                return lines
            lines += self.accept_command(waiting[0])
        raise ScenarioSyntaxError("the hosts get new commands without end")

    def fail_to(self, task, why):
        """Let a task fail to reach its goal."""
        command = self._order_for(task)
        failure = Failure(asked=str(command.goal), state="IDLE", reason=why)
        report = self._state(task, command.revision, TaskState.ERROR, alive=False, failure=failure)
        return self._report(command.host, (report,), command.revision)

    def end(self, task, code):
        """Let a hook or a program end without a request."""
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
        """Let a host obey, but lose its report."""
        wanted = self.orders.pop(host)
        for task, command in wanted.items():
            self._reached(task, command)
        return []

    def send_full_report(self, host):
        """Let a host report all its tasks, as after a gap or a restart."""
        here = tuple(self.world[task.id] for task in self._tasks() if task.host == host)
        return self._report(host, tuple(report for report in here if report))

    def repeat(self, host, number):
        message = self.sent[host][int(number) - 1 if number else -1]
        return self.step(replace(message, at=self.at))

    def lose_host(self, host):
        return self.step(HostLost(at=self.at, host=host, silent_s=13.0))

    def rename_host(self, old, new):
        """Let the machine of a host report under another name, with the same tasks and orders."""
        self.orders[new] = {}
        lines = self.step(HostRenamed(at=self.at, old=old, new=new))
        self.orders.pop(old, None)
        return lines

    def no_place(self, tasks, why):
        return self.step(RescheduleFailed(at=self.at, tasks=tuple(tasks.split(", ")), reason=why))

    def recover(self, user, task):
        return self.step(RecoverTask(at=self.at, task=task, user=user, manual=user != "a rule"))

    def end_call(self, name, result):
        return self.step(CallEnded(at=self.at, call=self.calls[name], result=result))

    def break_call(self, name, why):
        return self.step(CallEnded(at=self.at, call=self.calls[name], error=why))

    def modify(self, user, wanted):
        plan, excluded = self.environment.model.plan, dict(self.environment.model.tasks.excluded)
        drain_s, keep, claimed, revision = 0.0, False, [], 0
        for clause in wanted.split("; "):
            if found := re.fullmatch(r"drain (\S+) s", clause):
                drain_s = float(found[1])
            elif clause == "transfer tasks to the pool":
                keep = True
            elif found := re.fullmatch(r"claim (\S+) on (\w+), last command (\d+)", clause):
                claimed.append(found[1])
                revision = max(revision, int(found[3]))
                plan, excluded = changed(plan, excluded, f"add {found[1]} on {found[2]}")
            else:
                plan, excluded = changed(plan, excluded, clause)
        message = Modified(
            at=self.at,
            request=self._request(user, "MODIFY"),
            plan=plan,
            excluded=excluded,
            user=user,
            drain_s=drain_s,
            keep=keep,
            claimed=tuple(claimed),
            revision=revision,
            may_exclude=() if user == "control" else None,
        )
        return self.step(message)

    def restart_control(self):
        """Restart control: it knows only what it has persisted."""
        kept = typed(plain(snapshot.capture(self.environment)), snapshot.Snapshot)
        self.environment = snapshot.restore("E", self.environment.model.plan, kept)
        self.words.environment = self.environment
        again = snapshot.resume(kept, self.environment.model.plan, self.at)
        return self.step(again) if again else self.words.change_of_state(self.at)

    def wait(self, seconds):
        until, lines = self.at + float(seconds), []
        for _ in range(TICKS_AT_MOST):
            due = self.environment.wake_at
            if due is None or due > until:
                break
            begun, self.at = self.at, max(self.at, due)
            lines += [f"after {self.at - begun:g} s", *(f"  {line}" for line in self.step(Tick(at=self.at)))]
        self.at = until
        return lines

    # --- parts of the sentences -------------------------------------------------------------------

    def _tasks(self):
        return self.environment.model.tasks.tasks.values()

    def _host(self, task):
        return self.environment.model.tasks.tasks[task].host

    def _order_for(self, task):
        command = self.orders[self._host(task)].pop(task, None)
        if command is None:
            raise ScenarioSyntaxError(f"{task} has no unanswered command")
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
    (r"all hosts obey", ScenarioPlayer.all_obey),
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
    (r"(\w+) sends a full report", ScenarioPlayer.send_full_report),
    (r"(\w+)'s last report comes again()", ScenarioPlayer.repeat),
    (r"(\w+)'s report (\d+) comes again", ScenarioPlayer.repeat),
    (r"(\w+) is lost", ScenarioPlayer.lose_host),
    (r"the machine of (\w+) reports as (\w+)", ScenarioPlayer.rename_host),
    (r"rescheduling fails for (\S+(?:, \S+)*): (.*)", ScenarioPlayer.no_place),
    (r"(\S+) fails to obey: (.*)", ScenarioPlayer.fail_to),
    (r"(\S+) dies: (.*)", ScenarioPlayer.die),
    (r"(\S+) ends(?: with exit code (\d+))?", ScenarioPlayer.end),
    (r"(\S+) runs", ScenarioPlayer.run_on),
    (r"(\S+) announces (\S+)", ScenarioPlayer.announce),
)


def _say(sentences, subject, line):
    for pattern, does in sentences:
        if found := re.fullmatch(pattern, line):
            return does(subject, *found.groups())
    raise ScenarioSyntaxError(f"no sentence of a scenario: {line!r} (see scenarios/README.md)")


def played(text):
    """Return a scenario with the effects that the state machine really has below each step."""
    given, play, lines = ScenarioSetup(), None, []
    for line in text.splitlines():
        if line.startswith("when "):
            play = play or given.begun()
            if lines[-1].startswith("  "):
                lines.append("")  # A blank line before each step.
            lines.append(line)
            follows = _say(WHEN, play, line.removeprefix("when "))
            lines += [f"  {each}" for each in follows or ["no effect"]]
        elif play is None or not line.startswith("  "):
            if line.startswith("given "):
                _say(GIVEN, given, line.removeprefix("given "))
            elif line and not line.startswith("#"):
                raise ScenarioSyntaxError(f"neither prose, nor given, nor a step: {line!r}")
            lines.append(line)
    return "\n".join(lines) + "\n"
