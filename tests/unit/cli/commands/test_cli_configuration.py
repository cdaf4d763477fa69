"""coconut configuration: what it asks control, and what it shows of the answer."""

import pytest

from salt_o2.core.errors import UnknownNameError

KEPT = {"path": "qc/ANY/any/rate", "backend": "the pillar"}


def test_entries_are_listed_one_a_line(coconut, control):
    control.answer("config_list", ["qc/ANY/any/a", "qc/ANY/any/b"])
    done = coconut("configuration list qc")
    assert (done.code, done.out) == (0, "qc/ANY/any/a\nqc/ANY/any/b\n")
    assert control.asked("config_list") == [{"component": "qc"}]


def test_all_components_are_listed_unless_the_user_names_one(coconut, control):
    control.answer("config_list", [])
    assert coconut("conf ls").out == "no configuration found\n"
    assert control.asked("config_list") == [{"component": ""}]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("show qc task", "qc/ANY/any/task"),
        ("show qc task -r PHYSICS -l flp1", "qc/PHYSICS/flp1/task"),
        ("show qc/PHYSICS/flp1/task", "qc/PHYSICS/flp1/task"),
        ("s qc task --runtype COSMICS", "qc/COSMICS/any/task"),
    ],
)
def test_an_entry_is_shown_unchanged(coconut, control, line, path):
    control.answer("config_show", {"path": path, "payload": "rate={{ rate }}"})
    assert coconut(f"configuration {line}").out == "rate={{ rate }}\n"
    assert control.asked("config_show") == [{"path": path, "simulate": False, "vars": {}}]


def test_an_entry_is_filled_in_with_variables(coconut, control):
    control.answer("config_show", {"path": "qc/ANY/any/task", "payload": "rate=7"})
    assert coconut("conf show qc task -s -e rate=7 -e on=true").out == "rate=7\n"
    (asked,) = control.asked("config_show")
    assert (asked["simulate"], asked["vars"]) == (True, {"rate": "7", "on": "true"})


def test_a_program_reads_where_an_entry_was_found(coconut, control):
    found = {"path": "qc/ANY/any/task", "payload": "x"}
    control.answer("config_show", found)
    assert coconut("configuration show qc task --json").json == found


@pytest.mark.parametrize(("flag", "new"), [("", False), (" -n", True), (" --new-component", True)])
def test_an_entry_is_set(coconut, control, flag, new):
    control.answer("config_set", KEPT)
    done = coconut(f"configuration set qc/ANY/any/rate 100{flag}")
    assert done.out == "qc/ANY/any/rate is stored in the pillar\n"
    asked = {"path": "qc/ANY/any/rate", "payload": "100", "new_component": new}
    assert control.asked("config_set") == [asked]


def test_a_file_is_imported_whole(coconut, control, nowhere):
    (nowhere / "tasks.json").write_text('{"a": 1}\n')
    control.answer("config_import", KEPT)
    done = coconut("configuration import qc rate tasks.json -r PHYSICS -l flp1")
    assert "is stored in the pillar" in done.out
    asked = {"path": "qc/PHYSICS/flp1/rate", "payload": '{"a": 1}\n', "new_component": False}
    assert control.asked("config_import") == [asked]


def test_a_file_that_is_not_there_is_not_imported(coconut, control):
    assert coconut("configuration import qc rate nothing.json").code != 0
    assert control.requests == []


def test_a_missing_entry_is_reported_with_exit_code_1(coconut, control):
    control.answer("config_show", UnknownNameError("no entry qc/none (did you mean qc/one?)"))
    done = coconut("configuration show qc none")
    assert done.code == 1
    assert "did you mean qc/one?" in done.err
