"""Effects and states of an environment's machine in words, complete enough to be compared.

What is left out on purpose: camelCase twins of arguments (tests/unit/core/plan/test_run_arguments.py has
them), and ids that only repeat who the story is about.
"""

from salt_o2.core.messages import announcements, effects


class Words:
    """Tells what a machine does; ``asked`` says who waits for which answer."""

    def __init__(self, environment):
        self.environment = environment
        self.asked = {}
        self._last = ""

    def effect(self, effect):
        """Return the lines that tell one effect."""
        return getattr(self, f"_{type(effect).__name__}")(effect)

    def news_of_state(self, at):
        """Return the state's line if it says anything new."""
        now = self.state(at)
        if now.partition("; wakes")[0] == self._last.partition("; wakes")[0]:
            return []
        self._last = now
        return [f"= {now}"]

    def state(self, at):
        """Return where the environment is and what it waits for."""
        environment, members = self.environment, self.environment.model.tasks
        run = f", run {environment.model.run.number}" if environment.model.run.number else ""
        parts = [f"{environment.model.state}{run}"]
        if environment.model.active:
            parts.append(f"{environment.model.active.event} under way{self._awaited()}")
        parts += _reasons("excluded", members.excluded)
        parts += _reasons("lost", members.lost)
        parts += [f"unreachable: {', '.join(sorted(members.unreachable))}"] if members.unreachable else []
        parts += (
            [f"bringing back {', '.join(environment.model.restarts.pending)}"]
            if environment.model.restarts.pending
            else []
        )
        if environment.wake_at is not None:
            parts.append(f"wakes in {environment.wake_at - at:g} s")
        return "; ".join(parts)

    def _awaited(self):
        wait = self.environment.model.wait
        if wait is None:
            return ""
        names = [*sorted(wait.waiting), *sorted(map(_call, wait.calls))]
        silent = f" ({', '.join(wait.unacknowledged)} not heard yet)" if wait.unacknowledged else ""
        return f", waiting for {', '.join(names)}{silent}"

    def _SendCommand(self, effect):
        return [f"{effect.command.host} is told {_command(effect.command)}"]

    def _ResendAsJob(self, effect):
        return [f"{effect.command.host} is told again, as a Salt job, {_command(effect.command)}"]

    def _CallIntegration(self, effect):
        planned, given = effect.planned, effect.variables
        run = f" for run {given['run_number']}" if "run_number" in given else ""
        known = f", knowing {_pairs(planned.variables)}" if planned.variables else ""
        return [f"call {_call(effect.call)} begins: {planned.func}{run}{known}{self._returned(given)}"]

    def _returned(self, given):
        results = {call.result for call in self.environment.model.plan.calls if call.result} & set(given)
        return "".join(f", with {name}={given[name]}" for name in sorted(results))

    def _CancelCall(self, effect):
        return [f"call {_call(effect.call)} is given up"]

    def _Reschedule(self, effect):
        return [f"another host is looked for: {', '.join(effect.tasks)}"]

    def _AnnounceState(self, effect):
        run = f", run {effect.run_number}" if effect.run_number else ""
        return _quoted(f"the world hears: {effect.state}{run}", effect.reason)

    def _AnnounceMoves(self, effect):
        moves = ", ".join(f"{task} {state}" for task, state in effect.moves.items())
        return [f"the world hears: on {effect.host} {moves}"]

    def _AnnounceFailure(self, effect):
        critical = "critical" if effect.critical else "not critical"
        policy = f"{critical}, policy {effect.recovery}"
        return [
            f"the world hears: {effect.task} on {effect.host} FAILED, {effect.state} ({policy}): "
            f"{effect.failure.reason}"
        ]

    def _AnnounceKilled(self, effect):
        return [f"the world hears: {effect.task} on {effect.host} was KILLED"]

    def _AnnounceRecovery(self, effect):
        return [
            f"the world hears: {effect.task} on {effect.host} is BACK after {effect.seconds:g} s, "
            f"restart {effect.restarts}; it was: {effect.reason}"
        ]

    def _CompleteRequest(self, effect):
        who = self.asked[effect.request]
        if effect.error is None:
            return [f"{who} is answered: done"]
        return _quoted(f"{who} is answered: {effect.error.kind}", str(effect.error))

    def _OpenRun(self, effect):
        return [f"run {effect.run_number} begins"]

    def _EndRun(self, effect):
        return [f"run {effect.run_number} is over"]

    def _ReleaseResources(self, _effect):
        return ["hosts, ports and memory are given back"]

    def _ClaimFromPool(self, effect):
        return [f"claimed from the pool: {', '.join(effect.tasks)}"]

    def _AllocateTaskResources(self, effect):
        return [f"hosts, ports and memory are allocated: {', '.join(effect.tasks)}"]

    def _ReleaseTaskResources(self, effect):
        return [f"hosts, ports and memory are released: {', '.join(effect.tasks)}"]

    def _TransferToPool(self, effect):
        left = ", ".join(f"{task.id} on {task.host} in {report.state}" for task, report in effect.left)
        return [f"the pool has {left}, last ordered [{effect.revision}]"]

    def __getattr__(self, name):
        if not any(hasattr(module, name.removeprefix("_")) for module in (effects, announcements)):
            raise AttributeError(name)
        return lambda effect: [_plainly(effect)]  # an effect that no story has needed words for yet


def _command(command):
    by_task = {}
    for order in command.orders:
        does = [word for word, given in (("start", order.launch), ("configure", order.properties)) if given]
        by_task.setdefault(" and ".join(does), []).append(order.task)
    orders = "; ".join(f"{does} {', '.join(tasks)}".strip() for does, tasks in by_task.items())
    snake = {name: value for name, value in command.arguments.items() if name == name.lower() and value}
    given = f", with {_pairs(snake)}" if snake else ""
    return f"[{command.revision}]: {orders} -> {command.goal} in {command.timeout_s:g} s{given}"


def _pairs(values):
    return " ".join(f"{name}={value}" for name, value in values.items())


def _reasons(what, tasks):
    told = ", ".join(f"{task} ({why})" for task, why in tasks.items())
    return [f"{what}: {told}"] if told else []


def _call(name):
    return name.removeprefix("root.")


def _quoted(head, text):
    return [f"{head}:" if text else head, *(f"  | {line}" for line in text.splitlines())]


def _plainly(effect):
    fields = {name: getattr(effect, name) for name in effect.__dataclass_fields__}
    return f"{type(effect).__name__} {' '.join(f'{name}={value}' for name, value in fields.items())}"
