"""Stories of environments: golden files that the real machine must tell word for word."""

import difflib
from pathlib import Path

import pytest

from tests.support.scenarios.player import ScenarioSyntaxError, played

HERE = Path(__file__).with_name("scenarios")
STORIES = sorted(HERE.glob("*.story"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_machine_tells_the_story(path, request):
    written, told = path.read_text(), played(path.read_text())
    if request.config.getoption("--rewrite-stories"):
        path.write_text(told)
    elif told != written:
        pytest.fail(_difference(path.name, written, told), pytrace=False)


def _difference(name, written, told):
    lines = difflib.unified_diff(
        written.splitlines(), told.splitlines(), f"{name}, as written", f"{name}, as it is now", lineterm=""
    )
    return "\n".join((*lines, "", "If this is what shall be: pytest --rewrite-stories, and read the diff."))


def test_there_are_stories():
    assert len(STORIES) >= 20


def test_every_story_begins_with_what_it_is_about():
    assert [path.name for path in STORIES if not path.read_text().startswith("# ")] == []


SHORT = """\
# One task is deployed

given task a on h1

when teo asks for DEPLOY
  the moon is told a fairy tale

when h1 obeys
"""


def test_what_is_written_below_a_step_is_never_an_input():
    without = "\n".join(line for line in SHORT.splitlines() if not line.startswith("  ")) + "\n"
    assert played(SHORT) == played(without)
    assert "moon" not in played(SHORT)


def test_a_story_that_was_told_is_told_again_the_same():
    assert played(played(SHORT)) == played(SHORT)


def test_a_wrong_story_is_shown_as_a_difference():
    told = _difference("short.story", SHORT, played(SHORT))
    assert "-  the moon is told a fairy tale" in told
    assert "+  h1 is told [1]: start a -> STANDBY in 90 s" in told
    assert "--rewrite-stories" in told


@pytest.mark.parametrize(
    "line",
    ["when pigs fly", "given a horse", "once upon a time", "when teo modifies it: paint a"],
    ids=["no such event", "no such thing", "no such part", "no such change"],
)
def test_a_sentence_that_nobody_understands_is_an_error(line):
    with pytest.raises(ScenarioSyntaxError):
        played(f"{SHORT}{line}\n" if line.startswith("when") else f"{line}\n{SHORT}")
