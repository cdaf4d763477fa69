"""Texts that control got from outside, on their way through coconut to a terminal, a pipe and JSON."""

import json
import re

import pytest

from salt_o2.core.errors import TaskError
from tests.support.builders.control_records import diamond, host

pytestmark = pytest.mark.finding("2.5")

EVIL = "x\x1b]0;owned\x07\x9b31m\u202ey\r\n| flp9 | forged |"
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def test_a_table_of_hosts_has_a_line_for_each_host_whatever_they_say(coconut, control):
    control.answer("host_list", [host("flp1") | {"attributes": {"a": EVIL, EVIL: "b"}, "address": EVIL}])
    done = coconut("host list")
    assert done.code == 0
    assert not HARMFUL.search(done.out)
    assert len(done.out.splitlines()) == 5
    control.answer("host_list", [host("flp1") | {"address": EVIL}])
    as_json = coconut("host list --json")
    assert not HARMFUL.search(as_json.out)
    assert json.loads(as_json.out)[0]["address"] == EVIL


def test_an_error_of_control_is_printed_without_control_characters(coconut, control):
    control.answer("env_show", TaskError(EVIL))
    done = coconut("env show x")
    assert done.code == 1
    assert not HARMFUL.search(done.err)
    assert "owned" in done.err


def test_progress_is_cleaned_too(coconut, control):
    progress = {"environment": EVIL, "state": "RUNNING", "waiting_for": EVIL, "done": 0, "total": 1}
    control.answer("env_control", diamond("CONFIGURED"), progress=[progress])
    done = coconut("env control x -e STOP")
    assert not HARMFUL.search(done.err + done.out)


def test_task_log_prints_output_without_control_characters(coconut, control):
    control.answer("task_log", {"task": "t", "host": "h", "stdout": [EVIL], "stderr": [EVIL], "at": {}})
    done = coconut("task log t")
    assert done.code == 0
    assert not HARMFUL.search(done.out)
    assert len(done.out.splitlines()) == 2
