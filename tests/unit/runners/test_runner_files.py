"""The files of the runner are one runner to Salt, in whichever order it comes to load them."""

import ast
from pathlib import Path

import pytest
import salt.config
import salt.loader
from salt.exceptions import CommandExecutionError, SaltInvocationError

from salt_o2.client import runner_output
from salt_o2.loader import plugin_dirs

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "runners").glob("o2*.py"))
LIMIT = 300
"""Lines: a file that a person reads in one go."""


def public(path):
    found = ast.parse(path.read_text()).body
    return [
        each.name for each in found if isinstance(each, ast.FunctionDef) and not each.name.startswith("_")
    ]


@pytest.fixture
def loaded(tmp_path):
    """Salt's own loader of runners, for a master that has no control."""
    opts = salt.config.DEFAULT_MASTER_OPTS.copy()
    opts |= {"extension_modules": str(tmp_path), "runner_dirs": plugin_dirs()["runners"]}
    opts |= {"sock_dir": str(tmp_path), "root_dir": str(tmp_path), "cachedir": str(tmp_path)}
    return salt.loader.runner(opts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_functions_of_every_file_have_the_same_first_name(loaded, path):
    for name in public(path):
        assert f"o2.{name}" in loaded


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_job_of_a_request_reaches_the_file_of_its_progress(loaded, path):
    """Salt gives it to the first function that it lists for a name."""
    assert loaded[f"o2.{public(path)[0]}"]
    first = next(name for name in loaded if name.startswith("o2."))
    assert first.removeprefix("o2.") in public(ROOT / "runners/o2.py")


def test_no_function_is_in_two_files():
    names = [name for path in FILES for name in public(path)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_stays_short(path):
    assert len(path.read_text().splitlines()) < LIMIT


def test_a_refused_request_fails_as_salt_expects(loaded):
    with pytest.raises(CommandExecutionError, match="no control at"):
        loaded["o2.env_list"]()


def test_a_function_of_another_file_fails_with_the_kind_of_its_cause(loaded, monkeypatch):
    from salt_o2.client.control_client import ControlClient
    from salt_o2.core.errors import UnknownNameError

    def refuse(*_, **__):
        raise UnknownNameError("there is no environment unknown")

    monkeypatch.setattr(ControlClient, "request", refuse)
    with pytest.raises(SaltInvocationError, match="no environment unknown"):
        loaded["o2.env_show"]("nobody")


PERSON = {"fun": "o2.env_list"}


@pytest.mark.parametrize(
    ("opts", "returned"),
    [
        pytest.param(PERSON, {"data": [1], "outputter": "o2"}, id="a-person-at-a-terminal"),
        pytest.param(PERSON | {"output": "json"}, [1], id="a-program-that-calls-salt-run"),
        pytest.param({}, [1], id="a-reactor-rule"),
    ],
)
def test_a_result_has_the_form_that_its_audience_takes(opts, returned):
    assert runner_output.with_outputter(opts, [1]) == returned


@pytest.mark.parametrize(
    ("given", "user"),
    [
        pytest.param({"__user__": "anna"}, "anna", id="authenticated"),
        pytest.param({"__user__": "sudo_anna"}, "sudo_anna", id="by-sudo"),
        pytest.param({"__user__": "Reactor"}, "Reactor", id="a-reactor-rule"),
        pytest.param({"__user__": "UNKNOWN"}, None, id="salt-does-not-know"),
        pytest.param({}, None, id="called-by-a-program"),
        pytest.param(
            {"__user__": "anna", "__opts__": {"id": "site_master"}}, "anna", id="a-rule-of-a-master"
        ),
        pytest.param(
            {"__user__": "anna", "__opts__": {"id": "own", "fun": "o2.info", "__cli": "salt-run"}},
            "anna",
            id="salt-run-on-a-master-with-an-id-of-its-own",
        ),
        pytest.param(
            {"__user__": "root", "__opts__": {"id": "flp3", "fun": "o2.info", "__cli": "salt-master"}},
            "minion flp3",
            id="a-minion-of-o2-peers",
            marks=pytest.mark.finding("X24"),
        ),
    ],
)
def test_the_requesting_user_is_the_one_that_salt_authenticated(given, user):
    assert runner_output.requesting_user(given) == user


def test_control_gets_the_requesting_user(loaded, monkeypatch):
    from salt_o2.client.control_client import ControlClient

    asked = []
    monkeypatch.setattr(ControlClient, "request", lambda self, *_, **__: asked.append(self.user))
    loaded["o2.ask"].__globals__["__user__"] = "anna"
    loaded["o2.env_list"]()
    assert asked == ["anna"]


LARGE = {"flp1": {"stdout": "x" * 1_500_000, "stderr": ""}}


@pytest.mark.finding("X26")
def test_salt_cuts_a_large_event_without_a_word():
    """Otherwise the other tests here could not fail."""
    from salt.utils.event import SaltEvent

    packed = SaltEvent.pack("salt/run/1/ret", {"return": LARGE}, max_size=runner_output.EVENT_BYTES)
    assert b"VALUE_TRIMMED" in packed


@pytest.mark.finding("X26")
@pytest.mark.parametrize(
    ("opts", "is_whole"),
    [
        pytest.param(PERSON, True, id="root-at-a-terminal"),
        pytest.param(PERSON | {"output": "json"}, True, id="root-for-a-program"),
        pytest.param({}, False, id="a-user-who-authenticates"),
        pytest.param({"max_event_size": 4 * 1_048_576}, True, id="a-site-with-larger-events"),
        pytest.param({"max_event_size": 1_500_000}, False, id="larger-events-but-not-large-enough"),
    ],
)
def test_an_answer_arrives_whole_or_is_replaced_by_a_notice(opts, is_whole):
    shown = runner_output.whole_or_nothing(opts, LARGE)
    if is_whole:
        assert shown == LARGE
        return
    assert shown["cut"]
    assert "salt-run on the master without -a" in shown["message"]
    assert "The request itself was carried out" in shown["message"]


@pytest.mark.finding("X26")
@pytest.mark.parametrize("bytes_", [1000, 1_000_000, 1_031_000, 1_033_000, 3_000_000])
def test_salt_cuts_no_answer_that_is_passed_on(bytes_):
    from salt.utils.event import SaltEvent

    shown = runner_output.whole_or_nothing({}, {"output": "x" * bytes_})
    event = {"return": shown, "fun": "runner.o2.host_log", "fun_args": ["flp1"] * 100, "jid": "2" * 20}
    packed = SaltEvent.pack("salt/run/1/ret", event, max_size=runner_output.EVENT_BYTES)
    assert b"VALUE_TRIMMED" not in packed


@pytest.mark.finding("X26")
def test_the_runner_says_when_an_answer_is_too_large(loaded, monkeypatch):
    from salt_o2.client.control_client import ControlClient

    monkeypatch.setattr(ControlClient, "request", lambda *_, **__: LARGE)
    assert loaded["o2.host_tasks"]("flp1")["cut"]
