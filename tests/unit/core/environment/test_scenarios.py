"""Scenarios of environments: golden files with the effects of the state machine, word for word."""

import difflib
from pathlib import Path

import pytest

from tests.support.scenarios.player import ScenarioSyntaxError, played

HERE = Path(__file__).with_name("scenarios")
SCENARIOS = sorted(HERE.glob("*.scenario"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_state_machine_has_the_effects_of_the_scenario(path, request):
    written, played_now = path.read_text(), played(path.read_text())
    if request.config.getoption("--rewrite-scenarios"):
        path.write_text(played_now)
    elif played_now != written:
        pytest.fail(_difference(path.name, written, played_now), pytrace=False)


def _difference(name, written, now):
    lines = difflib.unified_diff(
        written.splitlines(), now.splitlines(), f"{name}, as written", f"{name}, as it is now", lineterm=""
    )
    return "\n".join(
        (*lines, "", "If the new effects are right: pytest --rewrite-scenarios, and read the diff.")
    )


def test_at_least_twenty_scenarios_exist():
    assert len(SCENARIOS) >= 20


def test_every_scenario_begins_with_its_subject():
    assert [path.name for path in SCENARIOS if not path.read_text().startswith("# ")] == []


SHORT = """\
# One task is deployed

given task a on h1

when teo asks for DEPLOY
  the moon gets a command

when h1 obeys
"""


def test_text_below_a_step_is_never_an_input():
    without = "\n".join(line for line in SHORT.splitlines() if not line.startswith("  ")) + "\n"
    assert played(SHORT) == played(without)
    assert "moon" not in played(SHORT)


def test_a_rewritten_scenario_stays_the_same():
    assert played(played(SHORT)) == played(SHORT)


def test_a_wrong_scenario_is_shown_as_a_difference():
    shown = _difference("short.scenario", SHORT, played(SHORT))
    assert "-  the moon gets a command" in shown
    assert "+  h1 gets command [1]: start a -> STANDBY in 90 s" in shown
    assert "--rewrite-scenarios" in shown


@pytest.mark.parametrize(
    "line",
    ["when pigs fly", "given a horse", "once upon a time", "when teo modifies it: paint a"],
    ids=["no such event", "no such thing", "no such part", "no such change"],
)
def test_a_sentence_outside_the_grammar_is_an_error(line):
    with pytest.raises(ScenarioSyntaxError):
        played(f"{SHORT}{line}\n" if line.startswith("when") else f"{line}\n{SHORT}")
