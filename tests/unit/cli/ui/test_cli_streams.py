"""Whatever coconut writes to, and whatever it is given, no user sees a traceback."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

COCONUT = (sys.executable, str(Path(sysconfig.get_path("scripts")) / "coconut"))
HOST = {
    "id": "flp→1",
    "address": "10.0.0.1",
    "status": "ACTIVE",
    "tasks": 1,
    "cpus": 2.0,
    "memory_mb": 1024.0,
    "last_seen_s": 0.1,
    "attributes": {"unit": "°C"},
    "faults": [],
}


def started(words, control, **how):
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    environ |= {"O2_CONTROL": str(control.path), "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    return subprocess.Popen([*COCONUT, *words], env=environ, **how)


def finished(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("words", [["host", "list"], ["host", "list", "--json"]], ids=["text", "json"])
def test_a_terminal_that_is_not_utf_8_gets_escapes(control, words):
    control.answer("host_list", [HOST])
    code, out, err = finished(started(words, control, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    assert (code, err) == (0, "")
    assert "flp\\u21921" in out
    if "--json" in words:
        assert json.loads(out)[0]["id"] == HOST["id"]


def test_an_error_is_printed_on_a_terminal_that_is_not_utf_8(control):
    code, _, err = finished(
        started(["env", "show", "é"], control, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    )
    assert code == 1
    assert "Traceback" not in err


@pytest.mark.parametrize("many", [1, 20_000], ids=["little", "much"])
def test_a_reader_that_has_ended_ends_coconut_without_a_word(control, many):
    control.answer("host_list", [HOST] * many)
    read, write = os.pipe()
    process = started(["host", "list"], control, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    os.close(read)
    code, _, err = finished_err(process)
    assert (code, err) == (1, "")


def finished_err(process):
    _, err = process.communicate(timeout=60)
    return process.returncode, "", err.decode()


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_stream_is_no_reason_to_fail(control, closed):
    control.answer("host_list", [HOST])
    process = started(
        ["host", "list"],
        control,
        preexec_fn=lambda: os.close(closed),
        **{"stderr" if closed == 1 else "stdout": subprocess.PIPE},
    )
    code, out, err = process.wait(60), process.stdout, process.stderr
    assert code == 0
    for stream in filter(None, (out, err)):
        assert b"Traceback" not in stream.read()
        stream.close()


@pytest.mark.parametrize("number", [2**63, 2**64, 2**70, -(2**64)])
def test_a_number_beyond_64_bits_is_refused_in_words(coconut, control, number):
    control.answer("run_show", {})
    done = coconut(["--json", "run", "show", "--", str(number)])
    assert done.code in (0, 1, 2)
    assert "Traceback" not in done.err
    if not -(2**63) <= number < 2**64:
        assert done.json["error"]["kind"] in ("InvalidRequestError", "UsageError")


def test_a_directory_that_cannot_be_made_is_reported_in_one_line(coconut, nowhere):
    (nowhere / "file").write_text("")
    done = coconut(f"cluster up --dir {nowhere / 'file' / 'cluster'}")
    assert done.code == 1
    assert str(nowhere / "file") in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("path", ["/dev/zero", "fifo", "missing", "/dev/null", "binary", "long"])
def test_a_path_without_a_text_file_ends_the_command_with_an_error(coconut, control, nowhere, path):
    control.answer("config_import", {"path": "p", "backend": "b"})
    os.mkfifo(nowhere / "fifo")
    (nowhere / "binary").write_bytes(b"\xff\xfe")
    with (nowhere / "long").open("wb") as long:
        long.truncate(64 * 1024 * 1024)
    done = coconut(f"config import qc task {path}")
    assert done.code in (1, 2)
    assert "Traceback" not in done.err
    assert control.asked("config_import") == []
