"""Effects and states of an environment's state machine in words, complete enough to be compared.

Two things are omitted on purpose: camelCase twins of arguments (tests/unit/core/plan/test_run_arguments.py
has them), and ids that repeat the environment of the scenario.
"""

from salt_o2.core.messages import announcements, effects


class Words:
    """Writes what a state machine does; ``asked`` has the user and the events of each request."""

    def __init__(self, environment):
        self.environment = environment
        self.asked = {}
        self._last = ""

    def effect(self, effect):
        """Return the lines of one effect."""
        return getattr(self, f"_{type(effect).__name__}")(effect)

    def change_of_state(self, at):
        """Return the line of the state if it has changed since the last call."""
        now = self.state(at)
        if now.partition("; next timer")[0] == self._last.partition("; next timer")[0]:
            return []
        self._last = now
        return [f"= {now}"]

    def state(self, at):
        """Return the state of the environment and what it waits for."""
        environment, members = self.environment, self.environment.model.tasks
        run = f", run {environment.model.run.number}" if environment.model.run.number else ""
        parts = [f"{environment.model.state}{run}"]
        if environment.model.active:
            parts.append(f"{environment.model.active.event} in progress{self._awaited()}")
        parts += _reasons("excluded", members.excluded)
        parts += _reasons("lost", members.lost)
        parts += [f"unreachable: {', '.join(sorted(members.unreachable))}"] if members.unreachable else []
        parts += (
            [f"restarting {', '.join(environment.model.restarts.pending)}"]
            if environment.model.restarts.pending
            else []
        )
        if environment.wake_at is not None:
            parts.append(f"next timer in {environment.wake_at - at:g} s")
        return "; ".join(parts)

    def _awaited(self):
        wait = self.environment.model.wait
        if wait is None:
            return ""
        names = [*sorted(wait.waiting), *sorted(map(_call, wait.calls))]
        silent = f" (no acknowledgement from {', '.join(wait.unacknowledged)})" if wait.unacknowledged else ""
        return f", waiting for {', '.join(names)}{silent}"

    def _SendCommand(self, effect):
        return [f"{effect.command.host} gets command {_command(effect.command)}"]

    def _ResendAsJob(self, effect):
        return [f"{effect.command.host} gets again, as a Salt job, command {_command(effect.command)}"]

    def _CallIntegration(self, effect):
        planned, given = effect.planned, effect.variables
        run = f" for run {given['run_number']}" if "run_number" in given else ""
        known = f", variables {_pairs(planned.variables)}" if planned.variables else ""
        return [f"call {_call(effect.call)} starts: {planned.func}{run}{known}{self._returned(given)}"]

    def _returned(self, given):
        results = {call.result for call in self.environment.model.plan.calls if call.result} & set(given)
        return "".join(f", with {name}={given[name]}" for name in sorted(results))

    def _CancelCall(self, effect):
        return [f"call {_call(effect.call)} is cancelled"]

    def _Reschedule(self, effect):
        return [f"reschedule to another host: {', '.join(effect.tasks)}"]

    def _AnnounceState(self, effect):
        run = f", run {effect.run_number}" if effect.run_number else ""
        return _quoted(f"announced: {effect.state}{run}", effect.reason)

    def _AnnounceMoves(self, effect):
        moves = ", ".join(f"{task} {state}" for task, state in effect.moves.items())
        return [f"announced: on {effect.host} {moves}"]

    def _AnnounceFailure(self, effect):
        critical = "critical" if effect.critical else "not critical"
        policy = f"{critical}, policy {effect.recovery}"
        return [
            f"announced: {effect.task} on {effect.host} FAILED, {effect.state} ({policy}): "
            f"{effect.failure.reason}"
        ]

    def _AnnounceKilled(self, effect):
        return [f"announced: {effect.task} on {effect.host} was KILLED"]

    def _AnnounceRecovery(self, effect):
        return [
            f"announced: {effect.task} on {effect.host} has RECOVERED after {effect.seconds:g} s, "
            f"restart {effect.restarts}; reason: {effect.reason}"
        ]

    def _CompleteRequest(self, effect):
        request = self.asked[effect.request]
        if effect.error is None:
            return [f"{request} is answered: done"]
        return _quoted(f"{request} is answered: {effect.error.kind}", str(effect.error))

    def _OpenRun(self, effect):
        return [f"run {effect.run_number} starts"]

    def _EndRun(self, effect):
        by = f" by {effect.user}" if effect.user else ""
        roles = f", of {', '.join(effect.failed_roles)}" if effect.failed_roles else ""
        return [f"run {effect.run_number} ends: {effect.cause}{by}{roles}"]

    def _BeginInterruptions(self, effect):
        missing = ", ".join(f"{each.task} ({each.reason})" for each in effect.tasks)
        return [f"run {effect.run_number} is interrupted: {missing}"]

    def _EndInterruptions(self, effect):
        back = ", ".join(
            f"{each.task} {each.how} after {each.until - each.since:g} s" for each in effect.tasks
        )
        return [f"run {effect.run_number}, interruptions end: {back}"]

    def _ReleaseResources(self, _effect):
        return ["all hosts, ports and memory are released"]

    def _ClaimFromPool(self, effect):
        return [f"claimed from the pool: {', '.join(effect.tasks)}"]

    def _AllocateTaskResources(self, effect):
        return [f"hosts, ports and memory are allocated: {', '.join(effect.tasks)}"]

    def _ReleaseTaskResources(self, effect):
        return [f"hosts, ports and memory are released: {', '.join(effect.tasks)}"]

    def _TransferToPool(self, effect):
        left = ", ".join(f"{task.id} on {task.host} in {report.state}" for task, report in effect.left)
        return [f"transferred to the pool: {left}, last command [{effect.revision}]"]

    def __getattr__(self, name):
        if not any(hasattr(module, name.removeprefix("_")) for module in (effects, announcements)):
            raise AttributeError(name)
        return lambda effect: [_plainly(effect)]  # an effect that no scenario has needed words for yet


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
    listed = ", ".join(f"{task} ({why})" for task, why in tasks.items())
    return [f"{what}: {listed}"] if listed else []


def _call(name):
    return name.removeprefix("root.")


def _quoted(head, text):
    return [f"{head}:" if text else head, *(f"  | {line}" for line in text.splitlines())]


def _plainly(effect):
    fields = {name: getattr(effect, name) for name in effect.__dataclass_fields__}
    return f"{type(effect).__name__} {' '.join(f'{name}={value}' for name, value in fields.items())}"
