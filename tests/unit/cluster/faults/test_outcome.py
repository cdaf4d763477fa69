"""What came of drills, in sums and in words."""

from salt_o2.cluster.faults.invariants import INVARIANTS
from salt_o2.cluster.faults.outcome import Drill, Round, as_text, summary
from salt_o2.cluster.faults.schedule import Action, Fault, Kind, Part

SINK = Part(Kind.TASK, "d.sink")
KILL = Fault(0.1, Action.KILL, SINK)
REUSE = Fault(0.2, Action.REUSE_PID, SINK)
CLONE = Fault(0.3, Action.CLONE, Part(Kind.HOST, "flp1"), 8.0)


def drill(*rounds, **more):
    return Drill(seed=7, environment="E1", rounds=list(rounds), strangers=4, **more)


def test_a_fault_that_could_not_be_injected_does_not_count():
    done = drill(Round(number=1, faults=(KILL, REUSE), seconds=2.0, skipped=(REUSE,)))
    assert done.faults == 1
    assert summary([done.as_dict()])["kinds"].keys() == {"kill task"}
    assert "1 more faults could not be injected" in as_text(summary([done.as_dict()]))


def test_sums_go_over_all_drills_and_know_each_kind():
    drills = [
        drill(
            Round(number=1, faults=(KILL,), seconds=2.0), Round(number=2, faults=(KILL, CLONE), seconds=9.0)
        ),
        drill(Round(number=1, faults=(KILL,), seconds=4.0)),
    ]
    sums = summary([each.as_dict() for each in drills])
    assert (sums["rounds"], sums["faults"], sums["strangers"]) == (3, 4, 8)
    assert sums["kinds"] == {
        "clone host": {"count": 1, "alone": 0, "median_s": None, "longest_s": 9.0},
        "kill task": {"count": 3, "alone": 2, "median_s": 3.0, "longest_s": 9.0},
    }
    assert sums["invariants"] == dict.fromkeys(INVARIANTS, 3)


def test_a_summary_names_kinds_times_and_invariants():
    text = as_text(summary([drill(Round(number=1, faults=(KILL,), seconds=2.0)).as_dict()]))
    assert text.startswith("1 faults in 1 rounds; 4 unrelated processes beside them\n")
    assert [line.split() for line in text.splitlines() if line.startswith("kill")] == [
        ["kill", "task", "1", "1", "2.0", "2.0"]
    ]
    assert all(f"  {violation}\n" in text for violation in INVARIANTS)
    assert text.endswith("no invariant was violated")


def test_a_violated_invariant_is_shown_with_the_command_that_repeats_the_drill():
    done = drill(Round(number=1, faults=(KILL,), seconds=60.0, broken=("task d.sink is not known any more",)))
    text = as_text(summary([done.as_dict()]))
    assert "task d.sink is not known any more" in text
    assert text.endswith("the same again: coconut drill --seed 7 --rounds 1")
    assert "no invariant was violated" not in text
