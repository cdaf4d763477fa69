"""A wrong part of a report is omitted and is named on the host's row; the rest is used."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.views.host_view import hosts as host_rows
from salt_o2.core.messages.report_parsing import MOST_FAULTS, MOST_TASKS, facts_of, report_of, unreadable
from salt_o2.core.messages.reports import Exit, Failure, HostFacts, Report, TaskReport
from salt_o2.core.states import TaskState, TaskStatus
from tests.support.random_tests.corruption import at, one_fault, spoilt

FACTS = HostFacts(
    address="10.0.0.11",
    network="box",
    cpus=4,
    memory_mb=4096,
    attributes={"rack": "12", "detector": "ITS"},
    control_ports=(31000, 31999),
    channel_ports=(9500, 9999),
    version="0.3.0",
    started=1.7e9,
    last_run=17,
)


def task(name):
    failure = Failure(asked="START", state="READY", reason="died", advice="look", output=("a", "b"))
    return TaskReport(
        task=name,
        environment="E",
        revision=3,
        settled=True,
        status=TaskStatus.ACTIVE,
        state=TaskState.RUNNING,
        device_state="RUNNING",
        announced="END_OF_STREAM",
        pid=4711,
        started=1.7e9,
        exit=Exit(code=1),
        output=("x",),
        failure=failure,
    )


REPORT = Report(
    host="flp1",
    incarnation="abc",
    sequence=9,
    tasks=(task("t1"), task("t2"), task("t3")),
    facts=FACTS,
    accepted={"E": 3, "F": 4},
)
SENT = msgspec.json.decode(msgspec.json.encode(REPORT))
del SENT["faults"], SENT["facts"]["faults"]


@given(one_fault(SENT))
@example((("facts", "attributes", "rack"), 12, False))
@example((("facts", "cpus"), float("nan"), False))
@example((("facts", "address"), "", False))
@example((("facts", "version"), "\x1b", False))
@example((("facts", "attributes", "rack"), "\n", False))
@example((("facts", "control_ports"), [9, 3], False))
def test_a_wrong_part_of_a_report_is_named_and_the_rest_is_used(fault):
    path, junk, remove = fault
    read = report_of(spoilt(SENT, path, junk, remove=remove), "flp1")
    got = msgspec.json.decode(msgspec.json.encode(read))
    faults, own = got.pop("faults"), got["facts"] and got["facts"].pop("faults")
    assert not own
    for name in SENT:
        if name != path[0]:
            assert got[name] == SENT[name]
    if path[0] == "tasks" and len(path) > 1:
        check_tasks(path, got["tasks"], faults)
    elif path[0] == "facts" and len(path) > 1:
        others = {name: value for name, value in SENT["facts"].items() if name != path[1]}
        assert {name: got["facts"][name] for name in others} == others
    is_default = path == ("facts", "address") and junk == ""  # the name of the host is its address then
    if not (faults or remove or is_default or is_taken_as_it_is(got, path, junk)):
        raise AssertionError(f"{path} was {junk!r}, and nothing tells of it: {got}")


def check_tasks(path, tasks, faults):
    number = path[1]
    others = [one for place, one in enumerate(SENT["tasks"]) if place != number]
    assert [one for one in tasks if one["task"] in {other["task"] for other in others}] == others
    if len(tasks) < len(SENT["tasks"]) and len(path) > 2:
        assert any(f"tasks[{number}]" in fault for fault in faults)


def is_taken_as_it_is(got, path, junk):
    """Whether the part does as it is, as a number does that is within bounds, or as its text.

    What a map has beside the known keys may come from a newer agent: it is ignored without a word.
    """
    try:
        found = at(got, path)
    except KeyError:
        return False
    text = str(junk).lower() if isinstance(junk, bool) else str(junk)
    return found in (junk, text) or (isinstance(junk, dict) and isinstance(found, dict))


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.one_of(st.text(), st.integers()), inner)),
        max_leaves=20,
    )
)
def test_no_content_of_a_report_raises_an_error(data):
    assert report_of(data, "flp1").host is not None
    facts, _ = facts_of(data, "flp1")
    assert facts.address


def test_a_scalar_becomes_text_without_a_word():
    read = report_of(spoilt(SENT, ("facts", "attributes"), {"rack": 12, "hot": True, 7: 1.5}), "flp1")
    assert read.facts.attributes == {"rack": "12", "hot": "true", "7": "1.5"}
    assert read.faults == ()


@pytest.mark.parametrize("name", ["cpus", "memory_mb", "network", "address"])
def test_a_host_with_an_unreadable_measurement_is_active_without_that_resource(name):
    read = report_of(spoilt(SENT, ("facts", name), {}), "flp1")
    assert getattr(read.facts, name) in (0.0, "", "flp1")
    assert any(f"facts.{name}" in fault for fault in read.faults)


def test_many_faults_are_counted_and_a_long_one_is_cut():
    wrong = spoilt(SENT, ("facts", "attributes"), {"x" * 50 + str(n): None for n in range(1000)})
    read = report_of(wrong, "flp1")
    assert len(read.faults) == MOST_FAULTS + 1
    assert read.faults[-1] == f"and {1000 - MOST_FAULTS} more"
    assert all(len(fault) <= 300 for fault in read.faults)


def test_faults_that_a_host_attributes_to_control_are_ignored():
    assert report_of({**SENT, "faults": ["forged"]}, "flp1").faults == ()


def row(hosts):
    (found,) = host_rows(hosts, {}, 100.0, {}, {})
    return found["faults"]


def test_faults_are_on_the_host_s_row_until_a_survey_is_without_them():
    hosts = HostTable(5.0)
    hosts.record_report(report_of(spoilt(SENT, ("facts", "attributes", "rack"), None), "flp1"), 1.0)
    assert ["facts.attributes.rack" in fault for fault in row(hosts)] == [True]
    partial = spoilt({**SENT, "facts": None, "sequence": 10}, ("tasks", 1, "state"), "LAZY")
    hosts.record_report(report_of(partial, "flp1"), 2.0)
    hosts.record_report(report_of({**partial, "sequence": 11}, "flp1"), 3.0)
    assert len(row(hosts)) == 2
    hosts.record_report(report_of({**SENT, "sequence": 12}, "flp1"), 4.0)
    assert row(hosts) == []


def test_an_unreadable_message_counts_as_a_report_and_as_a_fault():
    hosts = HostTable(5.0)
    assert hosts.record_report(unreadable("flp1", "it cannot be unpacked"), 1.0) is True, (
        "a survey is asked for"
    )
    assert hosts.known["flp1"].last_seen == 1.0
    assert row(hosts) == ["it cannot be unpacked"]


def test_invalid_settings_of_an_agent_are_faults_of_its_host():
    hosts = HostTable(5.0)
    facts = {**SENT["facts"], "faults": ["heartbeat_s: 'often' does not do"]}
    hosts.record_report(report_of({**SENT, "facts": facts}, "flp1"), 1.0)
    assert row(hosts) == ["heartbeat_s: 'often' does not do"]


@pytest.mark.finding("X1")
def test_a_report_of_millions_of_wrong_parts_is_read_up_to_a_limit():
    report = report_of(
        {"host": "flp1", "incarnation": "x", "sequence": 1, "tasks": [None] * 3_000_000}, "flp1"
    )
    assert report.tasks == ()
    assert len(report.faults) <= MOST_FAULTS + 1


@pytest.mark.finding("X2")
def test_a_report_has_a_bounded_number_of_tasks_and_says_what_was_left_out():
    about = {"revision": 1, "settled": True, "status": "ACTIVE", "state": "RUNNING"}
    tasks = [{"task": f"t{n}", "environment": f"e{n}", **about} for n in range(MOST_TASKS + 1)]
    report = report_of({"host": "flp1", "incarnation": "x", "sequence": 1, "tasks": tasks}, "flp1")
    assert len(report.tasks) == MOST_TASKS
    assert any("only the first" in fault for fault in report.faults)


@pytest.mark.finding("X7")
def test_texts_about_a_task_have_a_bounded_length():
    long = "x" * 1_000_000
    failure = {"asked": long, "state": long, "reason": long, "advice": long, "output": [long] * 1000}
    about = {
        "task": "t",
        "environment": "e",
        "revision": 1,
        "settled": True,
        "status": "ACTIVE",
        "state": "ERROR",
        "device_state": long,
        "failure": failure,
    }
    report = report_of({"host": "flp1", "incarnation": "x", "sequence": 1, "tasks": [about]}, "flp1")
    assert len(str(report)) < 300_000


@pytest.mark.finding("X20")
@pytest.mark.parametrize(
    "attributes",
    [
        {"a": ",".join(map(str, range(400_000)))},
        {"a": "x" * 100_000},
        {"a" * 100_000: "x"},
        {f"a{number}": "x" for number in range(100_000)},
    ],
    ids=["values", "a long value", "a long name", "attributes"],
)
def test_a_host_has_no_more_attributes_than_control_can_index(attributes):
    given = msgspec.to_builtins(FACTS) | {"attributes": attributes | {"rack": "12"}}
    facts, faults = facts_of(given, "flp1")
    assert len(str(facts)) < 10_000
    assert sum(value.count(",") + 1 for value in facts.attributes.values()) <= 100
    assert 1 <= len(faults) <= MOST_FAULTS
    assert len(str(faults)) < 10_000
    assert facts.cpus == FACTS.cpus


@pytest.mark.finding("X11")
def test_facts_are_lines_without_control_characters():
    names = ("address", "network", "version", "master")
    harm = "\x1b]0;t\x07\nFAKE\u009b\u202e"
    given = msgspec.to_builtins(FACTS) | dict.fromkeys(names, harm)
    facts, _ = facts_of(given | {"attributes": {harm: harm}, "masters": [harm], "faults": [harm]}, "flp1")
    texts = [*(getattr(facts, name) for name in names), *facts.attributes, *facts.attributes.values()]
    assert all(text.isprintable() for text in (*texts, *facts.masters, *facts.faults))


@pytest.mark.finding("X20")
def test_texts_of_facts_have_a_bounded_length():
    names = ("address", "network", "version", "directory_key", "master", "bindable")
    given = msgspec.to_builtins(FACTS) | dict.fromkeys(names, "x" * 1_000_000)
    facts, _ = facts_of(given | {"masters": ["x" * 10_000] * 1_000, "faults": ["x" * 10_000] * 1_000}, "flp1")
    assert len(str(facts)) < 60_000
