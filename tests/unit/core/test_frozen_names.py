"""Names on the wire, in the journal and in agents' files stay as they were recorded.

``tests/data/frozen`` was recorded once. A rename of a class or a field that travels or is stored makes these
tests fail: hosts and masters of two versions work together, and a journal is read years later. A new field
with a default does not matter here.
"""

import json
from pathlib import Path

import msgspec
import pytest

from salt_o2.agent.storage import task_record
from salt_o2.core.codec import plain, typed
from salt_o2.core.environment.environment import Environment
from salt_o2.core.messages.command_parsing import KINDS as DOWNWARD
from salt_o2.core.messages.command_parsing import message_of
from salt_o2.core.messages.report_parsing import report_of
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.core.recovery.replay import KINDS, Created, replay
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import EnvironmentState
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.agents import FakeAgents

FROZEN = Path(__file__).parents[2] / "data" / "frozen"


def recorded(name):
    return json.loads((FROZEN / name).read_text())


def assert_kept(frozen, now, place=""):
    """Check that ``now`` has each name and value of ``frozen``; it may have more names."""
    if isinstance(frozen, dict):
        assert sorted(set(frozen) - set(now)) == [], f"names that are gone from {place or 'it'}"
        for name, value in frozen.items():
            assert_kept(value, now[name], f"{place}.{name}")
    elif isinstance(frozen, list):
        assert len(frozen) == len(now), place
        for number, (value, is_now) in enumerate(zip(frozen, now, strict=True)):
            assert_kept(value, is_now, f"{place}[{number}]")
    else:
        assert frozen == now, place


@pytest.mark.parametrize("number", range(3))
def test_a_recorded_message_to_an_agent_is_read_and_written_with_the_same_names(number):
    frozen = recorded("messages.json")[number]
    message = message_of(frozen)
    assert DOWNWARD[frozen["kind"]] is type(message)
    assert_kept(frozen["message"], json.loads(msgspec.json.encode(plain(message))))


def test_a_recorded_report_is_read_and_written_with_the_same_names():
    frozen = recorded("report.json")
    report = report_of(frozen, "flp1")
    assert report.faults == ()
    assert_kept(frozen, json.loads(msgspec.json.encode(plain(report))))


def test_a_recorded_file_of_a_task_is_read_and_written_with_the_same_names(tmp_path):
    frozen = recorded("task.json")
    (tmp_path / "task.json").write_text(json.dumps(frozen))
    record = task_record.load(tmp_path / "task.json")
    task_record.save(record, tmp_path / "again.json")
    assert not record.recovered
    assert_kept(frozen, json.loads((tmp_path / "again.json").read_text()))


def test_a_recorded_journal_is_replayed_to_the_state_that_it_led_to():
    frozen = recorded("journal.json")
    entries = [typed(line["body"], KINDS[line["kind"]]) for line in frozen["entries"]]
    environment = replay("E", entries)
    assert environment.model.state.name == frozen["state"]
    assert environment.model.run.number == frozen["run_number"]
    for line, entry in zip(frozen["entries"], entries, strict=True):
        assert_kept(line["body"], json.loads(msgspec.json.encode(plain(entry))), line["kind"])


def test_the_kinds_of_a_journal_are_the_recorded_kinds():
    assert sorted(set(recorded("journal.json")["kinds"]) - set(KINDS)) == []


def test_a_journal_of_today_has_the_names_that_were_recorded():
    assert_kept(recorded("journal.json")["entries"], record_journal()["entries"])


def record_journal():
    """Return what a journal holds of an environment that was deployed, configured, run and stopped."""
    plan = plan_of(planned("a", "flp1"), planned("b", "flp2"))
    created = Created(at=1000.0, plan=plan, timeouts=Timeouts(), user="teo")
    taken = [created]

    class Recorder(FakeAgents):
        def take(self, message):
            taken.append(message)
            return super().take(message)

    agents = Recorder(Environment("E", plan))
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    assert agents.environment.model.state is EnvironmentState.RUNNING
    bodies = [json.loads(msgspec.json.encode(plain(entry))) for entry in taken]
    lines = [{"kind": type(e).__name__, "body": b} for e, b in zip(taken, bodies, strict=True)]
    return {"kinds": sorted(KINDS), "state": "RUNNING", "run_number": 17, "entries": lines}
