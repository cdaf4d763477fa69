"""coconut cluster: what it passes on, and how it shows what came of it."""

import pytest

STATUS = {
    "directory": "/x",
    "config_dir": "/x/con f",
    "minions": ["flp1"],
    "known": ["flp1"],
    "pids": {"master": 1, "flp1": 2},
    "dead": [],
    "control_socket": "/run/o2/master/o2_control.ipc",
    "ready": True,
}


@pytest.fixture
def library(monkeypatch):
    """The library of private clusters, which only notes what it is asked."""
    asked = []

    def note(name, answer):
        def called(*given, **named):
            named.pop("say", None)
            asked.append((name, *map(str, given), *map(str, named.values())))
            return answer

        monkeypatch.setattr(f"salt_o2.cluster.{name}", called)

    note("up", STATUS)
    note("status", STATUS)
    note("kill", {"directory": "/x", "killed": ["master"]})
    note("down", {"directory": "/x", "was_up": True, "leftovers": []})
    return asked


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("cluster up", ("up", ".cluster", "None", "None", "None", "False", "True")),
        ("cluster up --minions 5 --workers 2 --dir d", ("up", "d", "5", "2", "None", "False", "True")),
        ("cluster up --no-api", ("up", ".cluster", "None", "None", "None", "False", "False")),
        ("cluster up --heartbeat 8 --namespaces", ("up", ".cluster", "None", "None", "8.0", "True", "True")),
        ("cluster status -d d", ("status", "d")),
        ("cluster kill", ("kill", ".cluster", "()")),
        ("cluster kill master flp2 -d d", ("kill", "d", "['master', 'flp2']")),
        ("cluster down", ("down", ".cluster", "False")),
        ("cluster down --keep", ("down", ".cluster", "True")),
    ],
)
def test_each_command_line_makes_one_call_of_the_library(library, coconut, line, asked):
    assert coconut(line).code == 0
    assert library == [asked]


def test_the_status_is_one_document(library, coconut):
    assert coconut("cluster status --json").json == STATUS


def test_the_status_says_what_runs_and_what_died(library, coconut, monkeypatch):
    monkeypatch.setattr(
        "salt_o2.cluster.status", lambda _directory: {**STATUS, "dead": ["flp2"], "ready": False}
    )
    out = coconut("cluster status").out
    assert "master (pid 1), flp1 (pid 2)" in out
    assert "dead:            flp2" in out
    assert "ready:           no" in out


def test_the_status_says_how_to_enter_a_namespace(library, coconut, monkeypatch):
    spaces = ["o2-1234", "o2-1234-flp1", "o2-1234-master"]
    monkeypatch.setattr("salt_o2.cluster.status", lambda _directory: {**STATUS, "namespaces": spaces})
    out = coconut("cluster status").out
    assert "namespaces:      o2-1234, o2-1234-flp1, o2-1234-master\n" in out
    assert "nsenter --net=/run/netns/o2-1234-master salt" in out


def test_exports_survive_a_shell(library, coconut):
    assert coconut("cluster env").out == "export SALT_CONFIG_DIR='/x/con f'\n"


def test_cluster_down_reports_leftover_processes(library, coconut, monkeypatch):
    ended = {"directory": "/x", "was_up": True, "leftovers": ["o2-device sink"]}
    monkeypatch.setattr("salt_o2.cluster.down", lambda *_given, **_named: ended)
    assert "stopped 1 processes that had been left" in coconut("cluster down").out


def test_cluster_down_without_a_cluster_says_that_there_is_none(coconut, nowhere):
    done = coconut("cluster down")
    assert (done.code, done.out) == (0, f"no cluster in {nowhere}/.cluster\n")


def test_logs_of_a_daemon_are_shown(coconut, nowhere):
    (nowhere / ".cluster" / "logs").mkdir(parents=True)
    (nowhere / ".cluster" / "logs" / "flp1.log").write_text("a\nb\nc\n")
    assert coconut("cluster logs flp1 -n 2").out == "b\nc\n"
    assert coconut("cluster logs flp1 -n 1 --json").json == {"daemon": "flp1", "lines": ["c"]}


@pytest.mark.parametrize("line", ["cluster up --minions 0", "cluster up --workers x"])
def test_numbers_that_make_no_sense_are_wrong_usage(library, coconut, line):
    assert coconut(line).code == 2
    assert library == []
