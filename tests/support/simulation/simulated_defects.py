# ruff: noqa: E501
"""Defects that the simulator must find: each is one slip away, and breaks an invariant of running clusters.

``find_simulated.py`` puts each into a copy of the project and counts the simulations until it is found.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SimulatedDefect:
    """One change of the library, and the faults that bring it to light."""

    what: str
    changes: tuple[tuple[str, str, str], ...]
    """File, sound text, broken text."""
    only: str
    """Kinds of faults, as ``--only`` takes them."""


def slip(what: str, file: str, sound: str, broken: str, only: str = "") -> SimulatedDefect:
    """Return a defect that is one change of a file of the library."""
    return SimulatedDefect(what, ((f"salt_o2/{file}", sound, broken),), only)


SIMULATED_DEFECTS = [
    # --- agent: processes
    SimulatedDefect(
        "a process is identified by its pid alone, without its start time and mark",
        (
            (
                "salt_o2/agent/process/launcher.py",
                "    if not is_ours or not host.kernel.is_alive(record.shim, record.shim_started):",
                "    if host.kernel.start_ticks(record.shim) is None:",
            ),
            (
                "salt_o2/agent/process/process_group.py",
                "        if not self._kernel.is_alive(self.pid, self.started):\n            self._end(ended)",
                "        if not self._kernel.start_ticks(self.pid):\n            self._end(ended)",
            ),
        ),
        only="pid taken by another program",
    ),
    slip(
        "the end of a process wakes no waiter",
        "agent/process/process_group.py",
        "        self.ended.set()\n        ended()",
        "        self.ended.set()",
        only="process crashed",
    ),
    # --- agent: orders
    slip(
        "an agent obeys an older revision",
        "agent/agent.py",
        "        elif task is None or command.revision > task.record.revision:",
        "        elif task is None or command.revision != task.record.revision:",
        only="link slow,messages twice,link lossy,commands cut",
    ),
    slip(
        "an order is acknowledged before it is on disk",
        "agent/storage/command_journal.py",
        "        atomic_file.put(path, msgspec.json.encode(command))",
        "        atomic_file.put(path, msgspec.json.encode(command)[:0])",
        only="agent killed midway,agent killed at a write",
    ),
    slip(
        "commands on disk are not read by the next agent",
        "agent/agent.py",
        "        remaining_commands = home.orders.remaining()",
        "        remaining_commands = home.orders.remaining()[:0]",
        only="agent killed midway,agent killed at a write",
    ),
    slip(
        "a place in the queue of starts is not given back",
        "agent/launch/start_limiter.py",
        "            if over.when() > asyncio.get_running_loop().time():\n                over.cancel()\n                self._free.release()",
        "            over.cancel()",
        only="process crashed",
    ),
    # --- agent: reports
    slip(
        "a device that moves by itself is not seen",
        "agent/device/watcher.py",
        "        self._on_move(\n            observed.state,",
        "        max(\n            str(observed.state),",
        only="device trouble",
    ),
    # --- control: hosts and reports
    slip(
        "old states are shown as current ones",
        "control/hosts/host_table.py",
        "        return at - known.confirmed_at > SILENT_AFTER * self.heartbeat_s",
        "        return False",
        only="agent away,link cut,reports cut,process crashed",
    ),
    slip(
        "a task of a survey without an owner is not stopped",
        "control/reports/orphans.py",
        "        self._outbound.send(ended)\n",
        "",
        only="control killed at a write,host cut off,link cut",
    ),
    slip(
        "one wrong message ends the loop of the bus",
        "bus/host_link.py",
        "        except InvalidRequestError as error:\n            self._refuse(HostId(name), str(error))",
        "        except ZeroDivisionError as error:\n            self._refuse(HostId(name), str(error))",
        only="hostile message",
    ),
    # --- control: store
    slip(
        "a run number is given again",
        "control/storage/run_store.py",
        "        self._last_run = number\n        return number",
        "        return number",
        only="control killed",
    ),
    slip(
        "what a locked database refused is not written again",
        "control/storage/store.py",
        "            self._journal = (entries + self._journal)[-MOST_KEPT:]\n",
        "",
        only="store locked",
    ),
    slip(
        "effects leave before they are on disk",
        "control/environments/effect_executor.py",
        "environment.model.id, snapshot.capture(environment), ended, durable=durable, **columns",
        "environment.model.id, snapshot.capture(environment), ended, durable=False, **columns",
        only="control killed midway,control killed at a write",
    ),
    slip(
        "a restarted control does not resume a transition",
        "control/environments/restoration.py",
        "        if request:\n            self._interrupted.append((target, request))",
        "        if request and not request:\n            self._interrupted.append((target, request))",
        only="control killed midway,control killed at a write",
    ),
    slip(
        "a transfer to the pool is not in the transaction of its cause",
        "control/environments/effect_executor.py",
        "        self._pool.record_transfers(transfers, message)\n",
        "",
        only="control killed",
    ),
    slip(
        "the timer of an environment is not set again",
        "control/environments/effect_executor.py",
        "        self._record_changes(target, message)\n        self.set_timer(target)",
        "        self._record_changes(target, message)",
        only="device trouble,commands cut",
    ),
    slip(
        "an environment that has ended keeps its room",
        "control/environments/effect_executor.py",
        "                self._inventory.release(environment)\n",
        "",
        only="process crashed",
    ),
    slip(
        "the end of an environment is not stored",
        "control/environments/effect_executor.py",
        "            ended = message.at if any(isinstance(effect, ReleaseResources) for effect in effects) else None",
        "            ended = None",
        only="control killed",
    ),
    slip(
        "a task that is missing in a survey counts as running",
        "core/recovery/survey_reconciler.py",
        "        for task in absent\n        if _must_be_there(environment, task)",
        "        for task in absent[:0]\n        if _must_be_there(environment, task)",
        only="records lost",
    ),
    slip(
        "an agent sends no heartbeat",
        "agent/reporter.py",
        "        heartbeat = self._sent_at + self._heartbeat_s",
        "        heartbeat = self._sent_at + 1000 * self._heartbeat_s",
        only="agent killed",
    ),
    slip(
        "a report that its environment cannot use stops those of the other environments",
        "control/reports/report_router.py",
        "        for name, moved in survey_reconciler.split_by_environment(environments, report, at).items():\n            with apart:\n                self._executor.step(self._active[name], moved)",
        "        for name, moved in [*survey_reconciler.split_by_environment(environments, report, at).items()][:1]:\n            with apart:\n                self._executor.step(self._active[name], moved)",
        only="host rebooted,agent killed",
    ),
    slip(
        "a step of a device that failed counts as done",
        "agent/task/runtime.py",
        "        self.given_up = True\n        self.record.failure",
        "        self.record.failure",
        only="device trouble",
    ),
    slip(
        "a run ends when no task holds it back",
        "core/tasks/completion.py",
        "        return bool(self._signalling) and not self._holding_back",
        "        return not self._holding_back",
        only="agent killed",
    ),
    slip(
        "a task that got no command before the deadline is left behind",
        "core/environment/transition_engine.py",
        "            commands={host: wait.unacknowledged[host] for host in sorted(commands)},",
        "            commands={},",
        only="commands cut",
    ),
    # --- two agents, two users, wrong messages, full disks
    slip(
        "a second agent of the same name is believed",
        "core/recovery/agent_instances.py",
        "        if self._may_take_over(rival, report, at, heartbeat_s, is_lost, tasks):",
        "        if report.facts:",
        only="minion copied",
    ),
    slip(
        "control believes a refused agent as soon as it sends a survey",
        "core/recovery/agent_instances.py",
        "        if rival.refused:\n            return is_lost",
        "        if rival.refused:\n            return report.facts is not None",
        only="minion copied",
    ),
    slip(
        "a request of a second user cancels the transition of the first",
        "core/environment/environment.py",
        "        active = self.model.active\n        if active:\n            raise",
        "        active = self.model.active\n        if active and active.request.user == event:\n            raise",
        only="messages twice",
    ),
    slip(
        "a publication without arguments ends the loop of an agent",
        "bus/envelope.py",
        "    except (LookupError, TypeError) as error:",
        "    except TypeError as error:",
        only="hostile message",
    ),
    slip(
        "what a full database refused is not written again",
        "control/storage/store.py",
        "            self._states = {**states, **self._states}\n",
        "",
        only="store full,control killed",
    ),
    slip(
        "a new environment is accepted while its row cannot be written",
        "control/storage/store.py",
        "        self.commit(insert(ENVIRONMENTS).values(row), *along)",
        "        self._statements += (insert(ENVIRONMENTS).values(row), *along)",
        only="store full,control killed,store locked",
    ),
    slip(
        "a process without a record is never ended",
        "agent/agent.py",
        "        await orphan_termination.end_all(self._host)\n",
        "",
        only="records lost",
    ),
    slip(
        "a command without an acknowledgement is not sent again",
        "control/hosts/outbound_queues.py",
        "        self._jobs.put_nowait(command)",
        "        str(command)",
        only="agent killed",
    ),
    slip(
        "a host is lost although its processes answer",
        "core/recovery/host_liveness.py",
        "            self.answered, self.missed_probes = max(self.answered, asked_at), 0",
        "            self.missed_probes = 1",
        only="agent away,agent frozen",
    ),
    slip(
        "a new agent does not adopt running tasks",
        "agent/process/launcher.py",
        "    if not is_ours or not host.kernel.is_alive(record.shim, record.shim_started):",
        "    if is_ours or not host.kernel.is_alive(record.shim, record.shim_started):",
        only="agent killed",
    ),
]
