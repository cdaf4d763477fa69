"""A task's output, and what comes of it from now on."""

from salt_o2.core.errors import UnknownNameError, UnreachableError

SAID = {"task": "id-sink", "host": "flp1", "stdout": ["rate"], "stderr": []}


def test_task_log_asks_control_for_the_output(control, coconut):
    control.answer("task_log", SAID)
    assert coconut("task log id-sink --json").json == SAID
    assert control.asked("task_log") == [{"id": "id-sink", "lines": 40}]


def test_a_host_that_does_not_answer_is_unreachable(control, coconut):
    control.answer("task_log", UnreachableError("minion flp1 has not answered"))
    assert coconut("task log id-sink").code == 3


def telling(control, *heard):
    """Let control tell one part of a task's output after the other, then that its environment is gone."""
    parts = iter(heard)
    place = iter(range(1, 100))

    def say(arguments):
        if "after" not in arguments:
            return SAID | {"at": {"stdout": 0, "stderr": 0}}
        told = next(parts, None)
        if told is None:
            raise UnknownNameError("no task is alive")
        return SAID | {"stdout": [], "at": {"stdout": next(place), "stderr": 0}, "over": False} | told

    control.answer("task_log", say)


def test_following_prints_new_output_until_the_task_ends(control, coconut):
    telling(control, {"stdout": ["a", "b"]}, {}, {"stdout": ["c"], "stderr": ["oh"]}, {"over": True})
    done = coconut("task log id-sink -n 1 -f")
    assert (done.code, done.out) == (0, "rate\na\nb\nc\nstderr: oh\n")
    assert "task id-sink has ended" in done.err


def test_following_asks_for_output_after_the_last_returned_places(control, coconut):
    telling(control, {"stdout": ["a"]}, {"over": True})
    coconut("task log id-sink -f")
    places = [asked.get("after") for asked in control.asked("task_log")]
    assert places == [None, {"stdout": 0, "stderr": 0}, {"stdout": 1, "stderr": 0}]
    assert all(asked["wait_s"] > 5 for asked in control.asked("task_log")[1:]), "it waits, it does not poll"


def test_following_ends_with_the_environment(control, coconut):
    telling(control)
    assert coconut("task log id-sink -f").code == 0


def test_following_has_no_json(control, coconut):
    assert coconut("task log id-sink -f --json").code == 2
