"""The commands of the how-tos, as they are printed, one after the other on a real cluster."""

import re
import shlex
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

HOWTO = Path(__file__).resolve().parents[3] / "docs" / "howto"
ID, TOKEN = "2oDvieFrVTi", "KWff3wNJq1o"
"""What stands in the texts for an id and a token."""


def commands(page):
    blocks = re.findall(r"```sh\n(.*?)```", (HOWTO / page).read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def carry_out(workshop, line, known):
    """Run one printed command with what the commands before it gave; return what it printed."""
    program, *words = shlex.split(line)
    words = [known.get(word, word) for word in words]
    words = [word.replace(ID, known.get(ID, ID)) for word in words]
    done = workshop.cluster.run(program, *words)
    assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
    for name, pattern in ((ID, r"environment id: +(\S+)"), (TOKEN, r"--plan (\S+)")):
        if found := re.search(pattern, done.stdout):
            known[name] = found[1]
    return done.stdout


@pytest.mark.parametrize("page", ["plan-before.md", "reshape-a-run.md"])
def test_every_command_of_the_page_does_what_it_says(workshop, page):
    known = {}
    lines = commands(page)
    assert len(lines) > 4
    for line in lines:
        assert carry_out(workshop, line, known)
    assert set(known) >= {ID}
