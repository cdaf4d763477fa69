"""What START and STOP push, in the spellings that devices know."""

from salt_o2.core.plan.run_arguments import start_arguments, stop_arguments


def test_every_argument_of_a_start_has_both_spellings():
    arguments = start_arguments({"run_type": "PHYSICS", "fill_info_fill_number": "9"}, 17, 1.5, 2)
    for snake, camel in {
        "run_number": "runNumber",
        "run_type": "runType",
        "run_start_time_ms": "runStartTimeMs",
        "run_end_time_ms": "runEndTimeMs",
        "fill_info_fill_number": "fillInfoFillNumber",
    }.items():
        assert arguments[snake] == arguments[camel]
    assert arguments["run_start_time_ms"] == "1500"
    assert arguments["cleanup"] == "2"


def test_variables_that_are_not_for_tasks_are_not_pushed():
    assert "secret" not in start_arguments({"secret": "x"}, 17, 1.5, 0)


def test_a_stop_carries_the_end_of_the_run():
    assert stop_arguments({}, 2.0) == {"run_end_time_ms": "2000", "runEndTimeMs": "2000"}


def test_every_value_is_a_string_because_devices_crash_on_numbers():
    assert all(isinstance(value, str) for value in start_arguments({"run_type": "X"}, 1, 1.0, 0).values())
